from datetime import timedelta

import pytest

from jieli.rules.idle import CALLED, DESK, Limits, idle_limit

DESK_LIMIT, WARD, EXPERT = timedelta(minutes=30), timedelta(hours=8), timedelta(days=14)
LIMITS = Limits(DESK_LIMIT, WARD, EXPERT)


@pytest.mark.parametrize(
    ("kinds", "on_duty", "limit"),
    [
        ({"coordinator"}, False, DESK_LIMIT),
        ({"admin", "coordinator"}, False, DESK_LIMIT),
        ({"expert", "director"}, False, DESK_LIMIT),  # the strictest counts
        ({"expert", "director"}, True, EXPERT),  # but nobody on duty is signed out
        ({"coordinator"}, True, EXPERT),
        ({"expert"}, False, EXPERT),
        ({"duty_officer"}, False, EXPERT),
        ({"expert", "doctor"}, False, EXPERT),
        ({"doctor"}, False, WARD),
        ({"nurse"}, False, WARD),
        (set(), False, WARD),
    ],
)
def test_the_limit_follows_the_roles(kinds, on_duty, limit):
    assert idle_limit(kinds, on_duty=on_duty, limits=LIMITS) == limit


def test_no_role_is_both_desk_and_called():
    assert not DESK & CALLED
