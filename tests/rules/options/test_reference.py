"""RI-1 of planner.md, from facts: what is written for the planner, and what it answers."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from jieli.rules.options import generate
from jieli.rules.options.facts import Treaty
from jieli.rules.planner import Plan, instance, plan
from tests.rules.options.kashgar import facts, pathway

DISPATCH = "dispatch-sch"


def planned(made, windows=None) -> Plan:  # type: ignore[no-untyped-def]
    given = made.instance
    if windows:
        given = {**given, "case": {**given["case"], "windows": windows}}
    return plan(instance(given))


def test_the_newborn_of_kashgar():
    made = generate(facts())
    found = planned(made, [840, 960, 1440])
    assert found.ranked == (DISPATCH,)
    chances = dict(found[DISPATCH].figures.chances)
    assert chances[840] == pytest.approx(0.0, abs=0.002)
    assert chances[960] == pytest.approx(0.955, abs=0.002)
    assert chances[1440] == pytest.approx(0.998, abs=0.002)
    assert made.words[DISPATCH]["facts"]["path"] == pytest.approx(885, abs=1)
    barred = {v.id: v.figures.bars for v in found.verdicts}
    assert barred["local"] == ("C1", "C3")
    assert barred["live-sch"] == ("C2", "C3")
    assert barred["transfer-tianshan-road"] == ("C4",)
    assert "C5" in barred["transfer-tianshan-air"]


def test_the_expression_is_that_of_the_reference():
    made = generate(facts())
    option = next(o for o in made.instance["options"] if o["id"] == DISPATCH)
    calendar, *rest = option["time"]["add"]
    assert calendar["calendar"]["departures"][:3] == [[75, 380], [280, 480], [1065, 480]]
    assert calendar["calendar"]["cutoff"] == 45
    join = {"join": [{"lognormal": [60, 0.25]}, {"lognormal": [75, 0.25]}]}
    assert calendar["calendar"]["after"]["add"] == [10, join, {"lognormal": [60, 0.2]}]
    assert rest == [{"lognormal": [20, 0.5]}, {"lognormal": [45, 0.2]}, {"lognormal": [80, 0.25]}]


def test_the_legs_of_the_first_option_follow_one_another():
    legs = generate(facts()).words[DISPATCH]["legs"]
    kinds = [leg["kind"] for leg in legs]
    assert kinds == [
        "call_out", "preparation", "preparation_anaesthetist", "road", "wait", "flight", "flight",
        "delay", "road", "to_incision",
    ]  # fmt: skip
    flights = [leg for leg in legs if leg["kind"] == "flight"]
    assert [f["name"] for f in flights] == ["F2", "F3"]
    assert (flights[1]["start"], flights[1]["end"]) == ("Urumqi airport", "Kashgar airport")
    assert all(leg["name"] for leg in legs)
    assert flights[0]["departs"] == "2026-03-01T10:55:00+00:00"
    assert legs[-1]["ends"] == "2026-03-01T21:00:00+00:00"  # 05:00 in Beijing: 885 minutes


def test_a_full_flight_leads_to_the_next():
    """The evening flight is full: the morning's arrives after the hard limit."""
    made = generate(facts(), {"departure:2@2026-03-01": "full"})
    found = planned(made)
    assert made.words[DISPATCH]["facts"]["path"] == pytest.approx(1670, abs=1)
    assert dict(found[DISPATCH].figures.chances)[1440] < 0.01


def test_a_late_first_leg_breaks_the_connection():
    """15 minutes late, 35 to change: less than the 40 that the hub asks for."""
    paths = [
        generate(facts(), {"departure:2@2026-03-01": late}).words[DISPATCH]["facts"]["path"]
        for late in ("+10", "+15")
    ]
    assert paths == [pytest.approx(885), pytest.approx(1670)]


def test_a_retrieval_aircraft_opens_the_air():
    """RI-1b in kind: with S2 and a free aircraft the transfer is not barred and is soon there."""
    given = facts()
    free = replace(given.carriers[1], state="free")
    made = generate(replace(given, carriers=(given.carriers[0], free), stability="S2"))
    found = planned(made)
    air = found["transfer-tianshan-air"]
    assert not air.figures.bars
    assert dict(air.figures.chances)[840] > 0.99
    assert found.ranked[0] == "transfer-tianshan-air"


def test_planning_anew_starts_nothing_before_now():
    """Two hours later the team misses the evening flight, and nothing of the plan lies behind."""
    later = facts(now=datetime(2026, 3, 1, 8, 15, tzinfo=UTC))
    made = generate(later)
    legs = [leg for words in made.words.values() for leg in words["legs"]]
    assert min(leg["begins"] for leg in legs) == "2026-03-01T08:15:00+00:00"
    calendars = str(made.instance)
    assert "[75, 380]" not in calendars
    assert made.words[DISPATCH]["facts"]["path"] > 885


@pytest.mark.parametrize(
    ("until", "codes"),
    [(date(2026, 3, 2), ()), (date(2026, 3, 1), ("C1",)), (None, ())],
)
def test_an_agreement_must_last_until_they_arrive(until, codes):
    """They land after midnight in Kashgar's own time too."""
    treaty = Treaty(frozenset(["dispatch"]), 72, until)
    found = planned(generate(facts(treaties={("kashgar2", "sch"): treaty})))
    assert found[DISPATCH].figures.bars == codes


def test_without_the_emergency_rule_no_privilege_no_team():
    treaty = Treaty(frozenset(["dispatch"]), 0)
    found = planned(generate(facts(treaties={("kashgar2", "sch"): treaty})))
    assert found[DISPATCH].figures.bars == ("C1",)


@pytest.mark.parametrize(
    ("correction", "bars"),
    [
        ({"person:S1": "awake:10"}, ()),  # 10 h now, 14.7 h at 18:55
        ({"person:S1": "awake:12"}, ("C6",)),  # 16.7 h at departure, though 12 h now
        ({"person:S1": "unavailable"}, ("C6",)),
        ({"resource:kashgar2:theatre": "0"}, ("C3",)),
    ],
)
def test_what_a_correction_bars(correction, bars):
    assert planned(generate(facts(), correction))[DISPATCH].figures.bars == bars


def test_volvulus_leaves_nothing_and_says_so():
    made = generate(facts(), {"sign:volvulus": "yes"})
    assert made.instance["case"]["windows"] == [360]
    assert planned(made).ranked == ()


def test_a_pathway_that_buys_time_is_staged():
    """RI-11: what is done at once gives this option a window of its own."""
    base = pathway()
    bought = replace(
        base, target=300, hard=360, temporise=replace(base.temporise, buys=1440, quality=0.95)
    )
    done = [item.code for item in base.temporise.items]
    early = generate(facts(pathway=bought, temporised=frozenset(done[:-1])))
    assert planned(early).ranked == ()  # one thing is not done yet
    barred = early.words["staged-dispatch-sch"]["barred"]
    assert {"code": "C3", "say": "temporise_open", "facts": {"done": 6, "of": 7}} in barred
    found = planned(generate(facts(pathway=bought, temporised=frozenset(done))))
    assert found.ranked == ("staged-dispatch-sch",)
    assert dict(found["staged-dispatch-sch"].figures.chances)[1440] > 0.99
