"""Several cases at once, against every possible assignment."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jieli.rules.planner import BadInstance, answers
from jieli.rules.planner.assignment import Assignment, assign, cases


def assigned(options: dict[str, list[str]], u: list[list[float]]) -> Assignment:
    return assign(cases({"cases": options, "u": u}))


def test_not_greedy() -> None:
    found = assigned({"A": ["x", "y"], "B": ["x", "y"]}, [[0.9, 0.8], [0.85, 0.1]])
    assert found.given == {"A": "y", "B": "x"}
    assert found.total == pytest.approx(1.65)


def test_columns_are_the_options_of_each_case_and_a_case_may_go_without() -> None:
    found = assigned({"A": ["x"], "B": ["y", "x"], "C": [], "D": ["x"]}, [[1], [0.5, 1], [], [0.2]])
    assert found.given == {"A": "x", "B": "y", "C": None, "D": None}
    assert found.total == 1.5


def test_an_option_of_no_use_is_not_given() -> None:
    assert assigned({"A": ["x"]}, [[0]]).given == {"A": None}


def every_way(options: dict[str, list[str]], u: list[list[float]]) -> float:
    best = 0.0
    for way in itertools.product(*([*ids, None] for ids in options.values())):
        used = [one for one in way if one]
        if len(used) == len(set(used)):
            rows = zip(options.values(), u, way, strict=True)
            best = max(best, sum(row[ids.index(one)] for ids, row, one in rows if one))
    return best


@st.composite
def instances(draw: st.DrawFn) -> tuple[dict[str, list[str]], list[list[float]]]:
    names = draw(st.integers(1, 5))
    lists = st.lists(st.sampled_from("uvwxyz"), max_size=4, unique=True)
    options = {f"case {n}": draw(lists) for n in range(names)}
    value = st.integers(0, 20).map(lambda n: n / 20)
    return options, [[draw(value) for _ in ids] for ids in options.values()]


@settings(max_examples=200, deadline=None)
@given(instances())
def test_no_other_way_is_better(made: Any) -> None:
    options, u = made
    found = assigned(options, u)
    assert found.total == pytest.approx(every_way(options, u), abs=1e-9)
    used = [one for one in found.given.values() if one]
    assert len(used) == len(set(used))
    assert all(one is None or one in options[name] for name, one in found.given.items())


def test_ten_cases_of_forty_options() -> None:
    ids = [f"o{n}" for n in range(40)]
    u = [[((7 * a + 3) * (b + 11) % 97) / 97 for b in range(40)] for a in range(10)]
    found = assigned({f"c{n}": ids for n in range(10)}, u)
    assert len(set(found.given.values())) == 10
    # No exchange of two, and no move to a free one, is better.
    rows = [ids.index(one or "") for one in found.given.values()]
    for a, b in itertools.combinations(range(10), 2):
        assert u[a][rows[a]] + u[b][rows[b]] >= u[a][rows[b]] + u[b][rows[a]] - 1e-12


def test_the_answer() -> None:
    text = json.dumps({"cases": {"甲": ["x"], "乙": ["x"]}, "u": [[0.3], [0.4]]}).encode()
    assert json.loads(answers.answer(text)) == {"assignment": {"甲": None, "乙": "x"}, "sum": 0.4}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cases": {}, "u": []}, "cases: must be an object with at least one case"),
        ({"cases": {"A": ["x"]}}, 'key "u" is missing'),
        ({"cases": {"A": ["x"]}, "u": []}, "u: has 0 rows for 1 cases"),
        ({"cases": {"A": ["x"]}, "u": [[1, 2]]}, "u[0]: has 2 values for the 1 options of case A"),
        ({"cases": {"A": ["x", "x"]}, "u": [[1, 2]]}, 'cases.A[1]: "x" stands twice'),
        ({"cases": {"A": ["x"]}, "u": [[-1]]}, "u[0][0]: must be from 0"),
        ({"cases": {"A": ["x"]}, "u": [[True]]}, "u[0][0]: must be a number, not true"),
        ({"cases": {"A": ["x"]}, "u": [[None]]}, "u[0][0]: must be a number, not null"),
        ({"cases": {"A": "x"}, "u": [[1]]}, "cases.A: must be a list, not a text"),
        ({"cases": {"A": ["x"]}, "u": [[1]], "case": {}}, "are mixed"),
        ({"cases": {"A": ["x"]}, "u": [[1]], "v": 1}, 'unknown key "v"'),
    ],
)
def test_bad_files(given: Any, said: str) -> None:
    with pytest.raises(BadInstance) as fault:
        answers.answer(json.dumps(given).encode())
    assert said in str(fault.value)
