"""What a workbook would do: good rows, bad cells, and the sheets that were not read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from jieli.directory.actions.importing import OrganisationRow, PersonRow, TurnRow
from jieli.directory.models import Practitioner
from jieli.exchange.excel import organisations, people, roster
from jieli.exchange.excel.columns import KINDS, ORGANISATIONS, PEOPLE, ROSTER, Kind, kind_of
from jieli.exchange.excel.scope import Scope
from jieli.exchange.excel.sheet import BadCell, Line, Sheet, read_sheet
from jieli.exchange.excel.workbook import RawSheet, read
from jieli.rules.refusal import Refused


@dataclass(slots=True)
class Preview:
    sheets: list[Sheet]
    not_read: list[str]
    organisations: list[OrganisationRow] = field(default_factory=list)
    people: list[PersonRow] = field(default_factory=list)
    turns: list[TurnRow] = field(default_factory=list)

    @property
    def bad(self) -> list[BadCell]:
        """Sheet by sheet, row by row, from left to right."""
        by_place = (sorted(sheet.bad, key=lambda bad: bad.place) for sheet in self.sheets)
        return [bad for sheet in by_place for bad in sheet]

    @property
    def rows(self) -> int:
        return sum(len(sheet.lines) for sheet in self.sheets)


def preview(content: bytes, person: Practitioner, now: datetime) -> Preview:
    """The sheets in the order in which they need each other, whatever their order in the file."""
    raws = read(content)
    sheets = [_sheet(raw) for raw in raws if raw.header]
    read_sheets = [sheet for sheet in sheets if sheet]
    found = Preview(
        sheets=sorted(read_sheets, key=lambda sheet: KINDS.index(sheet.kind)),
        not_read=[raw.title for raw, sheet in zip(_filled(raws), sheets, strict=True) if not sheet],
    )
    if not found.sheets:
        raise Refused("No sheet named 机构, 人员 or 值班 was found. Start from the template.")
    if not found.rows and not found.bad:
        raise Refused("The workbook holds headings but no rows.")
    scope = Scope.of(person, now)
    found.organisations = organisations.check(_lines(found, ORGANISATIONS), scope)
    found.people = people.check(_lines(found, PEOPLE), scope)
    found.turns = roster.check(_lines(found, ROSTER), found.people, scope)
    return found


def _filled(raws: list[RawSheet]) -> list[RawSheet]:
    return [raw for raw in raws if raw.header]


def _sheet(raw: RawSheet) -> Sheet | None:
    kind = kind_of(raw.title, raw.header)
    return read_sheet(raw, kind) if kind else None


def _lines(found: Preview, kind: Kind) -> list[Line]:
    return [line for sheet in found.sheets if sheet.kind is kind for line in sheet.lines]
