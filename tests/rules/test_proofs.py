"""Who is called by day to prove a night telephone, as a table."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from jieli.rules.proofs import is_civil, is_due, is_needed

ZONE = "Asia/Shanghai"


def at(text: str) -> datetime:
    return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(ZONE))


NOW = at("20 10:00")
TONIGHT, IN_THREE, IN_SIX, IN_NINE = at("20 22:00"), at("23 22:00"), at("26 22:00"), at("29 22:00")


@pytest.mark.parametrize(
    ("clock", "civil"),
    [("09:29", False), ("09:30", True), ("12:29", True), ("12:30", False), ("14:00", False),
     ("15:30", True), ("18:29", True), ("18:30", False), ("22:00", False), ("03:00", False)],
)  # fmt: skip
def test_a_civil_hour(clock, civil):
    assert is_civil(at(f"20 {clock}"), ZONE) is civil


def test_a_civil_hour_is_the_persons_own():
    morning = at("20 10:00")
    assert is_civil(morning, ZONE)
    assert not is_civil(morning, "Asia/Urumqi")  # 08:00 there


@pytest.mark.parametrize(
    ("proven", "nights", "needed"),
    [
        (None, [], False),
        (None, [TONIGHT], True),
        (None, [IN_SIX], True),
        (None, [IN_NINE], False),
        (at("19 10:00"), [TONIGHT], False),
        (at("19 10:00"), [IN_SIX], False),  # runs out on the 26th: asked two days before it
        (at("14 10:00"), [TONIGHT], False),
        (at("14 10:00"), [at("21 22:00")], True),  # runs out tomorrow morning
        (at("14 10:00"), [IN_SIX], False),  # still holds today, and there are days left
        (at("12 10:00"), [IN_SIX], True),  # holds no more
    ],
)
def test_whether_a_proof_is_needed(proven, nights, needed):
    assert is_needed(proven, nights, NOW) is needed


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ([], True),
        ([NOW - timedelta(hours=19)], False),
        ([NOW - timedelta(hours=21)], True),
        ([NOW - timedelta(days=n) for n in (1, 2)], True),
        ([NOW - timedelta(days=n) for n in (1, 2, 3)], False),
        ([NOW - timedelta(days=n) for n in (7, 8, 9)], True),
    ],
)
def test_at_most_once_a_day_and_three_times_a_week(asked, due):
    assert is_due(None, [TONIGHT], asked, zone=ZONE, now=NOW) is due


def test_never_at_night():
    assert not is_due(None, [TONIGHT], [], zone=ZONE, now=at("20 21:00"))


def test_somebody_on_duty_every_night_is_asked_once_a_week():
    """Thirty days in a row, answered each time at once."""
    proven, asked = None, []
    for hours in range(24 * 30):
        now = NOW + timedelta(hours=hours)
        nights = [TONIGHT + timedelta(days=n) for n in range(60)]
        ahead = [night for night in nights if night > now]
        if is_due(proven, ahead, asked, zone=ZONE, now=now):
            asked.append(now)
            proven = now
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert 4 <= len(asked) <= 7
    assert all(timedelta(days=4) < gap <= timedelta(days=7) for gap in gaps)
