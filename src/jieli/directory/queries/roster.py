"""The week grid: specialty by day, first line bold, second below, gaps with words."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from jieli.directory.models import Duty, Organisation, Practitioner, Specialty
from jieli.directory.queries.duty import LINES, night_ready, specialty_name
from jieli.rules import rostering
from jieli.rules.rostering import Gap, Turn, Window

DAYS = 7
REMEMBERED = timedelta(days=14)  # a line seen so recently is expected to go on


@dataclass(frozen=True, slots=True)
class Day:
    on: date
    window: Window
    label: str
    is_now: bool


@dataclass(frozen=True, slots=True)
class ShownTurn:
    id: int
    person: Practitioner
    hours: str  # "18–08" when it is not the whole day
    note: str


@dataclass(frozen=True, slots=True)
class ShownGap:
    line: str
    words: str
    window: Window
    why: str
    people: tuple[Practitioner, ...]  # empty on the board, which shows the words alone


@dataclass(frozen=True, slots=True)
class Cell:
    day: Day
    first: list[ShownTurn]
    second: list[ShownTurn]
    gaps: list[ShownGap]


@dataclass(frozen=True, slots=True)
class Row:
    specialty: Specialty | None  # none: the duty officers of the hospital
    label: str
    directors: list[Practitioner]
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Caution:
    person: Practitioner
    words: str


@dataclass(frozen=True, slots=True)
class Week:
    organisation: Organisation
    days: list[Day]
    rows: list[Row]
    cautions: list[Caution]
    handover: time
    turns: int

    @property
    def gaps(self) -> list[tuple[Row, Day, ShownGap]]:
        return [(r, c.day, g) for r in self.rows for c in r.cells for g in c.gaps]

    @property
    def empty(self) -> list[tuple[Row, Day, ShownGap]]:
        """Where nobody stands. Whose telephone is not proven is said once, person by person."""
        return [found for found in self.gaps if found[2].why == "nobody"]


def week_roster(organisation_id: int, start_day: date, *, now: datetime) -> Week:
    """Four queries, however many people there are."""
    site = Organisation.objects.get(pk=organisation_id)
    duties = _duties(site, start_day)
    clock = rostering.handover([_turn(duty) for duty in duties], site.zone)
    days = [_day(start_day + timedelta(days=n), clock, site.zone, now) for n in range(DAYS)]
    span = Window(days[0].window.start, days[-1].window.end)
    ready = night_ready({duty.practitioner_id for duty in duties}, now)
    rows = [_row(group, days, site, ready, now) for group in _by_specialty(duties)]
    inside = [duty for duty in duties if rostering.overlap(_window(duty), span)]
    return Week(
        organisation=site,
        days=days,
        rows=rows,
        cautions=_cautions(inside, site.zone),
        handover=clock,
        turns=len(inside),
    )


def night_gaps(organisation_ids: Collection[int], *, now: datetime) -> list[ShownGap]:
    """Gaps of the next 24 hours, for the board: three queries, however many hospitals."""
    sites = list(Organisation.objects.filter(pk__in=organisation_ids).order_by("pk"))
    duties = _duties_about(sites, now)
    ready = night_ready({duty.practitioner_id for duty in duties}, now)
    return [
        gap
        for site in sites
        for gap in _gaps_ahead(
            site, [d for d in duties if d.organisation_id == site.pk], ready, now
        )
    ]


def _duties_about(sites: list[Organisation], now: datetime) -> list[Duty]:
    """Whatever the week of today or of yesterday looks at, in whichever zone."""
    span = DateTimeTZRange(now - REMEMBERED - timedelta(days=3), now + timedelta(days=DAYS + 3))
    found = Duty.objects.filter(organisation__in=sites, period__overlap=span)
    return list(found.order_by("specialty__order", "specialty", "period", "pk"))


def _gaps_ahead(
    site: Organisation, duties: list[Duty], ready: set[int], now: datetime
) -> list[ShownGap]:
    today = rostering.local_day(now, site.zone)
    first = _turn_of_day(_seen_from(today, duties, site), today, site, now)
    duties = _seen_from(first, duties, site)
    clock = rostering.handover([_turn(duty) for duty in duties], site.zone)
    days = [_day(first + timedelta(days=n), clock, site.zone, now) for n in range(DAYS)]
    ahead = [day for day in days if day.window.start <= now + timedelta(days=1)]
    return [
        gap
        for group in _by_specialty(duties)
        for gaps in _gaps_of_days(group, ahead, site.zone, ready, now, {})
        for gap in gaps
    ]


def rostering_day(organisation_id: int, now: datetime) -> date:
    """The day whose turn it is: before the hand-over it is still yesterday."""
    site = Organisation.objects.get(pk=organisation_id)
    today = rostering.local_day(now, site.zone)
    return _turn_of_day(_duties(site, today), today, site, now)


def _turn_of_day(duties: list[Duty], today: date, site: Organisation, now: datetime) -> date:
    clock = rostering.handover([_turn(duty) for duty in duties], site.zone)
    before = now < rostering.instant(today, clock, site.zone)
    return today - timedelta(days=1) if before else today


def _span(start_day: date, site: Organisation) -> Window:
    """What a week looks at: also the days before it, which tell the lines that are expected."""
    start = rostering.instant(start_day, time(0), site.zone)
    return Window(start - REMEMBERED, start + timedelta(days=DAYS + 1))


def _seen_from(start_day: date, duties: list[Duty], site: Organisation) -> list[Duty]:
    span = _span(start_day, site)
    return [duty for duty in duties if rostering.overlap(_window(duty), span)]


def _duties(site: Organisation, start_day: date) -> list[Duty]:
    span = _span(start_day, site)
    return list(
        Duty.objects.filter(
            organisation=site, period__overlap=DateTimeTZRange(span.start, span.end)
        )
        .select_related("practitioner", "specialty")
        .order_by("specialty__order", "specialty", "period", "pk")
    )


def _by_specialty(duties: list[Duty]) -> list[list[Duty]]:
    """The duty officers first, then specialties in their order; a lone director is no row."""
    groups: dict[int, list[Duty]] = {}
    for duty in duties:
        if duty.line == Duty.Line.DIRECTOR and duty.specialty_id is None:
            continue
        groups.setdefault(duty.specialty_id or 0, []).append(duty)
    return [groups[key] for key in sorted(groups, key=lambda key: key != 0)]


def _row(
    duties: list[Duty], days: list[Day], site: Organisation, ready: set[int], now: datetime
) -> Row:
    specialty = duties[0].specialty
    first = _first_line(duties)
    week = Window(days[0].window.start, days[-1].window.end)
    third = [d for d in duties if d.line == "director" and rostering.overlap(_window(d), week)]
    names = {duty.practitioner_id: duty.practitioner for duty in duties}
    gaps_of_days = _gaps_of_days(duties, days, site.zone, ready, now, names)
    cells = [
        Cell(
            day=day,
            first=_shown(duties, first, day, site.zone),
            second=_shown(duties, "second", day, site.zone),
            gaps=gaps,
        )
        for day, gaps in zip(days, gaps_of_days, strict=True)
    ]
    label = specialty_name(specialty) if specialty else str(LINES["officer"])
    directors = list({duty.practitioner_id: duty.practitioner for duty in third}.values())
    return Row(specialty, label, directors, cells)


def _shown(duties: list[Duty], line: str, day: Day, zone: str) -> list[ShownTurn]:
    return [
        ShownTurn(duty.pk, duty.practitioner, _hours(_window(duty), day, zone), duty.note)
        for duty in duties
        if duty.line == line and _belongs(_window(duty), day.window)
    ]


def _belongs(turn: Window, day: Window) -> bool:
    """An hour that reaches over the hand-over does not put a name into the next day too."""
    shared = rostering.overlap(turn, day)
    if shared is None:
        return False
    return shared.end - shared.start >= min(turn.end - turn.start, timedelta(days=1)) / 4


def _hours(turn: Window, day: Day, zone: str) -> str:
    if turn.start <= day.window.start and turn.end >= day.window.end:
        return ""
    return span(turn, zone)


def span(window: Window, zone: str) -> str:
    """18–22, or 18:30–22"""

    def clock(at: datetime) -> str:
        local = at.astimezone(ZoneInfo(zone))
        return f"{local:%H:%M}" if local.minute else f"{local:%H}"

    return f"{clock(window.start)}–{clock(window.end)}"


def _first_line(duties: list[Duty]) -> str:
    return "first" if duties[0].specialty_id else "officer"


def _gaps_of_days(
    duties: list[Duty],
    days: list[Day],
    zone: str,
    ready: set[int],
    now: datetime,
    names: Mapping[int, Practitioner],
) -> list[list[ShownGap]]:
    """Of one specialty, day by day; `names` are the people whom a gap may show."""
    turns = [_turn(duty) for duty in duties]
    lines = [_first_line(duties)]
    if any(turn.line == "second" for turn in turns):
        lines.append("second")

    def of_day(day: Day) -> list[Gap]:
        found = [
            rostering.gaps(turns, line, day.window, zone=zone, night_ready=ready, now=now)
            for line in lines
        ]
        return [gap for gaps in found for gap in gaps if gap.window.end > now]

    return [[_shown_gap(gap, day, zone, names) for gap in of_day(day)] for day in days]


def _shown_gap(gap: Gap, day: Day, zone: str, names: Mapping[int, Practitioner]) -> ShownGap:
    return ShownGap(
        line=gap.line,
        words=_gap_words(gap, day, zone),
        window=gap.window,
        why=gap.why,
        people=tuple(names[person] for person in gap.people if person in names),
    )


def _gap_words(gap: Gap, day: Day, zone: str) -> str:
    if gap.why == "no_night_channel":
        return _("night telephone not tested")
    facts = {"line": LINES[gap.line], "hours": span(gap.window, zone)}
    sentence = {
        "day": _("no %(line)s"),
        "night": _("night without %(line)s"),
        "hours": _("%(hours)s without %(line)s"),
    }[rostering.extent(gap.window, day.window, zone)]
    return sentence % facts


def _cautions(duties: list[Duty], zone: str) -> list[Caution]:
    people = {duty.practitioner_id: duty.practitioner for duty in duties}
    return [
        Caution(people[found.person], caution_words(found, zone))
        for found in rostering.cautions([_turn(duty) for duty in duties], zone)
    ]


def caution_words(found: rostering.Caution, zone: str) -> str:
    day = f"{found.at.astimezone(ZoneInfo(zone)):%m-%d}"
    if found.kind == "short_rest":
        sentence = _("%(day)s: only %(hours)s h of rest before the turn, the rule is 11 h")
        return sentence % {"day": day, "hours": f"{found.amount:g}"}
    sentence = _("from %(day)s on duty %(days)s days in a row, the rule is at most 2")
    return sentence % {"day": day, "days": int(found.amount)}


def _day(on: date, clock: time, zone: str, now: datetime) -> Day:
    start = rostering.instant(on, clock, zone)
    window = Window(start, rostering.instant(on + timedelta(days=1), clock, zone))
    label = f"{WEEKDAYS_ABBR[on.weekday()]} {on:%m-%d}"
    return Day(on, window, label, window.start <= now < window.end)


def _window(duty: Duty) -> Window:
    return Window(duty.period.lower, duty.period.upper)


def _turn(duty: Duty) -> Turn:
    return Turn(duty.practitioner_id, duty.line, _window(duty))
