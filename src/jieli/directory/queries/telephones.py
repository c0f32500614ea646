"""The duty telephone list of a day: the paper fallback, the same on screen, on paper and off line.

Of the whole day of the roster and not of this minute, so that what hangs on the wall is right
until the hand-over. No patient stands on it.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from jieli.directory.models import Alliance, Duty, Organisation
from jieli.directory.queries.duty import LINES, specialty_name
from jieli.directory.queries.roster import REMEMBERED, span
from jieli.rules import rostering
from jieli.rules.rostering import Turn, Window

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Number:
    name: str
    telephone: str
    hours: str = ""  # "18–08" when it is not the whole day


@dataclass(slots=True)
class TelephoneRow:
    label: str
    first: list[Number]
    second: list[Number]
    third: list[Number]


@dataclass(slots=True)
class Telephones:
    """One hospital's list of one day."""

    organisation: Organisation
    window: Window
    rows: list[TelephoneRow]
    officer: Number | None  # whom to call when a line is empty

    @property
    def has_third(self) -> bool:
        return any(row.third for row in self.rows)


def telephone_list(organisations: Collection[int], at: datetime) -> list[Telephones]:
    """Two queries, however many hospitals: each with the day whose turn it is."""
    sites = Organisation.objects.filter(pk__in=organisations).order_by("sort_key", "name")
    around = DateTimeTZRange(at - REMEMBERED, at + 2 * DAY)
    duties: dict[int, list[Duty]] = {}
    for duty in (
        Duty.objects.filter(organisation__in=organisations, period__overlap=around)
        .select_related("practitioner", "specialty")
        .order_by("period", "pk")
    ):
        duties.setdefault(duty.organisation_id, []).append(duty)
    return [_table(site, duties.get(site.pk, []), at) for site in sites]


def _table(site: Organisation, duties: list[Duty], at: datetime) -> Telephones:
    window = _day(site, duties, at)
    today = [duty for duty in duties if rostering.overlap(_window(duty), window)]
    officers = [_number(duty, window, site) for duty in today if duty.line == "officer"]
    rows: dict[tuple[int, int], TelephoneRow] = {}
    for duty in today:
        if duty.specialty is not None:
            key = (duty.specialty.order, duty.specialty.pk)
            row = rows.setdefault(key, TelephoneRow(specialty_name(duty.specialty), [], [], []))
            _line(row, duty.line).append(_number(duty, window, site))
    shown = [rows[key] for key in sorted(rows)]
    if officers:
        shown.insert(0, TelephoneRow(str(LINES["officer"]), officers, [], []))
    officer = officers[0] if officers else None
    if officer is None and site.telephone:
        officer = Number(site.name, site.telephone)
    return Telephones(site, window, shown, officer)


def _day(site: Organisation, duties: list[Duty], at: datetime) -> Window:
    """From hand-over to hand-over."""
    turns = [Turn(duty.practitioner_id, duty.line, _window(duty)) for duty in duties]
    clock: time = rostering.handover(turns, site.zone)
    day = rostering.local_day(at, site.zone)
    if at < rostering.instant(day, clock, site.zone):
        day -= DAY
    begins = rostering.instant(day, clock, site.zone)
    return Window(begins, rostering.instant(day + DAY, clock, site.zone))


def _line(row: TelephoneRow, line: str) -> list[Number]:
    return {"first": row.first, "second": row.second}.get(line, row.third)


def _number(duty: Duty, window: Window, site: Organisation) -> Number:
    turn = _window(duty)
    whole = turn.start <= window.start and turn.end >= window.end
    hours = "" if whole else span(turn, site.zone)
    return Number(duty.practitioner.name, duty.practitioner.telephone, hours)


def _window(duty: Duty) -> Window:
    return Window(duty.period.lower, duty.period.upper)


def alliance_telephones(organisations: Collection[int]) -> list[Alliance]:
    """Always answered, also when a roster is empty."""
    return list(
        Alliance.objects.filter(organisations__in=organisations)
        .exclude(telephone="")
        .distinct()
        .order_by("name")
    )


def as_data(tables: Iterable[Telephones], alliances: Iterable[Alliance]) -> dict[str, object]:
    """The list for a machine: a client keeps it for when there is no network."""
    return {
        "alliances": [{"name": one.name, "telephone": one.telephone} for one in alliances],
        "hospitals": [
            {
                "code": table.organisation.code,
                "name": table.organisation.name,
                "telephone": table.organisation.telephone,
                "from": table.window.start.isoformat(),
                "to": table.window.end.isoformat(),
                "officer": asdict(table.officer) if table.officer else None,
                "rows": [asdict(row) for row in table.rows],
            }
            for table in tables
        ],
    }


def version(data: dict[str, object]) -> str:
    """Eight characters that change when a number does: what hangs on the wall can be compared."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
