"""Which channels are tried in which order, and when they are tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from jieli.rules import ring_time
from jieli.rules.ring_time import Line

NOW = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)
MAIL, VOICE, WECOM = Line(1, 1), Line(2, 2, rings=True), Line(3, 3)


def after(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("manner", "urgency", "night", "expected"),
    [
        ("ring", "U1", False, [1, 2, 3]),  # the person's own order
        ("ring", "U1", True, [2, 1, 3]),
        ("ring", "U0", False, [2, 1, 3]),
        ("push", "U2", False, [1, 3, 2]),
        ("push", "U2", True, [1, 3]),
        ("silent", "U0", False, [1, 3]),  # never a channel that rings
        ("silent", "U0", True, [1, 3]),
    ],
)
def test_order(manner: str, urgency: str, night: bool, expected: list[int]) -> None:
    lines = [WECOM, VOICE, MAIL]
    assert ring_time.order(lines, manner, urgency=urgency, night=night) == expected


@pytest.mark.parametrize(
    ("rounds", "seconds"), [(1, 5), (2, 15), (3, 60), (4, 300), (5, 900), (6, 3600), (50, 3600)]
)
def test_back_off(rounds: int, seconds: int) -> None:
    assert ring_time.retry_at(rounds, NOW, NOW) == after(seconds)


def test_gives_up_after_a_day() -> None:
    assert ring_time.retry_at(30, NOW + timedelta(hours=24), NOW) is None
