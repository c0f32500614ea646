"""A story file's mistakes are told with file, line and a sentence; good files are read as meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from jieli.stories import demo, queries, reading, script, verbs, words

HEAD = """\
story: trial
zone: Asia/Shanghai
t0: 2026-03-01T12:45
sites:
  hub: {name: 远山医院, tier: city}
  spoke: {name: 近水医院}
cast:
  RES: {name: 甲, site: spoke, role: neonatologist}
  SURG: {name: 乙, site: hub, role: pediatric-surgeon, privileges: [{technique: PGS-X, site: hub}]}
agreements: [{from: spoke, to: hub, modes: [consult]}]
steps:
"""
FIRST_STEP = HEAD.count("\n") + 1
RAISE = "  - {n: 5, at: 45, by: RES, do: raise_request, with: {patient: P1, problem: x}}\n"


def parse(text: str) -> script.Story:
    return reading.parse(text, "trial.yaml", demo.alliance())


def mistakes(text: str) -> list[str]:
    with pytest.raises(script.ScriptError) as caught:
        parse(text)
    return caught.value.sentences


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("{at: 1, by: RES, do: raise_requst}", "`do: raise_requst`: no such verb. Did you mean"),
        ("{at: 1, by: REZ, do: accept}", "`by: REZ`: nobody has this name in `cast`"),
        ("{at: 1, by: RES, do: accept, whit: {}}", "Unknown key `whit` in a step. Did you mean"),
        ("{at: 1, by: RES, do: accept, with: {reqest: 1}}", "Unknown field `reqest` of accept"),
        ("{at: ten, by: RES, do: accept}", "`at: ten`"),
        ("{at: 1, do: accept}", "`by` is missing: who does it?"),
        ("{at: 1, by: RES}", "`do` is missing."),
        ("{at: 1, by: RES, do: accept, same_key_as: 9}", "There is no step 9"),
        ("{at: 1, by: RES, do: accept, expect: {status: fine}}", "write one of ok, duplicate"),
        ("{at: 1, by: RES, do: accept, expect: {refused: 200}}", "write 400 to 499"),
        ("{at: 1, by: RES, do: raise_request, with: {urgency: U9}}", "`urgency: U9`"),
        ("{at: 1, by: RES, do: raise_request, with: {specialty: foo}}", "no such specialty"),
        ("{at: 1, by: RES, do: raise_request, with: {technique: NO}}", "no such technique"),
        ("{at: 1, by: SURG, do: pass_on, with: {to: NOBODY}}", "`to: NOBODY`: nobody has this"),
        ("{at: 1, by: SURG, do: sign_opinion, with: {indication: maybe}}", "`indication: maybe`"),
        ("{at: 1, by: RES, do: sign_decision, with: {option: FLY}}", "no such option"),
        ("{at: 1, by: RES, do: observe, with: {spo22: 90}}", "Unknown field `spo22` of observe"),
    ],
)
def test_a_mistake_in_a_step_names_its_line(step: str, sentence: str) -> None:
    found = mistakes(f"{HEAD}{RAISE}  - {step}\n")
    assert len(found) == 1, found
    assert found[0].startswith(f"trial.yaml:{FIRST_STEP + 1}: ")
    assert sentence in found[0]


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("zone: Asia/Shanghai", "zone: Asia/Nowhere", 2, "no such time zone"),
        ("t0: 2026-03-01T12:45", "t0: soon", 3, "`t0: soon`"),
        ("t0: 2026-03-01T12:45\n", "", 1, "`t0` is missing."),
        ("tier: city", "tier: village", 5, "write one of national"),
        ("name: 近水医院", "nmae: 近水医院", 6, "Unknown key `nmae`"),
        ("role: neonatologist", "role: wizard", 8, "no such role"),
        ("site: spoke, role", "site: moon, role", 8, "no such site"),
        ("modes: [consult]", "modes: [consult, magic]", 10, "Unknown mode `magic`"),
        ("{from: spoke", "{from: spook", 10, "no such site. Did you mean `spoke`?"),
        ("story: trial", "story: trial\nstory: again", 2, "`story` stands twice"),
        ("steps:", "steps: [", 12, "not YAML"),
    ],
)
def test_a_mistake_elsewhere_names_its_line(old: str, new: str, line: int, sentence: str) -> None:
    found = mistakes((HEAD + RAISE).replace(old, new))
    assert any(each.startswith(f"trial.yaml:{line}: ") and sentence in each for each in found), (
        found
    )


def test_all_mistakes_are_told_at_once() -> None:
    text = HEAD.replace("tier: city", "tier: village") + RAISE.replace("raise_request", "rise")
    assert len(mistakes(text)) == 2


def test_two_steps_of_one_number() -> None:
    assert "There are two steps 5." in mistakes(HEAD + RAISE + RAISE)[0]


def test_steps_happen_in_the_order_of_their_time_whatever_the_order_of_lines() -> None:
    story = parse(
        HEAD
        + "  - {n: late, at: 90, by: SURG, do: accept}\n"
        + '  - {n: "5-again", at: 46, by: RES, do: raise_request, same_key_as: 5}\n'
        + RAISE
        + "  - {n: same, at: 46, by: SURG, do: accept}\n"
    )
    assert [step.n for step in story.steps] == ["5", "5-again", "same", "late"]


def test_a_key_cannot_be_used_again_before_it_was_used() -> None:
    text = HEAD + RAISE + "  - {n: 4, at: 1, by: RES, do: raise_request, same_key_as: 5}\n"
    assert "cannot come first" in mistakes(text)[0]


def test_times() -> None:
    story = parse(
        HEAD
        + "  - {n: a, at: 45.5, by: RES, do: observe, occurred_at: 0}\n"
        + "  - {n: b, at: 46, by: RES, do: observe, occurred_at: 10:45 新疆时间}\n"
        + "  - {n: c, at: 47, by: RES, do: observe, occurred_at: 2026-03-01T13:00}\n"
    )
    first, second, third = story.steps
    assert (first.at, first.occurred_at, first.zone) == (45.5, 0, "beijing")
    assert (second.occurred_at, second.zone) == (0, "xinjiang")  # 10:45 there is 12:45 here
    assert third.occurred_at == 15
    assert story.t0.utcoffset() is not None


def test_people_whom_a_file_does_not_name_come_from_the_demo_alliance() -> None:
    story = parse(HEAD + RAISE + "  - {n: 6, at: 49, by: DUTY, do: accept}\n")
    assert story.steps[-1].by == "DUTY"


def test_an_american_spelling_is_read() -> None:
    assert parse(HEAD + RAISE).cast["SURG"].role.specialty == "paediatric-surgery"


@pytest.mark.parametrize(
    ("word", "kind", "specialty"),
    [
        ("neonatologist", "expert", "neonatology"),
        ("paediatric-surgeon", "expert", "paediatric-surgery"),
        ("Anesthesiologist", "expert", "anaesthesia"),
        ("interventional_cardiologist", "expert", "interventional-cardiology"),
        ("emergency-physician", "expert", "emergency-medicine"),
        ("orthopedic surgeon", "expert", "orthopaedics"),
        ("ENT-surgeon", "expert", "ent"),
        ("neurosurgeon", "expert", "neurosurgery"),
        ("pediatric-resident", "doctor", "paediatrics"),
        ("icu-nurse", "nurse", "intensive-care"),
        ("duty-officer", "duty_officer", None),
        ("director", "director", None),
        ("outsider", "doctor", None),
        ("新生儿科医师", "expert", "neonatology"),
        ("guardian", "family", None),
    ],
)
def test_role_words(word: str, kind: str, specialty: str | None) -> None:
    role = words.role(word)
    assert role is not None
    assert (role.kind, role.specialty) == (kind, specialty)


def test_later_verbs_are_known_and_later_fields_too() -> None:
    story = parse(HEAD + "  - {at: 1, by: SURG, do: sign_plan, with: {anything: goes}}\n")
    assert story.steps[0].do in verbs.LATER_VERBS


@pytest.mark.parametrize("path", queries.story_paths(), ids=lambda path: path.stem)
def test_our_own_stories_have_no_mistakes(path: Path) -> None:
    story = reading.load(path, demo.alliance())
    assert story.name == path.stem
    assert story.asserts


def test_every_verb_is_in_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "stories.md").read_text()
    missing = [v for v in [*verbs.VERBS, *verbs.LATER_VERBS] if f"`{v}`" not in manual]
    assert not missing
