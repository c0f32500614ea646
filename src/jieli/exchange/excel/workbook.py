"""Opening a workbook that a stranger sent: judged by its content, before it is unpacked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from jieli.rules.refusal import Refused

MOST_BYTES = 5_000_000
MOST_ROWS = 20_000  # over all sheets, without headers
MOST_UNPACKED = 60_000_000
MOST_PARTS = 500
MOST_COLUMNS = 60
OLD_EXCEL = b"\xd0\xcf\x11\xe0"  # .xls, and every workbook with a password
ZIP = b"PK\x03\x04"

NOT_EXCEL = "This is not an Excel workbook (.xlsx). Save it in Excel as .xlsx and choose it again."
BROKEN = "This workbook is damaged. Open it in Excel, save it again and choose it once more."


@dataclass(frozen=True, slots=True)
class RawCell:
    value: Any
    kind: str  # openpyxl's letter: s text, n number, d date, b yes or no, f formula, e error

    @property
    def is_empty(self) -> bool:
        return self.value is None or (isinstance(self.value, str) and not self.value.strip())


@dataclass(slots=True)
class RawSheet:
    title: str
    header: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[RawCell]]] = field(default_factory=list)  # with their row number

    def address(self, row: int, column: int) -> str:
        return f"{get_column_letter(column + 1)}{row}"


def read(content: bytes) -> list[RawSheet]:
    """All sheets with their non-empty rows; refused as a whole with one sentence."""
    _judge(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, ParseError, KeyError, ValueError, OSError):
        raise Refused(BROKEN) from None
    sheets: list[RawSheet] = []
    count = 0
    try:
        for page in book.worksheets:
            sheet = RawSheet(page.title)
            page.reset_dimensions()  # what the file says of its size need not be true
            for number, cells in _rows(page):
                if not sheet.header:
                    sheet.header = [str(cell.value or "") for cell in cells]
                    continue
                count += 1
                if count > MOST_ROWS:
                    raise Refused("A workbook holds at most %(most)s rows.", most=MOST_ROWS)
                sheet.rows.append((number, cells))
            sheets.append(sheet)
    except (zipfile.BadZipFile, ParseError, KeyError, ValueError, TypeError, IndexError, OSError):
        raise Refused(BROKEN) from None
    finally:
        book.close()
    return sheets


def _rows(page: Any) -> Iterator[tuple[int, list[RawCell]]]:
    for number, row in enumerate(page.iter_rows(), start=1):
        if len(row) > MOST_COLUMNS and any(c.value is not None for c in row[MOST_COLUMNS:]):
            raise Refused("A sheet has at most %(most)s columns.", most=MOST_COLUMNS)
        cells = [RawCell(cell.value, cell.data_type or "n") for cell in row[:MOST_COLUMNS]]
        if not all(cell.is_empty for cell in cells):
            yield number, cells


# -- what came in ------------------------------------------------------------------------------


def _judge(content: bytes) -> None:
    if len(content) > MOST_BYTES:
        raise Refused("The file is larger than 5 MB. Split it into several workbooks.")
    if content.startswith(OLD_EXCEL):
        raise Refused(
            "This is an old .xls file or one with a password. Save it as .xlsx without a password."
        )
    if not content.startswith(ZIP):
        raise Refused(NOT_EXCEL)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as box:
            _judge_parts(box)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError):
        raise Refused(BROKEN) from None


def _judge_parts(box: zipfile.ZipFile) -> None:
    parts = box.infolist()
    names = {part.filename for part in parts}
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise Refused("The workbook unpacks to far more than a roster needs; it was not opened.")
    if "[Content_Types].xml" not in names or not any(n.startswith("xl/") for n in names):
        raise Refused(NOT_EXCEL)
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Refused("The workbook holds macros. Save it as .xlsx without macros.")
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            with box.open(part) as file:
                beginning = file.read(4096).upper()
            # A document type is how an XML file names entities; Excel writes none.
            if b"<!DOCTYPE" in beginning or b"<!ENTITY" in beginning:
                raise Refused(BROKEN)
