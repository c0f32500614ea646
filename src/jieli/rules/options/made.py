"""One option as it was made: for the planner an entry of the instance, for people its words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf, isfinite
from typing import Any

from jieli.rules.options.facts import Facts, Human
from jieli.rules.options.judging import Bar
from jieli.rules.options.track import Expression, Stretch, Track

LONGEST_ID = 60
Part = tuple[Human, str]


@dataclass(frozen=True)
class Made:
    id: str
    template: str
    track: Track
    quality: float
    start: str  # code of the place where it sets out
    end: str  # code of the place where the patient is treated
    people: tuple[Part, ...] = ()
    bars: tuple[Bar, ...] = ()
    vehicle: int | None = None
    transit: tuple[Expression, ...] = ()
    patient_moves: bool = False
    retrieval: bool = False
    burden: float = 0.0
    learning: float = 0.0
    load: float = 0.0
    windows: tuple[int, ...] = ()
    facts: dict[str, str | int | float] = field(default_factory=dict)

    @property
    def rough(self) -> float:
        """The deterministic path, for pruning."""
        return self.track.at

    @property
    def arrives(self) -> bool:
        return isfinite(self.track.at) and self.track.at < inf


def named(template: str, *parts: str) -> str:
    """Stable from version to version; too long a name is cut and keeps a mark of the whole."""
    whole = "-".join([template.lower(), *filter(None, parts)])
    if len(whole) <= LONGEST_ID:
        return whole
    mark = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{whole[: LONGEST_ID - 9]}-{mark}"


def entry(made: Made) -> dict[str, Any]:
    """As the instance file writes it."""
    written: dict[str, Any] = {
        "id": made.id,
        "template": made.template,
        "time": made.track.expression,
        "quality": made.quality,
        "transit": list(made.transit),
        "patient_moves": made.patient_moves,
        "barred": sorted({bar.code for bar in made.bars}),
        "burden": made.burden,
        "learning": made.learning,
        "load": made.load,
    }
    if made.retrieval:
        written["retrieval"] = True
    if made.windows:
        written["windows"] = list(made.windows)
    return written


def words(made: Made, facts: Facts) -> dict[str, Any]:
    """Language-neutral: names as they are, sentences as keys with facts."""
    sites = facts.sites
    return {
        "template": made.template,
        "people": [
            {
                "key": human.key,
                "name": human.name,
                "title": human.title,
                "site": human.site,
                "part": part,
            }
            for human, part in made.people
        ],
        "start": _name(made.start, facts),
        "start_organisation": made.start if made.start in sites else "",
        "end": _name(made.end, facts),
        "end_organisation": made.end if made.end in sites else "",
        "vehicle": made.vehicle,
        "legs": [_leg(stretch, facts) for stretch in made.track.stretches],
        "barred": [{"code": b.code, "say": b.say, "facts": dict(b.facts)} for b in made.bars],
        "facts": {"path": round(made.rough, 1), **made.facts},
    }


def _name(code: str, facts: Facts) -> str:
    place = facts.sites.get(code) or facts.hubs.get(code)
    return place.name if place else code


def _between(start: str, end: str) -> str:
    return f"{start} → {end}" if start and end and start != end else end or start


def _leg(stretch: Stretch, facts: Facts) -> dict[str, Any]:
    def at(minutes: float) -> str:
        return (facts.t0 + timedelta(minutes=minutes)).isoformat()

    return {
        "kind": stretch.kind,
        "route": stretch.route,
        "name": stretch.name or _between(stretch.start, stretch.end),
        "start": stretch.start,
        "end": stretch.end,
        "begins": at(stretch.begins),
        "ends": at(stretch.ends),
        "median": stretch.median,
        "sigma": stretch.sigma,
        "departure": stretch.departure,
        "departs": at(stretch.departs) if stretch.departs is not None else None,
    }


def unlike(options: Iterable[Made]) -> list[Made]:
    """The first of each id."""
    found: dict[str, Made] = {}
    for each in options:
        found.setdefault(each.id, each)
    return list(found.values())
