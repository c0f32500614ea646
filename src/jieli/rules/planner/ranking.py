"""Which option first: value with tolerance, then delay, burden, learning and load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jieli.rules.planner.instances import PlannedCase
from jieli.rules.planner.value import CLOSE, HOPE, Figures

EQUIVALENT = 0.03  # differences of U below this are none
SACRIFICE = 0.10  # of P by the last window, that an earlier window may cost
NEVER = float("inf")


@dataclass(frozen=True)
class Ranking:
    window: float | None  # the one that ranks; None when only a decay does
    order: tuple[Figures, ...]  # of those that are not barred
    firsts: tuple[tuple[float, Figures], ...]  # for each window that somebody meets


def rank(every: Sequence[Figures], case: PlannedCase) -> Ranking:
    free = [f for f in every if not f.bars]
    window = ranking_window(free, case.windows)
    met = [w for w in case.windows if any(f.chance(w) >= HOPE - CLOSE for f in free)]
    firsts = [(w, first_of(free, w, case)) for w in met]
    return Ranking(
        window,
        tuple(_in_order(free, window, case)),
        tuple((w, f) for w, f in firsts if f is not None),
    )


def first(every: Sequence[Figures], case: PlannedCase) -> Figures | None:
    """Only who leads: what the sensitivities ask again and again."""
    free = [f for f in every if not f.bars]
    return first_of(free, ranking_window(free, case.windows), case)


def rivals(every: Sequence[Figures], case: PlannedCase) -> list[Figures]:
    """The few that decide who is first among these and one more, whatever that one is like."""
    free = [f for f in every if not f.bars]
    places = range(len(free))
    kept = {n for n in places if decays([free[n]], case)}
    kept = {min(kept)} if kept else kept
    for window in case.windows or (None,):
        kept.update(sorted(places, key=lambda n: -free[n].chance(window))[:1])
        kept.update(sorted(places, key=lambda n: _lead(free[n], window), reverse=True)[:1])
        for delay in (False, True):
            kept.update(_unbeaten(free, window, delay))
    return [free[n] for n in sorted(kept)]


def _unbeaten(free: Sequence[Figures], window: float | None, delay: bool) -> list[int]:
    """Nobody is both preferred to one of these and of larger U."""
    values = [f.value(window) for f in free]
    found: list[int] = []
    for n in sorted(range(len(free)), key=lambda n: _key(free[n], values[n], delay, n)):
        if not found or values[n] > values[found[-1]]:
            found.append(n)
    return found


def _lead(figures: Figures, window: float | None) -> tuple[float, float]:
    return figures.value(window), figures.chance(window)


def _key(figures: Figures, value: float, delay: bool, place: int) -> tuple[float, ...]:
    return (*preference(figures, delay), -round(value, 9), place)


def ranking_window(free: Sequence[Figures], windows: Sequence[float]) -> float | None:
    """The earliest that somebody meets, whose leader gives up little by the last one."""
    if not windows:
        return None
    last = windows[-1]
    best = max((f.chance(last) for f in free), default=0.0)
    for window in windows[:-1] if free else ():
        leads = leader(free, window)
        met = any(f.chance(window) >= HOPE - CLOSE for f in free)
        if met and leads.chance(window) >= best - SACRIFICE - CLOSE:
            return window
    return last


def leader(free: Sequence[Figures], window: float) -> Figures:
    """Of the largest U by that window, whatever it is equivalent to."""
    return max(free, key=lambda f: _lead(f, window))


def first_of(free: Sequence[Figures], window: float | None, case: PlannedCase) -> Figures | None:
    if not free:
        return None
    values = [f.value(window) for f in free]
    best = max(values)
    near = [n for n, value in enumerate(values) if equivalent(value, best)]
    delay = decays(free, case)
    return free[min(near, key=lambda n: _key(free[n], values[n], delay, n))]


def equivalent(one: float, other: float) -> bool:
    return abs(one - other) < EQUIVALENT - CLOSE


def decays(free: Sequence[Figures], case: PlannedCase) -> bool:
    """Does the outcome get worse with time, for any of them?"""
    curves = [case.decay, *(f.option.decay for f in free)]
    return any(curve and len({value for _, value in curve}) > 1 for curve in curves)


def preference(figures: Figures, delay: bool) -> tuple[float, float, float, float]:
    """Among equivalent options, the smallest comes first."""
    option, mean = figures.option, figures.mean
    expected = NEVER if mean is None else round(mean, 6)
    return (expected if delay else 0.0, option.burden, -option.learning, option.load)


def _in_order(free: Sequence[Figures], window: float | None, case: PlannedCase) -> list[Figures]:
    """Again and again the preferred one of those equivalent to the best that is left.

    Equivalence does not carry over (A~B and B~C, but A better than C). So nobody ever stands
    before an option whose U is better by .03, and nothing else is promised.
    """
    delay = decays(free, case)
    left = [(f.value(window), _key(f, f.value(window), delay, n), f) for n, f in enumerate(free)]
    left.sort(key=lambda item: -item[0])
    order: list[Figures] = []
    while left:
        best = left[0][0]
        near = next((n for n, i in enumerate(left) if not equivalent(i[0], best)), len(left))
        chosen = min(range(near), key=lambda n: left[n][1])
        order.append(left.pop(chosen)[2])
    return order
