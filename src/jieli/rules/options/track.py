"""One party on its way: the planner's expression, the deterministic path and the legs, together.

`at` is the deterministic path in minutes from t0: medians, and the next departure that is caught.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from jieli.rules.legs import DELAYS, KINDS, Time
from jieli.rules.options.itineraries import Itinerary, Ride

Expression = Any  # JSON of the planner's instance file


@dataclass(frozen=True, slots=True)
class Stretch:
    """A leg as planned. Minutes from t0; `departs` only for what leaves by a timetable."""

    kind: str
    name: str
    start: str
    end: str
    begins: float
    ends: float
    median: float = 0.0
    sigma: float = 0.0
    route: str = ""
    departure: int | None = None
    departs: float | None = None


@dataclass(frozen=True)
class Track:
    terms: tuple[Expression, ...] = ()
    at: float = 0.0
    stretches: tuple[Stretch, ...] = ()
    caught: float | None = None  # when the first timetabled stretch leaves
    departures: tuple[Itinerary, ...] = field(default=(), repr=False)

    @classmethod
    def since(cls, minutes: float) -> Track:
        """Nothing starts before this minute."""
        return cls((minutes,) if minutes else (), minutes)

    @property
    def expression(self) -> Expression:
        if len(self.terms) == 1:
            return self.terms[0]
        return {"add": list(self.terms)} if self.terms else 0

    def go(
        self, kind: str, time: Time, name: str = "", start: str = "", end: str = "", route: str = ""
    ) -> Track:
        """One stretch more. What is not on the path (a delay) takes no time on it."""
        ends = self.at + (time.median if KINDS[kind].on_path else 0.0)
        stretch = Stretch(kind, name, start, end, self.at, ends, time.median, time.sigma, route)
        return replace(
            self,
            terms=(*self.terms, term(time)),
            at=ends,
            stretches=(*self.stretches, stretch),
        )

    def together(self, others: Sequence[Track]) -> Track:
        """Several at once, each from here; it goes on when the last is ready."""
        if not others:
            return self
        if len(others) == 1:
            joined = others[0].terms
        else:
            joined = ({"join": [other.expression for other in others]},)
        moved = [
            replace(s, begins=s.begins + self.at, ends=s.ends + self.at)
            for other in others
            for s in other.stretches
        ]
        return replace(
            self,
            terms=(*self.terms, *joined),
            at=self.at + max(other.at for other in others),
            stretches=(*self.stretches, *moved),
        )

    def catch(self, ways: Sequence[Itinerary], cutoff: float, place: str) -> Track:
        """By timetable: waits for the first departure that it can still board."""
        ready = self.at + cutoff
        chosen = next((way for way in ways if way.departs >= ready), None)
        calendar = {
            "calendar": {
                "after": self.expression,
                "cutoff": cutoff,
                "departures": [[way.departs, way.block] for way in ways],
            }
        }
        here = replace(self, terms=(calendar,), departures=tuple(ways))
        if chosen is None:
            return replace(here, at=inf)
        wait = Stretch("wait", place, place, place, self.at, chosen.departs)
        rides = [_aboard(ride) for ride in chosen.rides]
        return replace(
            here,
            at=chosen.arrives,
            stretches=(*self.stretches, wait, *rides),
            caught=chosen.departs,
        )

    def listed(self, slots: Sequence[float], release: float, place: str) -> Track:
        """Ready and released, it waits for the next free place on a list; none left is never."""
        after = {"join": [self.expression, release]} if release else self.expression
        slot_of = {"after": after, "cutoff": 0, "departures": [[slot, 0] for slot in slots]}
        ready = max(self.at, release)
        begins = next((slot for slot in slots if slot >= ready), ready)
        wait = Stretch("wait_list", place, place, place, self.at, begins)
        return replace(
            self,
            terms=({"calendar": slot_of},),
            at=begins,
            stretches=(*self.stretches, wait),
        )

    def fly(
        self,
        time: Time,
        closed: Sequence[tuple[float, float]],
        name: str,
        start: str,
        end: str,
        route: str,
    ) -> Track:
        """By an aircraft of its own, which waits out the closed hours of its airport."""
        if not closed:
            return self.go("air", time, name, start, end, route)
        begins = _opening(self.at, time.median, closed)
        inner = {
            "curfew": {
                "after": self.expression,
                "closed": [list(span) for span in closed],
                "then": term(time),
            }
        }
        stretch = Stretch(
            "air", name, start, end, begins, begins + time.median, time.median, time.sigma, route
        )
        return replace(self, terms=(inner,), at=stretch.ends, stretches=(*self.stretches, stretch))


def _aboard(ride: Ride) -> Stretch:
    return Stretch(
        ride.mode,
        ride.number,
        ride.start,
        ride.end,
        ride.departs,
        ride.arrives,
        ride.arrives - ride.departs,
        route=f"{ride.start}>{ride.end}",
        departure=ride.line,
        departs=ride.departs,
    )


def term(time: Time) -> Expression:
    return {"lognormal": [time.median, time.sigma]} if time.sigma else time.median


def delay_of(mode: str) -> str:
    return DELAYS[mode]


def _opening(at: float, length: float, closed: Sequence[tuple[float, float]]) -> float:
    for begins, ends in closed:
        if at < ends and at + length > begins:
            at = ends
    return at
