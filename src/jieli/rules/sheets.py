"""What a sheet of options says: which one to keep, what must be announced, who is asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HYSTERESIS = 0.05  # planner.md: a newcomer must be better by this before the advice changes
HOPE = 0.01  # below this by a window, nobody makes it (filter C8)


@dataclass(frozen=True, slots=True)
class Best:
    """The option that the sheet puts first, and the one that would be first without a past."""

    option: str
    kept: bool  # another one is better, by too little to change course
    leader: str


def best(ranked: Sequence[str], value: Mapping[str, float], before: str) -> Best | None:
    """`before`: what the last version put first, "" when there was none. None: nothing ranks."""
    if not ranked:
        return None
    leader = ranked[0]
    keeps = before in ranked and before != leader
    if keeps and value[leader] - value[before] < HYSTERESIS:
        return Best(before, True, leader)
    return Best(leader, False, leader)


@dataclass(frozen=True, slots=True)
class Missed:
    """Windows, in minutes, that no option can make."""

    windows: tuple[float, ...]
    all: bool  # none is left: nothing is feasible


def missed(windows: Sequence[float], chances: Sequence[Mapping[float, float]]) -> Missed:
    """`chances`: of each option that is not barred, P by window."""
    lost = tuple(w for w in windows if all(p.get(w, 0.0) < HOPE for p in chances))
    return Missed(lost, len(lost) == len(windows))


DOTS = 50  # one dot is 2 % of the chances


def dots(quantiles: Sequence[float | None], last: float, bins: int = 96) -> list[tuple[float, int]]:
    """A quantile picture: where each dot stands (0 to 1 of the axis) and how many lie below it.

    `quantiles`: minutes at (k + ½) / DOTS, None for never; `last`: minutes at the axis' end. What
    comes after the axis is left out, so that fewer dots than DOTS say how much that is.
    """
    stacked: dict[int, int] = {}
    found: list[tuple[float, int]] = []
    for minute in quantiles:
        if minute is None or minute > last or last <= 0:
            continue
        cell = min(bins - 1, int(max(0.0, minute) / last * bins))
        height = stacked.get(cell, 0)
        stacked[cell] = height + 1
        found.append(((cell + 0.5) / bins, height))
    return found
