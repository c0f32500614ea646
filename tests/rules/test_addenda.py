"""Signed versions, what adds to which, what replaces which, and who may."""

import pytest

from jieli.rules.addenda import Version, check_correction, families, replaced_by
from jieli.rules.refusal import Refused

ALICE, BOB = 1, 2
VERSIONS = [
    Version(1, ALICE),
    Version(2, BOB),
    Version(3, ALICE, corrects=1, replaces=True),
    Version(4, ALICE, corrects=3),
    Version(5, BOB, corrects=2),
]


def test_what_no_longer_stands():
    assert replaced_by(VERSIONS) == {1: 3}


def test_a_text_stands_with_all_that_was_added_to_it():
    assert families(VERSIONS) == [[5, 2], [4, 3, 1]]
    assert families([]) == []


def check(corrects, by, versions=VERSIONS, **more):
    check_correction(versions, corrects, by, **{"own": True, "replaces": False, "why": "", **more})


def test_its_author_adds_to_what_stands():
    check(3, ALICE)
    check(2, BOB, replaces=True, why="左右写反")
    check(3, BOB, own=False)


@pytest.mark.parametrize(
    ("corrects", "by", "more", "said"),
    [
        (9, ALICE, {}, "no such version"),
        (2, ALICE, {}, "Only its author"),
        (1, ALICE, {}, "replaced by version 3"),
        (3, ALICE, {"replaces": True}, "Say why"),
        (3, ALICE, {"replaces": True, "why": "  "}, "Say why"),
    ],
)
def test_why_not(corrects, by, more, said):
    with pytest.raises(Refused, match=said):
        check(corrects, by, **more)
