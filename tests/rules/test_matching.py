"""Hard filters first, then weights; ties go to the least recently called."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from jieli.rules.matching import WEIGHTS, Facts, bar, rank, score

ON = date(2026, 3, 1)
ANNE = Facts(1, "expert")

BARS = [
    ({"own_case": True}, "own_case"),
    ({"presence": "operating"}, "operating"),
    ({"presence": "abroad"}, "abroad"),
    ({"presence": "resting"}, "resting"),
    ({"presence": "away"}, ""),
    ({"presence": "talking"}, ""),
    ({"agreement": "expired"}, "agreement_expired"),
    ({"agreement": "mode"}, "agreement_mode"),
    ({"has_privilege": False}, "privilege"),
    ({"licensed": False}, "licence"),
    ({"practising_since": date(2023, 3, 2)}, "practice"),
    ({"practising_since": date(2023, 3, 1)}, ""),
    ({"line": "director", "has_privilege": False, "licensed": False}, ""),
]


@pytest.mark.parametrize(("facts", "code"), BARS)
def test_hard_filters(facts, code):
    assert bar(replace(ANNE, **facts), ON) == code


def test_weights_add_up_to_100():
    assert sum(WEIGHTS.values()) == 100
    best = Facts(
        1, "expert", answers=1000, answer_seconds=0, cases_like_this=20,
        knows_patient_or_site=True, speaks_language=True,
    )  # fmt: skip
    assert score(best) == pytest.approx(100, abs=0.2)


BETTER = [
    {"answers": 20, "answer_seconds": 100.0},  # answers fast
    {"cases_like_this": 10},
    {"knows_patient_or_site": True},
    {"speaks_language": True},
]


@pytest.mark.parametrize("merit", BETTER)
def test_each_merit_puts_a_person_first(merit):
    order = [r.person for r in rank([ANNE, replace(ANNE, person=2, **merit)], ON)]
    assert order == [2, 1]


def test_many_rings_put_a_person_back():
    order = [r.person for r in rank([replace(ANNE, rings_28_days=10), replace(ANNE, person=2)], ON)]
    assert order == [2, 1]


def test_one_fast_answer_is_shrunk_toward_the_general_expectation():
    once = replace(ANNE, answers=1, answer_seconds=1.0)
    often = replace(ANNE, answers=50, answer_seconds=50 * 20.0)
    assert score(often) > score(once) > score(ANNE)


def test_ties_go_to_the_least_recently_called_then_to_the_number():
    called = datetime(2026, 2, 28, tzinfo=UTC)
    people = [replace(ANNE, last_rung=called), replace(ANNE, person=3), replace(ANNE, person=2)]
    assert [r.person for r in rank(people, ON)] == [2, 3, 1]


def test_lines_stand_behind_the_experts_and_the_barred_last_with_their_reason():
    people = [
        replace(ANNE, person=6, line="director"),
        replace(ANNE, person=5, line="second"),
        replace(ANNE, person=4, line="officer"),
        replace(ANNE, person=9, presence="operating"),
        ANNE,
    ]
    ranked = rank(people, ON)
    assert [r.person for r in ranked] == [1, 4, 5, 6, 9]
    assert ranked[-1].barred == "operating"


def test_the_order_does_not_depend_on_the_order_of_the_input():
    people = [replace(ANNE, person=n, cases_like_this=n % 4) for n in range(12)]
    assert rank(people, ON) == rank(list(reversed(people)), ON)
