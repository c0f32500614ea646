"""安全核查: which gates of which operation are signed, and what each of them asks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import get_language

from jieli.cases.models import Case, Template
from jieli.chart.models import Checklist, Procedure
from jieli.missions.queries.content import checklist, is_approved
from jieli.rules import checklists

CHINESE = ("", "zh")  # the language of the teams


@dataclass(frozen=True, slots=True)
class Line:
    """One item, and how it was answered."""

    code: str
    name: str
    na: bool
    value: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate as a reader sees it. `due`: it is the next to be signed."""

    code: str
    name: str
    source: str
    lines: Sequence[Line]
    row: Checklist | None
    due: bool
    missing: int  # answered "no"
    late: bool = False  # a time-out after the incision, or none at all


@dataclass(frozen=True, slots=True)
class Round:
    """One operation of the case, from 1."""

    number: int
    procedure: Procedure | None
    gates: Sequence[Gate]

    @property
    def number_text(self) -> str:
        """For templates, which do not join a word and a number."""
        return str(self.number)

    @property
    def signed(self) -> int:
        return sum(gate.row is not None for gate in self.gates)


_guided: list[Callable[[Case], bool]] = []


def use_guided(look: Callable[[Case], bool]) -> None:
    """The front door names who knows whether an expert guides the operation at hand from afar."""
    if look not in _guided:
        _guided.append(look)


def circumstances(case: Case) -> frozenset[str]:
    """What makes further items be asked: a remote expert, another language."""
    found = set()
    decision = case.decisions.first()
    live = decision is not None and decision.chosen == Template.LIVE
    if live or any(look(case) for look in _guided):
        found.add(checklists.REMOTE)
    if case.patient and case.patient.language not in CHINESE:
        found.add(checklists.INTERPRETER)
    return frozenset(found)


def _operations(case: Case) -> list[Procedure]:
    rows = Procedure.objects.filter(case_key=case.key, wrong_at=None)
    return list(rows.select_related("operator").order_by("started_at", "id"))


def operation_of(case: Case, gate: str, named: int | None = None) -> tuple[int, bool]:
    """The operation to which a gate belongs, and whether it has begun: the one that the form
    names, else the one at hand. Refused when there is no such operation."""
    done = _operations(case)
    going_on = any(row.ended_at is None for row in done)
    number = named or checklists.round_of(gate, len(done), going_on=going_on)
    checklists.check_round(number, len(done), going_on=going_on)
    return number, number <= len(done)


def signed_in(case: Case, operation: int) -> dict[str, Checklist]:
    rows = Checklist.objects.filter(case_key=case.key, operation=operation, wrong_at=None)
    return {row.gate: row for row in rows.select_related("by")}


def rounds(case: Case) -> list[Round]:
    """All operations of the case with their gates, the one at hand last."""
    done = _operations(case)
    rows = Checklist.objects.filter(case_key=case.key, wrong_at=None).select_related("by")
    signed = {(row.operation, row.gate): row for row in rows}
    numbers = {n for n, _gate in signed} | set(range(1, len(done) + 1))
    if case.status == Case.Status.OPEN:
        numbers.add(operation_of(case, checklists.SIGN_IN)[0])
    asked = circumstances(case)
    return [
        _round(n, done[n - 1] if n <= len(done) else None, signed, asked) for n in sorted(numbers)
    ]


def _round(
    number: int,
    procedure: Procedure | None,
    signed: Mapping[tuple[int, str], Checklist],
    asked: frozenset[str],
) -> Round:
    gates: list[Gate] = []
    for held in checklist().gates:
        row = signed.get((number, held.code))
        due = row is None and all(gate.row for gate in gates)
        if held.code == checklists.SIGN_OUT and procedure is None:
            due = False
        gates.append(_gate(held, row, procedure, asked, due=due))
    return Round(number, procedure, gates)


def _gate(
    held: checklists.Gate,
    row: Checklist | None,
    procedure: Procedure | None,
    asked: frozenset[str],
    *,
    due: bool,
) -> Gate:
    language = get_language() or "zh"
    given: dict[str, Any] = row.answers if row else {}
    items = held.asked(asked) if row is None else [i for i in held.items if i.code in given]
    lines = [
        Line(item.code, item.say(language), item.na, *given.get(item.code, ("", "")))
        for item in items
    ]
    # What was signed under an older version stays to be read, by its code if by nothing else.
    known = {line.code for line in lines}
    lines += [Line(code, code, False, *said) for code, said in given.items() if code not in known]
    return Gate(
        held.code,
        held.say(language),
        held.source,
        lines,
        row,
        due,
        sum(line.value == checklists.NO for line in lines),
        held.code == checklists.TIME_OUT and _came_late(row, procedure),
    )


def _came_late(row: Checklist | None, procedure: Procedure | None) -> bool:
    if procedure is None:
        return False
    return row is None or row.occurred_at > procedure.started_at


def gates_at_hand(case: Case) -> Round | None:
    """Of the last operation with a signed gate; None as long as nobody has signed any."""
    if not Checklist.objects.filter(case_key=case.key, wrong_at=None).exists():
        return None
    return next((one for one in reversed(rounds(case)) if one.signed), None)


def struck(case: Case) -> list[Checklist]:
    """Entered in error; they stay to be read."""
    rows = Checklist.objects.filter(case_key=case.key).exclude(wrong_at=None)
    return list(rows.select_related("by", "wrong_by").order_by("wrong_at"))


def asked(case: Case, gate: str) -> tuple[checklists.Item, ...]:
    """What a gate asks about this case now."""
    return checklist().gate(gate).asked(circumstances(case))


def gates_page(case: Case, now: datetime) -> dict[str, Any]:
    held = checklist()
    names = {gate.code: gate.say(get_language() or "zh") for gate in held.gates}
    found = list(reversed(rounds(case)))
    begun = [one for one in found if one.signed or one.procedure]
    return {
        "rounds": begun or found,
        "another": [one for one in found if begun and one not in begun],
        "version": held.version,
        "approved": is_approved(held, case, now),
        "struck": [(names[row.gate], row) for row in struck(case)],
    }
