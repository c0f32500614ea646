"""Options in which the patient stays: LOCAL, LIVE, DISPATCH."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jieli.rules.legs import PREPARATIONS
from jieli.rules.options.facts import Facts, Human, Said, Site
from jieli.rules.options.judging import (
    ALONE,
    GUIDED,
    Bar,
    burden,
    by_choice,
    guided_quality,
    has_anaesthesia,
    lacking,
    learning,
    load,
    local_day,
    may_come,
    may_leave,
    of_site,
    quality,
    refusal,
    sleeps,
)
from jieli.rules.options.made import Made, Part, named
from jieli.rules.options.track import Track
from jieli.rules.options.ways import Ways

TEAM_SITES = 4  # hospitals that send a team
WAYS_OF_A_TEAM = 2
EXPERTS = 2  # who guide live
GUIDING = 0.1  # burden of an hour or two at the link


def begin(facts: Facts, ways: Ways) -> Track:
    """From now on: the decision is taken and people are told."""
    here = facts.here.name
    return Track.since(facts.elapsed).go("call_out", ways.time("call_out"), "", here, here)


# ── LOCAL ────────────────────────────────────────────────────────────────────


def local(facts: Facts, ways: Ways) -> Made:
    here, technique = facts.here, facts.pathway.operator
    track = _at_home(facts, ways)
    day = local_day(facts, track.at)
    able = _own_operators(facts, track, ALONE)
    operator = able[0] if able else None
    bars: list[Bar] = []
    if operator is None:
        bars.append(Bar("C1", "nobody_privileged", {"site": here.name, "technique": technique}))
    else:
        note_person(ways, operator)
        bars += may_leave(operator, facts.elapsed, facts)
    bars += [*sleeps(here, facts, False, day), *lacking(here, facts), *refusal(facts)]
    return Made(
        id=named("LOCAL"),
        template="LOCAL",
        track=track,
        quality=quality(operator.best(technique, day) if operator else 0, here.level),
        start=here.code,
        end=here.code,
        people=(*_part(operator, "operator"), *_own_anaesthetist(facts, track)),
        bars=tuple(bars),
        learning=learning("LOCAL", here.level),
    )


def _at_home(facts: Facts, ways: Ways) -> Track:
    """The hospital's own people get ready and begin."""
    here = facts.here
    ready = ways.prepared("preparation_local", here.code)
    track = begin(facts, ways).go("preparation_local", ready, "", here.name, here.name, here.code)
    return incision(track, here, ways, "to_incision_received")


def _own_operators(facts: Facts, track: Track, least: int) -> list[Human]:
    """Who is here with that entrustment at least; who is free comes first."""
    technique, here = facts.pathway.operator, facts.here.code
    day = local_day(facts, track.at)
    able = [h for h in of_site(facts, here) if h.entrusted(technique, here, day) >= max(least, 1)]
    return sorted(
        by_choice(able, technique, day), key=lambda h: bool(may_leave(h, facts.elapsed, facts))
    )


def _own_anaesthetist(facts: Facts, track: Track) -> tuple[Part, ...]:
    technique, here = facts.pathway.anaesthesia, facts.here.code
    if not technique:
        return ()
    day = local_day(facts, track.at)
    able = [h for h in of_site(facts, here) if h.entrusted(technique, here, day) >= ALONE]
    return _part(next(iter(by_choice(able, technique, day)), None), "anaesthetist")


def _part(human: Human | None, part: str) -> tuple[Part, ...]:
    return ((human, part),) if human else ()


# ── LIVE ─────────────────────────────────────────────────────────────────────


def live(facts: Facts, ways: Ways) -> list[Made]:
    """The hospital's own people operate, an expert guides over the link."""
    technique = facts.pathway.operator
    track = _guided(facts, ways)
    day = local_day(facts, track.at)
    experts = [
        h
        for h in by_choice(facts.people, technique, day)
        if h.site != facts.site and h.best(technique, day) >= ALONE
    ]
    ranked = sorted(experts, key=lambda h: bool(_may_guide(h, facts, track)))
    chosen: dict[str, Human] = {}
    for human in ranked:
        chosen.setdefault(human.site, human)
    return [_live(human, facts, ways, track) for human in list(chosen.values())[:EXPERTS]]


def _guided(facts: Facts, ways: Ways) -> Track:
    here = facts.here
    ready = ways.prepared("preparation_local", here.code)
    home = Track().go("preparation_local", ready, "", here.name, here.name, here.code)
    link = Track().go("link", ways.prepared("link", here.code), "", "", here.name, here.code)
    return incision(begin(facts, ways).together([home, link]), here, ways, "to_incision")


def _live(expert: Human, facts: Facts, ways: Ways, track: Track) -> Made:
    here, technique = facts.here, facts.pathway.operator
    day = local_day(facts, track.at)
    operator = next(iter(_own_operators(facts, track, 1)), None)
    entrusted = operator.entrusted(technique, here.code, day) if operator else 0
    note_person(ways, expert)
    _note_link(facts, ways)
    bars = [
        *_may_guide(expert, facts, track),
        *_operator_guided(operator, entrusted, facts),
        *sleeps(here, facts, False, day),
        *lacking(here, facts),
        *refusal(facts),
    ]
    share = facts.link.failure_share if facts.link else 0.0
    return Made(
        id=named("LIVE", expert.site),
        template="LIVE",
        track=track,
        quality=guided_quality(
            entrusted, expert.best(technique, day), here.level, share, entrusted >= GUIDED
        ),
        start=here.code,
        end=here.code,
        people=(
            *_part(operator, "operator"),
            (expert, "guide"),
            *_own_anaesthetist(facts, track),
        ),
        bars=tuple(bars),
        burden=GUIDING,
        learning=learning("LIVE", here.level),
        load=load([expert]),
    )


def _may_guide(expert: Human, facts: Facts, track: Track) -> tuple[Bar, ...]:
    treaty = facts.treaties.get((facts.site, expert.site))
    day = local_day(facts, track.at)
    if treaty is None or "live" not in treaty.modes or not treaty.holds_on(day):
        return (Bar("C1", "no_live_agreement", {"site": facts.sites[expert.site].name}),)
    return tuple(b for b in may_leave(expert, facts.elapsed, facts) if b.say != "home_not_covered")


def _operator_guided(operator: Human | None, entrusted: int, facts: Facts) -> tuple[Bar, ...]:
    if operator is None:
        return (Bar("C2", "no_local_operator", {"site": facts.here.name}),)
    if entrusted < GUIDED:
        said: dict[str, str | int | float] = {"person": operator.name, "level": entrusted}
        return (Bar("C2", "entrusted_too_little", said),)
    if facts.link is not None and not facts.link.passed and entrusted < ALONE:
        return (Bar("C2", "link_failed", {"site": facts.here.name}),)
    return may_leave(operator, facts.elapsed, facts)


def _note_link(facts: Facts, ways: Ways) -> None:
    link = facts.link
    value = "untested" if link is None else "passed" if link.passed else "failed"
    ways.inputs.note("link", facts.here.name, value, "", link.said if link else Said())


# ── DISPATCH ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Team:
    """Who sets out from one hospital, and how they get ready."""

    site: Site
    people: tuple[Part, ...]
    ready: Track


def teams(facts: Facts, ways: Ways, host: Site) -> Iterator[Team]:
    """The best team of each hospital that could send one."""
    technique = facts.pathway.operator
    day = local_day(facts, facts.elapsed)
    senders = {
        h.site for h in facts.people if h.site != host.code and h.best(technique, day) >= ALONE
    }
    near = sorted(
        senders, key=lambda c: (not _bound(c, host, facts), ways.straight(c, host.code), c)
    )
    for code in near:
        if team := _team(facts.sites[code], facts, ways, host):
            yield team


def _bound(code: str, host: Site, facts: Facts) -> bool:
    treaty = facts.treaties.get((host.code, code))
    return treaty is not None and "dispatch" in treaty.modes


def _team(site: Site, facts: Facts, ways: Ways, host: Site) -> Team | None:
    day = local_day(facts, facts.elapsed)
    wanted = [("operator", facts.pathway.operator)]
    if facts.pathway.anaesthesia and not has_anaesthesia(host, facts, day):
        wanted.append(("anaesthetist", facts.pathway.anaesthesia))
    people: list[Part] = []
    for part, technique in wanted:
        taken = {human.number for human, _part_taken in people}
        able = [
            h
            for h in by_choice(of_site(facts, site.code), technique, day)
            if h.best(technique, day) >= ALONE and h.number not in taken
        ]
        able.sort(key=lambda h, t=technique: len(person_bars(h, t, host, facts)))  # type: ignore[misc]
        people += [(human, part) for human in able[:1]]
    if not any(part == "operator" for _human, part in people):
        return None
    return Team(site, tuple(people), _ready(site, people, ways))


def person_bars(human: Human, technique: str, host: Site, facts: Facts) -> list[Bar]:
    """As if they left at once; judged again when the departure is known."""
    now = facts.elapsed
    day = local_day(facts, now)
    return [*may_come(human, technique, host.code, day, facts), *may_leave(human, now, facts)]


def _ready(site: Site, people: Sequence[Part], ways: Ways) -> Track:
    """Who shares a flight is ready together: they join before it, not after."""
    each = []
    for human, part in people:
        kind = PREPARATIONS[part]
        time = ways.prepared(kind, site.code)
        each.append(Track().go(kind, time, human.name, site.name, site.name, site.code))
    return begin(ways.facts, ways).together(each)


def dispatch(facts: Facts, ways: Ways) -> list[Made]:
    """A team comes to the patient."""
    found: list[Made] = []
    for team in list(teams(facts, ways, facts.here))[:TEAM_SITES]:
        for number, track in enumerate(
            ways.team(team.ready, team.site.code, facts.site)[:WAYS_OF_A_TEAM]
        ):
            found.append(_dispatch(team, track, facts, ways, number))
    return found


def _dispatch(team: Team, track: Track, facts: Facts, ways: Ways, number: int) -> Made:
    here = facts.here
    whole = incision(track, here, ways, "to_incision")
    for human, _part_noted in team.people:
        note_person(ways, human)
    humans = [human for human, _part_of in team.people]
    via = next((s.start for s in whole.stretches if s.departure is not None), "")
    hub = next((c for c, h in facts.hubs.items() if h.name == via), "road")
    return Made(
        id=named("DISPATCH", team.site.code, hub if number else ""),
        template="DISPATCH",
        track=whole,
        quality=team_quality(team, here, facts, whole),
        start=team.site.code,
        end=here.code,
        people=team.people,
        bars=team_bars(team, here, whole, facts),
        burden=burden(0, humans, (whole.at - facts.elapsed) / 60),
        learning=learning("DISPATCH", here.level),
        load=load(humans),
        facts={"way": hub},
    )


def team_bars(team: Team, host: Site, whole: Track, facts: Facts) -> tuple[Bar, ...]:
    """People, agreement and the host's things, at the time of this way."""
    departs = leaves(whole, facts)
    arrives = local_day(facts, whole.at)
    bars: list[Bar] = []
    for human, part in team.people:
        technique = facts.pathway.operator if part == "operator" else facts.pathway.anaesthesia
        bars += may_come(human, technique, host.code, arrives, facts)
        bars += may_leave(human, departs, facts)
    brought = any(part == "anaesthetist" for _human, part in team.people)
    bars += [*sleeps(host, facts, brought, arrives), *lacking(host, facts), *refusal(facts)]
    return tuple(bar for n, bar in enumerate(bars) if bar not in bars[:n])


def leaves(whole: Track, facts: Facts) -> float:
    """When the team sets out on what counts: its first departure, else the road."""
    if whole.caught is not None:
        return whole.caught
    return next((s.begins for s in whole.stretches if s.kind == "road"), facts.elapsed)


def team_quality(team: Team, host: Site, facts: Facts, whole: Track) -> float:
    day = local_day(facts, whole.at)
    operator = next(human for human, part in team.people if part == "operator")
    return quality(operator.best(facts.pathway.operator, day), host.level)


def incision(track: Track, site: Site, ways: Ways, kind: str) -> Track:
    """The patient is made ready; what can wait begins at the next free place on the list."""
    time = ways.prepared(kind, site.code)
    ready = track.go(kind, time, "", site.name, site.name, site.code)
    slots = ways.slots(site)
    return ready.listed(slots, ways.release, site.name) if slots else ready


def note_person(ways: Ways, human: Human) -> None:
    """Their availability is an input that somebody may doubt."""
    value = "unavailable" if human.unavailable else human.state
    if human.awake_hours is not None:
        value = f"awake:{human.awake_hours:g}"
    ways.inputs.note(f"person:{human.number}", human.name, value, "", human.said)
