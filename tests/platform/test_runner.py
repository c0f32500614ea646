"""The runner's loop: a bad kind of work stops nothing, due work starts at once."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from jieli.live import actions
from jieli.web.runner import MANY, Runner, Work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_engines]

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.fixture
def started() -> Iterator[Callable[..., Runner]]:
    runners: list[tuple[Runner, threading.Thread]] = []

    def start(work: list[Work], gives_way: dict[str, str] | None = None) -> Runner:
        runner = Runner(work, lambda: NOW, gives_way=gives_way)
        thread = threading.Thread(target=runner.run)
        thread.start()
        runners.append((runner, thread))
        return runner

    yield start
    for runner, thread in runners:
        runner.stop()
        thread.join(15)
        assert not thread.is_alive()


def until(condition: Callable[[], Any], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_failing_and_hanging_work_delay_nothing_else(
    started: Callable[[list[Work]], Runner], caplog: pytest.LogCaptureFixture
) -> None:
    rounds: list[datetime] = []
    hang = threading.Event()

    def fails(now: datetime) -> int:
        raise ValueError("patient 王小明")

    def hangs(now: datetime) -> int:
        hang.wait(10)
        return 0

    def works(now: datetime) -> int:
        rounds.append(now)
        return 0

    started([("fails", fails, 0.01), ("hangs", hangs, 0.01), ("works", works, 0.01)])
    until(lambda: len(rounds) > 20)
    hang.set()
    assert set(rounds) == {NOW}
    failures = [r for r in caplog.records if r.getMessage() == "work failed"]
    assert 1 <= len(failures) <= 4  # it is tried again, but does not spin


def test_work_goes_on_without_a_pause_while_there_is_some(
    started: Callable[[list[Work]], Runner],
) -> None:
    left = [3]

    def works(now: datetime) -> int:
        left[0] -= 1
        return max(left[0], 0)

    started([("works", works, 60.0)])
    until(lambda: left[0] == 0, seconds=2)


def test_what_gives_way_waits_for_work_that_is_behind_but_not_for_ever(
    started: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jieli.web.runner.GIVES_WAY_SECONDS", 0.4)
    due = [MANY, MANY, MANY]
    fired, told = [0], []
    storm = threading.Event()

    def fires(now: datetime) -> int:
        time.sleep(0.1)
        fired[0] += 1
        return MANY if storm.is_set() else (due.pop() if due else 0)

    def tells(now: datetime) -> int:
        told.append(fired[0])
        return 0

    work: list[Work] = [("fires", fires, 0.02), ("tells", tells, 0.02)]
    started(work, {"tells": "fires"})
    until(lambda: told and told[-1] >= 5)
    assert sum(1 <= rounds <= 3 for rounds in told) <= 1  # one may have passed just before
    storm.set()
    time.sleep(0.3)
    before, rounds = len(told), fired[0]
    time.sleep(2.0)  # a storm without an end
    assert 2 <= len(told) - before <= 6 < fired[0] - rounds


def test_a_commit_wakes_it_before_its_next_round(
    started: Callable[[list[Work]], Runner],
) -> None:
    rounds: list[float] = []

    def works(now: datetime) -> int:
        rounds.append(time.monotonic())
        return 0

    started([("works", works, 60.0)])
    until(lambda: rounds)
    time.sleep(0.5)  # let it listen
    before = len(rounds)
    with transaction.atomic():
        actions.wake()
        time.sleep(0.2)
        assert len(rounds) == before  # not before the commit
    until(lambda: len(rounds) > before, seconds=2)


def test_it_stops_at_once_when_idle(started: Callable[[list[Work]], Runner]) -> None:
    runner = started([("works", lambda now: 0, 60.0)])
    until(lambda: runner.lanes[0].thread.is_alive())
    began = time.monotonic()
    runner.stop()
    runner.lanes[0].thread.join(5)
    assert time.monotonic() - began < 2


def test_a_log_line_tells_kind_and_place_but_not_what_somebody_typed() -> None:
    from jieli.web.logs import JsonLines

    with pytest.raises(ValueError, match="invalid") as caught:
        int("patient 王小明")
    record = logging.makeLogRecord({"msg": "work failed", "exc_info": caught._excinfo})
    line = JsonLines().format(record)
    assert "王小明" not in line
    assert json.loads(line)["error"]["kind"] == "ValueError"
