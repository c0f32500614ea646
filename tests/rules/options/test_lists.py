"""RI-4 through the generator: what can wait begins at a free place on an operating list."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jieli.rules.options import generate
from jieli.rules.options.facts import Carrier, Facts, Human, Privileged, RoadFact, Site, Slot, Stock
from jieli.rules.planner import instance, plan
from jieli.rules.refusal import Refused
from tests.rules.options.kashgar import T0, pathway

HOUR = 60
LOCAL, TRANSFER = "local", "transfer-base-road"


def slots(first: int, *hours: int) -> tuple[Slot, ...]:
    return tuple(Slot(first + n, T0 + timedelta(hours=h)) for n, h in enumerate(hours))


def facts(code: str = "hip_fracture", here=slots(1, 22, 46, 70), there=slots(11, 30, 54)) -> Facts:
    ready = {"theatre": Stock(1)}
    return Facts(
        t0=T0,
        now=T0,
        site="host",
        pathway=pathway(code),
        sites={
            "host": Site("host", "Host", (40.8, 114.9), level=3, anaesthesia=3, stocks=ready,
                         listing=here),
            "base": Site("base", "Base", (40.1, 116.3), level=5, anaesthesia=5, stocks=ready,
                         listing=there),
        },
        people=(
            Human("S1", "S1", "S1", "host", privileges=(Privileged("host", "ORT-HIP", 4),)),
            Human("S2", "S2", "S2", "base", privileges=(Privileged("base", "ORT-HIP", 5),)),
        ),
        carriers=(Carrier(1, "ambulance", "host", "ambulance", "S2"),),
        roads={("host", "base"): RoadFact(180, 190)},
        stability="S1",
    )  # fmt: skip


def hours(given: Facts, corrections: dict[str, str] | None = None) -> dict[str, float]:
    found = plan(instance(generate(given, corrections).instance))
    known = [v for v in found.verdicts if v.id in (LOCAL, TRANSFER)]
    return {v.id: round(v.quantiles[1] / HOUR, 1) for v in known}


def test_ri_4_a_day_after_the_transfusion():
    """Released after 24 h: 46 h here, 30 h there, both certain in 7 days, so it stays here."""
    release = {"release": "1440"}
    found = hours(facts(), release)
    assert (found[LOCAL], found[TRANSFER]) == (46.0, 30.0)
    made = generate(facts(), release)
    ranked = plan(instance(made.instance))
    assert ranked.ranked == (LOCAL, TRANSFER)
    assert TRANSFER in ranked[LOCAL].equivalent_to
    # 36 h instead of 7 days: only there
    made.instance["case"]["windows"] = [36 * HOUR]
    assert plan(instance(made.instance)).ranked == (TRANSFER,)


@pytest.mark.parametrize(
    ("corrections", "expected"),
    [
        ({}, {LOCAL: 22.0, TRANSFER: 30.0}),
        ({"slot:1": "taken"}, {LOCAL: 46.0, TRANSFER: 30.0}),
        ({"slot:11": "taken"}, {LOCAL: 22.0, TRANSFER: 54.0}),
        ({"slot:1": "taken", "slot:2": "taken", "slot:3": "free"}, {LOCAL: 70.0, TRANSFER: 30.0}),
        ({"release": "1800"}, {LOCAL: 46.0, TRANSFER: 30.0}),  # to the minute
        ({"release": "1801"}, {LOCAL: 46.0, TRANSFER: 54.0}),
    ],
)
def test_what_is_said_of_a_place_moves_the_time(corrections, expected):
    assert hours(facts(), corrections) == expected


def test_a_list_without_a_free_place_bars_it_and_says_so():
    made = generate(facts(here=()))
    (bar,) = made.words[LOCAL]["barred"]
    assert (bar["code"], bar["say"]) == ("C3", "no_slot")
    assert plan(instance(made.instance)).ranked == (TRANSFER,)


def test_only_places_before_the_patient_is_ready_are_of_no_use():
    found = plan(instance(generate(facts(here=slots(1, 0)), {}).instance))
    assert "C8" in found[LOCAL].figures.bars
    assert found[LOCAL].quantiles[1] is None


def test_a_hospital_that_keeps_no_list_begins_when_it_is_ready():
    assert hours(facts(here=None))[LOCAL] < 3


def test_an_emergency_waits_for_no_list():
    given = facts("perforation")
    plain = {n.id for n in given.sites["host"].listing or ()}
    assert not [i for i in generate(given).inputs if i["name"] in {f"slot:{n}" for n in plain}]


def test_places_and_the_release_are_inputs_that_can_be_corrected():
    names = {one["name"]: one for one in generate(facts()).inputs}
    assert {"release", "slot:1", "slot:2", "slot:3", "slot:11", "slot:12"} <= set(names)
    assert names["slot:1"]["label"] == "Host 03-02 12:15"
    for name, value in (("slot:1", "full"), ("slot:x", "taken"), ("release", "soon")):
        with pytest.raises(Refused):
            generate(facts(), {name: value})
