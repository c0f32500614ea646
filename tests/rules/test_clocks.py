"""Clocks as tables: limits, stages, states, pauses."""

from datetime import UTC, datetime, timedelta

import pytest

from jieli.rules import clocks
from jieli.rules.clocks import LIMITS, Clock, start

T0 = datetime(2026, 3, 1, 5, 30, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


LIMITS_TABLE = [
    # urgency, clock, target, hard: content §1
    ("U0", "accept", 2, None),
    ("U0", "expert_live", 5, None),
    ("U0", "opinion", 15, None),
    ("U1", "accept", 10, None),
    ("U1", "expert_live", 30, None),
    ("U1", "opinion", 60, None),
    ("U2", "accept", 30, None),
    ("U2", "expert_live", 120, None),
    ("U2", "opinion", 240, None),
    ("U3", "accept", 240, None),
    ("U3", "opinion", 1440, None),
    ("U0", "read_and_understood", 5, 10),
    ("U1", "read_and_understood", 10, 30),
    ("U2", "read_and_understood", 60, 120),
    ("U3", "read_and_understood", 480, 1440),
    ("U0", "decision", 10, 20),
    ("U1", "decision", 30, 60),
    ("U2", "decision", 240, 480),
    ("U3", "decision", 1440, 2880),
    ("U1", "consent_to_remote_consult", 30, 60),
    ("U2", "consent_to_remote_consult", 240, 480),
    ("U4", "schedule", 72 * 60, None),
]


@pytest.mark.parametrize(("urgency", "name", "target", "hard"), LIMITS_TABLE)
def test_limits_are_those_of_the_content(urgency, name, target, hard):
    clock = start(name, urgency, T0)
    assert clock.target == at(target)
    assert clock.hard == (at(hard) if hard else None)


@pytest.mark.parametrize("urgency", ["U0", "U3", "U4"])
def test_a_measured_clock_owes_nothing_and_is_never_late(urgency):
    clock = start("consent_to_remote_consult", urgency, T0)
    assert clocks.next_due(clock) is None
    assert clocks.state(clock, at(10_000)) == "ok"
    stopped = Clock(clock.name, T0, None, None, stopped=at(9_999))
    assert clocks.state(stopped, at(10_000)) == "met"


def test_every_limit_names_its_source():
    assert all(limit.source for table in LIMITS.values() for limit in table.values())


STATES = [
    # minutes after start, target, hard, stopped at, state
    (0, 10, None, None, "ok"),
    (7.9, 10, None, None, "ok"),
    (8, 10, None, None, "warn"),
    (10, 10, None, None, "breach"),
    (11, 10, 30, None, "warn"),  # with a hard limit, red waits for it
    (30, 10, 30, None, "breach"),
    (99, 10, None, 10, "met"),
    (99, 10, None, 10.1, "late"),
    (99, 10, 30, 20, "late"),
]


@pytest.mark.parametrize(("now", "target", "hard", "stopped", "state"), STATES)
def test_states(now, target, hard, stopped, state):
    clock = Clock("x", T0, at(target), at(hard) if hard else None, at(stopped) if stopped else None)
    assert clocks.state(clock, at(now)) == state


STAGES = [
    # now, last stage that fired, stages due, next due
    (4.9, "", [], 5),
    (5, "", ["remind"], 5),
    (5, "remind", [], 8),
    (8, "remind", ["second"], 8),
    (10, "second", ["target"], 10),
    (10, "target", [], 30),
    (31, "", ["remind", "second", "target", "hard"], 5),  # after a long standstill: all, once
    (31, "hard", [], None),
]


@pytest.mark.parametrize(("now", "stage", "due", "next_due"), STAGES)
def test_stages_come_in_order_and_once(now, stage, due, next_due):
    clock = Clock("x", T0, at(10), at(30), stage=stage)
    assert clocks.stages_due(clock, at(now)) == due
    assert clocks.next_due(clock) == (at(next_due) if next_due else None)


def test_a_stopped_clock_owes_nothing():
    clock = Clock("x", T0, at(10), at(30), stopped=at(3))
    assert clocks.stages_due(clock, at(50)) == []
    assert clocks.next_due(clock) is None


def test_a_paused_clock_is_silent_until_the_pause_ends():
    clock = Clock("x", T0, at(10), None, paused=at(4), paused_until=at(20))
    assert clocks.stages_due(clock, at(12)) == []
    assert clocks.next_due(clock) == at(20)


def test_a_pause_moves_limits_and_never_the_start():
    clock = Clock("x", T0, at(10), at(30))
    assert clocks.moved(clock, timedelta(minutes=7)) == (at(17), at(37))


@pytest.mark.parametrize(
    ("now", "target", "hard", "limit"),
    [
        (0, 10, 30, 10),
        (11, 10, 30, 30),
        (40, 10, 30, 30),
        (40, 10, None, 10),
        (5, None, None, None),
    ],
)
def test_the_board_sorts_by_the_limit_that_runs_out_next(now, target, hard, limit):
    clock = Clock("x", T0, at(target) if target else None, at(hard) if hard else None)
    assert clocks.next_limit(clock, at(now)) == (at(limit) if limit else None)


def test_a_bar_reaches_to_the_last_limit_or_to_now():
    assert clocks.bar(Clock("x", T0, at(10), at(30)), at(5)).end == at(30)
    assert clocks.bar(Clock("x", T0, at(10)), at(15)).end == at(15)
    assert clocks.bar(Clock("x", T0, None), T0).end == at(1)


@pytest.mark.parametrize("urgency", ["U0", "U1", "U2", "U3", "U4"])
def test_the_first_limit_is_the_least_of_those_that_start(urgency):
    began = at(0)
    started = [clocks.start(name, urgency, began) for name in clocks.AT_REQUEST[urgency]]
    assert clocks.first_limit(urgency, began) == min(c.target for c in started if c.target)
