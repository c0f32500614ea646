"""Hard filters C1 to C7 with their reasons, and what an option is worth: quality, burden, learning.

C4 and C8 are the planner's own. Weights are named here; proposals [P] until approved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from jieli.rules.options.facts import Carrier, Facts, Human, Site, Slot
from jieli.rules.pathways import LIST

ALONE, GUIDED = 4, 3  # entrustment: operates alone, operates under live guidance
ABLE = 3  # level from which a site does a technique itself
MOST_AWAKE = 16.0  # hours, at departure
# Every hospital of some size has these, unless somebody says that none is free.
ORDINARY = frozenset(["theatre", "icu_bed", "nicu_bed", "ventilator", "blood"])
GRADES = ("S0", "S1", "S2", "S3")

# Success mean: prior by entrustment and by level of the site, each worth so many operations.
PRIOR_SUCCESS = {0: 0.70, 1: 0.70, 2: 0.80, 3: 0.90, 4: 0.97, 5: 0.99}
SITE_SUCCESS = {0: 0.97, 1: 0.97, 2: 0.98, 3: 0.98, 4: 0.99, 5: 1.0}
PRIOR_OPERATIONS = 20
PER_100_PATIENT_KM, PER_EXPERT_HOUR, PER_DISPLACED = 0.5, 0.05, 0.5
LEARNING = {"LIVE": 0.4, "DISPATCH": 0.2, "RENDEZVOUS": 0.1, "LOCAL": 0.1}
LOAD_DAYS = 28.0


@dataclass(frozen=True, slots=True)
class Bar:
    """Why an option is not open: code, the key of a sentence, and what fills it in."""

    code: str
    say: str
    facts: dict[str, str | int | float] = field(default_factory=dict)


# ── people ───────────────────────────────────────────────────────────────────


def local_day(facts: Facts, minutes: float) -> date:
    """The day at the patient's hospital, so many minutes after t0."""
    at = facts.t0 + timedelta(minutes=minutes)
    return at.astimezone(ZoneInfo(facts.here.zone)).date()


def may_come(
    human: Human, technique: str, host: str, arrives: date, facts: Facts
) -> tuple[Bar, ...]:
    """C1 for somebody from elsewhere: agreement, and a privilege there or the emergency rule."""
    treaty = facts.treaties.get((host, human.site))
    if treaty is None or "dispatch" not in treaty.modes:
        return (Bar("C1", "no_agreement", {"site": facts.sites[human.site].name}),)
    if not treaty.holds_on(arrives):
        return (Bar("C1", "agreement_ended", {"until": str(treaty.until or "")}),)
    if human.entrusted(technique, host, arrives):
        return ()
    if treaty.emergency_hours and human.best(technique, arrives) >= ALONE:
        return ()
    return (Bar("C1", "no_privilege", {"person": human.name, "technique": technique}),)


def may_leave(human: Human, departs: float, facts: Facts) -> tuple[Bar, ...]:
    """C6 at departure: free, not too long awake, and covered at home."""
    at = facts.t0 + timedelta(minutes=departs)
    if human.unavailable or _is_taken(human, at):
        return (Bar("C6", "not_free", {"person": human.name}),)
    if human.awake_hours is not None:
        awake = human.awake_hours + max(0.0, departs - facts.elapsed) / 60
        if awake > MOST_AWAKE:
            return (Bar("C6", "too_long_awake", {"person": human.name, "hours": round(awake)}),)
    if human.on_duty and not human.covers and not human.covered:
        return (Bar("C6", "home_not_covered", {"person": human.name}),)
    return ()


def _is_taken(human: Human, at: datetime) -> bool:
    if any(since <= at < until for since, until in human.away):
        return True
    busy = human.state in ("operating", "resting", "abroad")
    return busy and (human.until is None or human.until > at)


def by_choice(people: Iterable[Human], technique: str, day: date) -> list[Human]:
    """Who is asked first: whoever signed the opinion, more trusted, on call, less often away."""
    return sorted(
        people,
        key=lambda h: (
            not h.author,
            -h.best(technique, day),
            not h.on_duty,
            h.away_days,
            h.number,
        ),
    )


def of_site(facts: Facts, code: str) -> list[Human]:
    return [human for human in facts.people if human.site == code]


# ── sites and vehicles ───────────────────────────────────────────────────────


def lacking(site: Site, facts: Facts) -> tuple[Bar, ...]:
    """C3: what the pathway needs and the site has not. What nobody has said is assumed of a
    hospital that does the technique; of another one only what every hospital has."""
    found = []
    for kind in facts.pathway.needs:
        stock = site.stocks.get(kind)
        able = (site.level or 0) >= ABLE
        if stock is None and not able and kind not in ORDINARY:
            found.append(Bar("C3", "nobody_has_said", {"kind": kind, "site": site.name}))
        elif stock is not None and stock.free <= 0:
            found.append(Bar("C3", "none_free", {"kind": kind, "site": site.name}))
    if facts.pathway.theatre == LIST and site.listing is not None and not free_slots(site, facts):
        found.append(Bar("C3", "no_slot", {"site": site.name}))
    return tuple(found)


def free_slots(site: Site, facts: Facts) -> list[Slot]:
    """Places on the operating list from now on that nobody has taken."""
    return [
        slot
        for slot in site.listing or ()
        if slot.at >= facts.now and facts.corrections.get(f"slot:{slot.id}") != "taken"
    ]


def sleeps(site: Site, facts: Facts, brought: bool, day: date) -> tuple[Bar, ...]:
    """C3: an anaesthetist comes along, works there, or there is none."""
    technique = facts.pathway.anaesthesia
    if not technique or brought or has_anaesthesia(site, facts, day):
        return ()
    return (Bar("C3", "no_anaesthesia", {"site": site.name}),)


def has_anaesthesia(site: Site, facts: Facts, day: date) -> bool:
    technique = facts.pathway.anaesthesia
    if any(
        human.entrusted(technique, site.code, day) >= ALONE and not human.unavailable
        for human in of_site(facts, site.code)
    ):
        return True
    if site.anaesthesia is None:
        return (site.level or 0) >= ABLE  # who does the operation has somebody who anaesthetises
    return site.anaesthesia >= ABLE


def unfit(carrier: Carrier, facts: Facts, leaves: float) -> tuple[Bar, ...]:
    """C5: free when it must leave, and fit for this patient. S3 itself is C4, the planner's."""
    named = {"vehicle": carrier.name}
    at = facts.t0 + timedelta(minutes=leaves)
    later = carrier.free_from is not None and carrier.free_from > at
    if carrier.state == "broken" or later or (carrier.state == "away" and not carrier.free_from):
        return (Bar("C5", "vehicle_not_free", dict(named)),)
    wanted = min(facts.stability or "S0", "S2")
    if GRADES.index(carrier.carries) < GRADES.index(wanted):
        return (Bar("C5", "vehicle_carries", {**named, "grade": carrier.carries}),)
    if facts.newborn and not carrier.incubator:
        return (Bar("C5", "no_incubator", dict(named)),)
    return ()


def refusal(facts: Facts) -> tuple[Bar, ...]:
    return (Bar("C7", "refused"),) if facts.refused else ()


# ── worth ────────────────────────────────────────────────────────────────────


def success(entrustment: int, done: int = 0, went_well: int = 0) -> float:
    """Posterior mean of an operator: the prior counts as PRIOR_OPERATIONS operations."""
    prior = PRIOR_SUCCESS[entrustment] * PRIOR_OPERATIONS
    return (prior + went_well) / (PRIOR_OPERATIONS + done)


def quality(entrustment: int, level: int | None) -> float:
    """Chance that the operation succeeds: operator and site."""
    return round(success(entrustment) * SITE_SUCCESS[level or 0], 4)


def guided_quality(
    entrustment: int, expert: int, level: int | None, share: float, stoppable: bool
) -> float:
    """Under live guidance the operator is nearly as good as the expert, as long as the link
    holds; where it fails and one can neither stop nor go on alone, the operation fails."""
    together = (success(max(entrustment, 1)) + success(expert)) / 2
    whole = together * SITE_SUCCESS[level or 0]
    return round(whole * (1 - (0.0 if stoppable else share)), 4)


def burden(patient_km: float, people: Sequence[Human], hours: float) -> float:
    """Kilometres of the patient, hours of experts (there and back), lists put off at home."""
    displaced = sum(human.on_duty for human in people)
    experts = len(people) * 2 * max(0.0, hours)
    whole = patient_km / 100 * PER_100_PATIENT_KM + experts * PER_EXPERT_HOUR
    return round(whole + displaced * PER_DISPLACED, 3)


def learning(template: str, level: int | None) -> float:
    """What the patient's hospital learns: more where it can do less."""
    return round(LEARNING.get(template, 0.0) * (5 - (level or 0)) / 5, 3)


def load(people: Sequence[Human]) -> float:
    """Of the one who was away most, as a share of 28 days."""
    return round(max((human.away_days for human in people), default=0.0) / LOAD_DAYS, 3)
