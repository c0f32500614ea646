"""The records office: holds that keep a case, and disposal by two people that leaves the hashes."""

from datetime import datetime

from django.db import DatabaseError, connection

from jieli.cases.actions.spine import lock_case, log
from jieli.cases.models import Case, Disposal, Hold
from jieli.cases.queries.office import facts_of
from jieli.chart import actions as chart
from jieli.directory.access import today
from jieli.directory.models import Practitioner
from jieli.record.actions import action, ledger
from jieli.rules import retention, uploads
from jieli.rules.chain import LAST
from jieli.rules.refusal import Refused

SHORTEST_WHY = 2
REFUSED_BY_THE_DOOR = "JD001"
FILES = 50  # disposals whose files are removed at once

# ── holds ────────────────────────────────────────────────────────────────────


@action
def hold(case: Case, *, why: str, by: Practitioner, now: datetime) -> Hold:
    """Nobody may dispose of the case until somebody ends this; several may run side by side."""
    case = lock_case(case.pk)
    if case.disposed_at:
        raise Refused("This case was disposed of already.")
    placed = Hold.objects.create(
        case=case, organisation=case.organisation, why=_reason(why), by=by, since=now
    )
    log(case, "hold_placed", by=by, now=now, text=placed.why)
    return placed


@action
def end_hold(held: Hold, *, why: str, by: Practitioner, now: datetime) -> Hold:
    case = lock_case(held.case_id)
    held.refresh_from_db()
    if held.ended_at:
        raise Refused("This hold has ended already.")
    held.ended_at, held.ended_by, held.end_why = now, by, _reason(why)
    held.save(update_fields=["ended_at", "ended_by", "end_why"])
    log(case, "hold_ended", by=by, now=now, text=held.end_why)
    return held


def _reason(why: str) -> str:
    said = uploads.plain(why, 300)
    if len(said) < SHORTEST_WHY:
        raise Refused("Say why, in a few words.")
    return said


# ── disposal ─────────────────────────────────────────────────────────────────


@action
def propose_disposal(case: Case, *, by: Practitioner, now: datetime) -> Disposal:
    """The first of two people. Nothing is changed yet."""
    case = lock_case(case.pk)
    due = retention.check_disposal(facts_of(case), today(now))
    if case.disposals.filter(refused_at=None).exists():
        raise Refused("Somebody has proposed this case already.")
    proposed = Disposal.objects.create(
        case=case,
        number=case.number,
        organisation=case.organisation,
        due_on=due,
        proposed_by=by,
        proposed_at=now,
    )
    log(case, "disposal_proposed", by=by, now=now, due=f"{due:%Y-%m-%d}")
    return proposed


@action
def refuse_disposal(proposed: Disposal, *, by: Practitioner, now: datetime) -> Disposal:
    """Taken back by whoever proposed it, or refused by somebody else: the case stays."""
    case = lock_case(proposed.case_id)
    _still_waits(proposed)
    proposed.refused_by, proposed.refused_at = by, now
    proposed.save(update_fields=["refused_by", "refused_at"])
    log(case, "disposal_refused", by=by, now=now)
    return proposed


@action
def confirm_disposal(proposed: Disposal, *, by: Practitioner, now: datetime) -> None:
    """The second person. The record's last event says so; then the content goes."""
    case = lock_case(proposed.case_id)
    _still_waits(proposed)
    retention.check_confirmation(proposed.proposed_by_id, by.pk)
    retention.check_disposal(facts_of(case), today(now))
    log(
        case,
        LAST,
        by=by,
        now=now,
        setting=case.setting,
        due=f"{proposed.due_on:%Y-%m-%d}",
        proposed_by=proposed.proposed_by.number,
        person=by.number,
    )
    ledger().add(_let_go, [proposed])


def _still_waits(proposed: Disposal) -> None:
    proposed.refresh_from_db()
    if proposed.confirmed_at or proposed.refused_at:
        raise Refused("This proposal was confirmed or refused already.")


def _let_go(proposed: list[Disposal]) -> None:
    """Written after the events: the door looks for the last of them."""
    for one in proposed:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT jieli_dispose(%s)", [one.pk])
        except DatabaseError as fault:
            if getattr(fault.__cause__, "sqlstate", "") != REFUSED_BY_THE_DOOR:
                raise
            raise Refused(
                "The database does not let this case go: by its own clock it is not due, or it is "
                "held, or another person of the office must confirm."
            ) from None


def remove_files(now: datetime) -> int:
    """Files of disposed cases, after the commit and until they are gone. For runners."""
    waiting = list(Disposal.objects.exclude(files=[]).order_by("pk")[:FILES])
    for one in waiting:
        chart.remove_files(one.files)
        Disposal.objects.filter(pk=one.pk).update(files=[])
    return len(waiting)
