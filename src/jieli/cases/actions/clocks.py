"""The clock runner's work, and what people may do to a clock: pause it, say why it was late.

First what fell due is recorded, for many clocks in one transaction. Then people are told, one
clock at a time: a crash between the two is made good from `Clock.owes`.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from jieli.cases.actions.requests import restart_list
from jieli.cases.actions.ringing import ANSWERED, advance, start_rings
from jieli.cases.actions.spine import lock_case, log, publish, refresh_board, rule_of
from jieli.cases.models import Case, Clock, OutcomeDue, Request
from jieli.cases.queries.people import audience
from jieli.directory.models import Practitioner
from jieli.live import actions as live
from jieli.live import topics
from jieli.notify import actions as notify
from jieli.record.actions import Entry, append, seal
from jieli.record.models import Chain, Event
from jieli.rules import clocks as rules
from jieli.rules import escalation, relay
from jieli.rules.refusal import Refused

logger = logging.getLogger(__name__)
BATCH = 200
PUSHED_ASIDE = timedelta(seconds=30)  # a row that fails waits this long, loudly
MOST_LAPSES = 30_000  # as many as the column counts
STAGE_VERBS = {
    "remind": "clock_reminded",
    "second": "clock_second",
    "target": "clock_target_missed",
    "hard": "clock_hard_missed",
}


def run_due(now: datetime) -> int:
    """Everything that time owes at `now`: clocks, rings, outcomes. How many rows were handled."""
    return fire_clocks(now) + escalate_clocks(now) + roll_on(now) + ask_outcomes(now)


# ── first: record what fell due ──────────────────────────────────────────────


def fire_clocks(now: datetime, limit: int = BATCH) -> int:
    """Record the stages that have come, once each. One bad clock cannot stop the others."""
    try:
        return _fire_batch(now, limit)
    except Exception:
        logger.exception("a batch of clocks failed; trying them one by one")
    handled = 0
    for pk in list(_due_clocks(now).values_list("pk", flat=True)[:limit]):
        handled += _one(partial(_fire_batch, now, 1, pk), Clock, pk, now)
    return handled


def _due_clocks(now: datetime) -> QuerySet[Clock]:
    return Clock.objects.filter(due_at__lte=now).order_by("due_at")


@transaction.atomic
def _fire_batch(now: datetime, limit: int, only: int | None = None) -> int:
    found = _due_clocks(now) if only is None else _due_clocks(now).filter(pk=only)
    wanted = list(found.values_list("pk", "case__chain_id")[:limit])
    if not wanted:
        return 0
    # The chain heads first, always in one order; a chain that an action holds waits for next time.
    chains = {
        chain.pk: chain
        for chain in Chain.objects.select_for_update(skip_locked=True)
        .filter(pk__in={chain for _pk, chain in wanted})
        .order_by("pk")
    }
    clocks = list(
        Clock.objects.filter(pk__in=[pk for pk, _chain in wanted], due_at__lte=now)
        .filter(case__chain__in=chains)
        .select_related("case")
        .order_by("due_at")
    )
    events: list[Event] = []
    for clock in clocks:
        events += seal(chains[clock.case.chain_id], _fire(clock, now), now=now)
    Event.objects.bulk_create(events)
    Chain.objects.bulk_update(chains.values(), ["length", "head"])
    Clock.objects.bulk_update(
        clocks,
        ["stage", "owes", "due_at", "target_at", "hard_at", "paused_at", "paused_until"],
    )
    cases = list({clock.case_id: clock.case for clock in clocks}.values())
    _refresh_boards(cases, now)
    heard = [topics.case(str(case.key)) for case in cases]
    live.publish([*heard, topics.BOARD], None, "clock")
    return len(clocks)


def _fire(clock: Clock, now: datetime) -> list[Entry]:
    """Move one clock's row to `now`, and say what is to be recorded of it."""
    if clock.stopped_at or clock.cancelled_at:
        clock.due_at = None
        return []
    entries: list[Entry] = []
    if clock.paused_until and clock.paused_until <= now:
        entries.append(_resume(clock, clock.paused_until))
    stages = dict(rules.stage_times(rule_of(clock)))
    for stage in rules.stages_due(rule_of(clock), now):
        clock.stage = stage
        clock.owes = [*clock.owes, stage]
        entries.append(
            Entry(
                STAGE_VERBS[stage],
                None,
                stages[stage],
                {"clock": clock.name, "clock_id": clock.pk},
                Event.Source.RUNNER,
            )
        )
    clock.due_at = rules.next_due(rule_of(clock))
    return entries


def _resume(clock: Clock, at: datetime) -> Entry:
    """End a pause at `at`: the limits move by its length, the start never does."""
    length = at - (clock.paused_at or at)
    clock.target_at, clock.hard_at = rules.moved(rule_of(clock), length)
    clock.paused_at, clock.paused_until = None, None
    return Entry(
        "clock_resumed",
        None,
        at,
        {"clock": clock.name, "clock_id": clock.pk, "seconds": int(length.total_seconds())},
        Event.Source.RUNNER,
    )


def _refresh_boards(cases: Iterable[Case], now: datetime) -> None:
    """The next limit of several cases in two queries."""
    by_id = {case.pk: case for case in cases}
    limits: dict[int, list[datetime]] = defaultdict(list)
    running = Clock.objects.filter(case__in=by_id, stopped_at=None, cancelled_at=None)
    for clock in running:
        if at := rules.next_limit(rule_of(clock), now):
            limits[clock.case_id].append(at)
    for case in by_id.values():
        case.next_limit_at = min(limits[case.pk], default=None)
    Case.objects.bulk_update(by_id.values(), ["next_limit_at"])


# ── then: tell people ────────────────────────────────────────────────────────


def escalate_clocks(now: datetime, limit: int = 50) -> int:
    """Tell the people whom fired stages call for, one clock at a time.

    A clock whose telling failed still owes it, and stands behind those that never failed.
    """
    owing = list(
        Clock.objects.exclude(owes=[]).order_by("lapses", "id").values_list("pk", flat=True)[:limit]
    )
    return sum(_one(partial(_escalate, pk, now), Clock, pk, now) for pk in owing)


@transaction.atomic
def _escalate(clock_id: int, now: datetime) -> int:
    case_id = Clock.objects.values_list("case_id", flat=True).get(pk=clock_id)
    case = lock_case(case_id)
    clock = Clock.objects.select_related("request__specialty", "request__accepted_by").get(
        pk=clock_id
    )
    owed, clock.owes = clock.owes, []
    clock.save(update_fields=["owes"])
    if not owed or clock.stopped_at or clock.cancelled_at:
        return 0
    for stage in owed:
        for tell in escalation.tells(clock.name, stage):
            _tell(case, clock, stage, tell, now)
    return 1


def _tell(case: Case, clock: Clock, stage: str, tell: escalation.Tell, now: datetime) -> None:
    request = clock.request
    if request is not None:
        request.case = case
        request.refresh_from_db(fields=["status", "round", "accepted_by", "exhausted_at"])
    searching = request is not None and request.status not in ANSWERED
    if tell.again and searching and request and request.urgency in relay.AT_ONCE:
        restart_list(request, by=None, now=now, source=Event.Source.RUNNER)
        return
    people = audience(tell.audience, case, request, now)
    zone = case.organisation.zone
    manner = relay.manner(tell.manner, case.urgency, now, zone)
    if request is not None and manner == "ring" and tell.audience in ("second", "director"):
        people = _ring_line(request, people, now)
    if not people:
        return
    event = log(
        case,
        "escalated",
        by=None,
        now=now,
        source=Event.Source.RUNNER,
        clock=clock.name,
        stage=stage,
        audience=tell.audience,
        manner=manner,
        people="、".join(p.name for p in people),
    )
    notify.tell(
        event,
        people,
        manner=manner,
        title=f"{case.urgency} {case.organisation.name}",
        text=_sentence(clock.name, stage),
        path=f"/cases/{case.key}/",
        urgency=case.urgency,
        now=now,
    )


def _sentence(name: str, stage: str) -> str:
    if stage in ("target", "hard"):
        return _("A limit has passed: open the case.")
    return _("A limit is near: open the case.")


def _ring_line(request: Request, people: list[Practitioner], now: datetime) -> list[Practitioner]:
    """Ring people so that they can accept. Those who cannot be rung again are told instead."""
    if request.status in ANSWERED:
        return people
    ids = {p.pk for p in people}
    busy = set(
        request.rings.filter(round=request.round, silent=False).values_list(
            "practitioner_id", flat=True
        )
    )
    free = request.candidates.filter(practitioner__in=ids - busy).select_related(
        "practitioner", "organisation"
    )
    start_rings(request, free, now=now, source=Event.Source.RUNNER)
    advance(request, now=now, source=Event.Source.RUNNER)
    rung = {c.practitioner_id for c in free}
    return [p for p in people if p.pk not in rung and p.pk not in busy]


# ── rings roll on, outcomes are asked for ────────────────────────────────────


def roll_on(now: datetime, limit: int = BATCH) -> int:
    """Every request whose next move is due."""
    due = list(
        Request.objects.filter(due_at__lte=now)
        .order_by("due_at")
        .values_list("pk", flat=True)[:limit]
    )
    return sum(_one(partial(_advance, pk, now), Request, pk, now) for pk in due)


@transaction.atomic
def _advance(request_id: int, now: datetime) -> int:
    case_id = Request.objects.values_list("case_id", flat=True).get(pk=request_id)
    case = lock_case(case_id)
    request = Request.objects.select_related("specialty", "accepted_by").get(pk=request_id)
    if request.due_at is None or request.due_at > now:
        return 0  # an answer or another runner came first
    request.case = case
    advance(request, now=now, source=Event.Source.RUNNER)
    return 1


def ask_outcomes(now: datetime, limit: int = 50) -> int:
    due = list(
        OutcomeDue.objects.filter(asked_at=None, answered_at=None, due_at__lte=now)
        .order_by("due_at")
        .values_list("pk", flat=True)[:limit]
    )
    return sum(_one(partial(_ask_outcome, pk, now), OutcomeDue, pk, now) for pk in due)


@transaction.atomic
def _ask_outcome(pk: int, now: datetime) -> int:
    case_id = OutcomeDue.objects.values_list("case_id", flat=True).get(pk=pk)
    case = lock_case(case_id)
    row = OutcomeDue.objects.get(pk=pk)
    if row.asked_at or row.answered_at:
        return 0
    row.asked_at = now
    row.save(update_fields=["asked_at"])
    event = log(case, "outcome_asked", by=None, now=now, source=Event.Source.RUNNER, day=row.day)
    notify.tell(
        event,
        [case.in_charge],
        manner="silent",
        title=case.number,
        text=_("How is the patient on day %(day)s? One tap is enough.") % {"day": row.day},
        path=f"/cases/{case.key}/",
        urgency=case.urgency,
        now=now,
    )
    return 1


def _one(
    work: Callable[[], int],
    model: type[Clock] | type[Request] | type[OutcomeDue],
    pk: int,
    now: datetime,
) -> int:
    """Do one row's work. A row that fails is pushed aside, loudly, so that the others go on."""
    try:
        return work()
    except Exception:
        logger.exception("%s %s failed and was pushed aside", model.__name__, pk)
        _push_aside(model, pk, now)
        return 0


def _push_aside(
    model: type[Clock] | type[Request] | type[OutcomeDue], pk: int, now: datetime
) -> None:
    model.objects.filter(pk=pk, due_at__lte=now).update(due_at=now + PUSHED_ASIDE)
    for counted in (Clock, Request):
        if model is counted:
            counted.objects.filter(pk=pk, lapses__lt=MOST_LAPSES).update(lapses=F("lapses") + 1)


# ── what people do to a clock ────────────────────────────────────────────────


@transaction.atomic
def pause_clock(
    clock: Clock, *, by: Practitioner, code: str, reason: str, minutes: int, now: datetime
) -> None:
    """Hold a clock for an allowed reason; it goes on by itself after `minutes` at the latest."""
    case = lock_case(clock.case_id)
    clock.refresh_from_db()
    longest = rules.PAUSES.get(code)
    if longest is None:
        raise Refused("A clock can only be paused for one of the listed reasons.")
    if clock.stopped_at or clock.cancelled_at or clock.paused_until:
        raise Refused("This clock does not run, so it cannot be paused.")
    if not 1 <= minutes <= longest:
        raise Refused("This pause may last 1 to %(longest)s minutes.", longest=longest)
    clock.paused_at, clock.paused_until = now, now + timedelta(minutes=minutes)
    clock.pause_code = code
    clock.due_at = clock.paused_until
    clock.save(update_fields=["paused_at", "paused_until", "pause_code", "due_at"])
    log(
        case,
        "clock_paused",
        by=by,
        now=now,
        clock=clock.name,
        clock_id=clock.pk,
        code=code,
        reason=reason,
        minutes=minutes,
    )


@transaction.atomic
def resume_clock(clock: Clock, *, by: Practitioner, now: datetime) -> None:
    """End a pause before its time."""
    case = lock_case(clock.case_id)
    clock.refresh_from_db()
    if not clock.paused_until:
        raise Refused("This clock is not paused.")
    entry = _resume(clock, min(now, clock.paused_until))
    clock.due_at = rules.next_due(rule_of(clock))
    clock.save()
    publish(
        case, append(case.chain, [replace(entry, by=by, source=Event.Source.SCREEN)], now=now)[0]
    )
    refresh_board(case, now)


@transaction.atomic
def give_late_reason(clock: Clock, *, by: Practitioner, reason: str, now: datetime) -> None:
    """Why a target was missed: a fact for the record, never a reproach."""
    case = lock_case(clock.case_id)
    clock.refresh_from_db()
    if clock.target_at is None or (clock.stopped_at or now) <= clock.target_at:
        raise Refused("This clock has not passed its target.")
    clock.late_reason = reason
    clock.save(update_fields=["late_reason"])
    log(
        case,
        "late_reason_given",
        by=by,
        now=now,
        clock=clock.name,
        clock_id=clock.pk,
        reason=reason,
    )
