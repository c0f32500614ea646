"""What the generator knows of one case: plain facts, read by missions.queries, nothing computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from jieli.rules.geography import Point, minutes_from
from jieli.rules.legs import Samples
from jieli.rules.pathways import Pathway


@dataclass(frozen=True, slots=True)
class Said:
    """Where a fact comes from: kind of source, when, by whom. No time: it is an estimate."""

    source: str = "estimate"
    at: datetime | None = None
    by: str = ""


ESTIMATE = Said()


@dataclass(frozen=True, slots=True)
class Stock:
    """How many of a thing are free at a hospital, as somebody last said."""

    free: int
    said: Said = Said()


@dataclass(frozen=True, slots=True)
class Slot:
    """A free place on the operating list of a hospital."""

    id: int
    at: datetime
    said: Said = Said()


@dataclass(frozen=True, slots=True)
class Site:
    code: str
    name: str
    point: Point | None = None
    zone: str = "Asia/Shanghai"
    level: int | None = None  # of the operator's technique, 0 to 5; None: nobody has said
    anaesthesia: int | None = None
    allied: bool = True  # in an alliance of the patient's hospital, or bound by an agreement
    stocks: Mapping[str, Stock] = field(default_factory=dict)
    listing: tuple[Slot, ...] | None = None  # in order of time; None: nobody here keeps a list


@dataclass(frozen=True, slots=True)
class HubPlace:
    code: str
    name: str
    point: Point
    zone: str = "Asia/Shanghai"
    cutoff: int = 45
    connection: int = 40
    closed: tuple[time | None, time | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timetable."""

    id: int
    mode: str
    number: str
    start: str  # code of a hub
    end: str
    departs: time
    minutes: int
    weekdays: tuple[int, ...] = ()
    valid: tuple[date | None, date | None] = (None, None)
    source: str = ""


@dataclass(frozen=True, slots=True)
class RoadFact:
    minutes: float
    km: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Privileged:
    """One privilege: where, which technique, entrustment 1 to 5, until which day."""

    site: str
    technique: str
    entrustment: int
    until: date | None = None
    since: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )


@dataclass(frozen=True, slots=True)
class Human:
    number: str
    key: str
    name: str
    site: str  # where they work
    title: str = ""
    privileges: tuple[Privileged, ...] = ()
    on_duty: bool = False
    covers: int = 1  # others of the specialty at home who are free
    covered: bool = False  # somebody said that the list at home is taken
    state: str = "free"
    until: datetime | None = None
    away: tuple[tuple[datetime, datetime], ...] = ()  # with a team
    away_days: float = 0.0  # with a team, in the last 28 days
    author: bool = False  # signed the opinion
    unavailable: bool = False  # as a correction says
    awake_hours: float | None = None  # at `now`; known only where somebody said so
    said: Said = Said("directory")

    def entrusted(self, technique: str, site: str, day: date) -> int:
        """The highest entrustment there on that day; 0 is none."""
        found = (
            p.entrustment
            for p in self.privileges
            if p.technique == technique and p.site == site and p.holds_on(day)
        )
        return max(found, default=0)

    def best(self, technique: str, day: date) -> int:
        """The highest entrustment anywhere on that day."""
        found = (
            p.entrustment for p in self.privileges if p.technique == technique and p.holds_on(day)
        )
        return max(found, default=0)


@dataclass(frozen=True, slots=True)
class Treaty:
    """What one hospital may ask of another."""

    modes: frozenset[str]
    emergency_hours: int = 0
    until: date | None = None
    since: date | None = None
    signed: bool = True

    def holds_on(self, day: date) -> bool:
        begun = self.since is None or self.since <= day
        return self.signed and begun and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Carrier:
    """What may carry a patient."""

    id: int
    name: str
    site: str
    kind: str  # ambulance, retrieval, helicopter, aircraft
    carries: str = "S1"
    incubator: bool = False
    crew: str = ""
    ready: float = 30.0  # minutes
    speed: float = 70.0  # km/h
    state: str = "free"
    free_from: datetime | None = None
    said: Said = Said("directory")


@dataclass(frozen=True, slots=True)
class Link:
    passed: bool
    failure_share: float = 0.0
    said: Said = Said("link test")


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything. Minutes of the answer count from t0; nothing may start before now."""

    t0: datetime
    now: datetime
    site: str
    pathway: Pathway
    sites: Mapping[str, Site]
    people: tuple[Human, ...] = ()
    treaties: Mapping[tuple[str, str], Treaty] = field(default_factory=dict)  # who asks, whom
    carriers: tuple[Carrier, ...] = ()
    hubs: Mapping[str, HubPlace] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    roads: Mapping[tuple[str, str], RoadFact] = field(default_factory=dict)
    learned: Mapping[tuple[str, str], Samples] = field(default_factory=dict)
    link: Link | None = None
    stability: str | None = None
    stability_said: Said = Said()
    signs: frozenset[str] = frozenset()
    temporised: frozenset[str] = frozenset()  # items of the set that are done
    refused: bool = False  # the family or the patient refused the operation
    corrections: Mapping[str, str] = field(default_factory=dict)

    @property
    def here(self) -> Site:
        return self.sites[self.site]

    @property
    def elapsed(self) -> float:
        """Minutes from t0 to now; never negative."""
        return max(0.0, minutes_from(self.t0, self.now))

    @property
    def newborn(self) -> bool:
        """Who needs a newborn's bed travels in an incubator."""
        return "nicu_bed" in self.pathway.needs and not self.pathway.unborn
