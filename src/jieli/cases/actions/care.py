"""What follows while it rings and after: ISBAR, thread, urgency, hand-over, closing, outcome."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils.translation import gettext as _

from jieli.cases.actions.ringing import advance, end_rings
from jieli.cases.actions.spine import (
    cancel_clocks,
    end_grants,
    grant,
    lock_case,
    log,
    need_late_reason,
    rule_of,
    when,
)
from jieli.cases.models import (
    Case,
    Clock,
    Handover,
    Note,
    Outcome,
    OutcomeDue,
    Request,
    Urgency,
)
from jieli.directory.models import Grant, Practitioner
from jieli.notify import actions as notify
from jieli.record.actions import action
from jieli.rules import clocks as rules
from jieli.rules.refusal import Refused

OUTCOME_DAYS = (1, 7, 21)
AWAY_FROM_HERE = (Outcome.State.DIED, Outcome.State.DISCHARGED)
Left = Callable[[Case, str, Practitioner, datetime], object]
_when_left: list[Left] = []


def use_when_left(tell: Left) -> None:
    """The front door names who must hear that a patient has died or gone home."""
    _when_left[:] = [tell]


@action
def save_handover(
    case: Case, fields: Mapping[str, object], *, by: Practitioner, now: datetime
) -> Handover:
    """A new version of the ISBAR; earlier versions stay. Fields left out keep their last value."""
    case = _lock_open(case)
    last = case.handovers.filter(wrong_at=None).first()
    names = [f.name for f in Handover._meta.fields if f.name in ISBAR]
    kept = {name: getattr(last, name) for name in names} if last else {}
    handover = Handover.objects.create(
        case=case,
        version=(case.handovers.aggregate(last=Max("version"))["last"] or 0) + 1,
        by=by,
        recorded_at=now,
        **{**kept, **fields},
    )
    log(
        case,
        "handover_saved",
        by=by,
        now=now,
        version=handover.version,
        filled=sum(1 for name in ISBAR if getattr(handover, name)),
    )
    return handover


ISBAR = (
    "situation",
    "onset_at",
    "onset_text",
    "airway",
    "gestation_and_weight",
    "diagnoses",
    "history",
    "allergies",
    "pregnancy",
    "medicines",
    "results",
    "infection",
    "language",
    "guardian",
    "resuscitation",
    "assessment",
    "differential",
    "danger_signs",
    "worry",
    "done",
    "risks",
    "ask",
    "by_when",
    "watch",
    "read_back",
)


@action
def write_note(
    case: Case,
    text: str,
    *,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
) -> Note:
    """One line of the live thread; the other side is told."""
    case = lock_case(case.pk)
    note = Note.objects.create(
        case=case, by=by, text=text, occurred_at=when(occurred_at, now), recorded_at=now
    )
    event = log(case, "note_written", by=by, now=now, note=note.pk, occurred_at=note.occurred_at)
    experts = Practitioner.objects.filter(
        pk__in=case.requests.exclude(accepted_by=None).values("accepted_by")
    )
    people = {person.pk: person for person in [case.in_charge, *experts]}
    people.pop(by.pk, None)
    notify.tell(
        event,
        people.values(),
        manner="silent" if case.urgency in ("U3", "U4") else "push",
        title=f"{case.urgency} {case.organisation.name}",
        text=_("%(name)s wrote in the case.") % {"name": by.name},
        path=f"/cases/{case.key}/",
        urgency=case.urgency,
        now=now,
    )
    return note


@action
def change_urgency(
    case: Case, to: str, *, by: Practitioner, may_lower: bool, reason: str, now: datetime
) -> Case:
    """Anyone may raise the level; only the specialist consulted may lower it.

    The clocks keep their start and are judged by the limits of the new level.
    """
    case = _lock_open(case)
    if to not in Urgency.values:
        raise Refused("Choose one of the levels U0 to U4.")
    if to == case.urgency:
        return case
    if to > case.urgency and not may_lower:
        raise Refused("Only the specialist who was consulted may lower the urgency.")
    verb = "urgency_raised" if to < case.urgency else "urgency_lowered"
    was, case.urgency = case.urgency, to
    case.save(update_fields=["urgency"])
    log(case, verb, by=by, now=now, was=was, to=to, reason=reason)
    for request in case.requests.exclude(
        status__in=(Request.Status.COMPLETED, Request.Status.CANCELLED)
    ).select_related("specialty", "accepted_by"):
        request.case, request.urgency = case, to
        minutes = rules.FALLBACK_AFTER.get(to)
        if minutes and not request.fallback_told_at:
            request.fallback_at = request.raised_at + timedelta(minutes=minutes)
        request.save(update_fields=["urgency", "fallback_at"])
        _judge_anew(request)
        advance(request, now=now)
    return case


def _judge_anew(request: Request) -> None:
    """Limits of the new level from the old start; stages that have fired stay fired."""
    running = list(Clock.objects.filter(request=request, stopped_at=None, cancelled_at=None))
    for clock in running:
        fresh = rules.start(clock.name, request.urgency, clock.started_at)
        clock.target_at, clock.hard_at = fresh.target, fresh.hard
        clock.due_at = rules.next_due(rule_of(clock))
    Clock.objects.bulk_update(running, ["target_at", "hard_at", "due_at"])
    present = set(request.clocks.values_list("name", flat=True))
    for name in rules.AT_REQUEST[request.urgency]:
        if name not in present:
            _add_clock(request, name)


def _add_clock(request: Request, name: str) -> None:
    rule = rules.start(name, request.urgency, request.raised_at)
    Clock.objects.create(
        case=request.case,
        request=request,
        name=name,
        started_at=rule.started,
        target_at=rule.target,
        hard_at=rule.hard,
        due_at=rules.next_due(rule),
    )


@action
def hand_over_care(
    case: Case, *, to: Practitioner, by: Practitioner, note: str, now: datetime
) -> Case:
    """Another doctor of the treating hospital leads from now on, and is told."""
    case = _lock_open(case)
    if to.pk == case.in_charge_id:
        return case
    case.in_charge = to
    case.save(update_fields=["in_charge"])
    grant(case, [to.pk], Grant.Why.TREATING, now)
    event = log(
        case, "care_handed_over", by=by, now=now, person=to.name, number=to.number, note=note
    )
    notify.tell(
        event,
        [to],
        manner="push",
        title=f"{case.urgency} {case.organisation.name}",
        text=_("%(name)s handed a case over to you.") % {"name": by.name},
        path=f"/cases/{case.key}/",
        urgency=case.urgency,
        now=now,
    )
    return case


@action
def close_case(
    case: Case, *, by: Practitioner, reason: str, now: datetime, setting: str = ""
) -> Case:
    """End the case: rings and clocks stop, access ends after a grace, the outcome is asked for."""
    case = _lock_open(case)
    if unread := case.opinions.filter(acknowledged_at=None).first():
        raise Refused(
            "Opinion version %(version)s has not been read. Mark it read before closing.",
            version=unread.version,
        )
    for request in case.requests.exclude(
        status__in=(Request.Status.COMPLETED, Request.Status.CANCELLED)
    ):
        request.case = case
        request.status, request.due_at = Request.Status.CANCELLED, None
        request.save(update_fields=["status", "due_at"])
        end_rings(request, now=now)
    case.status, case.closed_at, case.closed_reason = Case.Status.CLOSED, now, reason
    case.setting = setting if setting in Case.Setting.values else ""
    case.save(update_fields=["status", "closed_at", "closed_reason", "setting"])
    log(case, "case_closed", by=by, now=now, reason=reason, setting=case.setting)
    cancel_clocks(case, now)
    end_grants(case, now)
    ask_for_outcomes(case)
    return case


def ask_for_outcomes(case: Case) -> None:
    """Day 1, 7 and 21 after the request; a day already told is not asked for."""
    told = set(case.outcomes.values_list("day", flat=True))
    OutcomeDue.objects.bulk_create(
        (
            OutcomeDue(case=case, day=day, due_at=case.opened_at + timedelta(days=day))
            for day in OUTCOME_DAYS
            if day not in told
        ),
        ignore_conflicts=True,
    )


@action
def record_outcome(
    case: Case,
    *,
    day: int,
    state: str,
    by: Practitioner,
    now: datetime,
    note: str = "",
    occurred_at: datetime | None = None,
    late_reason: str = "",
) -> Outcome:
    """How the patient is; shown to every expert who advised, also after their access has ended."""
    case = lock_case(case.pk)
    if state not in Outcome.State.values:
        raise Refused("Choose one of the outcomes.")
    at = when(occurred_at, now)
    if occurred_at:
        need_late_reason(at, now, late_reason)
    outcome = Outcome.objects.create(
        case=case, day=day, state=state, note=note, by=by, occurred_at=at, recorded_at=now
    )
    case.outcomes_due.filter(day=day).update(answered_at=now)
    event = log(case, "outcome_recorded", by=by, now=now, occurred_at=at, day=day, state=state)
    if state in AWAY_FROM_HERE:
        for hear in _when_left:
            hear(case, state, by, now)
    authors = Practitioner.objects.filter(opinions__case=case).distinct()
    notify.tell(
        event,
        authors,
        manner="silent",
        title=case.number,
        text=_("The outcome of a case you advised has come back."),
        path="/me/advice/",
        urgency=case.urgency,
        now=now,
    )
    return outcome


def _lock_open(case: Case) -> Case:
    case = lock_case(case.pk)
    if case.status != Case.Status.OPEN:
        raise Refused("This case is closed; only the outcome can still be added.")
    return case
