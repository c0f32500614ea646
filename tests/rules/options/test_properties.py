"""What must hold whatever the facts: nobody gains by losing a privilege, waiting helps nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jieli.rules.options import Facts, Options, generate
from jieli.rules.options.facts import Carrier, Line, Privileged, Stock, Treaty
from jieli.rules.planner import Plan, instance, plan
from tests.rules.options.kashgar import OPERATION, anaesthetist, facts, surgeon, without

few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
SITES = ("kashgar2", "sch", "tianshan")


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    """Kashgar with other people, agreements, flights, vehicles and things."""
    people = [
        surgeon(
            f"S{n}",
            draw(st.sampled_from(SITES)),
            draw(st.integers(1, 5)),
            on_duty=draw(st.booleans()),
            covers=draw(st.integers(0, 1)),
            author=draw(st.booleans()),
            state=draw(st.sampled_from(["free", "operating"])),
        )
        for n in range(draw(st.integers(0, 4)))
    ]
    many = draw(st.integers(0, 3))
    people += [anaesthetist(f"A{n}", draw(st.sampled_from(SITES))) for n in range(many)]
    hosts = [
        replace(h, privileges=(*h.privileges, Privileged("kashgar2", OPERATION, 4)))
        if draw(st.booleans())
        else h
        for h in people
    ]
    base = facts()
    lines = [
        replace(line, departs=draw(st.times()).replace(second=0, microsecond=0, tzinfo=None))
        for line in base.lines
    ]
    free = draw(st.sampled_from(["free", "away", "broken"]))
    sites = dict(base.sites)
    sites["kashgar2"] = replace(
        sites["kashgar2"],
        anaesthesia=draw(st.integers(0, 4)),
        stocks={"theatre": Stock(draw(st.integers(0, 1))), "nicu_bed": Stock(1)},
    )
    modes = frozenset(draw(st.sets(st.sampled_from(["dispatch", "live", "consult"]))))
    return replace(
        base,
        people=tuple(hosts),
        lines=tuple(lines),
        sites=sites,
        carriers=(Carrier(1, "a", "kashgar2", "ambulance", "S2", incubator=True, state=free),),
        treaties={("kashgar2", "sch"): Treaty(modes, draw(st.sampled_from([0, 72])))},
        stability=draw(st.sampled_from([None, "S0", "S1", "S2", "S3"])),
    )


def planned(made: Options) -> Plan:
    return plan(instance(made.instance))


@few
@given(worlds(), st.data())
def test_removing_a_privilege_only_removes_options(world, data):
    if not world.people:
        return
    loser = data.draw(st.sampled_from([h.number for h in world.people]))
    before = set(planned(generate(world)).ranked)
    after = set(planned(generate(without(world, loser))).ranked)
    assert after <= before


@few
@given(worlds())
def test_one_option_more_never_lowers_the_best(world):
    made = generate(world)
    options = made.instance["options"]
    whole = planned(made)
    hard = made.instance["case"]["windows"][-1]
    for left_out in options:
        fewer = [o for o in options if o is not left_out]
        if fewer:
            found = plan(instance({**made.instance, "options": fewer}))
            assert _best_by(found, hard) <= _best_by(whole, hard) + 1e-9


def _best_by(found: Plan, window: float) -> float:
    return max(
        (dict(f.chances)[window] * f.option.quality for f in found.ranking.order), default=0.0
    )


@few
@given(worlds(), st.integers(1, 600))
def test_a_later_start_never_raises_the_chance(world, minutes):
    """Of the same option by the same window; rounding of the grid aside."""
    before = planned(generate(world))
    after = planned(generate(replace(world, now=world.now + timedelta(minutes=minutes))))
    sooner = {v.id: dict(v.figures.chances) for v in before.verdicts}
    for verdict in after.verdicts:
        for window, chance in verdict.figures.chances:
            if verdict.id in sooner:
                assert chance <= sooner[verdict.id][window] + 0.003


@few
@given(worlds(), st.sampled_from(["America/New_York", "Asia/Kathmandu", "Pacific/Apia"]))
def test_zones_of_the_clock_do_not_matter(world, zone):
    moved = replace(
        world, t0=world.t0.astimezone(ZoneInfo(zone)), now=world.now.astimezone(ZoneInfo(zone))
    )
    assert generate(moved).instance == generate(world).instance


def test_the_zone_in_which_a_timetable_is_written_does_not_matter():
    """00:50 in Beijing is 22:50 in Urumqi."""
    base = facts()
    hub = replace(base.hubs["URC"], zone="Asia/Urumqi")
    lines = [
        replace(line, departs=time((line.departs.hour - 2) % 24, line.departs.minute))
        if line.start == "URC"
        else line
        for line in base.lines
    ]
    moved = replace(base, hubs={**base.hubs, "URC": hub}, lines=tuple(lines))
    times = [[o["time"] for o in generate(f).instance["options"]] for f in (base, moved)]
    assert times[0] == times[1]


@few
@given(worlds())
def test_every_instance_can_be_planned_and_every_option_has_words(world):
    made = generate(world)
    planned(made)
    ids = [option["id"] for option in made.instance["options"]]
    assert len(ids) == len(set(ids)) <= 30
    assert set(made.words) == set(ids)
    assert all(len(each) <= 60 for each in ids)
    names = [each["name"] for each in made.inputs]
    assert len(names) == len(set(names))


def test_a_pair_of_hubs_without_a_flight_is_no_way():
    made = generate(facts(lines=(Line(9, "flight", "F9", "KHG", "PVG", time(9), 300),)))
    assert not [i for i in made.words if i.startswith("dispatch")]
    assert {"say": "no_way", "facts": {}} in made.pruned
