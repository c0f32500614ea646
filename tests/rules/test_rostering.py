from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from jieli.rules import rostering
from jieli.rules.rostering import Turn, Window

ZONE = "Asia/Shanghai"
NOW = datetime(2026, 11, 21, 20, 15, tzinfo=ZoneInfo(ZONE))
SONG, LU, JIANG = 1, 2, 3


def at(text: str, zone: str = ZONE) -> datetime:
    """`21 08:00` in November 2026."""
    return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))


def window(start: str, end: str) -> Window:
    return Window(at(start), at(end))


def turn(person: int, start: str, end: str, line: str = "first") -> Turn:
    return Turn(person, line, window(start, end))


DAY = window("21 08:00", "22 08:00")


def say(gap: rostering.Gap) -> str:
    zone = ZoneInfo(ZONE)
    start, end = gap.window.start.astimezone(zone), gap.window.end.astimezone(zone)
    return f"{start:%d %H:%M}-{end:%d %H:%M} {gap.why}"


@pytest.mark.parametrize(
    ("age", "proven"),
    [
        (None, False),
        (timedelta(0), True),
        (timedelta(days=6, hours=23), True),
        (timedelta(days=7), True),
        (timedelta(days=7, seconds=1), False),
        (timedelta(days=400), False),
    ],
)
def test_a_proof_holds_seven_days(age, proven):
    assert rostering.is_proven(None if age is None else NOW - age, NOW) is proven


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("21 08:00", "22 08:00", ["21 22:00-22 07:00"]),
        ("21 08:00", "21 22:00", []),
        ("21 07:00", "21 23:00", ["21 22:00-21 23:00"]),
        ("22 01:00", "22 03:00", ["22 01:00-22 03:00"]),
        ("21 00:00", "23 00:00", ["21 00:00-21 07:00", "21 22:00-22 07:00", "22 22:00-23 00:00"]),
    ],
)
def test_nights_of_a_window(start, end, expected):
    found = rostering.nights(window(start, end), ZONE)
    assert [f"{n.start:%d %H:%M}-{n.end:%d %H:%M}" for n in found] == expected


def test_night_is_judged_where_the_hospital_is():
    found = rostering.nights(DAY, "Asia/Urumqi")
    assert [n.start for n in found] == [at("21 08:00"), at("22 00:00")]  # 08:00 there is 06:00


GAP_TABLE = [
    # turns, line, who can be woken, gaps
    ([], "first", [], ["21 08:00-22 08:00 nobody"]),
    ([turn(SONG, "21 08:00", "22 08:00")], "first", [SONG], []),
    ([turn(SONG, "21 08:00", "22 08:00")], "second", [SONG], ["21 08:00-22 08:00 nobody"]),
    (
        [turn(SONG, "21 08:00", "21 18:00", "second"), turn(LU, "21 22:00", "22 08:00", "second")],
        "second",
        [SONG, LU],
        ["21 18:00-21 22:00 nobody"],
    ),
    ([turn(SONG, "21 08:00", "22 08:00")], "first", [], ["21 22:00-22 07:00 no_night_channel"]),
    ([turn(SONG, "21 08:00", "22 08:00", "director")], "director", [], []),
    (
        [turn(SONG, "21 08:00", "22 08:00"), turn(LU, "21 22:00", "22 02:00")],
        "first",
        [LU],
        ["22 02:00-22 07:00 no_night_channel"],
    ),
    ([turn(SONG, "20 20:00", "22 20:00")], "first", [SONG], []),
    (
        [turn(SONG, "21 08:00", "21 20:00"), turn(LU, "21 20:00", "22 06:00")],
        "first",
        [LU],
        ["22 06:00-22 08:00 nobody"],
    ),
]


@pytest.mark.parametrize(("turns", "line", "ready", "expected"), GAP_TABLE)
def test_gaps_of_a_line(turns, line, ready, expected):
    found = rostering.gaps(turns, line, DAY, zone=ZONE, night_ready=ready, now=NOW)
    assert [say(gap) for gap in found] == expected


def test_a_night_gap_names_who_cannot_be_woken():
    turns = [turn(SONG, "21 08:00", "22 08:00"), turn(LU, "21 08:00", "22 08:00")]
    (gap,) = rostering.gaps(turns, "first", DAY, zone=ZONE, night_ready=[], now=NOW)
    assert gap.people == (SONG, LU)


def test_a_night_that_is_over_is_not_judged_by_todays_channel():
    turns = [turn(SONG, "21 08:00", "22 08:00")]
    later = at("22 07:00")
    assert rostering.gaps(turns, "first", DAY, zone=ZONE, night_ready=[], now=later) == []


@pytest.mark.parametrize(
    ("start", "end", "word"),
    [
        ("21 08:00", "22 08:00", "day"),
        ("21 00:00", "23 08:00", "day"),
        ("21 22:00", "22 07:00", "night"),
        ("21 20:00", "22 08:00", "night"),
        ("21 12:00", "22 08:00", "hours"),
        ("21 18:00", "21 22:00", "hours"),
        ("21 22:00", "22 06:00", "hours"),
    ],
)
def test_how_a_gap_is_spoken_of(start, end, word):
    assert rostering.extent(window(start, end), DAY, ZONE) == word


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ([], time(8)),
        (["08:00", "08:00", "18:00"], time(8)),
        (["07:30", "07:30", "19:30"], time(7, 30)),
        (["20:00", "08:00"], time(8)),
    ],
)
def test_handover_is_when_most_first_turns_begin(starts, expected):
    turns = [turn(SONG, f"{20 + n} {start}", f"{21 + n} {start}") for n, start in enumerate(starts)]
    assert rostering.handover(turns, ZONE) == expected


CAUTION_TABLE = [
    ([("21 08:00", "21 18:00"), ("22 08:00", "22 18:00")], []),  # 14 hours
    ([("21 08:00", "21 20:00"), ("22 07:00", "22 18:00")], []),  # 11 hours exactly
    ([("21 08:00", "21 22:00"), ("22 08:00", "22 18:00")], [("short_rest", 10.0)]),
    ([("21 08:00", "22 08:00"), ("22 08:00", "23 08:00")], []),  # two days touch
    (
        [("21 08:00", "22 08:00"), ("22 08:00", "23 08:00"), ("23 08:00", "24 08:00")],
        [("days_in_a_row", 3)],
    ),
    ([("21 08:00", "22 08:00"), ("23 08:00", "24 08:00"), ("25 08:00", "26 08:00")], []),
]


@pytest.mark.parametrize(("turns", "expected"), CAUTION_TABLE)
def test_rest_and_days_in_a_row(turns, expected):
    found = rostering.cautions([turn(SONG, *pair) for pair in turns], ZONE)
    assert [(w.kind, w.amount) for w in found] == expected


def test_the_second_line_sleeps_at_home():
    turns = [turn(JIANG, f"{n} 08:00", f"{n + 1} 08:00", "second") for n in range(20, 26)]
    assert rostering.cautions(turns, ZONE) == []


def test_two_people_do_not_tire_each_other():
    turns = [turn(SONG, "21 08:00", "21 22:00"), turn(LU, "22 06:00", "22 18:00")]
    assert rostering.cautions(turns, ZONE) == []


def test_a_day_is_judged_in_its_zone():
    assert rostering.local_day(at("21 23:30", "UTC"), ZONE) == date(2026, 11, 22)
