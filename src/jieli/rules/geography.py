"""Places on the globe and local clocks: kilometres, minutes by road, departures, closed hours.

Every instant is an aware datetime. A local time that the clocks jump over is read as if they had
not been put forward, and one that exists twice is the first of the two; so nothing here fails on
a day of changing clocks.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo

SOURCE = "estimate"
EARTH_KM = 6371.0
CITY_KM = 30.0  # straight: below this a road is a city road
DETOUR = 1.3  # road kilometres for each straight one
CITY_SPEED, LONG_SPEED = 28.0, 75.0  # km/h, door to door
SETTING_OUT = 5.0  # minutes until an estimated journey moves at all
CITY_SIGMA, LONG_SIGMA, FAR_SIGMA = 0.20, 0.12, 0.15  # long: measured, or not
MEASURED_LONG = 90.0  # minutes: a road that somebody measured is a long one from here
HORIZON_DAYS = 4  # how far ahead departures are looked up

Point = tuple[float, float]  # degrees north, degrees east


def kilometres(one: Point, other: Point) -> float:
    """Along the great circle."""
    (north, east), (to_north, to_east) = one, other
    p, q = radians(north), radians(to_north)
    half = sin((q - p) / 2) ** 2 + cos(p) * cos(q) * sin(radians(to_east - east) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


def by_road(straight_km: float) -> tuple[float, float]:
    """Minutes (median) and sigma where nobody has measured the road."""
    speed, sigma = (CITY_SPEED, CITY_SIGMA) if straight_km < CITY_KM else (LONG_SPEED, FAR_SIGMA)
    return SETTING_OUT + straight_km * DETOUR / speed * 60, sigma


def measured_sigma(minutes: float) -> float:
    """Of a road whose minutes somebody has measured."""
    return LONG_SIGMA if minutes >= MEASURED_LONG else CITY_SIGMA


# ── local clocks ─────────────────────────────────────────────────────────────


@lru_cache(maxsize=16_384)  # a timetable asks for the same few hundred wall times on each sheet
def at_local(day: date, clock: time, zone: str) -> datetime:
    """The instant of a wall time, in UTC."""
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)


def minutes_from(t0: datetime, at: datetime) -> float:
    return (at - t0).total_seconds() / 60


def local_days(t0: datetime, zone: str, days: int = HORIZON_DAYS) -> list[date]:
    """From the day before, which may not be over elsewhere, to `days` ahead."""
    first = t0.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    return [first + timedelta(days=n) for n in range(days + 2)]


def departures(
    clock: time,
    zone: str,
    days: Iterable[date],
    weekdays: Collection[int] = (),
    valid: tuple[date | None, date | None] = (None, None),
) -> list[tuple[date, datetime]]:
    """On which of these days it leaves, and when. Weekdays: 1 is Monday, none named means daily."""
    since, until = valid
    return [
        (day, at_local(day, clock, zone))
        for day in days
        if (not weekdays or day.isoweekday() in weekdays)
        and (since is None or since <= day)
        and (until is None or day <= until)
    ]


def is_closed(at: datetime, zone: str, since: time | None, until: time | None) -> bool:
    """Inside the closed hours of the night there; the hours may run over midnight."""
    if since is None or until is None or since == until:
        return False
    clock = at.astimezone(ZoneInfo(zone)).time()
    if since < until:
        return since <= clock < until
    return clock >= since or clock < until


def closed(
    t0: datetime, zone: str, since: time | None, until: time | None, days: int = HORIZON_DAYS
) -> list[tuple[float, float]]:
    """Closed spans in minutes from t0, none before it, in order and without overlap."""
    if since is None or until is None or since == until:
        return []
    spans = []
    for day in local_days(t0, zone, days):
        last = day if since < until else day + timedelta(days=1)
        begins = minutes_from(t0, at_local(day, since, zone))
        ends = minutes_from(t0, at_local(last, until, zone))
        if ends > max(begins, 0.0):
            spans.append((max(begins, 0.0), ends))
    return _apart(spans)


def _apart(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where clocks are put forward one night may touch the next: they become one."""
    found: list[tuple[float, float]] = []
    for begins, ends in sorted(spans):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((begins, ends))
    return found
