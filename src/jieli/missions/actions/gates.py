"""安全核查: a gate of an operation is signed whole, once, and struck out if it was wrong."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import get_language

from jieli.cases.actions.spine import lock_case, log, need_late_reason, when
from jieli.cases.models import Case
from jieli.chart.models import Checklist
from jieli.directory.models import Practitioner
from jieli.missions.queries.content import checklist
from jieli.missions.queries.gates import asked, operation_of, signed_in
from jieli.record.actions import action
from jieli.rules import checklists
from jieli.rules.checklists import Answer
from jieli.rules.refusal import Refused

SHORTEST_WHY = 2


@action
def sign_gate(
    case: Case,
    gate: str,
    answers: Mapping[str, Answer],
    *,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
    late_reason: str = "",
    operation: int | None = None,
) -> Checklist:
    """Every item that is asked has an answer; the gate before it is signed.

    `operation`: the how manieth of the case; without it the one at hand.
    """
    case = _open(case)
    at = when(occurred_at, now)
    need_late_reason(at, now, late_reason)
    number, incised = operation_of(case, gate, operation)
    held, language = checklist(), get_language() or "zh"
    items = asked(case, gate)
    checklists.check_order(gate, set(signed_in(case, number)), incised=incised)
    checklists.check(items, answers, language)
    row = Checklist.objects.create(
        patient=case.patient,
        case_key=case.key,
        gate=gate,
        operation=number,
        content=held.version,
        answers={item.code: _kept(answers[item.code]) for item in items},
        occurred_at=at,
        recorded_at=now,
        by=by,
    )
    log(
        case, "checklist_signed", by=by, now=now, occurred_at=at,
        checklist=str(row.key), gate=gate, operation=number, content=held.version,
        missing="、".join(
            item.say(language) for item in items if answers[item.code].value == checklists.NO
        ),
        reason=late_reason,
    )  # fmt: skip
    return row


def _kept(answer: Answer) -> list[str]:
    return [answer.value, answer.note.strip()[: checklists.NOTE]]


@action
def strike_gate(
    case: Case, row: Checklist, *, why: str, by: Practitioner, now: datetime
) -> Checklist:
    """Signed by mistake: it stays, struck out, and the gate is open again; the last one first."""
    case = _open(case)
    row.refresh_from_db()
    if row.wrong_at:
        raise Refused("This has been marked as entered in error already.")
    if len(why.strip()) < SHORTEST_WHY:
        raise Refused("Say in a few words what is wrong.")
    later = checklists.GATES[checklists.GATES.index(row.gate) + 1 :]
    if any(gate in later for gate in signed_in(case, row.operation)):
        raise Refused("Strike out the gate after it first.")
    row.wrong_at, row.wrong_by, row.wrong_why = now, by, why.strip()[:200]
    row.save(update_fields=["wrong_at", "wrong_by", "wrong_why"])
    log(
        case, "checklist_struck", by=by, now=now,
        checklist=str(row.key), gate=row.gate, operation=row.operation, why=row.wrong_why,
    )  # fmt: skip
    return row


def _open(case: Case) -> Case:
    case = lock_case(case.pk)
    if case.status != Case.Status.OPEN:
        raise Refused("This case is closed.")
    return case
