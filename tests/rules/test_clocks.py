"""Clocks as tables: limits, stages, states, pauses."""

from datetime import UTC, datetime, timedelta

import pytest

from jieli.rules import clocks
from jieli.rules.clocks import Clock, start

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


@pytest.mark.parametrize(
    ("now", "clocks_", "following", "late"),
    [
        (0, [(10, 30), (60, None)], 10, 30),
        (11, [(10, 30), (60, None)], 30, 30),
        (0, [(50, None), (10, 60)], 10, 50),
        (0, [(None, None)], None, None),
        (0, [], None, None),
    ],
)
def test_a_board_needs_the_next_limit_and_when_time_is_out(now, clocks_, following, late):
    running = [
        Clock("x", T0, at(target) if target else None, at(hard) if hard else None)
        for target, hard in clocks_
    ]
    wanted = tuple(at(n) if n else None for n in (following, late))
    assert clocks.limits(running, at(now)) == wanted
