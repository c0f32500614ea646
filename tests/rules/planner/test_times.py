"""The grid against closed forms, and against lots drawn from the same expressions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jieli.rules.planner.expressions import evaluate
from jieli.rules.planner.parsing import expression
from jieli.rules.planner.times import Time
from tests.rules.planner.cases import add, calendar, choose, curfew, join, ln
from tests.rules.planner.draws import draw

DRAWS = 400_000


def time_of(value: Any) -> Time:
    return evaluate(expression(value, "time"), {})


def phi(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def furthest(value: Any) -> tuple[float, float]:
    """Largest difference between grid and draws at minutes spread over the draws; and its never."""
    drawn = draw(value, DRAWS, np.random.default_rng(7))
    found = time_of(value)
    comes = np.sort(drawn[np.isfinite(drawn)])
    if not comes.size:
        return 0.0, abs(found.never - 1)
    minutes = np.unique(np.round(comes[:: max(1, comes.size // 997)]))
    drawn_by = np.searchsorted(comes, minutes + 1e-7, "right") / DRAWS
    never = 1 - comes.size / DRAWS
    return float(np.abs(found.by(minutes) - drawn_by).max()), abs(found.never - never)


# -- closed forms ----------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [30, 60, 61.3, 95, 240])
@pytest.mark.parametrize("sigma", [0.001, 0.05, 0.3, 1.0, 2.5])
def test_one_leg(sigma: float, window: float) -> None:
    exact = phi(math.log(window / 60) / sigma)
    assert time_of(ln(60, sigma)).chance(window) == pytest.approx(exact, abs=0.002)


@pytest.mark.parametrize("legs", [2, 5, 8])
@pytest.mark.parametrize("sigma", [0.02, 0.2, 0.5])
def test_a_chain_keeps_mean_and_spread(legs: int, sigma: float) -> None:
    chain = time_of(add(*[ln(20 + n, sigma) for n in range(legs)]))
    mean = sum((20 + n) * math.exp(sigma**2 / 2) for n in range(legs))
    assert chain.mean == pytest.approx(mean, abs=0.01)
    spread = sum(p.variance * p.total for p in chain.pieces)
    exact = sum(
        ((20 + n) ** 2) * (math.exp(sigma**2) - 1) * math.exp(sigma**2) for n in range(legs)
    )
    assert spread == pytest.approx(exact, rel=0.01)


def test_a_chain_of_narrow_legs_is_nearly_normal() -> None:
    """Eight legs whose spread is a fifth of a minute: cells of a minute would see nothing."""
    chain = time_of(add(*[ln(20, 0.01)] * 8))
    mean = 160 * math.exp(0.01**2 / 2)
    spread = math.sqrt(8) * 20 * math.sqrt(math.exp(0.01**2) - 1) * math.exp(0.01**2 / 2)
    for window in (159, 159.5, 160, 160.3, 161):
        assert chain.chance(window) == pytest.approx(phi((window - mean) / spread), abs=0.003)


@pytest.mark.parametrize("window", [70.2, 90, 120.5])
def test_join_and_choose(window: float) -> None:
    one, other = phi(math.log(window / 80) / 0.2), phi(math.log(window / 95) / 0.3)
    both = time_of(join(ln(80, 0.2), ln(95, 0.3)))
    assert both.chance(window) == pytest.approx(one * other, abs=0.001)
    either = time_of(choose(ln(80, 0.2), ln(95, 0.3)))
    assert either.chance(window) == pytest.approx(1 - (1 - one) * (1 - other), abs=0.001)


def test_a_constant_among_uncertain_times_leaps_where_it_stands() -> None:
    later = time_of(join(50.3, ln(50, 0.4)))
    assert later.chance(50.2) == 0
    assert later.chance(50.3) == pytest.approx(phi(math.log(50.3 / 50) / 0.4), abs=0.001)
    sooner = time_of(choose(50.3, ln(50, 0.4)))
    assert sooner.chance(50.29) == pytest.approx(phi(math.log(50.29 / 50) / 0.4), abs=0.001)
    assert sooner.chance(50.3) == 1


CONSTANTS = [
    (add(0.1, 0.2), 0.3),
    (join(5, add(1, 2)), 5),
    (choose(5, add(1, 2)), 3),
    (calendar(55, 45, (100, 10), (200, 10)), 110),
    (calendar(56, 45, (200, 5), (100, 10)), 205),
    (calendar(10, 0, (20, 50), (20, 30)), 50),
    (curfew(100, 10, (100, 200)), 210),
    (curfew(90, 10, (100, 200)), 100),
    (curfew(91, 10, (100, 200)), 210),
    (curfew(200, 10, (100, 200)), 210),
    (curfew(91, 60, (100, 200), (250, 300)), 360),
    (curfew(91, 50, (250, 300), (100, 200)), 250),
    (curfew(120, 50, (100, 200), (200, 300)), 350),
    (curfew(500, 50, (100, 200)), 550),
    (curfew(7, 50), 57),
    ({"lognormal": [30, 0, 5]}, 35),
]


@pytest.mark.parametrize(("value", "minutes"), CONSTANTS)
def test_constants_are_exact(value: Any, minutes: float) -> None:
    found = time_of(value)
    assert found.chance(minutes) == 1
    assert found.chance(minutes - 1e-4) == 0
    assert (found.mean, found.quantile(0.1), found.never) == (minutes, minutes, 0)


@pytest.mark.parametrize(
    "value",
    [
        calendar(100, 0, (99, 10)),
        calendar(100, 0),
        add(5, calendar(100, 0)),
        join(5, calendar(100, 0)),
        curfew(calendar(100, 0), 5, (1, 2)),
        curfew(5, calendar(100, 0), (1, 2)),
        calendar(calendar(100, 0), 0, (5, 5)),
    ],
)
def test_never_stays_never(value: Any) -> None:
    found = time_of(value)
    assert (found.never, found.chance(1e6), found.quantile(0.1)) == (1, 0, None)


def test_the_sooner_of_never_and_something_is_something() -> None:
    found = time_of(choose(calendar(100, 0), 40))
    assert (found.never, found.chance(40)) == (0, 1)


def test_a_long_operation_waits_for_a_long_opening() -> None:
    """Ready at 0, closed from 60 to 100 and from 200 on to 300: up to 60, up to 100, the rest."""
    found = time_of(curfew(0, ln(70, 0.3), (60, 100), (200, 300)))
    short, middling = phi(math.log(60 / 70) / 0.3), phi(math.log(100 / 70) / 0.3)
    assert found.chance(60) == pytest.approx(short, abs=0.001)
    assert found.chance(160) == pytest.approx(short, abs=0.001)
    assert found.chance(200) == pytest.approx(middling, abs=0.001)
    assert found.chance(400) == pytest.approx(middling, abs=0.001)


def test_a_heavy_tail_keeps_its_quantiles() -> None:
    found = time_of(ln(10080, 0.8))
    assert found.mean == pytest.approx(10080 * math.exp(0.32), abs=1)
    assert found.quantile(0.5) == pytest.approx(10080, abs=1)
    assert found.quantile(0.9) == pytest.approx(10080 * math.exp(0.8 * 1.2815516), abs=2)


# -- random trees ----------------------------------------------------------------------------------

minutes = st.integers(0, 300) | st.floats(0, 300).map(lambda m: round(m, 1))
legs = st.tuples(st.floats(5, 300), st.sampled_from([0, 0.05, 0.2, 0.5, 0.9]), minutes)
leaves = minutes | legs.map(lambda leg: ln(round(leg[0], 1), leg[1], leg[2]))
departures = st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 300)), max_size=5)


@st.composite
def spans(draw: st.DrawFn) -> list[tuple[int, int]]:
    ends = sorted(draw(st.sets(st.integers(0, 1200), max_size=8)))
    return list(zip(ends[::2], ends[1::2], strict=False))


def branches(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return (
        several.map(lambda terms: add(*terms))
        | several.map(lambda terms: join(*terms))
        | several.map(lambda terms: choose(*terms))
        | st.builds(lambda a, c, d: calendar(a, c, *d), inner, minutes, departures)
        | st.builds(lambda a, t, s: curfew(a, t, *s), inner, inner, spans())
    )


trees = st.recursive(leaves, branches, max_leaves=8)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(trees)
def test_the_grid_agrees_with_lots(value: Any) -> None:
    apart, never = furthest(value)
    assert apart < 0.005
    assert never < 0.005


@settings(max_examples=60, deadline=None)
@given(trees)
def test_probability_is_neither_lost_nor_negative(value: Any) -> None:
    found = time_of(value)
    assert found.total + found.never == pytest.approx(1, abs=1e-6)
    assert all((p.mass >= 0).all() for p in found.pieces)
    assert (found.weights >= 0).all()


@settings(max_examples=40, deadline=None)
@given(trees, st.integers(1, 500))
def test_a_later_start_never_raises_a_chance(value: Any, later: int) -> None:
    start, end = time_of(value), time_of(add(value, later))
    windows = np.arange(0, 4000, 37.0)
    assert (end.by(windows) <= start.by(windows) + 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(leaves, minutes, st.integers(1, 300), departures, spans())
def test_whoever_is_ready_later_arrives_later(
    ready: Any, cutoff: float, later: int, legs: Any, closed: Any
) -> None:
    """Of departures that do not overtake each other."""
    assume(all(sorted(legs)[n][1] <= 300 for n in range(len(legs))))
    no_overtaking = [(departs, 60) for departs, _ in legs]
    windows = np.arange(0, 3000, 23.0)
    for way in (
        lambda t: calendar(t, cutoff, *no_overtaking),
        lambda t: curfew(t, 30, *closed),
    ):
        soon, late = time_of(way(ready)), time_of(way(add(ready, later)))
        assert (late.by(windows) <= soon.by(windows) + 2e-3).all()


@settings(max_examples=40, deadline=None)
@given(trees)
def test_the_order_of_terms_does_not_matter(value: Any) -> None:
    windows = np.arange(0, 3000, 23.0)
    for how in (add, join, choose):
        one = time_of(how(value, ln(60, 0.3), 20)).by(windows)
        other = time_of(how(20, value, ln(60, 0.3))).by(windows)
        assert np.abs(one - other).max() < 0.003
