"""When it is night: from 22:00 to 07:00 where the person works."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

NIGHT_FROM = time(22)
NIGHT_TO = time(7)


def is_night(at: datetime, zone: str) -> bool:
    clock = at.astimezone(ZoneInfo(zone)).time()
    return clock >= NIGHT_FROM or clock < NIGHT_TO


def morning(at: datetime, zone: str) -> datetime:
    """The next 07:00 there, strictly after `at`."""
    local = at.astimezone(ZoneInfo(zone))
    seven = local.replace(hour=NIGHT_TO.hour, minute=0, second=0, microsecond=0)
    return seven if seven > local else seven + timedelta(days=1)
