"""Windows, tolerance, ties, bars, and what the answer says of them."""

from __future__ import annotations

import json
import math
import random
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jieli.rules.planner import changes, instance, plan
from jieli.rules.planner.ranking import first, rivals
from tests.rules.planner.cases import add, answered, calendar, case, ln, option, planned
from tests.rules.planner.draws import draw
from tests.rules.planner.test_times import trees


def median_for(chance: float) -> float:
    """The minute by which a lognormal of median 100 and sigma 1 has come with this chance."""
    return round(100 * math.exp(NormalDist().inv_cdf(chance)), 6)


def _dies(chance: float) -> Any:
    """By 50 with this chance, else never."""
    return add(
        calendar({"lognormal": [100, 1]}, 0, (median_for(chance), 0)), 50 - median_for(chance)
    )


def test_the_target_does_not_rank_when_it_costs_the_hard_limit() -> None:
    made = planned(option("early", _dies(0.05)), option("sure", 90), windows=[60, 1440])
    assert made["early"].figures.chance(60) == pytest.approx(0.05, abs=0.002)
    assert (made.ranking.window, made.ranked) == (1440, ("sure", "early"))
    why = answered(option("early", _dies(0.05)), option("sure", 90), windows=[60, 1440])
    assert (
        "60 min does not rank: its leader early reaches it with 0.050, more than 0.1 below the "
        "best chance by 1440 min. The answer depends on the window: by 60 it is early (U 0.050); "
        "by 1440 it is sure (U 1.000)."
    ) in why["options"]["sure"]["why"]


@pytest.mark.parametrize(("chance", "window"), [(0.92, 60), (0.902, 60), (0.898, 1440)])
def test_a_window_ranks_up_to_a_tenth_below_the_best_by_the_last(
    chance: float, window: float
) -> None:
    made = planned(option("early", _dies(chance)), option("sure", 90), windows=[60, 1440])
    assert made.ranking.window == window


def test_a_barred_option_chooses_no_window() -> None:
    made = planned(option("early", 50, barred=["C5"]), option("sure", 90), windows=[60, 1440])
    assert (made.ranking.window, made.ranked) == (1440, ("sure",))


TIES = [
    ({"burden": 1}, {"burden": 2}),
    ({"learning": 0.3}, {"learning": 0.2}),
    ({"load": 0.1}, {"load": 0.2}),
    ({"burden": 1, "learning": 0}, {"burden": 2, "learning": 9}),
    ({"quality": 1.0}, {"quality": 0.99}),
    ({"quality": 0.98, "burden": 1}, {"quality": 1.0, "burden": 2}),
]


@pytest.mark.parametrize(("better", "worse"), TIES)
def test_ties(better: Any, worse: Any) -> None:
    for pair in (("worse", "better"), ("better", "worse")):
        numbers = {"better": better, "worse": worse}
        made = planned(*(option(name, 60, **numbers[name]) for name in pair))
        assert made.ranked == ("better", "worse")
        assert made["better"].equivalent_to == ("worse",)


def test_three_hundredths_are_a_difference() -> None:
    made = planned(option("a", 60, quality=0.95, burden=9), option("b", 60, quality=0.92))
    assert (made.ranked, made["a"].equivalent_to) == (("a", "b"), ())


def test_equivalence_does_not_carry_over() -> None:
    options = (
        option("a", 60, quality=0.90, burden=3),
        option("b", 60, quality=0.88, burden=2),
        option("c", 60, quality=0.86, burden=1),
    )
    made = planned(*options)
    assert made.ranked == ("b", "a", "c")  # c never before a, which is better by .04
    assert made["b"].equivalent_to == ("a", "c")
    assert made["a"].equivalent_to == ("b",)


def test_delay_counts_only_if_the_outcome_decays() -> None:
    slow, fast = option("slow", 70, burden=1), option("fast", 60, burden=2)
    assert planned(slow, fast).ranked == ("slow", "fast")
    assert planned(slow, fast, decay=[[0, 1], [10000, 0]]).ranked == ("fast", "slow")
    assert planned(slow, fast, decay=[[0, 1], [10000, 1]]).ranked == ("slow", "fast")


@pytest.mark.parametrize(
    ("curve", "time", "value"),
    [
        ([[0, 1], [100, 0]], 25, 0.75),
        ([[10, 1], [100, 0.1]], 5, 1),
        ([[10, 1], [100, 0.1]], 500, 0.1),
        ([[10, 0.7]], 500, 0.7),
        ([[10, 1], [100, 0.1]], calendar(5, 0), 0.1),  # never is worth the last value
        ([[60, 1], [60.001, 0]], ln(60, 0.3), 0.5),
        ([[0, 1], [1000, 0]], ln(200, 0.1), 1 - 0.2 * 1.00501252),
    ],
)
def test_decay(curve: Any, time: Any, value: float) -> None:
    made = planned(option("o", time), option("other", 1), decay=curve)
    assert made["o"].value == pytest.approx(value, abs=1e-4)


def test_the_journey_costs_by_stability() -> None:
    values = {
        s: planned(option("o", 60, transit=[0, 120], retrieval=True), stability=s)["o"].value
        for s in ("S0", "S1", "S2", "S3")
    }
    assert values == pytest.approx({"S0": 0.996008, "S1": 0.980199, "S2": 0.960789, "S3": 0.852144})


@pytest.mark.parametrize(
    ("more", "bars"),
    [
        ({"patient_moves": True}, ["C4"]),
        ({"patient_moves": True, "retrieval": True}, []),
        ({"patient_moves": False}, []),
        ({"patient_moves": True, "barred": ["C5", "C1"]}, ["C1", "C4", "C5"]),
        ({"transit": [0, 240], "retrieval": True}, ["C4"]),  # a birth on the way bars all
        ({"windows": [10]}, ["C8"]),
    ],
)
def test_bars_of_its_own(more: Any, bars: list[str]) -> None:
    birth = [{"name": "birth", "time": ln(120, 0.6)}]
    found = answered(option("o", 60, **more), stability="S3", events=birth)
    assert found["options"]["o"]["barred"] == bars
    assert found["ranked"] == ([] if bars else ["o"])


def test_an_uncertain_journey_against_an_uncertain_event() -> None:
    leaves, arrives = ln(60, 0.3), add(ln(60, 0.3), ln(180, 0.15))
    birth = [{"name": "birth", "time": ln(300, 0.5)}]
    made = planned(option("o", 300, transit=[leaves, arrives]), events=birth)
    luck = np.random.default_rng(1)
    when, out, there = (draw(e, 1_000_000, luck) for e in (ln(300, 0.5), leaves, arrives))
    exact = (out < when).mean() - (there < when).mean()
    assert made["o"].figures.journey.en_route[0][1] == pytest.approx(exact, abs=0.003)


def test_release_holds_back() -> None:
    made = planned(option("o", 60), option("late", 2000), windows=[1000, 3000], release=1440)
    assert made["o"].figures.chances == ((1000, 0.0), (3000, 1.0))
    assert made["o"].figures.mean == 1440
    assert made["late"].figures.mean == 2000


def test_a_mean_is_withheld_only_when_never_is_possible() -> None:
    some = answered(option("o", calendar(ln(100, 0.5), 0, (100, 5))))["options"]["o"]
    assert (some["mean"], some["p10"], some["p90"]) == (None, 105, None)


def test_lifting_the_last_filter_of_an_option_is_told_and_a_later_window() -> None:
    found = answered(
        option("good", 60, quality=0.5),
        option("better", 60, barred=["C6"]),
        option("late", 2000),
        option("two", 60, barred=["C1", "C2"]),
    )
    would = {name: o["would_change"] for name, o in found["options"].items()}
    assert would["better"][0].startswith("without C6 (fatigue")
    assert "it would be first" in would["better"][0]
    assert would["late"][0].startswith("with a window of 2000 min or more it would be feasible")
    assert would["two"] == []


def test_people_may_lift_filters_but_nobody_moves_a_window_of_nature() -> None:
    """Story 1b: a volvulus leaves six hours; the team cannot be there."""
    found = answered(
        option("team", 885, "DISPATCH"),
        option("guided", 120, "LIVE", barred=["C2", "C3"]),
        option("local", 120, barred=["C1", "C2", "C3"]),
        windows=[360],
    )
    assert (found["ranked"], found["none_feasible"]) == ([], True)
    assert found["options"]["team"]["p"] == {"360": 0}
    missed, none, nearest = found["announce"]
    assert (missed, none[:21]) == ("no option meets 360", "no option is feasible")
    assert nearest.startswith("nearest relaxation: guided without C2")
    assert "and without C3" in nearest


def test_what_a_fifth_more_or_less_would_change() -> None:
    options = (
        option("fast", add(100, ln(300, 0.2)), burden=1),
        option("slow", add(100, ln(380, 0.1)), burden=2),
    )
    made = plan(instance(case(*options, windows=[520])))
    assert made.ranked == ("fast", "slow")
    found = {(c.option, c.what, c.share): c.first for c in changes(made)}
    assert found["fast", "time.add[1].lognormal median", 0.2] == "slow"
    assert found["slow", "time.add[1].lognormal median", -0.2] == "slow"
    assert all(name == "slow" for name in found.values())
    assert not any(what.startswith("case") for _, what, _ in found)


def test_a_window_that_would_change_the_answer() -> None:
    options = (option("fast", 100, burden=2), option("slow", 115, burden=1))
    made = plan(instance(case(*options, windows=[110])))
    found = changes(made)
    assert made.ranked == ("fast",)
    assert [(c.option, c.what, c.share, c.first) for c in found] == [
        ("fast", "time", 0.2, None),
        ("slow", "time", -0.2, "slow"),
        ("fast", "case.windows[0]", -0.2, None),
        ("fast", "case.windows[0]", 0.2, "slow"),
    ]


def test_stability_that_was_not_given_is_announced() -> None:
    assert answered(option("o", 60))["announce"] == []
    moving = answered(option("o", 60, patient_moves=True))
    assert moving["announce"] == ["stability is not given: S0 is assumed for the journeys"]


def test_every_option_has_a_sentence_of_its_own() -> None:
    found = answered(
        option("a", 60, burden=1), option("b", 60, burden=2), option("c", 60, quality=0.5)
    )
    why = {name: o["why"] for name, o in found["options"].items()}
    assert "Equivalent to b, and before it because its burden is smaller (1 against 2)." in why["a"]
    assert why["c"].endswith("Its U is 0.500 below that of a.")


# -- properties ------------------------------------------------------------------------------------

options = st.builds(
    lambda n, time, q, burden, moves, bars: option(
        f"o{n}", time, quality=q, burden=burden, patient_moves=moves, barred=bars
    ),
    st.integers(0, 10_000),
    trees,
    st.sampled_from([1.0, 0.98, 0.9]),
    st.integers(0, 3),
    st.booleans(),
    st.lists(st.sampled_from(["C1", "C5"]), max_size=1),
)
several = st.lists(options, min_size=1, max_size=5, unique_by=lambda o: o["id"])


def best(given_options: list[Any], window: float) -> float:
    made = planned(*given_options, windows=[window], stability="S2")
    return max((v.value for v in made.verdicts if v.place), default=0.0)


@settings(max_examples=40, deadline=None)
@given(several, options, st.integers(10, 2000))
def test_one_option_more_never_lowers_the_best(some: Any, more: Any, window: float) -> None:
    more = {**more, "id": "one more"}
    assert best([*some, more], window) >= best(some, window) - 1e-12


@settings(max_examples=40, deadline=None)
@given(several, st.integers(10, 2000))
def test_taking_away_privileges_only_removes_options(some: Any, window: float) -> None:
    before = planned(*some, windows=[window])
    barred = [{**o, "barred": sorted({*o["barred"], "C1"})} for o in some[:1]] + some[1:]
    after = planned(*barred, windows=[window])
    assert set(after.ranked) <= set(before.ranked)


@settings(max_examples=30, deadline=None)
@given(several, st.integers(10, 2000), st.integers(-500, 500))
def test_another_zero_of_time_changes_only_the_times(some: Any, window: float, hours: int) -> None:
    shifted = [{**o, "time": add(o["time"], hours)} for o in some]
    one = planned(*some, windows=[window, window + 600])
    other = planned(*shifted, windows=[window + hours, window + 600 + hours], release=min(0, hours))
    for a, b in zip(one.verdicts, other.verdicts, strict=True):
        assert b.value == pytest.approx(a.value, abs=2e-4)
        if a.quantiles[1] is not None and b.quantiles[1] is not None:
            assert b.figures.time.mean == pytest.approx(a.figures.time.mean + hours, abs=0.1)


@settings(max_examples=40, deadline=None)
@given(several, st.integers(10, 2000))
def test_nobody_stands_before_an_option_that_is_better_by_the_tolerance(
    some: Any, window: float
) -> None:
    made = planned(*some, windows=[window])
    values = [made[name].value for name in made.ranked]
    for place, value in enumerate(values):
        assert all(value > later - 0.03 for later in values[place:])


@settings(max_examples=150, deadline=None)
@given(several, options, st.integers(10, 2000))
def test_the_rivals_decide_like_all(some: Any, more: Any, window: float) -> None:
    made = planned(*some, windows=[window, window + 300])
    one = planned({**more, "id": "x"}, windows=[window, window + 300]).verdicts[0].figures
    every = [v.figures for v in made.verdicts]
    few = rivals(every, made.instance.case)
    assert first([*few, one], made.instance.case) is first([*every, one], made.instance.case)


def test_the_same_file_gives_the_same_answer_in_any_order_of_options() -> None:
    some = [option(f"o{n}", add(n, ln(60 + n, 0.3)), quality=1 - n / 100) for n in range(12)]
    expected = planned(*some, windows=[90]).ranked
    random.Random(3).shuffle(some)
    assert planned(*some, windows=[90]).ranked == expected


def test_five_hundred_options() -> None:
    some = [option(f"o{n}", add(n, ln(60, 0.3)), burden=n % 7) for n in range(500)]
    made = planned(*some, windows=[120, 1440])
    assert len(made.ranked) == 500
    assert json.dumps(made.ranked)
