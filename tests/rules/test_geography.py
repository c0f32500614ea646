"""Kilometres, roads, departures and closed hours, on days on which clocks change too."""

import itertools
from datetime import UTC, date, datetime, time

import pytest

from jieli.rules.geography import (
    CITY_SIGMA,
    FAR_SIGMA,
    at_local,
    by_road,
    closed,
    departures,
    is_closed,
    kilometres,
    measured_sigma,
    minutes_from,
)

T0 = datetime(2026, 3, 1, 6, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        ((0, 0), (0, 1), 111.2),
        ((31.21, 121.53), (39.43, 75.94), 4216),  # Shanghai, Kashgar
        ((10, 179.5), (10, -179.5), 109.5),  # over the date line
        ((90, 0), (-90, 70), 20015),
        ((5, 5), (5, 5), 0),
    ],
)
def test_great_circle(one, other, km):
    assert kilometres(one, other) == pytest.approx(km, rel=0.01)
    assert kilometres(one, other) == pytest.approx(kilometres(other, one))


def test_roads_take_longer_the_farther_they_go():
    times = [by_road(km)[0] for km in (0, 10, 29.9)]
    assert times == sorted(times)
    assert by_road(10)[1] == CITY_SIGMA
    assert by_road(400)[1] == FAR_SIGMA
    assert measured_sigma(60) > measured_sigma(600)


@pytest.mark.parametrize(
    ("clock", "zone", "day", "utc"),
    [
        ("15:30", "Asia/Shanghai", date(2026, 3, 1), "2026-03-01T07:30"),
        ("15:30", "Asia/Urumqi", date(2026, 3, 1), "2026-03-01T09:30"),
        ("02:30", "Europe/Berlin", date(2026, 3, 29), "2026-03-29T01:30"),  # does not exist
        ("02:30", "Europe/Berlin", date(2026, 10, 25), "2026-10-25T00:30"),  # twice: the first
    ],
)
def test_local_times(clock, zone, day, utc):
    at = at_local(day, time.fromisoformat(clock), zone)
    assert at == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_departures_by_weekday_and_season():
    days = [date(2026, 3, d) for d in range(1, 10)]  # the first is a Sunday
    found = departures(time(8), "Asia/Shanghai", days, (1, 7), (date(2026, 3, 2), date(2026, 3, 8)))
    assert [day.day for day, _at in found] == [2, 8]
    assert len(departures(time(8), "Asia/Shanghai", days)) == 9


def test_the_zone_of_the_asker_does_not_matter():
    from zoneinfo import ZoneInfo

    elsewhere = T0.astimezone(ZoneInfo("America/New_York"))
    assert closed(T0, "Asia/Shanghai", time(23), time(6)) == closed(
        elsewhere, "Asia/Shanghai", time(23), time(6)
    )
    assert minutes_from(T0, elsewhere) == 0


def test_a_night_is_closed_over_midnight():
    spans = closed(T0, "Asia/Shanghai", time(23), time(6), days=2)
    assert spans[0] == (525, 945)  # 23:00 and 06:00 in Beijing, from 14:15
    assert all(ends > begins >= 0 for begins, ends in spans)
    assert closed(T0, "Asia/Shanghai", time(6), time(6)) == []
    assert closed(T0, "Asia/Shanghai", None, time(6)) == []


def test_inside_a_closed_night_the_span_begins_at_zero():
    night = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)  # 00:00 in Beijing
    assert closed(night, "Asia/Shanghai", time(23), time(6))[0] == (0, 360)


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24)])
def test_closed_hours_never_overlap_when_clocks_change(day):
    t0 = datetime(day.year, day.month, day.day, 6, 0, tzinfo=UTC)
    spans = closed(t0, "Europe/Berlin", time(2, 30), time(2, 15))  # open for 15 minutes a day
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))


@pytest.mark.parametrize(
    ("clock", "shut"), [("22:59", False), ("23:00", True), ("05:59", True), ("06:00", False)]
)
def test_is_closed(clock, shut):
    at = at_local(date(2026, 3, 1), time.fromisoformat(clock), "Asia/Shanghai")
    assert is_closed(at, "Asia/Shanghai", time(23), time(6)) is shut
