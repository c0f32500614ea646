"""The clock runner's work, and what people may do to a clock: pause it, say why it was late.

First what fell due is recorded, then people are told: a crash between the two is made good from
`Clock.owes`. Each kind of work takes many rows in one transaction; when one of them fails, they
are done one by one and the failing one is pushed aside.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from jieli.cases.actions.requests import restart_list
from jieli.cases.actions.ringing import ANSWERED, advance, start_rings
from jieli.cases.actions.spine import lock_case, log, publish, refresh_limits, rule_of
from jieli.cases.models import Case, Clock, OutcomeDue, Request
from jieli.cases.queries.people import Desks, audience
from jieli.directory.models import Practitioner
from jieli.live import actions as live
from jieli.live import topics
from jieli.notify import actions as notify
from jieli.record.actions import Entry, action, append, lock_free
from jieli.record.models import Chain, Event
from jieli.rules import clocks as rules
from jieli.rules import escalation, relay
from jieli.rules.refusal import Refused

logger = logging.getLogger(__name__)
BATCH = 200
PUSHED_ASIDE = timedelta(seconds=30)  # a row that fails waits this long, then twice as long, ...
LONGEST_ASIDE = timedelta(minutes=8)
MOST_LAPSES = 30_000  # as many as the column counts
STAGE_VERBS = {
    "remind": "clock_reminded",
    "second": "clock_second",
    "target": "clock_target_missed",
    "hard": "clock_hard_missed",
}

Row = type[Clock] | type[Request] | type[OutcomeDue]
Wanted = Sequence[tuple[int, int]]  # a row's id and its case's chain


def run_due(now: datetime) -> int:
    """Everything that time owes at `now`: clocks, rings, outcomes. How many rows were handled."""
    return fire_clocks(now) + escalate_clocks(now) + roll_on(now) + ask_outcomes(now)


def _in_batch(
    due: QuerySet[Any], work: Callable[[Wanted, datetime], int], now: datetime, limit: int
) -> int:
    """Many in one transaction; each in its own when one of them fails. How many were handled."""
    wanted = list(due.values_list("pk", "case__chain_id")[:limit])
    if not wanted:
        return 0
    try:
        return work(wanted, now)
    except Exception:
        logger.exception("a batch of %s failed; trying them one by one", due.model.__name__)
    return sum(_one(partial(work, [each], now), due.model, each[0], now) for each in wanted)


def _one(work: Callable[[], int], model: Row, pk: int, now: datetime) -> int:
    """Do one row's work. A row that fails is pushed aside, loudly, so that the others go on."""
    try:
        return work()
    except Exception:
        logger.exception("%s %s failed and was pushed aside", model.__name__, pk)
        _push_aside(model, pk, now)
        return 0


def _push_aside(model: Row, pk: int, now: datetime) -> None:
    row: QuerySet[Any] = model.objects.filter(pk=pk)
    if model is OutcomeDue:
        row.update(due_at=now + PUSHED_ASIDE)
        return
    lapses = row.values_list("lapses", flat=True).get()
    later = now + min(PUSHED_ASIDE * 2 ** min(lapses, 8), LONGEST_ASIDE)
    row.filter(due_at__lte=now).update(due_at=later)
    row.filter(lapses__lt=MOST_LAPSES).update(lapses=F("lapses") + 1)
    if model is Clock:
        row.exclude(owes=[]).update(tell_after=later)


# ── first: record what fell due ──────────────────────────────────────────────


def fire_clocks(now: datetime, limit: int = BATCH) -> int:
    """Record the stages that have come, once each."""
    due = Clock.objects.filter(due_at__lte=now).order_by("due_at")
    return _in_batch(due, _fire_batch, now, limit)


@action
def _fire_batch(wanted: Wanted, now: datetime) -> int:
    # A chain that an action holds waits for next time.
    chains = lock_free(chain for _pk, chain in wanted)
    clocks = list(
        Clock.objects.filter(pk__in=[pk for pk, _chain in wanted], due_at__lte=now)
        .filter(case__chain__in=chains)
        .select_related("case")
        .order_by("due_at")
    )
    for clock in clocks:
        append(chains[clock.case.chain_id], _fire(clock, now), now=now)
        refresh_limits(clock.case, now)
    _save_fired(clocks)
    heard = [topics.case(str(clock.case.key)) for clock in clocks]
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


SAVED = ("stage", "due_at", "target_at", "hard_at", "paused_at", "paused_until")
SAVE_FIRED = """
    UPDATE cases_clock c
       SET stage = n.stage, due_at = n.due_at, target_at = n.target_at, hard_at = n.hard_at,
           paused_at = n.paused_at, paused_until = n.paused_until,
           owes = string_to_array(n.owes, ',')
      FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[],
                  %s::timestamptz[], %s::timestamptz[], %s::timestamptz[]) AS n (
               id, owes, stage, due_at, target_at, hard_at, paused_at, paused_until)
     WHERE c.id = n.id"""


def _save_fired(clocks: Sequence[Clock]) -> None:
    """Many rows in one statement: row by row it was the longest part of firing."""
    columns: list[list[Any]] = [[clock.pk for clock in clocks]]
    columns.append([",".join(clock.owes) for clock in clocks])
    columns += [[getattr(clock, name) for clock in clocks] for name in SAVED]
    with connection.cursor() as cursor:
        cursor.execute(SAVE_FIRED, columns)


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


# ── then: tell people ────────────────────────────────────────────────────────


def escalate_clocks(now: datetime, limit: int = BATCH) -> int:
    """Tell the people whom fired stages call for. What failed before waits, and comes last."""
    owing = Clock.objects.exclude(owes=[]).filter(Q(tell_after=None) | Q(tell_after__lte=now))
    return _in_batch(owing.order_by("lapses", "id"), _escalate_batch, now, limit)


@action
def _escalate_batch(wanted: Wanted, now: datetime) -> int:
    chains = lock_free(chain for _pk, chain in wanted)
    owing = list(
        Clock.objects.filter(pk__in=[pk for pk, _chain in wanted])
        .filter(case__chain__in=chains)
        .exclude(owes=[])
        .order_by("id")
    )
    _share(owing, chains)
    Clock.objects.filter(pk__in=[clock.pk for clock in owing]).update(owes=[], tell_after=None)
    desks = Desks(now, {clock.case.organisation_id for clock in owing})
    for clock in owing:
        if clock.stopped_at or clock.cancelled_at:
            continue
        for stage in clock.owes:
            for tell in escalation.tells(clock.name, stage):
                _tell(clock, stage, tell, desks, now)
    return len(owing)


def _share(clocks: Sequence[Clock], chains: dict[int, Chain]) -> None:
    """Clocks of one case share its object: what one of them changes, the next one sees."""
    cases = Case.objects.select_related("patient", "organisation", "in_charge").in_bulk(
        {clock.case_id for clock in clocks}
    )
    requests = Request.objects.select_related("specialty", "raised_by", "accepted_by").in_bulk(
        {clock.request_id for clock in clocks if clock.request_id}
    )
    for case in cases.values():
        case.chain = chains[case.chain_id]
    for request in requests.values():
        request.case = cases[request.case_id]
    for clock in clocks:
        clock.case = cases[clock.case_id]
        clock.request = requests[clock.request_id] if clock.request_id else None


def _tell(clock: Clock, stage: str, tell: escalation.Tell, desks: Desks, now: datetime) -> None:
    case, request = clock.case, clock.request
    searching = request is not None and request.status not in ANSWERED
    if tell.again and searching and request and request.urgency in relay.AT_ONCE:
        restart_list(request, by=None, now=now, source=Event.Source.RUNNER)
        return
    people = audience(tell.audience, case, request, desks)
    manner = relay.manner(tell.manner, case.urgency, now, case.organisation.zone)
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
        text=_sentence(stage),
        path=f"/cases/{case.key}/",
        urgency=case.urgency,
        now=now,
    )


def _sentence(stage: str) -> str:
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
    due = Request.objects.filter(due_at__lte=now).order_by("due_at")
    return _in_batch(due, _advance_batch, now, limit)


@action
def _advance_batch(wanted: Wanted, now: datetime) -> int:
    chains = lock_free(chain for _pk, chain in wanted)
    requests = list(
        Request.objects.filter(pk__in=[pk for pk, _chain in wanted], due_at__lte=now)
        .filter(case__chain__in=chains)  # an answer or another runner may have come first
        .select_related(
            "specialty", "accepted_by", "case__patient", "case__organisation", "case__in_charge"
        )
        .order_by("due_at")
    )
    for request in requests:
        request.case.chain = chains[request.case.chain_id]
        advance(request, now=now, source=Event.Source.RUNNER)
    return len(requests)


def ask_outcomes(now: datetime, limit: int = BATCH) -> int:
    """One tap on day 1, 7 and 21: asked for once."""
    due = OutcomeDue.objects.filter(asked_at=None, answered_at=None, due_at__lte=now)
    return _in_batch(due.order_by("due_at"), _ask_batch, now, limit)


@action
def _ask_batch(wanted: Wanted, now: datetime) -> int:
    chains = lock_free(chain for _pk, chain in wanted)
    rows = list(
        OutcomeDue.objects.filter(pk__in=[pk for pk, _chain in wanted])
        .filter(case__chain__in=chains, asked_at=None, answered_at=None)
        .select_related("case__in_charge")
    )
    OutcomeDue.objects.filter(pk__in=[row.pk for row in rows]).update(asked_at=now)
    for row in rows:
        row.case.chain = chains[row.case.chain_id]
        _ask_outcome(row, now)
    return len(rows)


def _ask_outcome(row: OutcomeDue, now: datetime) -> None:
    case = row.case
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


# ── what people do to a clock ────────────────────────────────────────────────


@action
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


@action
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


@action
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
