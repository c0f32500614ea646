"""CSV going out: headings and one example row, as the import reads them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from jieli.exchange.excel.columns import Kind
from jieli.exchange.excel.writing import harmless

MARK = "\ufeff"  # Excel reads the file as UTF-8 only with it


def template(kind: Kind, *, english: bool) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([c.english if english else c.chinese for c in kind.columns])
    writer.writerow([harmless(c.example) for c in kind.columns])
    return (MARK + out.getvalue()).encode()


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Rows that people open in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return (MARK + out.getvalue()).encode()
