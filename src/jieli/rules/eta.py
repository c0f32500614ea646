"""When a journey ends, from what is known now: medians pushed on from the last known event."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from math import sqrt
from statistics import NormalDist
from zoneinfo import ZoneInfo

Z90 = 1.645  # half of a 90 % band, in standard deviations
LOOK_AHEAD = 8  # days in which a next departure is looked for


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timetable: a local time on these weekdays (1 Monday; none: every day)."""

    departs: time
    zone: str
    weekdays: tuple[int, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None

    def on(self, day: date) -> datetime | None:
        in_season = (not self.valid_from or self.valid_from <= day) and (
            not self.valid_to or day <= self.valid_to
        )
        if not in_season or (self.weekdays and day.isoweekday() not in self.weekdays):
            return None
        return datetime.combine(day, self.departs, ZoneInfo(self.zone))


@dataclass(frozen=True, slots=True)
class Stretch:
    """One leg: planned length in minutes, and what became of it so far."""

    minutes: float
    sigma: float = 0.0
    departs: datetime | None = None  # a timetable holds it back until then
    cutoff: float = 0.0  # minutes before the departure
    lines: tuple[Line, ...] = ()  # later departures on this stretch
    started: datetime | None = None
    ended: datetime | None = None
    expected: datetime | None = None  # somebody on the way said so


@dataclass(frozen=True, slots=True)
class Eta:
    """One leg as it went or will go. `slack`: minutes left before its departure closes."""

    start: datetime | None
    end: datetime | None
    low: datetime | None = None  # 90 % band of the end
    high: datetime | None = None
    slack: float | None = None
    missed: bool = False  # its planned departure cannot be reached any more
    caught: float | None = None  # chance to reach its departure, where that is not known yet


def next_departure(lines: Sequence[Line], after: datetime) -> datetime | None:
    """The first departure at or after an instant."""
    for ahead in range(-1, LOOK_AHEAD):
        found = [
            at
            for line in lines
            if (at := line.on(after.astimezone(ZoneInfo(line.zone)).date() + timedelta(days=ahead)))
            and at >= after
        ]
        if found:
            return min(found)
    return None


def way(legs: Sequence[Stretch], left: datetime | None, now: datetime) -> list[Eta]:
    """Every leg's start and end. The clock of what has not begun starts now at the earliest."""
    found: list[Eta] = []
    at, variance, there = left or now, 0.0, left is not None
    for leg in legs:
        one, spread = _one(leg, at, now, there=there)
        if one.slack is not None and variance:
            one = replace(one, caught=NormalDist().cdf(one.slack / sqrt(variance)))
            if leg.lines or not one.missed:
                variance = 0.0  # who catches it, or takes the next, arrives when that arrives
        variance += spread
        found.append(_banded(one, variance) if leg.ended is None else one)
        at, there = one.end or at, leg.ended is not None
    return found


def if_missed(
    legs: Sequence[Stretch], left: datetime | None, now: datetime, which: int
) -> list[Eta]:
    """The way with the departure after the planned one at leg `which`; empty: there is none."""
    held = legs[which]
    if held.departs is None:
        return []
    follows = next_departure(held.lines, held.departs + timedelta(minutes=1))
    if follows is None:
        return []
    changed = [*legs]
    changed[which] = replace(held, departs=follows, expected=None)
    return way(changed, left, now)


def _one(leg: Stretch, at: datetime, now: datetime, *, there: bool) -> tuple[Eta, float]:
    """`there`: they are known to have reached its beginning at `at`; no word is no delay."""
    if leg.ended:
        return Eta(leg.started, leg.ended), 0.0
    spread = (leg.minutes * leg.sigma) ** 2
    if leg.started:
        return Eta(leg.started, max(leg.expected or _after(leg.started, leg.minutes), now)), spread
    ready = max(at, now)
    start, slack, missed = ready, None, False
    if leg.departs:
        ready = at if there else ready
        closes = leg.departs - timedelta(minutes=leg.cutoff)
        slack, missed = (closes - ready).total_seconds() / 60, ready > closes
        reach = ready + timedelta(minutes=leg.cutoff)
        start = (next_departure(leg.lines, reach) or reach) if missed else leg.departs
        if not missed and now >= leg.departs:
            slack = None  # it has gone, with them as far as anybody knows
    said = leg.expected if leg.expected and leg.expected > start and not missed else None
    end = max(said or _after(start, leg.minutes), now)
    return Eta(start, end, slack=slack, missed=missed), spread


def _after(start: datetime, minutes: float) -> datetime:
    return start + timedelta(minutes=minutes)


def _banded(eta: Eta, variance: float) -> Eta:
    if eta.end is None or not variance:
        return eta
    half = timedelta(minutes=Z90 * sqrt(variance))
    return replace(eta, low=eta.end - half, high=eta.end + half)
