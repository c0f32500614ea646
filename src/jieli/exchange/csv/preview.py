"""What a CSV file would do: good rows, bad cells, and the kind of file it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jieli.directory.actions.importing import Tally
from jieli.directory.models import Practitioner
from jieli.exchange.csv.checking import check
from jieli.exchange.csv.columns import KINDS, kind_of
from jieli.exchange.csv.reading import read
from jieli.exchange.excel.scope import Scope
from jieli.exchange.excel.sheet import BadCell, Sheet, read_sheet
from jieli.missions.actions import importing
from jieli.missions.actions.importing import Row
from jieli.rules.refusal import Refused

Import = Callable[..., Tally]
IMPORTS: Mapping[str, Import] = {
    "hubs": importing.import_hubs,
    "timetable": importing.import_timetable,
    "roads": importing.import_roads,
    "vehicles": importing.import_vehicles,
    "resources": importing.import_resources,
}


@dataclass(slots=True)
class CsvPreview:
    sheet: Sheet
    rows: Sequence[Row] = field(default_factory=list)

    @property
    def bad(self) -> list[BadCell]:
        """Row by row, from left to right."""
        return sorted(self.sheet.bad, key=lambda bad: bad.place)

    def store(self, *, by: Practitioner, now: datetime) -> Tally:
        """All rows; the caller holds the transaction."""
        return IMPORTS[self.sheet.kind.name](self.rows, by=by, now=now)


def preview(content: bytes, person: Practitioner, now: datetime) -> CsvPreview:
    """Raises Refused when it is no such file at all."""
    raw = read(content)
    kind = kind_of(raw.header)
    if kind is None:
        raise Refused(
            "The headings fit none of the files: %(kinds)s. Start from the template.",
            kinds=", ".join(f"{kind.chinese} {kind.english}" for kind in KINDS),
        )
    raw.title = kind.chinese
    sheet = read_sheet(raw, kind)
    if not sheet.lines and not sheet.bad:
        raise Refused("The file holds headings but no rows.")
    return CsvPreview(sheet, check(sheet, Scope.of(person, now)))
