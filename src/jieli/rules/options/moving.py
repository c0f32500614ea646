"""Options in which the patient moves: TRANSFER, RENDEZVOUS; and STAGED, which buys time first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from jieli.rules.legs import Time
from jieli.rules.options.facts import Carrier, Facts, Said, Site
from jieli.rules.options.judging import (
    ABLE,
    ALONE,
    Bar,
    burden,
    lacking,
    learning,
    load,
    local_day,
    of_site,
    quality,
    refusal,
    sleeps,
    unfit,
)
from jieli.rules.options.made import Made, named
from jieli.rules.options.staying import (
    Team,
    begin,
    incision,
    note_person,
    team_bars,
    team_quality,
    teams,
)
from jieli.rules.options.track import Expression, Track
from jieli.rules.options.ways import Ways

DESTINATIONS = 3  # nearest ones that can do it
AIR_FROM = 180.0  # minutes by road: from here on an aircraft is looked at
AIR_SPEED, AIR_READY = 450.0, 60.0  # km/h and minutes of one that nobody has
AIR_SIGMA, AIR_GROUND = 0.10, 20.0  # minutes on the ground with engines running
MEETINGS = 2
MEETING_ROAD = 300.0  # minutes: to a place in between
STAGED_OF = 2


@dataclass(frozen=True)
class Journey:
    """The patient's way: the party, and when it leaves and arrives as expressions."""

    track: Track
    leaves: Expression
    arrives: Expression
    km: float
    hours: float

    @property
    def transit(self) -> tuple[Expression, Expression]:
        return self.leaves, self.arrives


# ── destinations ─────────────────────────────────────────────────────────────


def destinations(facts: Facts, ways: Ways) -> tuple[list[Site], int]:
    """The nearest hospitals that do it themselves, one of the own alliance among them, and how
    many farther ones were left out."""
    able = [s for s in facts.sites.values() if s.code != facts.site and _is_able(s, facts)]
    reached = [(ways.road(facts.site, site.code), site) for site in able]
    near = sorted(
        ((road.time.median, site.code, site) for road, site in reached if road),
        key=lambda each: each[:2],
    )
    chosen = [site for _minutes, _code, site in near[:DESTINATIONS]]
    allied = next((site for _m, _c, site in near if site.allied), None)
    if allied is not None and allied not in chosen:
        chosen[-1:] = [allied]
    return chosen, len(able) - len(chosen)


def _is_able(site: Site, facts: Facts) -> bool:
    if site.level is not None:
        return site.level >= ABLE
    day = local_day(facts, facts.elapsed)
    technique = facts.pathway.operator
    return any(h.entrusted(technique, site.code, day) >= ALONE for h in of_site(facts, site.code))


# ── TRANSFER ─────────────────────────────────────────────────────────────────


def transfer(facts: Facts, ways: Ways, chosen: Sequence[Site]) -> list[Made]:
    """To each destination by own ambulance, retrieval team, and where it is far by air."""
    found: list[Made] = []
    for number, site in enumerate(chosen):
        found += _by_road(site, facts, ways)
        road = ways.road(facts.site, site.code)
        if road and road.time.median >= AIR_FROM:
            found += _by_air(site, facts, ways, assumed=number == 0)
    return found


def _by_road(site: Site, facts: Facts, ways: Ways) -> list[Made]:
    found = []
    own = best_carrier(facts, ("ambulance",), facts.site)
    journey = ride(own, facts.site, site.code, facts, ways)
    if journey:
        found.append(_transfer("road", own, journey, site, facts, ways))
    team = best_carrier(facts, ("retrieval",), site.code)
    if team and (fetched := _fetched(team, site, facts, ways)):
        found.append(_transfer("retrieval", team, fetched, site, facts, ways))
    return found


def best_carrier(facts: Facts, kinds: Sequence[str], site: str) -> Carrier | None:
    """Of that hospital; a retrieval team or an aircraft of another one too. What fits is first."""
    roaming = "ambulance" not in kinds
    able = [c for c in facts.carriers if c.kind in kinds and (roaming or c.site == site)]
    able.sort(key=lambda c: (len(unfit(c, facts, facts.elapsed)), c.site != site, c.ready, c.id))
    return able[0] if able else None


def ride(carrier: Carrier | None, start: str, end: str, facts: Facts, ways: Ways) -> Journey | None:
    """By road with the vehicle that stands at the start."""
    ready = ways.prepared("preparation_vehicle", start, carrier.ready if carrier else None)
    out = begin(facts, ways).go(
        "preparation_vehicle", ready, _name(carrier), "", ways.name(start), start
    )
    there = ways.drive(out, start, end)
    road = ways.road(start, end)
    if there is None or road is None:
        return None
    return Journey(there, out.expression, there.expression, road.km, (there.at - out.at) / 60)


def _fetched(carrier: Carrier, site: Site, facts: Facts, ways: Ways) -> Journey | None:
    """A retrieval team drives here and takes the patient back."""
    ready = ways.prepared("preparation_vehicle", carrier.site, carrier.ready)
    coming = Track().go("preparation_vehicle", ready, carrier.name, "", "", carrier.site)
    arrived = ways.drive(coming, carrier.site, facts.site)
    if arrived is None:
        return None
    handed = ways.time("handover", facts.site)
    out = begin(facts, ways).together([arrived, _patient_ready(facts, ways)])
    out = out.go("handover", handed, "", facts.here.name, facts.here.name, facts.site)
    there = ways.drive(out, facts.site, site.code)
    road = ways.road(facts.site, site.code)
    if there is None or road is None:
        return None
    return Journey(there, out.expression, there.expression, road.km, (there.at - out.at) / 60)


def _patient_ready(facts: Facts, ways: Ways) -> Track:
    time = ways.prepared("preparation_patient", facts.site)
    here = facts.here.name
    return Track().go("preparation_patient", time, "", here, here, facts.site)


def _by_air(site: Site, facts: Facts, ways: Ways, *, assumed: bool) -> list[Made]:
    """`assumed`: where nobody has an aircraft, what one could do is shown as barred."""
    carrier = best_carrier(facts, ("helicopter", "aircraft"), site.code)
    if carrier is None and not assumed:
        return []
    base = carrier.site if carrier else site.code
    journey = _flown(carrier, base, site, facts, ways)
    return [_transfer("air", carrier, journey, site, facts, ways)] if journey else []


def _flown(
    carrier: Carrier | None, base: str, site: Site, facts: Facts, ways: Ways
) -> Journey | None:
    speed = carrier.speed if carrier else AIR_SPEED
    here, there = facts.site, site.code
    km = ways.straight(here, there)
    if max(km, ways.straight(base, here)) == inf or speed <= 0:
        return None
    ready = ways.prepared("preparation_vehicle", base, carrier.ready if carrier else AIR_READY)
    coming = Track().go("preparation_vehicle", ready, _name(carrier), "", "", base)
    coming = coming.go(
        "air", _air(ways.straight(base, here), speed), "", ways.name(base), ways.name(here)
    )
    out = begin(facts, ways).together([coming, _patient_ready(facts, ways)])
    landed = out.fly(
        _air(km, speed),
        _shut(ways, here),
        _name(carrier),
        ways.name(here),
        site.name,
        f"{here}>{there}",
    )
    if carrier is None or carrier.kind == "aircraft":  # it lands at an airport, not at the door
        hub = next(iter(ways.hubs(there)), None)
        landed = (ways.drive(landed, hub, there) if hub else None) or landed.go(
            "road", ways.time("road"), "", "", site.name
        )
    return Journey(landed, out.expression, landed.expression, km, (landed.at - out.at) / 60)


def _air(km: float, speed: float) -> Time:
    return Time(round(AIR_GROUND + km / speed * 60, 2), AIR_SIGMA)


def _shut(ways: Ways, code: str) -> Sequence[tuple[float, float]]:
    """Closed hours of the airport that serves the place."""
    hub = next(iter(ways.hubs(code)), "")
    return ways.closed(hub)


def _transfer(
    how: str, carrier: Carrier | None, journey: Journey, site: Site, facts: Facts, ways: Ways
) -> Made:
    whole = incision(journey.track, site, ways, "to_incision_received")
    day = local_day(facts, whole.at)
    bars = [*carried(carrier, facts), *lacking(site, facts), *sleeps(site, facts, False, day)]
    note_carrier(ways, carrier)
    note_stocks(ways, site)
    return Made(
        id=named("TRANSFER", site.code, how),
        template="TRANSFER",
        track=whole,
        quality=quality(_best_there(site, facts), site.level),
        start=facts.site,
        end=site.code,
        bars=(*bars, *refusal(facts)),
        vehicle=carrier.id if carrier else None,
        transit=journey.transit,
        patient_moves=True,
        retrieval=_is_retrieval(carrier),
        burden=burden(journey.km, [], 0),
        facts={
            "way": how,
            "km": round(journey.km),
            "hours": round(journey.hours, 1),
            "outside": 0 if site.allied else 1,
        },
    )


def carried(carrier: Carrier | None, facts: Facts) -> tuple[Bar, ...]:
    if carrier is None:
        return (Bar("C5", "no_vehicle", {"site": facts.here.name}),)
    return unfit(carrier, facts, facts.elapsed + carrier.ready)


def _is_retrieval(carrier: Carrier | None) -> bool:
    """With a team that may carry the least stable patient: then S3 alone does not bar it."""
    return carrier is not None and carrier.kind != "ambulance" and carrier.carries == "S3"


def _best_there(site: Site, facts: Facts) -> int:
    day = local_day(facts, facts.elapsed)
    technique = facts.pathway.operator
    found = [h.entrusted(technique, site.code, day) for h in of_site(facts, site.code)]
    return max(found, default=0) or min(site.level or ALONE, 5)


def _name(carrier: Carrier | None) -> str:
    return carrier.name if carrier else ""


def note_carrier(ways: Ways, carrier: Carrier | None) -> None:
    if carrier:
        ways.inputs.note(f"vehicle:{carrier.id}", carrier.name, carrier.state, "", carrier.said)


def note_stocks(ways: Ways, site: Site) -> None:
    """Each thing that the pathway needs there; unknown is written as such."""
    for kind in ways.facts.pathway.needs:
        stock = site.stocks.get(kind)
        value = stock.free if stock else "unknown"
        said = stock.said if stock else Said()
        ways.inputs.note(f"resource:{site.code}:{kind}", site.name, value, kind, said)


# ── RENDEZVOUS ───────────────────────────────────────────────────────────────


def rendezvous(facts: Facts, ways: Ways) -> list[Made]:
    """Patient and team meet at a third hospital that has the room and lacks the people."""
    places = [
        (road.time.median, site.code, site)
        for site in facts.sites.values()
        if site.code != facts.site
        and site.allied
        and not _is_able(site, facts)
        and not lacking(site, facts)
        and (road := ways.road(facts.site, site.code))
        and road.time.median <= MEETING_ROAD
    ]
    found = []
    for _minutes, _code, site in sorted(places, key=lambda each: each[:2])[:MEETINGS]:
        team = next((t for t in teams(facts, ways, site) if t.site.code != site.code), None)
        if team and (made := _meeting(site, team, facts, ways)):
            found.append(made)
    return found


def _meeting(site: Site, team: Team, facts: Facts, ways: Ways) -> Made | None:
    carrier = best_carrier(facts, ("ambulance",), facts.site)
    journey = ride(carrier, facts.site, site.code, facts, ways)
    coming = next(iter(ways.team(team.ready, team.site.code, site.code)), None)
    if journey is None or coming is None:
        return None
    met = replace(Track().together([journey.track, coming]), caught=coming.caught)
    whole = incision(met, site, ways, "to_incision")
    for human, _part in team.people:
        note_person(ways, human)
    note_carrier(ways, carrier)
    humans = [human for human, _part in team.people]
    return Made(
        id=named("RENDEZVOUS", site.code, team.site.code),
        template="RENDEZVOUS",
        track=whole,
        quality=team_quality(team, site, facts, whole),
        start=facts.site,
        end=site.code,
        people=team.people,
        bars=(*carried(carrier, facts), *team_bars(team, site, whole, facts)),
        vehicle=carrier.id if carrier else None,
        transit=journey.transit,
        patient_moves=True,
        burden=burden(journey.km, humans, (whole.at - facts.elapsed) / 60),
        learning=learning("RENDEZVOUS", facts.here.level),
        load=load(humans),
        facts={"km": round(journey.km), "team": team.site.name},
    )


# ── STAGED ───────────────────────────────────────────────────────────────────


def staged(facts: Facts, others: Sequence[Made]) -> list[Made]:
    """What is done at once buys a window of its own; then the soonest of the other ways. Barred
    until all of it is done."""
    temporise = facts.pathway.temporise
    if temporise is None or not temporise.buys:
        return []
    todo = [item for item in temporise.items if item.code not in facts.temporised]
    of = len(temporise.items)
    bars = (Bar("C3", "temporise_open", {"done": of - len(todo), "of": of}),) if todo else ()
    away = [o for o in others if o.template in ("DISPATCH", "TRANSFER", "RENDEZVOUS")]
    soonest = sorted(away, key=lambda o: (bool(o.bars), o.rough))[:STAGED_OF]
    return [
        replace(
            other,
            id=named("STAGED", other.id),
            template="STAGED",
            quality=round(other.quality * temporise.quality, 4),
            windows=(temporise.buys,),
            bars=(*other.bars, *bars),
            facts={**other.facts, "then": other.template},
        )
        for other in soonest
    ]
