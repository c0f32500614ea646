"""Which option a sheet puts first, what it must say at once, and where its dots stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jieli.rules import sheets

A, B = {"a": 0.90, "b": 0.86}, {"a": 0.90, "b": 0.84}


@pytest.mark.parametrize(
    ("ranked", "values", "before", "first", "kept"),
    [
        (["a", "b"], A, "", "a", False),  # the first version
        (["a", "b"], A, "a", "a", False),
        (["a", "b"], A, "b", "b", True),  # better by .04: no reason to change course
        (["a", "b"], B, "b", "a", False),  # better by .06
        (["a"], A, "b", "a", False),  # what was first is barred now
        (["a", "b"], {"a": 0.90, "b": 0.85}, "b", "a", False),  # exactly .05 is enough
    ],
)
def test_a_newcomer_must_be_better_by_five_points(ranked, values, before, first, kept):
    found = sheets.best(ranked, values, before)
    assert (found.option, found.kept, found.leader) == (first, kept, ranked[0])


def test_nothing_ranks():
    assert sheets.best([], {}, "a") is None


@pytest.mark.parametrize(
    ("chances", "lost", "everything"),
    [
        ([{840: 0.0, 1440: 0.998}], (840,), False),
        ([{840: 0.0, 1440: 0.998}, {840: 0.5, 1440: 0.9}], (), False),
        ([{840: 0.009, 1440: 0.009}], (840, 1440), True),
        ([], (840, 1440), True),  # every option is barred
        ([{840: 0.01, 1440: 1.0}], (), False),
    ],
)
def test_windows_that_nobody_makes(chances, lost, everything):
    found = sheets.missed((840, 1440), chances)
    assert (found.windows, found.all) == (lost, everything)


@given(st.lists(st.one_of(st.none(), st.floats(0, 5_000)), max_size=60), st.floats(1, 3_000))
def test_each_dot_stands_on_the_axis_once(quantiles, last):
    found = sheets.dots(quantiles, last)
    assert len(found) == sum(q is not None and q <= last for q in quantiles)
    assert len(set(found)) == len(found)
    assert all(0 < x < 1 and height >= 0 for x, height in found)


def test_dots_of_one_minute_stand_on_each_other():
    assert sheets.dots([60.0, 60.0, 60.0], 120.0, bins=10) == [(0.55, 0), (0.55, 1), (0.55, 2)]
    assert sheets.dots([60.0], 0.0) == []
