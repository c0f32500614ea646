"""Ways by timetable from one hub to another within the horizon, as one has corrected them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jieli.rules.corrections import minutes_late
from jieli.rules.geography import departures, is_closed, local_days, minutes_from
from jieli.rules.options.facts import Facts, HubPlace, Line

LONGEST_STAY = 6 * 60  # minutes between two legs; who waits longer takes another way
HORIZON = 72 * 60  # minutes from now in which a way may begin
MOST = 30  # departures of one pair of hubs


@dataclass(frozen=True, slots=True)
class Ride:
    """One departure on one day. Minutes from t0."""

    line: int
    mode: str
    number: str
    start: str
    end: str
    departs: float
    arrives: float
    name: str  # key of its correction
    source: str = ""


@dataclass(frozen=True, slots=True)
class Itinerary:
    rides: tuple[Ride, ...]

    @property
    def departs(self) -> float:
        return self.rides[0].departs

    @property
    def arrives(self) -> float:
        return self.rides[-1].arrives

    @property
    def block(self) -> float:
        """From the first departure to the last arrival."""
        return self.arrives - self.departs


class Timetable:
    """Rides of the horizon by pair of hubs; only pairs that somebody asks for are looked up."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._lines: dict[tuple[str, str], list[Line]] = defaultdict(list)
        self._after: dict[str, set[str]] = defaultdict(set)
        for line in facts.lines:
            if line.start in facts.hubs and line.end in facts.hubs:
                self._lines[line.start, line.end].append(line)
                self._after[line.start].add(line.end)
        self._rides: dict[tuple[str, str], list[Ride]] = {}
        self._known: dict[tuple[str, str], list[Itinerary]] = {}

    def between(self, start: str, end: str) -> list[Itinerary]:
        """Direct and with one change, in order of departure, none that another one makes idle."""
        if (start, end) not in self._known:
            ways = [Itinerary((ride,)) for ride in self._leaving(start, end)]
            for middle in sorted(self._after[start] - {end}):
                if (middle, end) in self._lines:
                    ways += self._changing(start, middle, end)
            self._known[start, end] = _useful(ways)[:MOST]
        return self._known[start, end]

    def _leaving(self, start: str, end: str) -> list[Ride]:
        pair = (start, end)
        if pair not in self._rides:
            rides = [r for line in self._lines.get(pair, ()) for r in _rides(line, self.facts)]
            rides.sort(key=lambda ride: (ride.departs, ride.arrives, ride.line))
            self._rides[pair] = rides
        return self._rides[pair]

    def _changing(self, start: str, middle: str, end: str) -> Iterable[Itinerary]:
        """With the first onward ride that arrives soonest among those one can change to."""
        onward = self._leaving(middle, end)
        stay = self.facts.hubs[middle].connection
        for ride in self._leaving(start, middle):
            soonest, latest = ride.arrives + stay, ride.arrives + LONGEST_STAY
            following = [r for r in onward if soonest <= r.departs <= latest]
            if following:
                yield Itinerary((ride, min(following, key=lambda r: (r.arrives, r.line))))


def _rides(line: Line, facts: Facts) -> list[Ride]:
    hub = facts.hubs[line.start]
    now = facts.elapsed
    found = []
    days = local_days(facts.now, hub.zone)
    for day, at in departures(line.departs, hub.zone, days, line.weekdays, line.valid):
        name = f"departure:{line.id}@{day.isoformat()}"
        said = facts.corrections.get(name, "")
        leaves = minutes_from(facts.t0, at) + minutes_late(said)
        if said in ("full", "cancelled") or _shut(hub, at) or not now <= leaves <= now + HORIZON:
            continue
        found.append(
            Ride(
                line.id, line.mode, line.number, line.start, line.end, leaves,
                leaves + line.minutes, name, line.source,
            )
        )  # fmt: skip
    return found


def _shut(hub: HubPlace, at: datetime) -> bool:
    since, until = hub.closed
    return is_closed(at, hub.zone, since, until)


def _useful(ways: Sequence[Itinerary]) -> list[Itinerary]:
    """Whoever leaves no earlier and arrives no later makes a way idle."""
    kept: list[Itinerary] = []
    soonest = float("inf")
    for way in sorted(ways, key=lambda w: (-w.departs, w.arrives, len(w.rides))):
        if way.arrives < soonest:
            kept.append(way)
            soonest = way.arrives
    return kept[::-1]
