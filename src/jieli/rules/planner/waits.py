"""Waiting for something that has its own hours: the next departure, the next opening."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from jieli.rules.planner.pieces import Array
from jieli.rules.planner.times import DIGITS, NOTHING, Time, add, jumps, part, rest, united

ROUNDING = 1e-9  # a chance smaller than that is an error of the sums


def next_departure(ready: Time, cutoff: float, departures: Sequence[tuple[float, float]]) -> Time:
    """Arrival with the first departure at or after ready + cutoff; with none left, never."""
    if not departures:
        return part(np.empty(0), np.empty(0), never=1.0)
    legs = np.array(sorted(departures))
    reached = ready.by(np.round(legs[:, 0] - cutoff, DIGITS))
    missed = 1.0 - float(reached[-1])
    caught = np.maximum(np.diff(reached, prepend=0.0), 0.0)
    return part(legs.sum(axis=1), caught, never=missed if missed > ROUNDING else 0.0)


def in_open_hours(ready: Time, closed: Sequence[tuple[float, float]], work: Time) -> Time:
    """When the work is done, if it may neither begin nor go on while closed.

    Whoever is ready inside a closed span, or would run into one, begins at its end; if the work is
    longer than that opening, at the end of the next one. How long it takes is known beforehand.
    """
    never = 1 - (1 - ready.never) * (1 - work.never)
    opens, waiting = -math.inf, NOTHING  # how long their work takes, of all who wait
    done: list[Time] = []
    for closes, reopens in _joined(closed):
        fits, late = _race(ready.within(opens, closes), work, closes)
        if waiting.total:
            done.append(waiting.until(closes - opens).moved(opens))
            waiting = waiting.after(closes - opens)
        asleep = ready.within(closes, reopens).total
        waiting = united([waiting, late, work.moved(0.0, asleep)])
        done.append(fits)
        opens = reopens
    later = ready.within(opens, math.inf)
    return united([*done, add(later, _only(work)), waiting.moved(opens)], never)


def _race(ready: Time, work: Time, closes: float) -> tuple[Time, Time]:
    """What is done by the time it closes; and how long the work of the others takes."""
    if not ready.total:
        return NOTHING, NOTHING

    def at(length: Array) -> Array:
        return rest(ready.total, ready.by(np.round(closes - length, DIGITS)))

    def between(least: Array, most: Array) -> Array:
        return rest(ready.total, ready.average(closes - most, closes - least))

    fits = add(ready, _only(work)).until(closes)
    late = work.cut(closes - t for t in jumps(ready, work)).weighed(at, between)
    both = fits.total + late.total
    share = ready.total * work.total / both if both else 1.0  # the cells of the two differ a little
    return fits.moved(0.0, share), late.moved(0.0, share)


def _only(work: Time) -> Time:
    """Without the chance that it is never done, which the caller has counted."""
    return Time(work.atoms, work.weights, work.pieces)


def _joined(closed: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """In order; spans that touch are one."""
    spans: list[tuple[float, float]] = []
    for begins, ends in sorted(closed):
        if spans and spans[-1][1] == begins:
            spans[-1] = (spans[-1][0], ends)
        else:
            spans.append((begins, ends))
    return spans
