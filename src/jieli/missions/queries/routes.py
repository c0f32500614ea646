"""Hubs, timetables and roads around the hospitals that one sheet looks at."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Q

from jieli.missions.models import Departure, Hub, Road
from jieli.rules.geography import kilometres
from jieli.rules.options.facts import HubPlace, Line, RoadFact, Site
from jieli.rules.options.ways import HUB_KM

MOST_LINES = 2_000


@dataclass(slots=True)
class Routes:
    hubs: dict[str, HubPlace] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    roads: dict[tuple[str, str], RoadFact] = field(default_factory=dict)

    def keys(self, here: str, sites: Mapping[str, Site]) -> list[str]:
        """Routes whose history may count: between each hospital, its hubs and the patient."""
        found = set(sites)
        for code, site in sites.items():
            ends = [here, *self.near(site)]
            found |= {f"{one}>{other}" for end in ends for one, other in ((code, end), (end, code))}
        lines = {f"{line.start}>{line.end}" for line in self.lines}
        return sorted(found | lines)

    def near(self, site: Site) -> list[str]:
        return [
            code
            for code, hub in self.hubs.items()
            if (code, site.code) in self.roads
            or (site.point and kilometres(hub.point, site.point) <= HUB_KM)
        ]


def routes_of(sites: Mapping[str, Site], on: date) -> Routes:
    """Three queries, whatever the number of hospitals. `on`: lines that are over do not count."""
    routes = Routes({hub.code: _place(hub) for hub in Hub.objects.all()}, (), _roads(sites))
    near = {code for site in sites.values() for code in routes.near(site)}
    routes.lines = tuple(_lines(near, on))
    return routes


def _place(hub: Hub) -> HubPlace:
    return HubPlace(
        hub.code,
        hub.name,
        (hub.latitude, hub.longitude),
        hub.zone,
        hub.cutoff,
        hub.connection,
        (hub.closed_from, hub.closed_to),
    )


def _roads(sites: Mapping[str, Site]) -> dict[tuple[str, str], RoadFact]:
    rows = Road.objects.filter(end__code__in=list(sites)).values_list(
        "start__code", "start_hub__code", "end__code", "minutes", "km", "source"
    )
    return {
        (site or hub, end): RoadFact(minutes, km, source)
        for site, hub, end, minutes, km, source in rows
    }


# Rows, not models: of a thousand lines Django took longer to make the objects than all the rest.
COLUMNS = (
    "id", "mode", "number", "start__code", "end__code", "departs", "minutes", "weekdays",
    "valid_from", "valid_to", "source",
)  # fmt: skip


def _lines(hubs: Collection[str], on: date) -> Iterator[Line]:
    """Whatever leaves from or leads to one of these: with one change, every way is among them."""
    lines = Departure.objects.filter(
        Q(valid_to=None) | Q(valid_to__gte=on),
        Q(start__code__in=hubs) | Q(end__code__in=hubs),
    )
    rows = lines.order_by("id").values_list(*COLUMNS)[:MOST_LINES]
    for pk, mode, number, start, end, at, minutes, weekdays, since, until, source in rows:
        valid = (since, until)
        yield Line(pk, mode, number, start, end, at, minutes, tuple(weekdays), valid, source)
