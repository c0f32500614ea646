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
    kept: set[int] = set()
    for window in case.windows or (None,):
        values = [f.value(window) for f in free]
        best = max(values, default=0.0)
        kept.update(n for n, value in enumerate(values) if equivalent(value, best))
        kept.update(sorted(range(len(free)), key=lambda n: -free[n].chance(window))[:1])
    kept.update([n for n, f in enumerate(free) if decays([f], case)][:1])
    return [free[n] for n in sorted(kept)]


def ranking_window(free: Sequence[Figures], windows: Sequence[float]) -> float | None:
    """The earliest that somebody meets, whose leader gives up little by the last one."""
    if not windows:
        return None
    last = windows[-1]
    best = max((f.chance(last) for f in free), default=0.0)
    for window in windows[:-1] if free else ():
        leads = max(free, key=lambda f: (f.value(window), f.chance(window)))
        met = any(f.chance(window) >= HOPE - CLOSE for f in free)
        if met and leads.chance(window) >= best - SACRIFICE - CLOSE:
            return window
    return last


def first_of(free: Sequence[Figures], window: float | None, case: PlannedCase) -> Figures | None:
    if not free:
        return None
    values = [f.value(window) for f in free]
    best = max(values)
    near = [n for n, value in enumerate(values) if equivalent(value, best)]
    delay = decays(free, case)
    return free[min(near, key=lambda n: (*preference(free[n], delay), -round(values[n], 9), n))]


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
    left = [
        (f.value(window), (*preference(f, delay), -round(f.value(window), 9), n), f)
        for n, f in enumerate(free)
    ]
    left.sort(key=lambda item: -item[0])
    order: list[Figures] = []
    while left:
        best = left[0][0]
        near = next((n for n, i in enumerate(left) if not equivalent(i[0], best)), len(left))
        chosen = min(range(near), key=lambda n: left[n][1])
        order.append(left.pop(chosen)[2])
    return order
