"""What may go wrong on the way, in the order in which people must look at it."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from jieli.cases.models import Clock
from jieli.missions.models import Mission
from jieli.missions.queries.lists import is_open
from jieli.missions.queries.saying import percent
from jieli.missions.queries.way import Way, stretch
from jieli.rules import eta

TIGHT = 40  # minutes before a departure closes that call for a look
SURE = 0.95  # a chance to catch it below which people are told
Risk = tuple[str, str]  # a sentence, and what stands behind it


def risks(mission: Mission, way: Way, now: datetime) -> list[Risk]:
    """The facts that change what to do; none for a mission that has ended."""
    if not is_open(mission):
        return []
    on_the_way = () if mission.arrived_at else (_connection(mission, way, now), _late(mission, way))
    return [risk for risk in (*on_the_way, _unanswered(mission)) if risk]


def is_tight(found: eta.Eta) -> bool:
    """Little time is left before it closes, or it may well be missed."""
    if found.slack is None:
        return False
    return found.slack < TIGHT or (found.caught is not None and found.caught < SURE)


def _connection(mission: Mission, way: Way, now: datetime) -> Risk | None:
    """The first departure that is missed, or may be."""
    for n, (leg, found) in enumerate(way.legs):
        if found.missed:
            return _("A departure cannot be reached: %(leg)s.") % {"leg": leg.name}, _(
                "The times below count with the next one."
            )
        if found.slack is not None and is_tight(found):
            said = _("Only %(n)s min are left before it closes: %(leg)s.")
            said %= {"n": round(found.slack), "leg": leg.name}
            return said, f"{_chance(found)} {_otherwise(mission, way, n, now)}".strip()
    return None


def _chance(found: eta.Eta) -> str:
    if found.caught is None:
        return ""
    return _("The chance to catch it is %(n)s %%.") % {"n": percent(round(found.caught, 2))}


def _otherwise(mission: Mission, way: Way, which: int, now: datetime) -> str:
    """When they arrive if it leaves without them."""
    legs = [stretch(leg) for leg, _found in way.legs]
    found = eta.if_missed(legs, mission.left_at or mission.planned_at, now, which)
    if not found:
        return _("No later departure is in the timetable.")
    said = _("If it is missed: the next leaves at %(leaves)s, arrival %(arrives)s.")
    return said % {"leaves": _local(found[which].start), "arrives": _local(found[-1].end)}


def _late(mission: Mission, way: Way) -> Risk | None:
    """The arrival lies behind a limit of definitive care."""
    if way.arrival is None or way.arrival.end is None:
        return None
    running = Clock.objects.filter(
        case=mission.case, name=Clock.Name.DEFINITIVE_CARE, stopped_at=None
    ).first()
    limit = running and (running.hard_at or running.target_at)
    if limit and way.arrival.end > limit:
        said = _("It is expected at %(arrives)s, the limit is %(limit)s.")
        return _("The arrival lies behind the limit of definitive care."), said % {
            "arrives": _local(way.arrival.end),
            "limit": _local(limit),
        }
    return None


def _unanswered(mission: Mission) -> Risk | None:
    waits = mission.kind != Mission.Kind.DISPATCH and not (
        mission.receiver_id or mission.receiver_outside
    )
    if waits:
        return _("No physician of the destination has accepted the patient by name yet."), ""
    return None


def _local(at: datetime | None) -> str:
    """MM-DD HH:MM in the zone the reader chose."""
    return f"{timezone.localtime(at):%m-%d %H:%M}" if at else ""
