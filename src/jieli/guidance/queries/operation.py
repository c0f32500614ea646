"""Which operation of the case a session is about, and its gates."""

from dataclasses import dataclass
from datetime import datetime

from jieli.chart.models import Checklist, Procedure
from jieli.guidance.models import GuidanceSession
from jieli.rules import checklists


@dataclass(frozen=True, slots=True)
class Operation:
    """The how manieth of the case, what is on record of it, and its signed gates by code."""

    number: int
    procedure: Procedure | None
    gates: dict[str, Checklist]


def operation_of(session: GuidanceSession, now: datetime) -> Operation:
    """The last one that went on during the session, else the one at hand."""
    key = session.case.key
    rows = Procedure.objects.filter(case_key=key, wrong_at=None).order_by("started_at", "id")
    done = list(rows)
    since, until = session.started_at or now, session.ended_at or now
    during = [
        n
        for n, row in enumerate(done, 1)
        if row.started_at <= until and (row.ended_at is None or row.ended_at >= since)
    ]
    going = any(row.ended_at is None for row in done)
    number = (
        during[-1]
        if during
        else checklists.round_of(checklists.TIME_OUT, len(done), going_on=going)
    )
    signed = Checklist.objects.filter(case_key=key, operation=number, wrong_at=None)
    gates = {row.gate: row for row in signed.select_related("by")}
    return Operation(number, done[number - 1] if number <= len(done) else None, gates)
