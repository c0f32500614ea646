"""What a story file says, as plain values. `reading` makes them out of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from jieli.stories import words
from jieli.stories.verbs import LATER_VERBS


@dataclass(frozen=True)
class Department:
    name: str
    specialties: tuple[str, ...] = ()
    telephone: str = ""


@dataclass(frozen=True)
class Technique:
    name: str
    specialty: str | None = None
    level: int | None = None  # of surgery, 1 to 4


@dataclass(frozen=True)
class Site:
    code: str
    name: str
    name_en: str = ""
    tier: str = "county"
    departments: tuple[Department, ...] = ()
    capability: Mapping[str, int] = field(default_factory=dict)
    place: tuple[float, float] | None = None  # latitude, longitude
    division: str = ""
    zone: str = "Asia/Shanghai"
    telephone: str = ""
    alliances: tuple[str, ...] = ()


@dataclass(frozen=True)
class Privilege:
    technique: str
    site: str
    entrustment: int = 4
    level: int = 4
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Person:
    code: str
    name: str
    site: str
    role: words.Role
    name_en: str = ""
    home: str = ""
    privileges: tuple[Privilege, ...] = ()
    languages: tuple[str, ...] = ()
    title: str = ""
    number: str = ""
    telephone: str = ""
    department: str = ""
    since: date | None = None  # in independent practice
    duty: str | None = None  # first | second | director | officer | none; not said: by the role
    presence: str = "free"
    away_minutes: int | None = None
    channel: str = "gateway"  # the one that rings at night; none: the roster shows a gap
    also: tuple[tuple[words.Role, str], ...] = ()  # further posts: role, site
    note: str = ""  # what to try as this person


@dataclass(frozen=True)
class Agreement:
    asking: str
    answering: str
    modes: tuple[str, ...]
    kind: str = ""
    specialties: tuple[str, ...] = ()
    emergency_hours: int = 0
    since: date | None = None
    until: date | None = None
    until_day: int | None = None  # the last day, counted from t0
    signed: bool = True


@dataclass(frozen=True)
class Turn:
    """One line of a roster: who takes turns, a day each."""

    site: str
    specialty: str | None
    line: str
    people: tuple[str, ...]
    gap_day: int | None = None  # on this day from the start nobody is on (the demo's gap)


@dataclass(frozen=True)
class Hub:
    """Where timetabled legs begin and end."""

    code: str
    name: str
    place: tuple[float, float]
    kind: str = "airport"
    zone: str = "Asia/Shanghai"
    cutoff: int = 45  # minutes
    connection: int = 40
    closed_from: time | None = None
    closed_to: time | None = None


@dataclass(frozen=True)
class Departure:
    """One line of a timetable."""

    number: str
    start: str
    end: str
    departs: time
    minutes: int
    mode: str = "flight"
    weekdays: tuple[int, ...] = ()
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Road:
    start: str  # a hub or a site
    end: str  # a site
    minutes: int
    km: int | None = None


@dataclass(frozen=True)
class Vehicle:
    site: str
    name: str
    kind: str = "ambulance"
    carries: str = "S1"
    incubator: bool = False
    crew: str = ""
    ready: int = 30  # minutes
    speed: int = 70  # km/h
    state: str = "free"


@dataclass(frozen=True)
class Expected:
    status: str = "ok"  # ok | duplicate | refused
    code: int | None = None


@dataclass(frozen=True)
class Step:
    n: str
    at: float  # minutes from t0
    by: str
    do: str
    fields: Mapping[str, Any]
    line: int
    occurred_at: float | None = None  # minutes from t0
    zone: str = "beijing"  # the zone in which `occurred_at` was typed
    same_key_as: str | None = None
    expect: Expected | None = None


@dataclass(frozen=True)
class Assertion:
    name: str
    expected: Any
    line: int


@dataclass(frozen=True)
class Story:
    name: str
    path: str
    zone: str
    t0: datetime
    title: str = ""
    alliances: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sites: Mapping[str, Site] = field(default_factory=dict)
    techniques: Mapping[str, Technique] = field(default_factory=dict)
    cast: Mapping[str, Person] = field(default_factory=dict)
    agreements: tuple[Agreement, ...] = ()
    roster: tuple[Turn, ...] = ()
    patients: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hubs: Mapping[str, Hub] = field(default_factory=dict)
    timetables: tuple[Departure, ...] = ()
    roads: tuple[Road, ...] = ()
    vehicles: tuple[Vehicle, ...] = ()
    resources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # site, kind
    slots: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # site; minutes from t0
    steps: tuple[Step, ...] = ()
    asserts: tuple[Assertion, ...] = ()

    def instant(self, minutes: float) -> datetime:
        return self.t0 + timedelta(minutes=minutes)

    def moved_to(self, t0: datetime) -> Story:
        """The same story on another day: for a demonstration that plays now."""
        return replace(self, t0=t0)


class ScriptError(Exception):
    """The file cannot be played; one sentence per mistake."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)
        super().__init__("\n".join(self.sentences))


# -- a step or a story, a little changed --------------------------------------------------------


def for_lookers_on(story: Story, longest_wait: float = 120) -> Story:
    """The steps that can be played today, up to the first wait that nobody would sit through."""
    steps: list[Step] = []
    for step in story.steps:
        if step.do in LATER_VERBS:
            continue
        if steps and step.at - steps[-1].at > longest_wait:
            break
        steps.append(step)
    return replace(story, steps=tuple(steps))


def late(step: Step, minutes: float) -> Step:
    """The same step, entered after the fact."""
    return replace(step, occurred_at=minutes)


def doing(step: Step, verb: str) -> Step:
    """The same person at the same time, doing something else."""
    return replace(step, do=verb, expect=None, same_key_as=None)


def with_fields(step: Step, fields: Mapping[str, Any]) -> Step:
    return replace(step, fields=fields)
