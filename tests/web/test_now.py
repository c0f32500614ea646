"""Time from one source: the database's, whatever this machine's clock shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection

from jieli.web import now as source

THERE = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A process that keeps time, and its steady clock in the test's hands."""
    clock = [1000.0]
    monkeypatch.setattr(source, "_steady", lambda: clock[0])
    monkeypatch.setattr(source, "_kept", source._Kept(wanted=True))
    yield clock


def seconds(shown: datetime) -> float:
    return (shown - THERE).total_seconds()


def test_it_is_carried_on_between_two_measurements(steady: list[float]) -> None:
    source._take(THERE, 1000.0, 0.01)
    steady[0] += 4.5
    assert seconds(source.wall()) == 4.5


@pytest.mark.parametrize(
    ("measured", "unsure", "shown"),
    [
        (10.004, 0.010, 10.0),  # fits into half the round trip: no news
        (10.400, 0.010, 10.4),
        (9.000, 0.010, 9.0),
        (10.400, 2.000, 10.0),  # a slow answer disturbs nothing
        (310.0, 0.010, 310.0),  # the database's clock was set
    ],
)
def test_what_contradicts_is_believed(
    steady: list[float], measured: float, unsure: float, shown: float
) -> None:
    source._take(THERE, 1000.0, 0.5)
    steady[0] += 10
    source._take(THERE + timedelta(seconds=measured), 1010.0, unsure)
    assert seconds(source.wall()) == pytest.approx(shown)


@pytest.mark.django_db
@pytest.mark.parametrize("off", [-300.0, 0.0, 300.0])
def test_the_machine_is_measured_and_not_believed(
    monkeypatch: pytest.MonkeyPatch, off: float
) -> None:
    monkeypatch.setattr(source, "_kept", source._Kept(wanted=True))
    monkeypatch.setattr(source, "machine", lambda: datetime.now(UTC) + timedelta(seconds=off))
    shown = source.wall()  # asks by itself, the first time
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [there] = cursor.fetchone()
    assert abs((shown - there).total_seconds()) < 0.5
    assert abs(source.measure() - off) < 0.5


def test_without_a_database_the_machine_is_better_than_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away() -> float:
        raise OperationalError

    monkeypatch.setattr(source, "_kept", source._Kept(wanted=True))
    monkeypatch.setattr(source, "measure", away)
    assert abs((source.wall() - datetime.now(UTC)).total_seconds()) < 1


def test_a_command_is_over_before_it_would_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_kept", source._Kept())
    assert abs((source.wall() - datetime.now(UTC)).total_seconds()) < 1  # and no query
