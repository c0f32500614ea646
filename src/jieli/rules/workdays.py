"""Working days: weekends, holidays and the weekend days that are worked instead. Dates as data."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SOURCE = "State Council notice on public holidays, to be checked and added to each year"
OFFICIAL = ZoneInfo("Asia/Shanghai")


def _span(first: str, days: int) -> list[date]:
    return [date.fromisoformat(first) + timedelta(days=n) for n in range(days)]


HOLIDAYS = frozenset(
    [
        *_span("2026-01-01", 3),
        *_span("2026-02-15", 9),  # Spring Festival
        *_span("2026-04-04", 3),
        *_span("2026-05-01", 5),
        *_span("2026-06-19", 3),
        *_span("2026-09-25", 3),
        *_span("2026-10-01", 7),
    ]
)
WORKED = frozenset(
    map(
        date.fromisoformat,
        ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"],
    )
)


def is_working(
    day: date, holidays: Collection[date] = HOLIDAYS, worked: Collection[date] = WORKED
) -> bool:
    return day in worked or (day.weekday() < 5 and day not in holidays)


def end_of(
    since: datetime,
    days: int,
    holidays: Collection[date] = HOLIDAYS,
    worked: Collection[date] = WORKED,
) -> datetime:
    """The end of the last of `days` working days after the day of `since`, in official time."""
    day = since.astimezone(OFFICIAL).date()
    while days > 0:
        day += timedelta(days=1)
        days -= is_working(day, holidays, worked)
    return datetime.combine(day + timedelta(days=1), time(), OFFICIAL)
