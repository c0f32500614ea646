"""What the sheets look like: their names, their columns in both languages, an example row."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jieli.exchange.excel import values
from jieli.exchange.excel.workbook import RawCell


@dataclass(frozen=True, slots=True)
class Column:
    field: str
    chinese: str
    english: str
    read: Callable[[RawCell], Any]
    required: bool = False
    others: tuple[str, ...] = ()
    example: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of sheet."""

    name: str
    chinese: str
    english: str
    columns: tuple[Column, ...]

    def column(self, field: str) -> Column:
        return next(column for column in self.columns if column.field == field)


ORGANISATIONS = Kind(
    "organisations",
    "机构",
    "Organisations",
    (
        Column("code", "机构代码", "Code", values.code, True, ("编码",), "lanshui"),
        Column("name", "机构名称", "Name", values.text(120), True, ("医院名称",), "岚水县人民医院"),
        Column("name_en", "英文名", "English name", values.text(160), example="Lanshui Hospital"),
        Column("tier", "层级", "Tier", values.tier, True, ("级别",), "县"),
        Column("division_code", "行政区划代码", "Division code", values.division, example="653100"),
        Column("latitude", "纬度", "Latitude", values.degrees(90), example="39.47"),
        Column("longitude", "经度", "Longitude", values.degrees(180), example="75.99"),
        Column("zone", "时区", "Zone", values.zone, example="北京时间"),
        Column("telephone", "电话", "Telephone", values.telephone, example="0998-555 0100"),
        Column("alliances", "医联体代码", "Alliances", values.codes, False, ("医联体",)),
    ),
)

PEOPLE = Kind(
    "people",
    "人员",
    "People",
    (
        Column("number", "工号", "Staff number", values.number, True, ("number",), "10023"),
        Column("name", "姓名", "Name", values.text(80), True, example="祝南星"),
        Column("name_en", "英文名", "English name", values.text(120), example="Zhu Nanxing"),
        Column("title", "职称", "Title", values.text(40), example="副主任医师"),
        Column(
            "telephone", "手机", "Telephone", values.telephone, False, ("电话",), "0998-555 0131"
        ),
        Column("languages", "语言", "Languages", values.languages, example="汉语、维吾尔语"),
        Column(
            "practising_since",
            "执业起始",
            "Practising since",
            values.day,
            False,
            ("执业开始日期",),
            "2012-08-01",
        ),
        Column(
            "organisation",
            "机构代码",
            "Organisation",
            values.code,
            True,
            ("organisation code", "organization"),
            "lanshui",
        ),
        Column("department", "科室", "Department", values.text(80), example="普外科"),
        Column("specialty", "专科", "Specialty", values.text(80), example="儿普外"),
        Column("role", "角色", "Role", values.role, True, ("岗位",), "专家"),
        Column("valid_from", "任职起", "From", values.day, example="2026-01-01"),
        Column("valid_to", "任职止", "To", values.day),
    ),
)

ROSTER = Kind(
    "roster",
    "值班",
    "Roster",
    (
        Column(
            "organisation",
            "机构代码",
            "Organisation",
            values.code,
            True,
            ("organisation code", "organization"),
            "lanshui",
        ),
        Column("specialty", "专科", "Specialty", values.text(80), example="儿普外"),
        Column("line", "班次", "Line", values.line, True, ("线",), "一线"),
        Column("number", "工号", "Staff number", values.number, True, ("number",), "10023"),
        Column("name", "姓名", "Name", values.text(80), example="祝南星"),
        Column(
            "start", "开始", "Start", values.moment, True, ("开始时间", "from"), "2026-11-21 08:00"
        ),
        Column("end", "结束", "End", values.moment, True, ("结束时间", "to"), "2026-11-22 08:00"),
        Column("note", "备注", "Note", values.text(120)),
    ),
)

KINDS = (ORGANISATIONS, PEOPLE, ROSTER)


def plain(heading: str) -> str:
    """A heading as it is compared: 【 Staff_Number * 】 is staffnumber."""
    narrow = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(letter for letter in narrow if letter.isalnum())


def kind_of(title: str, header: list[str]) -> Kind | None:
    """By the name of the sheet, else by its columns."""
    named = plain(title)
    for kind in KINDS:
        if named and named in (plain(kind.chinese), plain(kind.english), plain(kind.name)):
            return kind
    found = set(map(plain, header))
    fitting = [kind for kind in KINDS if _required(kind) <= _names(kind, found)]
    return max(fitting, key=lambda kind: len(_required(kind)), default=None)


def places(kind: Kind, header: list[str]) -> dict[str, int]:
    """Which field stands in which column; the first of two equal headings counts."""
    found: dict[str, int] = {}
    for index, heading in enumerate(header):
        for column in kind.columns:
            if plain(heading) in _spellings(column):
                found.setdefault(column.field, index)
    return found


def _spellings(column: Column) -> set[str]:
    return {plain(name) for name in (column.chinese, column.english, column.field, *column.others)}


def _required(kind: Kind) -> set[str]:
    return {column.field for column in kind.columns if column.required}


def _names(kind: Kind, headings: set[str]) -> set[str]:
    return {column.field for column in kind.columns if _spellings(column) & headings}
