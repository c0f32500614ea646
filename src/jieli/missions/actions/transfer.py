"""转运与下转: decided jointly; the receiving physician has the final say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from jieli.cases.actions import observe
from jieli.cases.actions.spine import end_access, grant_anew, lock_case, when
from jieli.cases.models import Candidate, Case, Decision, Template
from jieli.cases.queries.people import Desks
from jieli.chart.models import Observation
from jieli.directory.access import today, valid_on
from jieli.directory.models import Duty, Grant, Organisation, Practitioner, Role
from jieli.missions.actions.journey import end, leave_now
from jieli.missions.actions.under_way import (
    Stretch,
    add_legs,
    add_papers,
    host_side,
    lock_mission,
    move,
    new_mission,
    note,
    tell,
)
from jieli.missions.models import KitItem, Mission, Vehicle
from jieli.record.actions import action, lock_free
from jieli.rules import missions as rules
from jieli.rules import transport
from jieli.rules.refusal import Refused


@dataclass(frozen=True, slots=True)
class Journey:
    """Where a patient is to go and how. Either `end`, or a hospital outside the network by name."""

    stability: str
    start: Organisation
    end: Organisation | None = None
    end_outside: str = ""
    escort: str = ""  # empty: as the grade asks for
    newborn: bool = False
    vehicle: Vehicle | None = None
    plan: str = ""  # a return: what goes on at home
    tasks: Sequence[str] = ()  # a return: what is still open
    legs: Sequence[Stretch] = ()


@action
def plan_transfer(
    case: Case,
    journey: Journey,
    *,
    by: Practitioner,
    now: datetime,
    kind: str = Mission.Kind.TRANSFER,
    decision: Decision | None = None,
) -> Mission:
    """Plan it and ask the destination. `kind` "return" is the way back to the county hospital."""
    case = lock_case(case.pk)
    grade = _check(case, journey, kind)
    mission = new_mission(
        case,
        by=by,
        now=now,
        decision=decision,
        kind=kind,
        template=Template.TRANSFER,
        start=journey.start,
        end=journey.end,
        end_outside="" if journey.end else journey.end_outside.strip()[:120],
        vehicle=journey.vehicle,
        stability=journey.stability,
        escort=journey.escort or grade.escort,
        plan=journey.plan,
    )
    add_legs(mission, journey.legs, now)
    add_papers(mission, now)
    _pack(mission, grade.kit)
    for task in filter(None, (task.strip() for task in journey.tasks)):
        mission.entries.create(
            kind="task", text=task[:500], by=by, occurred_at=now, recorded_at=now
        )
    note(
        mission, "mission_transfer_planned", by, now,
        place=_place(mission), grade=journey.stability, escort=mission.escort,
    )  # fmt: skip
    _ask_destination(mission, by, now)
    return mission


def _check(case: Case, journey: Journey, kind: str) -> transport.Grade:
    if kind == Mission.Kind.TRANSFER and case.status != Case.Status.OPEN:
        raise Refused("This case is closed: no transfer can be planned.")
    if journey.end is None and not journey.end_outside.strip():
        raise Refused("Say where the patient is to go.")
    if journey.end and journey.end.pk == journey.start.pk:
        raise Refused("The patient is at this hospital already.")
    if kind == Mission.Kind.RETURN and not journey.plan.strip():
        raise Refused("Write the plan that goes back with the patient.")
    grade = transport.grade(journey.stability, newborn=journey.newborn)
    if journey.escort and journey.escort not in transport.ESCORTS:
        raise Refused("Choose who goes along.")
    if not grade.moves and journey.escort != "retrieval_team":
        raise Refused("S3 is moved by a retrieval team only: stabilise first, or bring a team.")
    return grade


def _pack(mission: Mission, wanted: Sequence[str]) -> None:
    """What the grade asks for and is not on the list yet."""
    have = set(mission.kit.values_list("name", flat=True))
    first = len(have)
    more = [name for name in wanted if name not in have]
    KitItem.objects.bulk_create(
        KitItem(mission=mission, position=first + i, name=name) for i, name in enumerate(more)
    )


def _place(mission: Mission) -> str:
    return mission.end.name if mission.end else mission.end_outside


# ── the destination ──────────────────────────────────────────────────────────


def _ask_destination(mission: Mission, by: Practitioner, now: datetime) -> None:
    """Its desk and whoever stands on the lines of the specialties see the case and are told."""
    site = mission.end
    if site is None:
        return
    people = _asked(mission, site, now)
    case = mission.case
    grant_anew(case, [p.pk for p in people], [], Grant.Why.INVITED, now)
    grant_anew(case, [], [site.pk], Grant.Why.DESK, now)
    event = note(
        mission, "mission_destination_asked", by, now,
        place=site.name, people="、".join(p.name for p in people),
    )  # fmt: skip
    text = _("A patient is to come to you: accept by name, or say why not.")
    urgent = case.urgency in ("U0", "U1")
    tell(mission, event, people, text, now=now, by=by, manner="ring" if urgent else "push")


def _asked(mission: Mission, site: Organisation, now: datetime) -> list[Practitioner]:
    specialties = set(mission.case.requests.values_list("specialty", flat=True))
    turns = Duty.objects.filter(
        organisation=site, period__contains=now, line=Duty.Line.FIRST
    ).select_related("practitioner")
    desks = Desks(now)
    found = [t.practitioner for t in turns if t.specialty_id in specialties]
    found += [*desks.duty(site), *desks.director(site)]
    found = found or [t.practitioner for t in turns]  # without a desk: whoever is on duty
    return list({person.pk: person for person in found}.values())


PHYSICIANS = (Role.Kind.DOCTOR, Role.Kind.EXPERT, Role.Kind.DIRECTOR)


def physicians(site: Organisation, now: datetime) -> QuerySet[Practitioner]:
    """Who may accept a patient for a hospital."""
    held = Role.objects.filter(valid_on(today(now)), organisation=site, kind__in=PHYSICIANS)
    return Practitioner.objects.filter(pk__in=held.values("practitioner")).order_by("sort_key")


@action
def accept_transfer(
    mission: Mission,
    *,
    by: Practitioner,
    now: datetime,
    receiver: Practitioner | None = None,
    receiver_outside: str = "",
) -> Mission:
    """A physician of the destination takes the patient by name; of one outside, as was told.

    Its desk may write down for whom it spoke: `receiver`.
    """
    mission = lock_mission(mission.pk)
    if mission.end is None and not receiver_outside.strip():
        raise Refused("Write who accepted there, with a telephone number.")
    if mission.receiver_id or mission.receiver_outside:
        raise Refused("Somebody has accepted this patient already.")
    named = receiver or by
    if mission.end and not physicians(mission.end, now).filter(pk=named.pk).exists():
        raise Refused("A physician of the destination accepts: name one.")
    move(mission, "accept")
    mission.receiver = named if mission.end else None
    mission.receiver_outside = "" if mission.end else receiver_outside.strip()[:120]
    mission.approved_by, mission.approved_at = by, now
    mission.save(
        update_fields=["status", "receiver", "receiver_outside", "approved_by", "approved_at"]
    )
    if mission.end:  # from now on its people look after this patient
        grant_anew(mission.case, [], [mission.end.pk], Grant.Why.TREATING, now)
    name = named.name if mission.end else mission.receiver_outside
    event = note(mission, "mission_accepted", by, now, person=name, place=_place(mission))
    text = _("The destination has accepted the patient.")
    tell(mission, event, host_side(mission, now), text, now=now, by=by)
    return mission


@action
def refuse_transfer(mission: Mission, *, reason: str, by: Practitioner, now: datetime) -> Mission:
    """The destination cannot take the patient: the next one is asked."""
    mission = lock_mission(mission.pk)
    if not reason.strip():
        raise Refused("Say why, in a few words.")
    if mission.receiver_id or mission.receiver_outside:
        raise Refused("Somebody has accepted this patient already.")
    move(mission, "refuse")
    event = note(
        mission, "mission_refused", by, now, place=_place(mission), text=reason.strip()[:200]
    )
    mission.entries.create(
        kind="refused", text=f"{_place(mission)}: {reason.strip()}"[:500], by=by,
        occurred_at=now, recorded_at=now,
    )  # fmt: skip
    text = _("The destination cannot take the patient: choose another one.")
    tell(mission, event, host_side(mission, now), text, now=now, by=by)
    return mission


@action
def redirect(
    mission: Mission,
    *,
    end: Organisation | None,
    reason: str,
    by: Practitioner,
    now: datetime,
    end_outside: str = "",
    minutes: int | None = None,
) -> Mission:
    """Another destination, also on the way: the old one is told and sees the case no longer."""
    mission = lock_mission(mission.pk)
    if end is None and not end_outside.strip():
        raise Refused("Say where the patient is to go.")
    if end is not None and end.pk in (mission.end_id, mission.start_id):
        raise Refused("Choose another destination.")
    if not reason.strip():
        raise Refused("Say why, in a few words.")
    move(mission, "redirect")
    _let_go_of(mission, by, now)
    mission.end, mission.end_outside = end, "" if end else end_outside.strip()[:120]
    mission.receiver, mission.receiver_outside = None, ""
    mission.save(update_fields=["status", "end", "end_outside", "receiver", "receiver_outside"])
    _lead_there(mission, minutes, now)
    note(mission, "mission_redirected", by, now, place=_place(mission), text=reason.strip()[:200])
    _ask_destination(mission, by, now)
    return mission


def _let_go_of(mission: Mission, by: Practitioner, now: datetime) -> None:
    """The destination so far hears that the patient does not come; its access ends."""
    site = mission.end
    if site is None:
        return
    staff = list(Role.objects.filter(organisation=site).values_list("practitioner", flat=True))
    event = note(mission, "mission_destination_dropped", by, now, place=site.name)
    people = [*_asked(mission, site, now), *([mission.receiver] if mission.receiver else [])]
    text = _("The patient does not come to you: the destination has changed.")
    tell(mission, event, people, text, now=now, by=by)
    if site.pk == mission.case.organisation_id:
        return
    end_access(mission.case, staff, [], Grant.Why.INVITED, now)
    end_access(mission.case, [], [site.pk], Grant.Why.TREATING, now)
    # A desk that was asked for advice before keeps what it had.
    if not Candidate.objects.filter(request__case=mission.case, organisation=site).exists():
        end_access(mission.case, [], [site.pk], Grant.Why.DESK, now)


def _lead_there(mission: Mission, minutes: int | None, now: datetime) -> None:
    """The last stretch leads to the new place, and takes as long as was said."""
    last = mission.legs.filter(ended_at=None).last()
    if last is None:
        return
    last.end = last.name = _place(mission)
    if minutes is not None:
        last.expected_end = now + timedelta(minutes=minutes)
    last.save(update_fields=["end", "name", "expected_end"])


# ── graded again, and off ────────────────────────────────────────────────────


@action
def score(
    mission: Mission, stability: str, *, by: Practitioner, now: datetime, escort: str = ""
) -> Mission:
    """Grade the patient again; a worse grade asks for more escort and more in the vehicle."""
    mission = lock_mission(mission.pk)
    move(mission, "score")
    grade = transport.grade(stability)
    if escort and escort not in transport.ESCORTS:
        raise Refused("Choose who goes along.")
    observe(mission.case, {"stability": stability}, by=by, now=now)
    mission.stability, mission.escort = stability, escort or mission.escort
    mission.save(update_fields=["stability", "escort"])
    _pack(mission, grade.kit)
    note(mission, "mission_scored", by, now, grade=stability, escort=mission.escort)
    return mission


def last_score(mission: Mission) -> tuple[str, datetime | None]:
    """The last grade of the chart and when it was given."""
    found = (
        Observation.objects.filter(case_key=mission.case.key, code="stability", wrong_at=None)
        .order_by("-occurred_at", "-pk")
        .values_list("text", "occurred_at")
        .first()
    )
    return found or (mission.stability, None)


@action
def depart_transfer(
    mission: Mission,
    *,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
    without_consent: str = "",
) -> Mission:
    """Leave with the patient: a fresh grade, enough escort, and the family's written consent."""
    mission = lock_mission(mission.pk)
    rules.after(mission.kind, mission.status, "depart")
    at = when(occurred_at, now)
    stability, scored_at = last_score(mission)
    transport.check_before_leaving(stability, scored_at, mission.escort, at)
    if not without_consent and mission.papers.filter(kind="transfer_consent", done_at=None):
        raise Refused("File the family's written consent before leaving, or say why it must wait.")
    event = leave_now(mission, at, by=by, now=now)
    if without_consent:
        note(mission, "mission_without_consent", by, now, text=without_consent[:200])
    people = [mission.receiver] if mission.receiver else []
    text = _("The patient has left for you.")
    tell(mission, event, [*people, *host_side(mission, now)], text, now=now, by=by)
    return mission


# ── another way was found ────────────────────────────────────────────────────


def end_open_transfers(case: Case, why: str, *, by: Practitioner | None, now: datetime) -> int:
    """The patient is helped in another way: what was planned ends by itself. `case` is locked.

    A transfer of the same patient in another case ends too, unless somebody works on it just now.
    """
    found = Mission.objects.filter(patient=case.patient, kind=Mission.Kind.TRANSFER)
    found = found.filter(status__in=rules.OPEN).select_related("case")
    others = {m.case.chain_id for m in found} - {case.chain_id}
    free = {case.chain_id, *(lock_free(others) if others else ())}
    mine = [mission.pk for mission in found if mission.case.chain_id in free]
    for pk in mine:
        mission = lock_mission(pk)
        move(mission, "close")
        end(mission, why, now)
        event = note(mission, "mission_ended_itself", by, now, ended=why)
        people = [*host_side(mission, now), *([mission.receiver] if mission.receiver else [])]
        text = _("The transfer has ended: the patient is helped in another way.")
        tell(mission, event, people, text, now=now, by=by)
    return len(mine)
