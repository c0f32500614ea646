"""Stories against real servers: ours, and the same in other words, orders and numbers."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.installation import Installation

pytestmark = pytest.mark.slow
STORIES = Path(__file__).parents[2] / "content" / "stories"


def headless(place: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Through the command, as those play it who check us."""
    return subprocess.run(
        [sys.executable, "-m", "jieli.web.manage", "demo", "--headless", *arguments],
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=900,
    )


def play(place: Installation, *arguments: str) -> list[dict[str, Any]]:
    out = place.home / "result.json"
    done = headless(place, f"--json={out}", *arguments)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found: list[dict[str, Any]] = json.loads(out.read_text())
    return found


def wrong(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in result["assertions"] if not each["ok"]]


def test_kashgar_and_its_twins(installation: Installation) -> None:
    results = play(installation)
    assert [result["story"] for result in results] == [
        "kashgar",
        "kashgar-1a",
        "kashgar-1b",
        "kashgar-1c",
    ]
    assert not [wrong(result) for result in results if wrong(result)]
    held = {each["name"] for each in results[0]["assertions"]}
    assert held >= {
        "C1a_minutes",
        "C1b_minutes",
        "request_to_opinion_minutes",
        "decision_signed",
        "opinion_and_decision_signers_differ",
        "chain_verified",
        "step 5-again",
        "C2_minutes",
        "C2_target_met",
        "C2_hard_met",
        "best_option",
        "target_miss_announced_minute",
        "transfer_out",
        "gates_signed",
        "time_out_before_incision",
        "step 16-early",
    }
    assert not [name for name in results[0]["absent"] if "checklist" in name]
    assert not [name for name in results[0]["absent"] if "temporise" in name]
    assert not {a for a in results[0]["absent"] if "mission" in a or "procedure" in a}


TWINS = {
    "suzhou": {
        "suzhou-3a": {"guidance_sessions", "guidance_status", "step 10", "step 8"},
        "suzhou-3b": {
            "guidance_converted",
            "guidance_degraded",
            "guidance_suspended",
            "remote_guided",
            "step 19-guide",
            "step 7-stop",
        },
        "suzhou-3c": {"guidance_corrected", "remote_guided", "step 14-again"},
    }
}


@pytest.mark.parametrize(
    ("story", "names"),
    [
        ("transfer", {"transfer_out", "missions", "C2_minutes", "step 6-second", "step 9-old"}),
        ("shanxi", {"twins_transfer_barred", "best_option"}),
        (
            "suzhou",
            {"level4_operations", "level4_onsite_guided", "remote_guided", "level4_mdt_done",
             "guidance_sessions", "step 7-self", "step 6-early", "step 14-none"},
        ),
        ("zhangjiakou", {"local_option_hours", "transfer_option_hours", "step 5-nonsense"}),
    ],
)  # fmt: skip
def test_patients_who_move_wait_or_must_not(
    installation: Installation, story: str, names: set[str]
) -> None:
    """With its twins, which are named after it."""
    results = {result["story"]: result for result in play(installation, f"--story={story}")}
    for twin, held in {story: names, **TWINS.get(story, {})}.items():
        result = results.pop(twin)
        assert not wrong(result)
        assert {each["name"] for each in result["assertions"]} >= held
        assert not [each for each in result["absent"] if each.startswith("step ")]
    assert not results


def variation(seed: int) -> tuple[str, dict[str, Any]]:
    """The same relay between other hospitals and people, at other minutes, lines shuffled."""
    dice = random.Random(seed)
    raise_at = dice.choice([0, 3, 45, 61.5])
    accept, live = dice.randint(1, 9), dice.randint(10, 29)
    signed = live + dice.randint(5, 25)
    read, decided = signed + dice.randint(1, 8), signed + dice.randint(10, 25)
    specialty, role = dice.choice(
        [
            ("toxicology", "toxicologist"),
            ("pediatric-surgery", "pediatric_surgeon"),
            ("neurosurgery", "neurosurgeon"),
            ("obstetrics", "obstetrician"),
        ]
    )
    accepts = dice.choice(["DUTY", "EXP"])
    zone = dice.choice(["Asia/Shanghai", "Asia/Urumqi"])
    lines = [
        f"{{n: a, at: {raise_at}, by: DOC, do: raise_request, with: {{patient: X9, "
        f"problem: 求助 {seed}, urgency: U1, specialty: {specialty}}}}}",
        f"{{n: b, at: {raise_at + accept}, by: {accepts}, do: accept}}",
        f"{{n: again, at: {raise_at + accept + 0.5}, by: DOC, do: raise_request, "
        "same_key_as: a, expect: {status: duplicate}}",
        f"{{n: other, at: {raise_at + accept + 1}, by: DOC, do: raise_request, same_key_as: a, "
        "with: {problem: 另一个病人}, expect: {refused: 409}}",
        f"{{n: c, at: {raise_at + live}, by: EXP, do: join_consult}}",
        f"{{n: d, at: {raise_at + signed}, by: EXP, do: sign_opinion, "
        "with: {indication: confirmed, text: 有指征}}",
        f"{{n: e, at: {raise_at + read}, by: DOC, do: mark_read}}",
        f"{{n: f, at: {raise_at + decided}, by: DOC, do: sign_decision, "
        "with: {option: LOCAL, text: 在本院做, alternatives: {TRANSFER: 路远}}}",
        f"{{n: out, at: {raise_at + 2}, by: STRANGER, do: view_case, expect: {{refused: 404}}}}",
        f"{{n: vitals, at: {max(raise_at - 5, -5)}, by: DOC, do: observe, with: {{hr: 120}}}}",
    ]
    dice.shuffle(lines)
    asserts = {
        "C1a_minutes": accept,
        "C1b_minutes": live,
        "request_to_opinion_minutes": signed,
        "decision_signed": "true",
        "opinion_and_decision_signers_differ": "true",
        "chain_verified": "true",
    }
    text = f"""\
story: variation-{seed}
zone: {zone}
t0: 2026-0{dice.randint(1, 9)}-1{dice.randint(0, 9)}T{dice.randint(10, 22)}:{dice.randint(10, 59)}
sites:
  up{seed}: {{name: 上级医院 {seed}, tier: city}}
  down{seed}: {{name: 下级医院 {seed}, tier: township}}
  far{seed}: {{name: 外地医院 {seed}, tier: county}}
cast:
  DOC: {{name: 求助医生 {seed}, site: down{seed}, role: general-practitioner}}
  EXP: {{name: 专家 {seed}, site: up{seed}, role: {role}}}
  STRANGER: {{name: 外人 {seed}, site: far{seed}, role: resident}}
agreements: [{{from: down{seed}, to: up{seed}, modes: [consult], until: 2030-01-01}}]
steps:
""" + "".join(f"  - {line}\n" for line in lines)
    text += "asserts:\n" + "".join(f"  {name}: {value}\n" for name, value in asserts.items())
    return text, asserts


def test_variations(installation: Installation) -> None:
    files = []
    for seed in range(4):
        path = installation.home / f"variation-{seed}.yaml"
        path.write_text(variation(seed)[0], encoding="utf-8")
        files += ["--story-file", str(path)]
    results = play(installation, "--strict", *files)
    assert len(results) == 4
    assert not [(r["story"], wrong(r)) for r in results if wrong(r)]


def test_an_expired_agreement_refuses_and_a_wrong_expectation_fails(
    installation: Installation,
) -> None:
    text = (STORIES / "kashgar.yaml").read_text().replace("until: 2028-12-31", "until: 2026-02-28")
    path = installation.home / "expired.yaml"
    path.write_text(text, encoding="utf-8")
    out = installation.home / "result.json"
    done = headless(installation, f"--story-file={path}", f"--json={out}")
    assert done.returncode == 1
    names = {each["name"]: each["actual"] for each in wrong(json.loads(out.read_text())[0])}
    assert str(names["step 5"]).startswith("409")


def test_exit_codes(installation: Installation, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("story: x\nt0: 2026-03-01T12:45\nstepz: []\n")
    done = headless(installation, f"--story-file={bad}")
    assert done.returncode == 2
    assert f"{bad}:3: Unknown key `stepz` in the story. Did you mean `steps`?" in done.stderr
    assert headless(installation, "--story=suzhou").returncode == 0
    everything_absent = headless(installation, "--story=suzhou", "--strict")
    assert everything_absent.returncode == 1
