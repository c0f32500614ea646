from datetime import date, datetime

import pytest

from jieli.exchange.excel import values
from jieli.exchange.excel.values import BadValue
from jieli.exchange.excel.workbook import RawCell


def cell(value):
    return RawCell(value, "s" if isinstance(value, str) else "n")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-21 08:00", datetime(2026, 11, 21, 8)),
        ("2026/11/21 8:00", datetime(2026, 11, 21, 8)),
        ("2026年11月21日 8时", datetime(2026, 11, 21, 8)),
        ("2026年11月21日8时30分", datetime(2026, 11, 21, 8, 30)),
        ("2026-11-21T08:00:00", datetime(2026, 11, 21, 8)),
        ("2026-11-21 24:00", datetime(2026, 11, 22)),
        (datetime(2026, 11, 21, 7, 59, 59, 999000), datetime(2026, 11, 21, 8)),
        ("", None),
        (None, None),
    ],
)
def test_a_moment(written, read):
    assert values.moment(cell(written)) == read


@pytest.mark.parametrize(
    "written",
    ["tomorrow", "2026-11-21", "2026-13-01 08:00", "2026-11-21 25:00", "1026-11-21 08:00", 46000],
)
def test_no_moment(written):
    with pytest.raises(BadValue):
        values.moment(cell(written))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-21", date(2026, 11, 21)),
        ("2026.11.21", date(2026, 11, 21)),
        ("2026年11月21日", date(2026, 11, 21)),
        (datetime(2026, 11, 21), date(2026, 11, 21)),
        (None, None),
    ],
)
def test_a_day(written, read):
    assert values.day(cell(written)) == read


@pytest.mark.parametrize("written", ["21-11-2026", "2026-02-30", "soon"])
def test_no_day(written):
    with pytest.raises(BadValue):
        values.day(cell(written))


@pytest.mark.parametrize(
    ("written", "read"),
    [(10023, "10023"), (10023.0, "10023"), (" 10023 ", "10023"), ("'+86 10", "+86 10"), (None, "")],
)
def test_text_as_a_person_reads_it(written, read):
    assert values.raw_text(cell(written)) == read


@pytest.mark.parametrize(
    "name", ["𠮷田", "䶮某", "阿依努尔·卡德尔", "Nguyễn Văn", "e\u0301va", "ئايگۈل"]
)
def test_rare_names_survive(name):
    assert values.text(80)(cell(name)) == name


@pytest.mark.parametrize("name", ["a\nb", "abc\u202edef", "x" * 81])
def test_names_that_hide_something_do_not(name):
    with pytest.raises(BadValue):
        values.text(80)(cell(name))


def test_languages():
    assert values.languages(cell("汉语、维语，en")) == ("zh", "ug", "en")
    with pytest.raises(BadValue):
        values.languages(cell("Klingon"))


@pytest.mark.parametrize("written", ["0998-555 0131", "+86 138 0000 0000", 13800000000, ""])
def test_a_telephone(written):
    values.telephone(cell(written))


@pytest.mark.parametrize("written", ["call me", "12", "<script>"])
def test_no_telephone(written):
    with pytest.raises(BadValue):
        values.telephone(cell(written))
