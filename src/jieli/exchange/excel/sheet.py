"""A sheet read by its columns: good rows as values, bad cells with their address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from jieli.exchange.excel.columns import Column, Kind, places
from jieli.exchange.excel.values import BadValue, raw_text
from jieli.exchange.excel.workbook import RawCell, RawSheet

SHOWN_ROWS = 5
EMPTY = RawCell(None, "n")


@dataclass(frozen=True, slots=True)
class BadCell:
    sheet: str
    address: str  # C7
    value: str
    what: str  # msgid
    todo: str  # msgid
    facts: Mapping[str, str | int] = field(default_factory=dict)
    place: tuple[int, int] = (1, 0)  # row and column, for the order

    @property
    def wrong(self) -> str:
        return _(self.what) % self.facts if self.facts else _(self.what)

    @property
    def to_do(self) -> str:
        return _(self.todo) % self.facts if self.facts else _(self.todo)


@dataclass(slots=True)
class Line:
    """One row of a sheet: what could be read, and where it stood."""

    sheet: "Sheet"
    number: int
    values: dict[str, Any]
    cells: dict[str, str]  # what was written, as text
    good: bool = True

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    def bad(self, name: str, what: str, todo: str, /, **facts: str | int) -> None:
        self.good = False
        place = self.sheet.places.get(name, 0)
        address = self.sheet.raw.address(self.number, place)
        self.sheet.bad.append(
            BadCell(
                self.sheet.raw.title,
                address,
                self.cells.get(name, "")[:80],
                what,
                todo,
                facts,
                (self.number, place),
            )
        )

    def where(self) -> str:
        return str(self.number)


@dataclass(slots=True)
class Sheet:
    raw: RawSheet
    kind: Kind
    places: dict[str, int]
    bad: list[BadCell] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    @property
    def headings(self) -> list[str]:
        return [self.raw.header[place] for place in sorted(self.places.values())]

    @property
    def shown(self) -> list[list[str]]:
        order = sorted(self.places, key=lambda name: self.places[name])
        return [[line.cells.get(name, "") for name in order] for line in self.lines[:SHOWN_ROWS]]


def read_sheet(raw: RawSheet, kind: Kind) -> Sheet:
    sheet = Sheet(raw, kind, places(kind, raw.header))
    missing = [c for c in kind.columns if c.required and c.field not in sheet.places]
    for column in missing:
        sheet.bad.append(
            BadCell(
                raw.title,
                raw.address(1, len(raw.header)),
                "",
                "The column %(column)s is missing.",
                "Add it to the first row, as in the template.",
                {"column": f"{column.chinese} / {column.english}"},
            )
        )
    if not missing:
        sheet.lines = [_line(sheet, number, cells) for number, cells in raw.rows]
    return sheet


def _line(sheet: Sheet, number: int, cells: list[RawCell]) -> Line:
    line = Line(sheet, number, {}, {})
    for column in sheet.kind.columns:
        place = sheet.places.get(column.field)
        cell = cells[place] if place is not None and place < len(cells) else EMPTY
        line.cells[column.field] = raw_text(cell)
        _read(line, column, cell)
    return line


def _read(line: Line, column: Column, cell: RawCell) -> None:
    if cell.kind == "f":
        line.bad(column.field, "It holds a formula.", "Paste the value instead of the formula.")
    elif cell.kind == "e":
        line.bad(column.field, "It holds an Excel error.", "Type the value anew.")
    elif cell.is_empty and column.required:
        line.bad(
            column.field,
            "%(column)s is missing.",
            "Fill it in, or delete the row.",
            column=_heading(line, column),
        )
    else:
        try:
            line.values[column.field] = column.read(cell)
        except BadValue as bad:
            line.bad(column.field, bad.what, bad.todo, **bad.facts)


def _heading(line: Line, column: Column) -> str:
    return line.sheet.raw.header[line.sheet.places[column.field]]
