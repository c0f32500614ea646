"""What a history makes of a prior."""

from math import exp, log

import pytest

from jieli.rules.legs import (
    DELAYS,
    KINDS,
    PREPARATIONS,
    PRIOR_WEIGHT,
    SIGMA_LIMITS,
    Samples,
    Time,
    learned,
    prior,
)

PRIOR = Time(60, 0.25)


@pytest.mark.parametrize("samples", [None, Samples(), Samples(0, 4.0, 1.0)])
def test_no_history_is_the_prior(samples):
    assert learned(PRIOR, samples) == PRIOR


def test_as_many_as_the_prior_lie_half_way_on_the_logarithm():
    found = learned(PRIOR, Samples(PRIOR_WEIGHT, log(120), 0.0625))
    assert found.median == pytest.approx((60 * 120) ** 0.5)
    assert found.sigma > 0.25  # the prior and the history disagree, and that is doubt too
    assert found.times == PRIOR_WEIGHT


@pytest.mark.parametrize(("times", "low", "high"), [(1, 60, 70), (12, 85, 100), (10_000, 119, 120)])
def test_more_history_weighs_more(times, low, high):
    assert low <= learned(PRIOR, Samples(times, log(120), 0.04)).median <= high


def test_a_history_that_agrees_leaves_the_median_and_narrows_sigma():
    found = learned(PRIOR, Samples(90, log(60), 0.01))
    assert found.median == pytest.approx(60)
    assert 0.1 < found.sigma < 0.25


@pytest.mark.parametrize(("variance", "expected"), [(0.0, SIGMA_LIMITS[0]), (1e6, SIGMA_LIMITS[1])])
def test_sigma_keeps_within_reason(variance, expected):
    found = learned(Time(60, 0.0), Samples(1_000_000, log(60), variance))
    assert found.sigma == pytest.approx(expected, abs=0.02)
    assert found.median == pytest.approx(exp(log(60)), rel=0.01)


def test_every_kind_that_is_named_is_in_the_table():
    assert {*DELAYS.values(), *PREPARATIONS.values()} <= set(KINDS)
    assert all(prior(kind).sigma <= 0.5 for kind in KINDS)
    assert {KINDS[kind].on_path for kind in DELAYS.values()} == {False}
