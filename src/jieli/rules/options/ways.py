"""How one gets from one place to another: by road, measured or estimated, and by timetable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from zoneinfo import ZoneInfo

from jieli.rules.geography import (
    SOURCE,
    Point,
    by_road,
    closed,
    kilometres,
    measured_sigma,
    minutes_from,
)
from jieli.rules.legs import Time, learned, prior
from jieli.rules.options.facts import Facts, HubPlace, Said, Site
from jieli.rules.options.inputs import Inputs
from jieli.rules.options.itineraries import Itinerary, Timetable
from jieli.rules.options.judging import free_slots
from jieli.rules.options.track import Stretch, Track, delay_of
from jieli.rules.pathways import LIST

HUB_KM = 250.0  # straight: a hub farther away is not one's own
HUBS_OF_A_SITE = 3
TEAM_ROAD = 600.0  # minutes: a team does not drive longer than this before it operates
SHOWN_SLOTS = 6  # of one list, as inputs
SHOWN_DEPARTURES = 6  # of one way, as inputs
DETOUR_KM = 1.3
CURFEW_DAYS = 8


@dataclass(frozen=True, slots=True)
class Stretched:
    """A road: its time, kilometres and key."""

    time: Time
    km: float
    route: str


class Ways:
    """All ways of one sheet; looks each road and hub up once."""

    def __init__(self, facts: Facts, inputs: Inputs) -> None:
        self.facts = facts
        self.inputs = inputs
        self.timetable = Timetable(facts)
        self._roads: dict[tuple[str, str], Stretched | None] = {}
        self._near: dict[str, list[str]] = {}

    def place(self, code: str) -> Site | HubPlace:
        return self.facts.sites.get(code) or self.facts.hubs[code]

    def name(self, code: str) -> str:
        return self.place(code).name

    def point(self, code: str) -> Point | None:
        return self.place(code).point

    def straight(self, start: str, end: str) -> float:
        """Kilometres; infinite where nobody knows where one of the two is."""
        one, other = self.point(start), self.point(end)
        return kilometres(one, other) if one and other else inf

    # ── roads ────────────────────────────────────────────────────────────────

    def road(self, start: str, end: str) -> Stretched | None:
        """None: nobody has measured it, and a place is not on the map."""
        if (start, end) not in self._roads:
            self._roads[start, end] = self._look_up(start, end)
        return self._roads[start, end]

    def _look_up(self, start: str, end: str) -> Stretched | None:
        straight = self.straight(start, end)
        known = self.facts.roads.get((start, end)) or self.facts.roads.get((end, start))
        said = self.facts.corrections.get(f"road:{start}:{end}")
        route = f"{start}>{end}"
        if said:
            time = Time(float(said), measured_sigma(float(said)))
        elif known:
            time = Time(known.minutes, measured_sigma(known.minutes))
            time = learned(time, self.facts.learned.get(("road", route)))
        elif straight < inf:
            time = learned(Time(*by_road(straight)), self.facts.learned.get(("road", route)))
        else:
            return None
        km = known.km if known and known.km else straight * DETOUR_KM
        return Stretched(rounded(time), km if km < inf else 0.0, route)

    def drive(self, track: Track, start: str, end: str) -> Track | None:
        """On by road; None where there is none."""
        road = self.road(start, end)
        if road is None:
            return None
        known = self.facts.roads.get((start, end)) or self.facts.roads.get((end, start))
        self.inputs.note(
            f"road:{start}:{end}",
            f"{self.name(start)} → {self.name(end)}",
            road.time.median,
            "min",
            Said(known.source or "roads") if known else Said(SOURCE),
        )
        return track.go("road", road.time, "", self.name(start), self.name(end), road.route)

    # ── timetables ───────────────────────────────────────────────────────────

    def hubs(self, code: str) -> list[str]:
        """The nearest hubs; a measured road makes a hub one's own, however far it is."""
        if code not in self._near:
            reach = [
                (road.time.median, hub)
                for hub in sorted(self.facts.hubs)
                if (self._is_linked(hub, code) or self.straight(hub, code) <= HUB_KM)
                and (road := self.road(hub, code))
            ]
            self._near[code] = [hub for _minutes, hub in sorted(reach)[:HUBS_OF_A_SITE]]
        return self._near[code]

    def _is_linked(self, hub: str, code: str) -> bool:
        return (hub, code) in self.facts.roads or (code, hub) in self.facts.roads

    def team(self, track: Track, start: str, end: str) -> list[Track]:
        """A team's ways that arrive, the soonest first: by road, and from each hub the best."""
        found = []
        road = self.road(start, end)
        if road and road.time.median <= TEAM_ROAD and (driven := self.drive(track, start, end)):
            found.append(driven)
        for hub in self.hubs(start):
            by_hub = [self._ride(track, start, hub, other, end) for other in self.hubs(end)]
            arriving = [t for t in by_hub if t is not None and t.at < inf]
            found += sorted(arriving, key=lambda t: t.at)[:1]
        found.sort(key=lambda t: t.at)
        for track in found[:2]:
            self.note(track.departures)
        return found

    def _ride(self, track: Track, start: str, hub: str, other: str, end: str) -> Track | None:
        ways = self.timetable.between(hub, other) if hub != other else []
        gone = self.drive(track, start, hub) if ways else None
        if gone is None:
            return None
        place = self.facts.hubs[hub]
        caught = gone.catch(ways, place.cutoff, place.name)
        if caught.at == inf:
            return None
        kind = delay_of(ways[0].rides[-1].mode)
        delayed = caught.go(kind, self.time(kind, f"{hub}>{other}"), "", "", self.name(other))
        named = [self._named(s) for s in delayed.stretches]
        return self.drive(replace(delayed, stretches=tuple(named)), other, end)

    def _named(self, stretch: Stretch) -> Stretch:
        names = {code: hub.name for code, hub in self.facts.hubs.items()}
        return replace(
            stretch,
            start=names.get(stretch.start, stretch.start),
            end=names.get(stretch.end, stretch.end),
        )

    def note(self, ways: Iterable[Itinerary]) -> None:
        """The departures that matter become inputs."""
        rides = [ride for way in list(ways)[:SHOWN_DEPARTURES] for ride in way.rides]
        for ride in rides:
            label = f"{ride.number} {self.name(ride.start)} → {self.name(ride.end)}"
            value = self.facts.corrections.get(ride.name, "on time")
            said = Said(ride.source or "timetable")
            self.inputs.note(ride.name, label, value, "", said)

    # ── operating lists ──────────────────────────────────────────────────────

    @property
    def release(self) -> float:
        """Minutes from t0 before which one may not begin."""
        return float(self.facts.corrections.get("release", 0))

    def slots(self, site: Site) -> list[float]:
        """Free places on the list from now on, in minutes from t0. Each becomes an input."""
        if self.facts.pathway.theatre != LIST or site.listing is None:
            return []
        for slot in site.listing[:SHOWN_SLOTS]:
            said = self.facts.corrections.get(f"slot:{slot.id}", "free")
            local = slot.at.astimezone(ZoneInfo(site.zone))
            self.inputs.note(
                f"slot:{slot.id}", f"{site.name} {local:%m-%d %H:%M}", said, "", slot.said
            )
        return [minutes_from(self.facts.t0, slot.at) for slot in free_slots(site, self.facts)]

    # ── the rest ─────────────────────────────────────────────────────────────

    def time(self, kind: str, route: str = "") -> Time:
        """The prior of a kind, what was learned on this route, or what somebody said of it."""
        said = self.facts.corrections.get(f"prep:{kind}")
        found = learned(prior(kind), self.facts.learned.get((kind, route)))
        if said:
            found = replace(found, median=float(said))
        return rounded(found)

    def prepared(self, kind: str, route: str, median: float | None = None) -> Time:
        """As `time`, and shown as an input. `median`: what the hospital itself says."""
        time = self.time(kind, route)
        if median is not None and f"prep:{kind}" not in self.facts.corrections:
            time = replace(time, median=median)
        if median is None:  # else it stands with the vehicle
            source = Said("log") if time.times else Said()
            self.inputs.note(f"prep:{kind}", kind, time.median, "min", source)
        return time

    def closed(self, code: str) -> Sequence[tuple[float, float]]:
        """When the hub that serves a place is shut, in minutes from t0."""
        hub = self.facts.hubs.get(code)
        if hub is None:
            return ()
        since, until = hub.closed
        return closed(self.facts.t0, hub.zone, since, until, CURFEW_DAYS)


def rounded(time: Time) -> Time:
    return replace(time, median=max(round(time.median, 2), 0.01), sigma=round(time.sigma, 4))
