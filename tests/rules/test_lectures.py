"""When a lecture may be entered, and how long somebody was there: tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jieli.rules import lectures
from jieli.rules.refusal import Refused

T0 = datetime(2026, 3, 1, 8, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([], None),
        ([(5, 5)], None),
        ([(0, 60)], (0, 60, 60)),
        ([(0, 30), (10, 40)], (0, 40, 40)),  # a telephone beside the desk
        ([(10, 40), (0, 30)], (0, 40, 40)),
        ([(0, 60), (10, 20)], (0, 60, 60)),  # one within the other
        ([(0, 10), (50, 60)], (0, 60, 20)),  # away in between
        ([(0, 10), (10, 20)], (0, 20, 20)),
        ([(0, 0.4)], (0, 0.4, 0)),
    ],
)
def test_one_person_counts_once(spans, found) -> None:
    got = lectures.attended([(at(a), at(b)) for a, b in spans])
    assert (got and (got.first, got.last, got.minutes)) == (
        found and (at(found[0]), at(found[1]), found[2])
    )


@pytest.mark.parametrize(
    ("minute", "speaks", "why"),
    [
        (-600, True, ""),
        (-31, False, "The doors open half an hour before"),
        (-30, False, ""),
        (0, False, ""),
        (90, False, ""),
        (120, False, ""),
        (121, False, "This lecture is over."),
        (121, True, "This lecture is over."),
    ],
)
def test_the_doors(minute: float, speaks: bool, why: str) -> None:
    if not why:
        return lectures.check_doors(at(0), at(60), at(minute), speaks=speaks)
    with pytest.raises(Refused, match=why):
        lectures.check_doors(at(0), at(60), at(minute), speaks=speaks)
    return None


@pytest.mark.parametrize(
    ("starts", "ends", "why"),
    [
        (10, 70, ""),
        (-10, 50, ""),  # it has begun
        (10, 10, "ends after it begins"),
        (10, 5, "ends after it begins"),
        (10, 10 + 601, "within ten hours"),
        (-70, 0, "over already"),
        (60 * 24 * 367, 60 * 24 * 367 + 60, "at most a year ahead"),
    ],
)
def test_times(starts: float, ends: float, why: str) -> None:
    if not why:
        return lectures.check_times(at(starts), at(ends), at(0))
    with pytest.raises(Refused, match=why):
        lectures.check_times(at(starts), at(ends), at(0))
    return None
