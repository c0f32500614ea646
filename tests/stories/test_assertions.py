"""Comparing what a story expects with what the record says."""

from __future__ import annotations

from typing import Any

import pytest

from jieli.stories.assertions import NAMES, check, holds


@pytest.mark.parametrize(
    ("expected", "actual", "fits"),
    [
        (4, 4.0, True),
        (4, 4.009, True),
        (4, 4.02, False),
        ("≥ 0.80", 0.8, True),
        (">= 0.8", 0.79, False),
        ("< 3", 2.9, True),
        ("< 3", None, False),
        ("> 7000", 7012, True),
        ("!= 0", 0, False),
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (0, False, False),
        ("DISPATCH", "DISPATCH", True),
        (None, None, True),
        (4, None, False),
    ],
)
def test_holds(expected: Any, actual: Any, fits: bool) -> None:
    assert holds(expected, actual) is fits


def test_without_a_case_nothing_holds() -> None:
    assert not check("chain_verified", True, None).ok


EMPTY = {
    "case": {"status": "open", "urgency": "U1"}, "requests": [], "clocks": [], "opinions": [],
    "decisions": [], "events": [], "chain": {"verified": True, "length": 0},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_can_be_read_from_a_case_in_which_nothing_happened(name: str) -> None:
    NAMES[name](EMPTY)


def test_signers_differ_needs_both() -> None:
    one = {"author": {"number": "1", "name": "甲"}}
    other = {"author": {"number": "2", "name": "乙"}}
    read = NAMES["opinion_and_decision_signers_differ"]
    assert read({**EMPTY, "opinions": [one], "decisions": [other]}) is True
    assert read({**EMPTY, "opinions": [one], "decisions": [one]}) is False
    assert read({**EMPTY, "opinions": [one]}) is None
