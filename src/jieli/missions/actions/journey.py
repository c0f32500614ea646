"""On the way: leave, legs and their delays, arrive, hand over, come home.

Times may be late entries. Arrival ends its own leg and nothing else: no clock of the case
hears of it.
"""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from jieli.cases.actions.spine import when
from jieli.directory.models import Practitioner
from jieli.missions.actions.under_way import (
    away_with_team,
    home_side,
    host_side,
    let_go,
    lock_mission,
    move,
    note,
    owe,
    tell,
)
from jieli.missions.models import Leg, Mission
from jieli.missions.queries.way import PREPARING, stretch, way
from jieli.record.actions import action
from jieli.record.models import Event
from jieli.rules import eta
from jieli.rules import missions as rules
from jieli.rules.refusal import Refused

MATTERS = timedelta(minutes=10)  # an arrival that moves by less is not told to everybody


def sides(mission: Mission, now: datetime) -> list[Practitioner]:
    return [*home_side(mission, now), *host_side(mission, now)]


def leave_now(mission: Mission, at: datetime, *, by: Practitioner, now: datetime) -> Event:
    """Off they go: what was preparation is over, the first stretch begins. The case is locked."""
    move(mission, "depart")
    mission.left_at = at
    mission.save(update_fields=["status", "left_at"])
    for leg in mission.legs.filter(ended_at=None):
        if leg.kind not in PREPARING:
            _begin(leg, at)
            break
        leg.started_at, leg.ended_at = leg.started_at or mission.planned_at, at
        leg.save(update_fields=["started_at", "ended_at"])
    return note(mission, "mission_departed", by, now, occurred_at=at)


def _begin(leg: Leg | None, at: datetime) -> None:
    """A stretch without a timetable begins when the one before it ends."""
    if leg is None or leg.started_at or stretch(leg).departs:
        return
    leg.started_at = at
    leg.save(update_fields=["started_at"])


@action
def depart(
    mission: Mission, *, by: Practitioner, now: datetime, occurred_at: datetime | None = None
) -> Mission:
    mission = lock_mission(mission.pk)
    if mission.kind != Mission.Kind.DISPATCH:
        raise Refused("A patient leaves with a transfer.")
    unapproved = mission.approved_at is None
    event = leave_now(mission, when(occurred_at, now), by=by, now=now)
    away_with_team(mission)
    text = _("The team has left.")
    if unapproved:  # nothing keeps a team from going now; the approval is owed at once
        owe(mission, "approved", now - rules.paper_limit(mission.kind, "home_approval"))
        event = note(mission, "mission_left_unapproved", by, now)
        text = _("The team has left and nobody has approved it by name: say yes by telephone now.")
    tell(mission, event, sides(mission, now), text, now=now, by=by)
    return mission


# ── legs ─────────────────────────────────────────────────────────────────────


def lock_leg(leg_id: int) -> Leg:
    mission = lock_mission(Leg.objects.values_list("mission_id", flat=True).get(pk=leg_id))
    leg = Leg.objects.select_related("departure__start").get(pk=leg_id)
    leg.mission = mission
    if mission.status not in (Mission.Status.UNDER_WAY, Mission.Status.RETURNING):
        raise Refused("Nobody is on the way with this mission now.")
    return leg


@action
def begin_leg(
    leg: Leg, *, by: Practitioner, now: datetime, occurred_at: datetime | None = None
) -> Leg:
    """It has left: the flight is off the ground, the car is on the road."""
    leg = lock_leg(leg.pk)
    if leg.started_at or leg.ended_at:
        return leg
    leg.started_at = when(occurred_at, now)
    leg.save(update_fields=["started_at"])
    note(
        leg.mission,
        "mission_leg_began",
        by,
        now,
        leg=leg.name,
        number=leg.position + 1,
        occurred_at=leg.started_at,
    )
    return leg


@action
def end_leg(
    leg: Leg, *, by: Practitioner, now: datetime, occurred_at: datetime | None = None
) -> Leg:
    """This stretch is behind them; the next begins."""
    leg = lock_leg(leg.pk)
    if leg.ended_at:
        return leg
    before = leg.mission.legs.filter(position__lt=leg.position, ended_at=None)
    if before.exists():
        raise Refused("An earlier leg has not ended yet.")
    _finish(leg, when(occurred_at, now))
    _begin(leg.mission.legs.filter(position__gt=leg.position).first(), leg.ended_at or now)
    note(
        leg.mission,
        "mission_leg_ended",
        by,
        now,
        leg=leg.name,
        number=leg.position + 1,
        occurred_at=leg.ended_at,
    )
    return leg


def _finish(leg: Leg, at: datetime) -> None:
    if leg.started_at and at < leg.started_at:
        raise Refused("A leg cannot end before it began.")
    leg.ended_at = at
    leg.save(update_fields=["ended_at"])


@action
def report_delay(leg: Leg, *, minutes: int, reason: str, by: Practitioner, now: datetime) -> Leg:
    """Its end is `minutes` later than expected (earlier: negative); what hangs on it moves too."""
    leg = lock_leg(leg.pk)
    if leg.ended_at:
        raise Refused("This leg has ended already.")
    before = way(leg.mission, now)
    end = next(found.end for row, found in before.legs if row.pk == leg.pk) or now
    leg.expected_end, leg.note = end + timedelta(minutes=minutes), reason[:200]
    leg.save(update_fields=["expected_end", "note"])
    event = note(
        leg.mission,
        "mission_leg_delayed",
        by,
        now,
        leg=leg.name,
        minutes=minutes,
        text=reason[:200],
    )
    _move_on(leg.mission, before.arrival, event, by, now)
    return leg


@action
def cancel_departure(leg: Leg, *, reason: str, by: Practitioner, now: datetime) -> Leg:
    """The flight or train does not go: the next one of the timetable is taken."""
    leg = lock_leg(leg.pk)
    held = stretch(leg)
    if leg.ended_at or leg.started_at or held.departs is None:
        raise Refused("Only a departure that lies ahead can be cancelled.")
    before = way(leg.mission, now)
    follows = eta.next_departure(held.lines, held.departs + timedelta(minutes=1))
    leg.note = reason[:200]
    leg.expected_end = None
    _take(leg, follows)
    event = note(
        leg.mission, "mission_departure_cancelled", by, now, leg=leg.name, text=reason[:200]
    )
    _move_on(leg.mission, before.arrival, event, by, now)
    return leg


def _take(leg: Leg, departs: datetime | None) -> None:
    """Another departure of the timetable; where it knows none, people will say when."""
    if departs is None:
        leg.departure = None
    else:
        leg.planned_start = departs
        leg.planned_end = departs + timedelta(minutes=leg.planned_minutes)
    leg.save(update_fields=["departure", "planned_start", "planned_end", "expected_end", "note"])


def _move_on(
    mission: Mission, was: eta.Eta | None, event: Event, by: Practitioner, now: datetime
) -> None:
    """Departures that cannot be reached any more give way to the next; a late arrival is told."""
    for leg, found in way(mission, now).legs:
        if found.missed and found.start and leg.planned_start != found.start:
            leg.expected_end = None
            _take(leg, found.start)
            event = note(
                mission,
                "mission_departure_missed",
                None,
                now,
                leg=leg.name,
                source=Event.Source.RUNNER,
                until=found.start.isoformat(timespec="minutes"),
            )
    arrival = way(mission, now).arrival
    moved = arrival and was and arrival.end and was.end and abs(arrival.end - was.end) >= MATTERS
    if moved and arrival and arrival.end:
        text = _("The arrival has moved: open the mission for the new time.")
        tell(mission, event, sides(mission, now), text, now=now, by=by)


# ── there, and home again ────────────────────────────────────────────────────


@action
def arrive(
    mission: Mission, *, by: Practitioner, now: datetime, occurred_at: datetime | None = None
) -> Mission:
    mission = lock_mission(mission.pk)
    at = when(occurred_at, now)
    move(mission, "arrive")
    if mission.left_at and at < mission.left_at:
        raise Refused("Nobody arrives before they left.")
    mission.arrived_at = at
    mission.save(update_fields=["status", "arrived_at"])
    last = mission.legs.filter(ended_at=None).last()
    if last is not None:
        last.ended_at = max(at, last.started_at or at)
        last.save(update_fields=["ended_at"])
    event = note(mission, "mission_arrived", by, now, occurred_at=at)
    tell(mission, event, sides(mission, now), _("Arrived."), now=now, by=by)
    return mission


@action
def hand_over(mission: Mission, *, text: str, by: Practitioner, now: datetime) -> Mission:
    """Structured hand-over at the bedside; it ends a transfer, and a team stays on."""
    mission = lock_mission(mission.pk)
    move(mission, "hand_over")
    mission.entries.create(
        kind="handed_over", text=text[:500], by=by, occurred_at=now, recorded_at=now
    )
    note(mission, "mission_handed_over", by, now, text=text[:200])
    if mission.kind != Mission.Kind.DISPATCH:
        mission.closed_at = now
    mission.save(update_fields=["status", "closed_at"])
    return mission


@action
def leave(
    mission: Mission, *, by: Practitioner, now: datetime, occurred_at: datetime | None = None
) -> Mission:
    """The team starts for home."""
    mission = lock_mission(mission.pk)
    move(mission, "leave")
    mission.save(update_fields=["status"])
    event = note(mission, "mission_left_site", by, now, occurred_at=when(occurred_at, now))
    tell(mission, event, sides(mission, now), _("The team is on its way home."), now=now, by=by)
    return mission


@action
def come_back(
    mission: Mission, *, by: Practitioner, now: datetime, occurred_at: datetime | None = None
) -> Mission:
    """At home again: its people are free, and the report is owed within two working days."""
    mission = lock_mission(mission.pk)
    move(mission, "back")
    if mission.back_at:
        return mission
    mission.back_at = when(occurred_at, now)
    mission.save(update_fields=["back_at"])
    note(mission, "mission_back", by, now, occurred_at=mission.back_at)
    let_go(mission.members.filter(left_at=None), now)
    owe(mission, "back", mission.back_at)
    return mission


@action
def close(mission: Mission, *, reason: str, by: Practitioner, now: datetime) -> Mission:
    """Everything is done. Papers that are still owed need a reason."""
    mission = lock_mission(mission.pk)
    owed = mission.papers.filter(done_at=None).count()
    if owed and not reason:
        raise Refused(
            "%(n)s papers are still owed: file them, or say why the mission ends.", n=owed
        )
    move(mission, "close")
    end(mission, reason, now)
    note(mission, "mission_closed", by, now, text=reason)
    return mission


@action
def cancel(mission: Mission, *, reason: str, by: Practitioner, now: datetime) -> Mission:
    """It does not go, or turns round. Both sides hear of it."""
    mission = lock_mission(mission.pk)
    if not reason:
        raise Refused("Say why, in a few words.")
    people = sides(mission, now)
    move(mission, "cancel")
    end(mission, reason, now)
    event = note(mission, "mission_cancelled", by, now, text=reason)
    tell(mission, event, people, _("The mission was cancelled."), now=now, by=by)
    return mission


def end(mission: Mission, reason: str, now: datetime) -> None:
    """The row is over: people are free, emergency privileges end with it."""
    mission.closed_at, mission.closed_why = now, reason[:200]
    mission.save(update_fields=["status", "closed_at", "closed_why"])
    let_go(mission.members.filter(left_at=None), now)
    mission.privileges.filter(ended_at=None).update(ended_at=now)
