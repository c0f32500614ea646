"""Promises that approved content makes: C2, definitive care within its window, from the signed
indication to the incision; and the set that is done at once, within its minutes."""

from datetime import datetime, timedelta

from jieli.cases.actions.spine import log, rule_of
from jieli.cases.models import Case, Clock
from jieli.record.models import Event
from jieli.record.rows import insert
from jieli.rules import clocks as rules

NAME = Clock.Name.DEFINITIVE_CARE


def promise_care(case: Case, at: datetime, target: int, hard: int, *, now: datetime) -> None:
    """Start the clock once; a sign that makes the window shorter moves its limits and is logged.

    Minutes from `at`. Only for windows that clinicians have approved. Never made longer here, and
    never started again.
    """
    clock = Clock.objects.filter(case=case, name=NAME, cancelled_at=None).first()
    limits = at + timedelta(minutes=target), at + timedelta(minutes=hard)
    if clock is None:
        clock = Clock(case=case, name=NAME, started_at=at, target_at=limits[0], hard_at=limits[1])
        clock.due_at = rules.next_due(rule_of(clock))
        insert([clock], once=True)
        return
    if clock.stopped_at or clock.hard_at is None or clock.hard_at <= limits[1]:
        return
    before = clock.hard_at
    clock.target_at = min(clock.target_at or limits[0], limits[0])
    clock.hard_at = limits[1]
    clock.due_at = rules.next_due(rule_of(clock))
    clock.save(update_fields=["target_at", "hard_at", "due_at"])
    log(
        case,
        "window_shortened",
        by=None,
        now=now,
        source=Event.Source.RUNNER,
        clock=NAME,
        minutes=hard,
        by_minutes=int((before - limits[1]).total_seconds() // 60),
    )


def promise_temporise(case: Case, at: datetime, within: int) -> None:
    """Start the clock of the set that is done at once, once. `within`: minutes from `at`."""
    name = Clock.Name.TEMPORISE
    if Clock.objects.filter(case=case, name=name, cancelled_at=None).exists():
        return
    clock = Clock(case=case, name=name, started_at=at, target_at=at + timedelta(minutes=within))
    clock.due_at = rules.next_due(rule_of(clock))
    insert([clock], once=True)
