"""Each of the six ways in turn, and each filter that may close it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from jieli.rules.options import Options, generate
from jieli.rules.options.facts import (
    Carrier,
    HubPlace,
    Line,
    Link,
    Privileged,
    RoadFact,
    Site,
    Stock,
)
from jieli.rules.planner import instance, plan
from tests.rules.options.kashgar import OPERATION, T0, anaesthetist, facts, pathway, surgeon


def bars(made: Options, option: str) -> tuple[str, ...]:
    return plan(instance(made.instance))[option].figures.bars


def said(made: Options, option: str) -> set[str]:
    return {bar["say"] for bar in made.words[option]["barred"]}


def at_home(entrustment: int):
    """An operator and an anaesthetist of the patient's own hospital."""
    own = replace(anaesthetist("A9", "kashgar2"))
    return (surgeon("S9", "kashgar2", entrustment), own, surgeon("S1"), anaesthetist("A1"))


@pytest.mark.parametrize(
    ("entrustment", "local", "live"),
    [(5, (), ()), (4, (), ()), (3, ("C1",), ()), (2, ("C1",), ("C2",)), (1, ("C1",), ("C2",))],
)
def test_entrustment_opens_local_and_live(entrustment, local, live):
    made = generate(facts(people=at_home(entrustment)))
    assert bars(made, "local") == local
    assert bars(made, "live-sch") == live


@pytest.mark.parametrize(
    ("link", "entrustment", "expected"),
    [(None, 3, ()), (Link(True), 3, ()), (Link(False), 3, ("C2",)), (Link(False), 4, ())],
)
def test_a_failed_link_bars_whoever_cannot_go_on_alone(link, entrustment, expected):
    made = generate(facts(people=at_home(entrustment), link=link))
    assert bars(made, "live-sch") == expected


def test_an_anaesthetist_at_home_stays_and_only_the_surgeon_flies():
    made = generate(facts(people=at_home(3)))
    assert [p["part"] for p in made.words["dispatch-sch"]["people"]] == ["operator"]
    kinds = [leg["kind"] for leg in made.words["dispatch-sch"]["legs"]]
    assert "preparation_anaesthetist" not in kinds


def test_the_one_who_signed_goes_and_else_one_who_may():
    two = (surgeon("S1"), surgeon("S2", author=True), anaesthetist())
    assert _operator(generate(facts(people=two))) == "S2"
    assert _operator(generate(facts(people=two), {"person:S2": "unavailable"})) == "S1"


def _operator(made: Options) -> str:
    return next(p["name"] for p in made.words["dispatch-sch"]["people"] if p["part"] == "operator")


def test_a_duty_that_nobody_covers_bars_until_somebody_does():
    alone = (surgeon(on_duty=True, covers=0), anaesthetist())
    made = generate(facts(people=alone))
    assert said(made, "dispatch-sch") == {"home_not_covered"}
    assert not said(generate(facts(people=alone), {"person:S1": "covered"}), "dispatch-sch")


@pytest.mark.parametrize(
    ("carrier", "why"),
    [
        ({"state": "away"}, {"vehicle_not_free"}),
        ({"state": "broken"}, {"vehicle_not_free"}),
        ({"carries": "S1"}, {"vehicle_carries"}),
        ({"incubator": False}, {"no_incubator"}),
        ({"site": "sch"}, {"no_vehicle"}),
        ({}, set()),
    ],
)
def test_what_carries_the_patient(carrier, why):
    van = replace(Carrier(1, "van", "kashgar2", "ambulance", "S2", incubator=True), **carrier)
    made = generate(facts(carriers=(van,), stability="S2"))
    assert said(made, "transfer-tianshan-road") == why


def test_a_van_that_comes_back_in_time_counts():
    later = datetime(2026, 3, 1, 6, 40, tzinfo=UTC)
    van = Carrier(1, "van", "kashgar2", "ambulance", "S2", True, state="away", free_from=later)
    assert not said(generate(facts(carriers=(van,), stability="S1")), "transfer-tianshan-road")


def test_a_retrieval_team_for_s3_may_fetch_what_an_ambulance_may_not():
    team = Carrier(7, "team", "tianshan", "retrieval", "S3", incubator=True)
    made = generate(facts(carriers=(*facts().carriers, team)))
    assert bars(made, "transfer-tianshan-road") == ("C4",)
    assert "C4" not in bars(made, "transfer-tianshan-retrieval")
    lesser = replace(team, carries="S2")
    made = generate(facts(carriers=(lesser,)))
    assert "C4" in bars(made, "transfer-tianshan-retrieval")


def test_a_destination_outside_the_alliance_is_flagged():
    assert generate(facts()).words["transfer-tianshan-road"]["facts"]["outside"] == 1


def test_an_aircraft_waits_for_its_airport_to_open():
    """Closed until 06:00 in Beijing: what would fly at once lands after it."""
    jet = Carrier(2, "jet", "tianshan", "aircraft", "S2", True, ready=10, speed=600)
    shut = {**facts().hubs}
    shut["KHG"] = replace(shut["KHG"], closed=(time(14), time(6)))
    given = facts(carriers=(jet,), stability="S2")
    options = [
        generate(replace(given, hubs=hubs)).words["transfer-tianshan-air"]["facts"]["path"]
        for hubs in (given.hubs, shut)
    ]
    assert options[0] < 600
    assert options[1] > 945  # 06:00 is 945 minutes after 14:15


def test_a_team_near_by_drives_and_one_by_train_waits_for_it():
    near = Site("near", "Near", (39.6, 76.6), level=5, anaesthesia=5)
    base = facts()
    people = (surgeon("S1", "near"), anaesthetist("A1", "near"))
    treaties = {("kashgar2", "near"): base.treaties["kashgar2", "sch"]}
    given = replace(
        base, sites={**base.sites, "near": near}, people=people, treaties=treaties, lines=()
    )
    made = generate(given)
    assert made.words["dispatch-near"]["facts"]["way"] == "road"
    stations = {
        "NS": HubPlace("NS", "Near station", (39.61, 76.61), cutoff=15),
        "KS": HubPlace("KS", "Kashgar station", (39.44, 75.95), cutoff=15),
    }
    train = Line(9, "train", "T9", "NS", "KS", time(17, 0), 40)
    slow = {("near", "kashgar2"): RoadFact(500)}
    made = generate(replace(given, hubs=stations, lines=(train,), roads=slow))
    kinds = [leg["kind"] for leg in made.words["dispatch-near"]["legs"]]
    assert kinds[-5:] == ["wait", "train", "delay_train", "road", "to_incision"]


def test_they_meet_where_the_room_is_and_the_people_are_not():
    base = facts(stability="S1")
    middle = Site("middle", "Middle", (39.5, 76.3), level=1, stocks={"theatre": Stock(1)})
    holder = replace(
        surgeon("S1"),
        privileges=(Privileged("sch", OPERATION, 5), Privileged("middle", OPERATION, 5)),
    )
    both = (("kashgar2", "sch"), ("middle", "sch"))
    treaties = dict.fromkeys(both, base.treaties["kashgar2", "sch"])
    made = generate(
        replace(
            base,
            sites={**base.sites, "middle": middle},
            people=(holder, anaesthetist()),
            treaties=treaties,
        )
    )
    option = next(o for o in made.instance["options"] if o["template"] == "RENDEZVOUS")
    assert option["id"] == "rendezvous-middle-sch"
    assert option["patient_moves"]
    assert not option["barred"]
    assert "join" in str(option["time"])


def test_farther_destinations_are_counted():
    base = facts()
    many = {
        f"site{n}": Site(f"site{n}", f"Site {n}", (40 + n / 10, 77.0), level=4, anaesthesia=4)
        for n in range(20)
    }
    made = generate(replace(base, sites={**base.sites, **many}), None, 5)
    transfers = {w["end_organisation"] for w in made.words.values() if w["template"] == "TRANSFER"}
    assert transfers == {"site0", "site1", "site2"}
    counted = next(p["facts"]["count"] for p in made.pruned if p["say"] == "farther_destinations")
    assert counted == 20 + 2 - 3 + 5  # with Urumqi and Shanghai, and those nobody looked at


def test_poisoning_needs_the_machine_and_the_cartridge_and_nobody_to_anaesthetise():
    base = facts(pathway=pathway("oral_poisoning_hp"), stability="S1", people=())
    makers = {"hp_unit": Stock(1), "hp_cartridge": Stock(2)}
    nurse = replace(surgeon("N1", "kashgar2"), privileges=(Privileged("kashgar2", "HP-POISON", 4),))
    for stocks, expected in ((makers, set()), ({}, {"nobody_has_said"})):
        site = replace(base.sites["kashgar2"], stocks=stocks)
        made = generate(replace(base, sites={**base.sites, "kashgar2": site}, people=(nurse,)))
        assert said(made, "local") == expected
    assert made.instance["case"]["windows"] == [240, 360]


def test_a_refusal_closes_every_way():
    made = generate(facts(refused=True))
    assert all("C7" in option["barred"] for option in made.instance["options"])


def test_birth_is_fitted_anew_from_now():
    given = facts(pathway=pathway("threatened_preterm_twins"))
    later = replace(given, now=datetime(2026, 3, 1, 7, 15, tzinfo=UTC))
    assert later.t0 == T0
    (event,) = generate(later).instance["case"]["events"]
    assert event["time"] == {"lognormal": [120, 0.6]}
    (event,) = generate(later, {"now-fit-event:birth": "45"}).instance["case"]["events"]
    assert event["time"] == {"lognormal": [45.0, 0.6, 60.0]}
