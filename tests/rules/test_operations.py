"""The mode of an operation follows from who was where, and its level from its techniques."""

import pytest

from jieli.rules.operations import MODES, level_of, mode_of


@pytest.mark.parametrize(
    ("operator_local", "visitor_beside", "live_link", "mode"),
    [
        (True, False, False, "independent"),
        (True, True, False, "onsite_guided"),
        (True, False, True, "remote_guided"),
        (True, True, True, "onsite_guided"),  # who stands beside counts before who looks on
        (False, False, False, "visitor_performed"),
        (False, True, False, "visitor_performed"),
        (False, True, True, "visitor_performed"),
        (False, False, True, "visitor_performed"),
    ],
)
def test_the_mode(operator_local, visitor_beside, live_link, mode):
    found = mode_of(
        operator_local=operator_local, visitor_beside=visitor_beside, live_link=live_link
    )
    assert found == mode
    assert found in MODES


@pytest.mark.parametrize(
    ("levels", "level"), [((), None), ((None,), None), ((2, None, 4), 4), ((1,), 1), ((0,), None)]
)
def test_the_level(levels, level):
    assert level_of(levels) == level
