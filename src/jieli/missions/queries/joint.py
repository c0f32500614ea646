"""Several cases at once: who gets which team, unit or aircraft, and what that costs each case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery

from jieli.cases.access import visible_cases
from jieli.cases.models import Case
from jieli.cases.queries.lists import heading
from jieli.directory.models import Practitioner
from jieli.missions.models import Sheet
from jieli.missions.queries import saying
from jieli.record import reading
from jieli.rules.planner.sharing import Offer, share

SHOWN = 30  # cases that are waiting for a decision; the earliest hard limit first


@dataclass(frozen=True, slots=True)
class Row:
    """One case: what it would choose alone, what it gets beside the others, what it loses."""

    case: Case
    heading: str
    sheet: Sheet
    alone: str
    gets: str
    same: bool
    value: str
    cost: str  # points of a hundred; "" when it loses nothing


@dataclass(frozen=True, slots=True)
class Joint:
    rows: Sequence[Row]
    contested: Sequence[str]
    more: int  # cases beyond those that were compared


def joint(person: Practitioner, now: datetime) -> Joint:
    """Over the latest sheets of the undecided cases that this person may see."""
    latest = Sheet.objects.filter(case=OuterRef("case")).order_by("-version").values("pk")[:1]
    sheets = (
        Sheet.objects.filter(
            case__in=visible_cases(person, now).filter(status=Case.Status.OPEN, undecided=True),
            pk=Subquery(latest),
        )
        .select_related("case__organisation", "case__patient")
        .order_by("case__next_limit_at", "case_id")
    )
    found = list(sheets[: SHOWN + 1])
    compared = found[:SHOWN]
    reading.listed(sheet.case.key for sheet in compared)
    shared = share({str(sheet.case.key): offers(sheet) for sheet in compared})
    names = _names(compared)
    rows = []
    for sheet in compared:
        one = shared.shares[str(sheet.case.key)]
        rows.append(
            Row(
                sheet.case,
                heading(sheet.case),
                sheet,
                _said(sheet, one.alone),
                _said(sheet, one.option),
                one.alone == one.option,
                saying.percent(one.value),
                saying.percent(one.cost) if one.cost > 1e-9 else "",
            )
        )
    contested = sorted(names.get(thing, thing) for thing in shared.contested)
    return Joint(rows, contested, max(0, len(found) - SHOWN))


def offers(sheet: Sheet) -> list[Offer]:
    """What is not barred, with the people and the vehicle that nobody else can have meanwhile."""
    answers = sheet.answer["options"]
    return [
        Offer(option, float(answers[option]["u"]), frozenset(_uses(sheet, option)))
        for option in sheet.answer["ranked"]
    ]


def _uses(sheet: Sheet, option: str) -> dict[str, str]:
    """Key → name of what an option binds."""
    words = sheet.words[option]
    used = {f"person:{one['key']}": str(one["name"]) for one in words.get("people", ())}
    if words.get("vehicle"):
        used[f"vehicle:{words['vehicle']}"] = str(words.get("vehicle_name") or words["vehicle"])
    return used


def _names(sheets: Sequence[Sheet]) -> dict[str, str]:
    return {
        key: name
        for sheet in sheets
        for option in sheet.answer["ranked"]
        for key, name in _uses(sheet, option).items()
    }


def _said(sheet: Sheet, option: str | None) -> str:
    return saying.short(sheet.words[option]) if option else ""
