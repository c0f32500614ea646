"""How long what is kept; when a case may be disposed of, and why it may not."""

from dataclasses import replace
from datetime import date

import pytest

from jieli.rules import retention
from jieli.rules.refusal import Refused
from jieli.rules.retention import KEPT, Ends, Facts, check_confirmation, check_disposal, due_on


@pytest.mark.parametrize(
    ("setting", "last", "due"),
    [
        ("outpatient", date(2011, 3, 1), date(2026, 3, 2)),
        ("inpatient", date(2011, 3, 1), date(2041, 3, 2)),
        ("", date(2011, 3, 1), date(2041, 3, 2)),  # not said: the longer one
        ("nonsense", date(2011, 3, 1), date(2041, 3, 2)),
        ("outpatient", date(2012, 2, 29), date(2027, 3, 2)),
    ],
)
def test_the_day_on_which_a_record_becomes_due(setting, last, due):
    assert due_on(setting, last) == due


FACTS = Facts("outpatient", is_open=False, last=date(2011, 3, 1), held=False)


def test_a_due_case_may_go_from_its_day_on():
    assert check_disposal(FACTS, date(2026, 3, 2)) == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("change", "today", "said"),
    [
        ({}, date(2026, 3, 1), "must be kept until 2026-03-02"),
        ({"setting": "inpatient"}, date(2026, 3, 2), "must be kept until 2041-03-02"),
        ({"held": True}, date(2099, 1, 1), "hold"),
        ({"is_open": True}, date(2099, 1, 1), "open case"),
        ({"last": None}, date(2099, 1, 1), "open case"),
        ({"disposed": True}, date(2099, 1, 1), "already"),
    ],
)
def test_why_a_case_stays(change, today, said):
    with pytest.raises(Refused, match=said):
        check_disposal(replace(FACTS, **change), today)


def test_two_people():
    check_confirmation(1, 2)
    with pytest.raises(Refused, match="Somebody else"):
        check_confirmation(1, 1)


def test_what_the_law_demands_is_not_undercut():
    assert KEPT["inpatient"].years >= 30
    assert KEPT["outpatient"].years >= 15
    assert KEPT["media"].years >= 3


@pytest.mark.parametrize("kind", sorted(KEPT))
def test_every_kind_has_a_source_and_a_length(kind):
    keep = KEPT[kind]
    assert keep.source
    assert keep.what
    assert bool(keep.years or keep.period) == (keep.ends != Ends.NEVER)


def test_a_disposal_before_its_time_is_recognised():
    assert retention.too_early("outpatient", date(2026, 3, 1), date(2041, 3, 1))
    assert not retention.too_early("outpatient", date(2026, 3, 1), date(2041, 3, 2))
