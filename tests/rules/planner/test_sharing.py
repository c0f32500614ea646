"""Cases that compete: the sum is the largest there is, nothing is used twice, costs are said."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jieli.rules.planner.sharing import Offer, share

S, A = frozenset({"surgeon"}), frozenset({"aircraft"})


def test_greedy_would_lose():
    found = share(
        {
            "a": [Offer("team", 0.90, S), Offer("local", 0.85)],
            "b": [Offer("team", 0.80, S), Offer("local", 0.10)],
        }
    )
    assert {case: one.option for case, one in found.shares.items()} == {"a": "local", "b": "team"}
    assert found.total == pytest.approx(1.65)
    assert found.shares["a"].cost == pytest.approx(0.05)
    assert found.shares["b"].cost == 0
    assert found.contested == S


def test_two_things_at_once():
    both = S | A
    found = share(
        {
            "a": [Offer("fly", 0.9, both)],
            "b": [Offer("team", 0.6, S)],
            "c": [Offer("air", 0.6, A)],
        }
    )
    assert {case: one.option for case, one in found.shares.items()} == {
        "a": None, "b": "team", "c": "air",
    }  # fmt: skip
    assert found.shares["a"].cost == pytest.approx(0.9)


@pytest.mark.parametrize("offers", [{}, {"a": []}, {"a": [Offer("x", 0.0)]}])
def test_nothing_to_share(offers):
    found = share(offers)
    assert found.total == 0
    assert all(one.option is None for one in found.shares.values())


USES = st.frozensets(st.sampled_from(["s", "t", "u"]), max_size=2)
OFFERS = st.lists(st.tuples(st.integers(1, 100), USES), max_size=4)


@given(st.lists(OFFERS, min_size=1, max_size=4))
@settings(deadline=None)
def test_no_assignment_is_better(drawn):
    offers = {
        f"c{n}": [Offer(f"o{k}", value / 100, uses) for k, (value, uses) in enumerate(one)]
        for n, one in enumerate(drawn)
    }
    found = share(offers)
    taken = [
        next(o for o in offers[case] if o.option == one.option)
        for case, one in found.shares.items()
        if one.option
    ]
    used = [thing for offer in taken for thing in offer.uses]
    assert len(used) == len(set(used))
    best = 0.0
    for way in itertools.product(*([None, *one] for one in offers.values())):
        things = [thing for offer in way if offer for thing in offer.uses]
        if len(things) == len(set(things)):
            best = max(best, sum(offer.value for offer in way if offer))
    assert found.total == pytest.approx(best)
    assert all(one.cost >= -1e-9 for one in found.shares.values())


def test_ten_cases_that_all_want_the_same_few_are_quick_enough_to_be_asked_for():
    """Counted in nodes, not in seconds: the bound must cut the tree of 13 to the tenth."""
    dice = random.Random(3)
    teams = [f"team{n}" for n in range(4)]
    offers = {
        f"c{n}": [
            *(Offer(f"{t}-{k}", dice.uniform(0.5, 1), frozenset({t, f"air{dice.randrange(3)}"}))
              for t in teams for k in range(3)),
            Offer("local", dice.uniform(0.1, 0.5)),
        ]
        for n in range(10)
    }  # fmt: skip
    found = share(offers)
    assert all(one.option for one in found.shares.values())
    assert found.contested
