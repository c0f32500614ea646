"""Workbooks going out: the template, people, rosters. Nothing in them runs as a formula."""

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from jieli.directory.models import Duty, Organisation, Role
from jieli.exchange.excel.columns import KINDS, PEOPLE, ROSTER, Kind

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RUNS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of a formula
ROLE_WORDS = {
    "doctor": "医生", "nurse": "护士", "expert": "专家", "duty_officer": "总值班",
    "coordinator": "医务部", "director": "院长", "quality_officer": "质控",
    "programme_manager": "项目", "admin": "管理员",
}  # fmt: skip
LINE_WORDS = {"first": "一线", "second": "二线", "director": "三线", "officer": "总值班"}


def harmless(value: object) -> object:
    """Text that would run gets a quotation mark before it; reading takes it off again."""
    return f"'{value}" if isinstance(value, str) and value.startswith(RUNS) else value


def template(*, english: bool) -> bytes:
    """Headings and one example row for each kind of sheet."""
    examples = {kind.name: [[column.example for column in kind.columns]] for kind in KINDS}
    return _book([(kind, examples[kind.name]) for kind in KINDS], english=english)


def people(site: Organisation, *, english: bool) -> bytes:
    """One row for each post at this hospital, as the import reads it."""
    roles = (
        Role.objects.filter(organisation=site)
        .select_related("practitioner", "specialty", "department")
        .order_by("practitioner__sort_key", "practitioner", "pk")
    )
    return _book([(PEOPLE, (_person(role, site, english) for role in roles))], english=english)


def _person(role: Role, site: Organisation, english: bool) -> list[object]:
    who = role.practitioner
    return [
        who.number,
        who.name,
        who.name_en,
        who.title,
        who.telephone,
        ", ".join(who.languages),
        _iso(who.practising_since),
        site.code,
        role.department.name if role.department else "",
        _specialty(role, english),
        role.kind if english else ROLE_WORDS[role.kind],
        _iso(role.valid_from),
        _iso(role.valid_to),
    ]


def roster(site: Organisation, start: date, days: int, *, english: bool) -> bytes:
    zone = ZoneInfo(site.zone)
    begin = datetime.combine(start, time(0), zone)
    span = DateTimeTZRange(begin, begin + timedelta(days=days))
    duties = (
        Duty.objects.filter(organisation=site, period__overlap=span)
        .select_related("practitioner", "specialty")
        .order_by("specialty__order", "specialty", "line", "period")
    )
    return _book([(ROSTER, (_turn(duty, site, zone, english) for duty in duties))], english=english)


def _turn(duty: Duty, site: Organisation, zone: ZoneInfo, english: bool) -> list[object]:
    return [
        site.code,
        _specialty(duty, english),
        duty.line if english else LINE_WORDS[duty.line],
        duty.practitioner.number,
        duty.practitioner.name,
        f"{duty.period.lower.astimezone(zone):%Y-%m-%d %H:%M}",
        f"{duty.period.upper.astimezone(zone):%Y-%m-%d %H:%M}",
        duty.note,
    ]


def _specialty(row: Role | Duty, english: bool) -> str:
    if row.specialty is None:
        return ""
    return row.specialty.code if english else row.specialty.name


def _book(sheets: Sequence[tuple[Kind, Iterable[Sequence[object]]]], *, english: bool) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for kind, rows in sheets:
        page = book.create_sheet(kind.english if english else kind.chinese)
        page.append([column.english if english else column.chinese for column in kind.columns])
        for row in rows:
            page.append([harmless(value) for value in row])
        for place, column in enumerate(kind.columns, start=1):
            page.cell(1, place).font = Font(bold=True)
            page.column_dimensions[get_column_letter(place)].width = max(
                12, len(column.example) + 4
            )
        page.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
