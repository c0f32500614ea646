"""Rows of one file, judged against what is there: bad cells, and rows for the action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jieli.directory.models import Organisation
from jieli.exchange.csv.columns import HUBS, RESOURCES, ROADS, TIMETABLE, VEHICLES
from jieli.exchange.excel.scope import Scope
from jieli.exchange.excel.sheet import Line, Sheet
from jieli.missions.actions.importing import Row
from jieli.missions.models import Hub

FOUND_BY: Mapping[str, tuple[str, ...]] = {
    HUBS.name: ("code",),
    TIMETABLE.name: ("mode", "number", "start", "end", "departs"),
    ROADS.name: ("start", "end"),
    VEHICLES.name: ("organisation", "name"),
    RESOURCES.name: ("organisation", "kind"),
}
ASSUMED: Mapping[str, Mapping[str, Any]] = {  # of an empty cell that a row is found by, or needs
    TIMETABLE.name: {"mode": "flight"},
    HUBS.name: {"kind": "airport", "zone": "Asia/Shanghai"},
}
ALWAYS_SAID = {"weekdays", "valid_from", "valid_to", "closed_from", "closed_to"}


@dataclass(slots=True)
class Known:
    """Codes that a row may name."""

    scope: Scope
    hubs: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, scope: Scope, sheet: Sheet) -> Known:
        named = {line[name] for line in sheet.lines for name in ("start", "end") if line[name]}
        return cls(
            scope,
            set(Hub.objects.values_list("code", flat=True)),
            set(Organisation.objects.filter(code__in=named).values_list("code", flat=True)),
        )


def check(sheet: Sheet, scope: Scope) -> list[Row]:
    """Bad cells are noted with the sheet; the rows that are left are good."""
    known = Known.of(scope, sheet)
    seen: dict[tuple[Any, ...], Line] = {}
    for line in sheet.lines:
        CHECKS[sheet.kind.name](line, known)
        _check_once(line, sheet, seen)
    return [_row(line, sheet) for line in sheet.lines if line.good]


def _value(line: Line, sheet: Sheet, name: str) -> Any:
    value = line[name]
    if value in ("", None):
        return ASSUMED.get(sheet.kind.name, {}).get(name, value)
    return value


def _check_once(line: Line, sheet: Sheet, seen: dict[tuple[Any, ...], Line]) -> None:
    names = FOUND_BY[sheet.kind.name]
    if not line.good:
        return
    key = tuple(_value(line, sheet, name) for name in names)
    if key in seen:
        line.bad(names[-1], "Row %(row)s says the same thing.", "Keep one of the two rows.",
                 row=seen[key].where())  # fmt: skip
    seen.setdefault(key, line)


def _row(line: Line, sheet: Sheet) -> Row:
    """An empty cell leaves what is known as it is; days and hours that may end are always said."""
    names = FOUND_BY[sheet.kind.name]
    found_by = {name: _value(line, sheet, name) for name in names}
    says: dict[str, Any] = {}
    for name in sheet.places:
        value = _value(line, sheet, name)
        if name in names or (value in ("", None) and name not in ALWAYS_SAID):
            continue
        says[name] = list(value) if isinstance(value, tuple) else value
    if "incubator" in sheet.places:
        says["incubator"] = line["incubator"] == "yes"
    return Row(found_by, says)


# ── one kind each ────────────────────────────────────────────────────────────


def _hub(line: Line, known: Known) -> None:
    if line["code"] and len(line["code"]) > 12:
        line.bad(
            "code", "It is longer than %(most)s characters.", "Shorten it to %(most)s.", most=12
        )
    if bool(line["closed_from"]) != bool(line["closed_to"]):
        line.bad("closed_to", "Closed hours need a beginning and an end.", "Write both or neither.")


def _departure(line: Line, known: Known) -> None:
    for name in ("start", "end"):
        if line[name] and line[name] not in known.hubs:
            line.bad(name, "There is no hub with this code.", "Import the hubs first.")
    if line["start"] and line["start"] == line["end"]:
        line.bad("end", "It leads to where it begins.", "Check both hubs.")
    start, end = line["valid_from"], line["valid_to"]
    if start and end and end < start:
        line.bad("valid_to", "It ends before it begins.", "Check both dates.")


def _road(line: Line, known: Known) -> None:
    start, end = line["start"], line["end"]
    if start and start not in known.hubs | known.sites:
        line.bad("start", "Neither a hub nor a hospital has this code.", "Check the code.")
    if end and end not in known.sites:
        line.bad("end", "There is no hospital with this code.", "Check the code.")
    elif end and end not in known.scope.mine and start not in known.scope.mine:
        line.bad(
            "end", "You coordinate neither end of this road.", "Leave it to their coordinator."
        )
    if start and start == end:
        line.bad("end", "It leads to where it begins.", "Check both ends.")


def _own_site(line: Line, known: Known) -> None:
    code = line["organisation"]
    if code and code not in known.scope.mine:
        line.bad("organisation", "You coordinate no hospital with this code.", "Check the code.")


CHECKS: Mapping[str, Callable[[Line, Known], None]] = {
    HUBS.name: _hub,
    TIMETABLE.name: _departure,
    ROADS.name: _road,
    VEHICLES.name: _own_site,
    RESOURCES.name: _own_site,
}
