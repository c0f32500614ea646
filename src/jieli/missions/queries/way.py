"""A mission's legs as they went and will go, from the last thing that is known."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from jieli.missions.models import Departure, Leg, Mission
from jieli.rules import eta

TIMETABLED = ("flight", "train", "ferry")
PREPARING = ("approve", "approval", "prepare", "preparation", "ready")  # before anybody leaves


@dataclass(frozen=True, slots=True)
class Way:
    """All legs with their expected times; `arrival` is the end of the last one."""

    legs: list[tuple[Leg, eta.Eta]]
    arrival: eta.Eta | None


def way(mission: Mission, now: datetime) -> Way:
    known = "legs" in getattr(mission, "_prefetched_objects_cache", {})
    rows = mission.legs.all()
    legs = list(rows if known else rows.select_related("departure__start"))
    found = eta.way([stretch(leg) for leg in legs], mission.left_at or mission.planned_at, now)
    pairs = list(zip(legs, found, strict=True))
    return Way(pairs, found[-1] if found else None)


def with_legs(missions: QuerySet[Mission]) -> QuerySet[Mission]:
    """For lists: the legs of all of them in one query."""
    legs = Leg.objects.select_related("departure__start")
    return missions.prefetch_related(Prefetch("legs", queryset=legs))


def stretch(leg: Leg) -> eta.Stretch:
    """The row as the rules see it."""
    held = leg.departure is not None or leg.kind in TIMETABLED
    return eta.Stretch(
        leg.planned_minutes,
        leg.sigma,
        departs=leg.planned_start if held else None,
        cutoff=leg.departure.start.cutoff if leg.departure else 0,
        lines=_lines(leg.departure) if leg.departure and not leg.started_at else (),
        started=leg.started_at,
        ended=leg.ended_at,
        expected=leg.expected_end,
    )


def _lines(departure: Departure) -> tuple[eta.Line, ...]:
    """Everything that leaves on this stretch, as the timetable says."""
    rows = Departure.objects.filter(
        mode=departure.mode, start=departure.start_id, end=departure.end_id
    )
    zone = departure.start.zone
    return tuple(
        eta.Line(row.departs, zone, tuple(row.weekdays), row.valid_from, row.valid_to)
        for row in rows
    )
