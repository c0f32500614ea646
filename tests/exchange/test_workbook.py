"""What a stranger's file may be: judged by content, refused with one sentence."""

import io
import zipfile

import pytest
from openpyxl import Workbook

from jieli.exchange.excel import workbook
from jieli.exchange.excel.workbook import read
from jieli.rules.refusal import Refused
from tests.exchange.books import book, packed, person

TYPES = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not an Excel workbook"),
        ("工号,姓名\n1,祝\n".encode(), "not an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old .xls"),
        (b"\x7fELF" + b"\0" * 100, "not an Excel workbook"),
        (b"PK\x03\x04 but nothing else", "damaged"),
        (packed({"word/document.xml": b"<a/>"}), "not an Excel workbook"),
        (packed(TYPES), "damaged"),
        (packed(TYPES | {"xl/vbaProject.bin": b"x"}), "macros"),
        (
            packed(TYPES | {"xl/sharedStrings.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'}),
            "damaged",
        ),
        (packed(TYPES | {f"xl/{n}.xml": b"<a/>" for n in range(600)}), "unpacks to far more"),
        (b"PK\x03\x04" + b"\0" * workbook.MOST_BYTES, "larger than 5 MB"),
    ],
)
def test_what_is_no_workbook_is_refused(content, sentence):
    with pytest.raises(Refused, match=sentence):
        read(content)


def test_a_bomb_is_not_unpacked():
    bomb = packed(TYPES | {"xl/worksheets/sheet1.xml": b" " * 80_000_000})
    assert len(bomb) < 200_000
    with pytest.raises(Refused, match="unpacks to far more"):
        read(bomb)


def test_a_truncated_workbook_is_damaged():
    whole = book(人员=[person()])
    for length in (100, len(whole) // 2, len(whole) - 10):
        with pytest.raises(Refused):
            read(whole[:length])


def test_a_workbook_with_a_broken_sheet_is_damaged():
    whole = zipfile.ZipFile(io.BytesIO(book(人员=[person()])))
    parts = {name: whole.read(name) for name in whole.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"][:-30]
    with pytest.raises(Refused, match="damaged"):
        read(packed(parts))


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    with pytest.raises(Refused, match="at most 3 rows"):
        read(book(人员=[person()] * 4))


def test_too_many_columns_are_refused():
    made = Workbook()
    made.worksheets[0].append(list(range(61)))
    out = io.BytesIO()
    made.save(out)
    with pytest.raises(Refused, match="at most 60 columns"):
        read(out.getvalue())


def test_empty_rows_keep_the_numbers_of_the_others():
    (sheet,) = read(book(人员=[person(), {}, person(工号="2")]))
    assert [number for number, _cells in sheet.rows] == [2, 4]
