"""Opening a CSV file that a stranger sent. Every cell is text; a formula is text too."""

from __future__ import annotations

import csv
import io

from jieli.exchange.excel.workbook import MOST_BYTES, MOST_COLUMNS, MOST_ROWS, RawCell, RawSheet
from jieli.rules.refusal import Refused

DELIMITERS = (",", ";", "\t")
NOT_CSV = "This is not a CSV file. Save the sheet as CSV (UTF-8) and choose it again."


def read(content: bytes) -> RawSheet:
    """The header and the rows that hold something, with their line; else refused as a whole."""
    if len(content) > MOST_BYTES:
        raise Refused("The file is larger than 5 MB. Split it in two.")
    text = _text(content)
    sheet = RawSheet("CSV")
    try:
        for cells in _lines(text):
            _add(sheet, *cells)
    except csv.Error:
        raise Refused(NOT_CSV) from None
    if not sheet.header:
        raise Refused("The file is empty. The first line holds the headings.")
    return sheet


def _text(content: bytes) -> str:
    """UTF-8, else what Excel writes in Chinese; nothing else is guessed."""
    if b"\x00" in content:
        raise Refused(NOT_CSV)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(NOT_CSV)


def _lines(text: str) -> list[tuple[int, list[str]]]:
    first = text.lstrip("\ufeff\r\n").partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found = []
    for cells in reader:
        if any(cell.strip() for cell in cells):
            found.append((reader.line_num, cells))
        if len(found) > MOST_ROWS + 1:
            raise Refused("The file holds more than 20,000 rows. Split it in two.")
    return found


def _add(sheet: RawSheet, number: int, cells: list[str]) -> None:
    if len(cells) > MOST_COLUMNS:
        raise Refused("The file has more than 60 columns. Is it the right one?")
    if sheet.header:
        sheet.rows.append((number, [RawCell(cell, "s") for cell in cells]))
    else:
        sheet.header = [cell.strip() for cell in cells]
