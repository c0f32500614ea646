"""Instance files that people write: good, odd and bad. A bad one gets one line, no traceback."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jieli.rules.planner import BadInstance, answers
from jieli.web import plan as command

SPEC = Path(__file__).parent / "example.json"  # the form shown in planner.md §2
EXAMPLE = json.loads(SPEC.read_text())


def refusal(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    with pytest.raises(BadInstance) as fault:
        answers.answer(text)
    assert "\n" not in str(fault.value)
    return str(fault.value)


def changed(path: str, value: Any) -> Any:
    """The example with one value put in, e.g. at `options.0.time`."""
    made = copy.deepcopy(EXAMPLE)
    place = made
    *way, last = (int(key) if key.isdigit() else key for key in path.split("."))
    for key in way:
        place = place[key]
    place[last] = value
    return made


def test_the_example() -> None:
    found = json.loads(answers.answer(SPEC.read_bytes()))
    assert list(found) == ["ranked", "none_feasible", "options", "announce"]
    assert found["ranked"] == ["dispatch-1"]
    assert found["announce"] == ["no option meets 840; best by 1440 is dispatch-1 (0.998)"]
    keys = "barred p mean p10 p50 p90 p_event_en_route u equivalent_to why would_change"
    assert list(found["options"]["dispatch-1"]) == keys.split()
    assert found["options"]["transfer-1"]["barred"] == ["C4"]
    assert found["options"]["transfer-1"]["p_event_en_route"]["birth"] == pytest.approx(
        0.842, abs=0.002
    )


def test_the_example_of_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs/planner.md").read_text()
    found = json.loads(answers.answer(text.split("```json\n")[1].split("```")[0].encode()))
    options = found["options"]
    assert found["ranked"] == ["train", "transfer"]
    assert options["train"]["equivalent_to"] == ["transfer"]
    assert [o["p"]["360"] for o in options.values()] == pytest.approx([1, 1, 1], abs=5e-4)
    assert options["transfer"]["p"]["240"] == pytest.approx(0.899, abs=5e-4)
    assert "by 240 it is transfer (U 0.882)" in found["announce"][0]
    assert "it would be first" in options["guided"]["would_change"][0]
    assert options["transfer"]["p_event_en_route"]["perforation"] == pytest.approx(2e-3, abs=5e-4)
    several = re.search(r'`(\{"cases".*?\})` → `(.*?)`\. Rows', text)
    assert several
    assert json.loads(answers.answer(several[1].encode())) == json.loads(several[2])


def test_the_same_bytes_again() -> None:
    assert answers.answer(SPEC.read_bytes()) == answers.answer(SPEC.read_bytes())


LEG = "options.0.time.add.1.lognormal"
BAD = [
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (b"\xff\xfe\x00", "not UTF-8 text"),
    (b"[]", "must be an object, not a list"),
    (b"null", "must be an object, not null"),
    (b"{}", 'key "case" is missing'),
    (b'{"case": {}, "case": {}}', 'key "case" stands twice'),
    (b'{"case": NaN}', "NaN is not a number"),
    (b'{"case": -Infinity}', "-Infinity is not a number"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"a":' * 100_000, "nested too deeply"),
    (b'{"case": {"windows": [' + b"9" * 5000 + b"]}}", "not JSON"),
    (changed("extra", 1), 'unknown key "extra"'),
    (changed("case.extra", 1), 'case: unknown key "extra"'),
    (changed("case.windows", []), "case.windows: needs a window"),
    (changed("case.windows", None), "case.windows: must be a list, not null"),
    (changed("case.windows", 840), "case.windows: must be a list, not a number"),
    (changed("case.windows", [1440, 840]), "case.windows[1]: must increase: 840 stands after 1440"),
    (changed("case.windows", [840, 840]), "case.windows[1]: must increase"),
    (changed("case.windows", [True]), "case.windows[0]: must be a number, not true"),
    (changed("case.windows", ["840"]), "case.windows[0]: must be a number, not a text"),
    (changed("case.windows", [1e300]), "case.windows[0]: must be from"),
    (changed("case.windows", [10**400]), "not a number of more than 300 digits"),
    (changed("case.release", None), "case.release: must be a number, not null"),
    (changed("case.stability", "S4"), 'case.stability: must be one of S0, S1, S2, S3, not "S4"'),
    (changed("case.stability", ""), "case.stability: must be one of"),
    (changed("case.decay", []), "case.decay: must not be empty"),
    (changed("case.decay", [[0, 1], [0, 0]]), "case.decay[1]: must increase"),
    (changed("case.decay", [[0]]), "case.decay[0]: must be a list of two, [minute, value]"),
    (changed("case.decay", [[0, "1"]]), "case.decay[0][1]: must be a number, not a text"),
    (changed("case.decay", 1), "case.decay: must be a list"),
    (changed("case.events", {}), "case.events: must be a list, not an object"),
    (changed("case.events.0", {"name": "birth"}), 'case.events[0]: key "time" is missing'),
    (changed("case.events.0.name", ""), "case.events[0].name: must have 1 to 200 characters"),
    (changed("options", []), "options: must not be empty"),
    (changed("options", {}), "options: must be a list, not an object"),
    (changed("options.0", 5), "options[0]: must be an object, not a number"),
    (changed("options.1.id", "dispatch-1"), "options[1].id: the same as in options[0]"),
    (changed("options.0.id", 5), "options[0].id: must be a text, not a number"),
    (changed("options.0.id", "a\nb"), "options[0].id: has characters that cannot be shown"),
    (changed("options.0.id", "\ud800"), "options[0].id: has characters that cannot be shown"),
    (changed("options.0.template", "FLY"), "options[0].template: must be one of LOCAL, LIVE"),
    (changed("options.0.qualty", 1), 'options[0]: unknown key "qualty"'),
    (changed("options.0.quality", 1.1), "options[0].quality: must be from 0 to 1, not 1.1"),
    (changed("options.0.quality", True), "options[0].quality: must be a number, not true"),
    (changed("options.0.burden", -1), "options[0].burden: must be from 0"),
    (changed("options.0.patient_moves", 1), "options[0].patient_moves: must be true or false"),
    (changed("options.0.barred", ["C9"]), "options[0].barred[0]: must be one of C1, C2"),
    (changed("options.0.barred", "C1"), "options[0].barred: must be a list, not a text"),
    (changed("options.0.transit", [1]), "options[0].transit: must be a list of two"),
    (changed("options.0.transit", [9, 1]), "options[0].transit: arrives at 1, before it leaves"),
    (
        changed("options.0.transit", [{"add": [9]}, 1]),
        "options[0].transit: arrives, on average, before",
    ),
    (changed("options.0.windows", {}), "options[0].windows: must be a list, not an object"),
    (changed("options.0.time", None), "options[0].time: must be a number, not null"),
    (changed("options.0.time", {}), "options[0].time: must have one key"),
    (changed("options.0.time", {"add": [1], "join": [1]}), "options[0].time: must have one key"),
    (changed("options.0.time", {"sum": [1]}), 'options[0].time: unknown key "sum"'),
    (changed("options.0.time", {"add": []}), "options[0].time.add: must not be empty"),
    (changed("options.0.time", {"join": 5}), "options[0].time.join: must be a list"),
    (changed(LEG, [20, -0.5]), "options[0].time.add[1].lognormal[1] (sigma): must be from 0 to 3"),
    (changed(LEG, [0, 0.5]), "lognormal[0] (median): must be more than 0"),
    (changed(LEG, [1e-300, 0.5]), "lognormal[0] (median): must be more than 0"),
    (changed(LEG, [-5, 0.5]), "lognormal[0] (median): must be from 0"),
    (changed(LEG, [20]), "options[0].time.add[1].lognormal: must be [median, sigma]"),
    (changed(LEG, [20, 0.5, "1"]), "lognormal[2] (shift): must be a number, not a text"),
    (changed(LEG, [20, False]), "lognormal[1] (sigma): must be a number, not false"),
    (changed("options.0.time.add.0.calendar.cutoff", -1), "calendar.cutoff: must be from 0"),
    (
        changed("options.0.time.add.0.calendar.departures", [[75, -380]]),
        "options[0].time.add[0].calendar.departures[0][1]: must be from 0",
    ),
    (changed("options.0.time.add.0.calendar.departures", [[75]]), "departures[0]: must be a list"),
    (changed("options.0.time.add.0.calendar.by", 1), 'calendar: unknown key "by"'),
    (
        changed("options.0.time", {"curfew": {"after": 1, "closed": [[9, 5]], "then": 1}}),
        "options[0].time.curfew.closed[0]: ends at 5, not after 9",
    ),
    (
        changed("options.0.time", {"curfew": {"after": 1, "closed": [[5, 9], [8, 10]], "then": 1}}),
        "options[0].time.curfew.closed: spans overlap: one ends at 9, one begins at 8",
    ),
    (
        changed("options.0.time", {"curfew": {"after": 1, "closed": []}}),
        'options[0].time.curfew: key "then" is missing',
    ),
    (changed("cases", {}), "are mixed"),
    (changed("u", []), "are mixed"),
]


@pytest.mark.parametrize(("given", "said"), BAD, ids=[said[:60] for _, said in BAD])
def test_bad_files_say_where_and_what(given: Any, said: str) -> None:
    assert said in refusal(given)


def test_too_deep_an_expression() -> None:
    time: Any = 5
    for _ in range(60):
        time = {"add": [time]}
    assert "nested deeper than 40 expressions" in refusal(changed("options.0.time", time))


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([60, 0.3, [60, 0.3], [[5, 9]], [[0, 1], [90, 0]], "S3", "C1", "LIVE"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["lognormal", "add", "join", "calendar", "curfew", "after", "then"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=6,
)
PLACES = [
    *(f"case.{key}" for key in EXAMPLE["case"]),
    *(f"options.0.{key}" for key in (*EXAMPLE["options"][0], "windows", "decay", "retrieval")),
    "options.0.time.add.0.calendar.after",
    "options.0.time.add.0.calendar.departures",
    LEG,
    "case.events.0.time",
    "options.1.transit",
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), anything)
def test_anything_anywhere_is_answered_or_refused(place: str, value: Any) -> None:
    text = json.dumps(changed(place, value)).encode()
    try:
        found = json.loads(answers.answer(text))
    except BadInstance as fault:
        assert "\n" not in str(fault)
        return
    for one in found["options"].values():
        assert all(0 <= p <= 1 for p in one["p"].values())


# -- the command -----------------------------------------------------------------------------------


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Without a home, a database or a setting."""
    return subprocess.run(
        [sys.executable, "-m", "jieli.web.manage", "plan", *arguments],
        input=given,
        capture_output=True,
        env={"PATH": "/nowhere", "HOME": "/nowhere", "PYTHONPATH": ":".join(sys.path)},
    )


def test_a_file_and_standard_input_give_the_same() -> None:
    by_name, by_input = run(str(SPEC)), run("-", given=SPEC.read_bytes())
    assert (by_name.returncode, by_name.stderr) == (0, b"")
    assert by_name.stdout == by_input.stdout == answers.answer(SPEC.read_bytes())


def test_the_command_loads_no_django() -> None:
    code = (
        "import sys; sys.argv = ['jieli', 'plan', '--help']\n"
        "import jieli.web.manage as m\n"
        "try: m.main()\nexcept SystemExit as e: assert not e.code\n"
        "assert not any(n.split('.')[0] in ('django', 'psycopg') for n in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (["-"], b"{", "standard input: not JSON"),
        (["/nowhere/x.json"], b"", "cannot read '/nowhere/x.json': No such file"),
        (["/"], b"", "cannot read '/': Is a directory"),
        ([], b"", "give one instance file"),
        (["a", "b"], b"", "give one instance file"),
        (["--fast"], b"", "give one instance file"),
        (["-"], '{"病例": 1}'.encode(), "unknown key"),
    ],
)
def test_one_line_and_2(
    arguments: list[str], given: bytes, said: str, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sys, "stdin", type("Input", (), {"buffer": _Bytes(given)})())
    assert command.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("jieli plan: ")
    assert said in err
    assert err.count("\n") == 1


class _Bytes:
    def __init__(self, given: bytes) -> None:
        self.given = given

    def read(self) -> bytes:
        return self.given
