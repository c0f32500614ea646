"""What every action on a mission stands on: the lock, the move, the team, telling both sides."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from jieli.cases.actions.spine import grant_anew, lock_case, log
from jieli.cases.models import Case
from jieli.cases.queries.people import Desks
from jieli.directory.actions.presence import note_busy, note_free
from jieli.directory.actions.rosters import lock_people
from jieli.directory.models import Duty, Grant, Practitioner, Presence
from jieli.missions.models import Cover, Leg, Member, Mission, Paper
from jieli.missions.queries.away import away
from jieli.notify import actions as notify
from jieli.record.models import Event
from jieli.rules import missions as rules
from jieli.rules.refusal import Refused

STAYS = timedelta(hours=72)  # a team is away so long after its arrival unless somebody says
TAKEN = "%(name)s is in another team at that time."


@dataclass(frozen=True, slots=True)
class Crew:
    """One person who is to go along."""

    person: Practitioner
    part: str
    leads: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """One leg as it is planned; minutes are the median. `departs`: a timetable holds it back."""

    kind: str
    name: str
    minutes: float = 0
    route: str = ""
    start: str = ""
    end: str = ""
    sigma: float = 0
    departure: int | None = None
    departs: datetime | None = None


def lock_mission(mission_id: int) -> Mission:
    """The case's chain first, then the mission as it is under that lock."""
    case = lock_case(Mission.objects.values_list("case_id", flat=True).get(pk=mission_id))
    mission = Mission.objects.select_related("start", "end", "receiver").get(pk=mission_id)
    mission.case = case
    return mission


def move(mission: Mission, step: str) -> None:
    mission.status = rules.after(mission.kind, mission.status, step)


def new_mission(case: Case, *, by: Practitioner, now: datetime, **fields: Any) -> Mission:
    """A row with a number of its own; the case is locked, so no number is given twice."""
    mission = Mission(
        case=case,
        patient=case.patient,
        number=f"{case.number}-M{case.missions.count() + 1}",
        planned_by=by,
        planned_at=now,
        **fields,
    )
    try:
        with transaction.atomic():
            mission.save()
    except IntegrityError as fault:
        if "one_open_transfer_of_patient" not in str(fault):
            raise
        raise Refused("This patient has an open transfer already.") from None
    return mission


def add_legs(mission: Mission, legs: Sequence[Stretch], now: datetime) -> None:
    """One after the other from now on; a departure is waited for."""
    at, rows = now, []
    for position, leg in enumerate(legs):
        start = max(at, leg.departs) if leg.departs else at
        at = start + timedelta(minutes=leg.minutes)
        rows.append(
            Leg(
                mission=mission,
                position=position,
                kind=leg.kind,
                route=leg.route,
                name=leg.name,
                start=leg.start,
                end=leg.end,
                departure_id=leg.departure,
                planned_start=start,
                planned_end=at,
                planned_minutes=leg.minutes,
                sigma=leg.sigma,
            )
        )
    Leg.objects.bulk_create(rows)


def planned_arrival(mission: Mission, now: datetime) -> datetime:
    last = mission.legs.last()
    return (last and last.planned_end) or now


def owe(mission: Mission, after: str, since: datetime) -> None:
    """Papers whose reason came about at `since` are due from then on; a date once set stays."""
    for kind, rule in rules.PAPERS[mission.kind].items():
        if rule.after == after:
            Paper.objects.filter(mission=mission, kind=kind, due_at=None).update(
                due_at=rules.paper_due(mission.kind, kind, since)
            )


def add_papers(mission: Mission, now: datetime) -> None:
    host = mission.case.organisation
    Paper.objects.bulk_create(
        Paper(
            mission=mission,
            kind=kind,
            organisation=mission.start if rule.owner == "home" else host,
        )
        for kind, rule in rules.PAPERS[mission.kind].items()
    )
    owe(mission, "planned", now)
    owe(mission, "arrival", planned_arrival(mission, now))


# ── the team ─────────────────────────────────────────────────────────────────


def add_crew(mission: Mission, crew: Iterable[Crew], now: datetime, until: datetime) -> None:
    """Nobody is in two teams at once: one after the other per person, and the database decides."""
    people = list(crew)
    lock_people(one.person.pk for one in people)
    period = DateTimeTZRange(now, until)
    taken = away([one.person.pk for one in people], now, until)
    for one in people:
        if one.person.pk in taken:
            raise Refused(TAKEN, name=one.person.name)
        _add_member(mission, one, period)
    grant_anew(mission.case, [one.person.pk for one in people], [], Grant.Why.INVITED, now)
    _list_covers(mission, [one.person for one in people], period)


def _add_member(mission: Mission, one: Crew, period: DateTimeTZRange) -> None:
    if one.part not in rules.PARTS:
        raise Refused("Choose what each person of the team does.")
    try:
        with transaction.atomic():
            Member.objects.create(
                mission=mission,
                practitioner=one.person,
                part=one.part,
                leads=one.leads,
                period=period,
            )
    except IntegrityError as fault:
        if "member_not_in_two_teams" not in str(fault):
            raise
        raise Refused(TAKEN, name=one.person.name) from None


def _list_covers(mission: Mission, people: list[Practitioner], period: DateTimeTZRange) -> None:
    """Each turn at home that somebody else must take."""
    turns = Duty.objects.filter(practitioner__in=people, period__overlap=period)
    Cover.objects.bulk_create(
        Cover(
            mission=mission,
            duty=turn,
            away=turn.practitioner,
            what=f"{turn.organisation.name} {turn.specialty or ''} {turn.line}"[:120],
            period=DateTimeTZRange(
                max(turn.period.lower, period.lower), min(turn.period.upper, period.upper)
            ),
        )
        for turn in turns.select_related("organisation", "specialty", "practitioner")
    )


def let_go(members: Iterable[Member], now: datetime, why: str = "") -> None:
    """They are free for another team from now on, and no longer away if this one had left."""
    gone = []
    for member in members:
        begun = member.period.lower
        member.left_at, member.replaced_why = now, why
        member.period = DateTimeTZRange(begun, max(now, begun + timedelta(seconds=1)))
        member.save(update_fields=["left_at", "replaced_why", "period"])
        if member.mission.left_at:
            gone.append(member.practitioner_id)
    note_free(gone, Presence.State.AWAY)


def away_with_team(mission: Mission, only: Collection[int] | None = None) -> None:
    """Whoever asks for them sees it, until the time for which they were planned is over."""
    members = mission.members.filter(left_at=None)
    if only is not None:
        members = members.filter(practitioner__in=only)
    for member in members.order_by("practitioner"):
        note_busy([member.practitioner_id], Presence.State.AWAY, member.period.upper)


def crew_of(mission: Mission) -> list[Practitioner]:
    members = mission.members.filter(left_at=None).select_related("practitioner")
    return [member.practitioner for member in members.order_by("-leads", "pk")]


# ── telling ──────────────────────────────────────────────────────────────────


def host_side(mission: Mission, now: datetime) -> list[Practitioner]:
    case = mission.case
    return [case.in_charge, *Desks(now).duty(case.organisation)]


def home_side(mission: Mission, now: datetime) -> list[Practitioner]:
    return [*crew_of(mission), *Desks(now).duty(mission.start)]


def tell(
    mission: Mission,
    event: Event,
    people: Iterable[Practitioner],
    text: str,
    *,
    now: datetime,
    by: Practitioner | None = None,
    manner: str = "push",
) -> None:
    """Everybody but whoever did it. No patient is named."""
    case = mission.case
    notify.tell(
        event,
        [person for person in people if by is None or person.pk != by.pk],
        manner=manner,
        title=f"{case.urgency} {mission.number}",
        text=text,
        path=f"/missions/{mission.key}/",
        urgency=case.urgency,
        now=now,
    )


def note(mission: Mission, verb: str, by: Practitioner | None, now: datetime, **data: Any) -> Event:
    """Record one event of a mission on its case."""
    return log(mission.case, verb, by=by, now=now, mission=mission.number, **data)
