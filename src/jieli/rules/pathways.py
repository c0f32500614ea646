"""What a patient needs and by when, read from content. Pure: the text comes as an argument.

Content is a draft until approved: it computes, is shown as a draft, and starts no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

AT_ONCE, LIST = "at_once", "list"  # operated when ready, or at the next place on the list
INDICATION, ONSET = "indication", "onset"  # what minute 0 of the windows is
SIGMA_LIMIT = 3.0


class BadContent(ValueError):
    """Content that cannot be read, in one sentence that names the place."""


@dataclass(frozen=True, slots=True)
class Named:
    """A thing with its name in both languages."""

    code: str
    name: str
    name_en: str
    source: str = ""

    def say(self, language: str) -> str:
        return self.name_en if language == "en" and self.name_en else self.name


@dataclass(frozen=True, slots=True)
class Sign(Named):
    """A danger sign that makes the window shorter."""

    hard: int = 0  # minutes; the target falls to it where it was later


@dataclass(frozen=True, slots=True)
class CompetingEvent(Named):
    """What may happen first, with its time as a lognormal."""

    median: float = 0.0
    sigma: float = 0.0


@dataclass(frozen=True, slots=True)
class Temporise:
    """What is done at once while the way is chosen; `buys` is the window it gives, if any."""

    items: tuple[Named, ...] = ()
    within: int | None = None  # minutes in which all of it should be done; None: it has no clock
    buys: int | None = None  # minutes
    quality: float = 1.0  # chance that it holds


@dataclass(frozen=True, slots=True)
class Pathway(Named):
    """One need: techniques, resources, windows in minutes from `starts`."""

    specialties: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    operator: str = ""
    anaesthesia: str = ""
    needs: tuple[str, ...] = ()  # keys of rules.resources.KINDS
    theatre: str = AT_ONCE
    unborn: bool = False  # the beds are for newborns, but who travels is the mother
    starts: str = INDICATION
    target: int = 0
    hard: int = 0
    signs: tuple[Sign, ...] = ()
    events: tuple[CompetingEvent, ...] = ()
    temporise: Temporise | None = None
    kit: tuple[str, ...] = ()

    def windows(self, signs: frozenset[str] = frozenset()) -> tuple[int, int]:
        """Target and hard limit; a sign that is present makes them shorter."""
        hard = min([self.hard, *(s.hard for s in self.signs if s.code in signs)])
        return min(self.target, hard), hard

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Who is needed: the part and its technique."""
        parts = [("operator", self.operator)]
        if self.anaesthesia:
            parts.append(("anaesthetist", self.anaesthesia))
        return tuple(parts)


@dataclass(frozen=True, slots=True)
class Content:
    version: str
    status: str
    pathways: Mapping[str, Pathway] = field(default_factory=dict)

    def of(self, technique: str, specialty: str) -> Pathway | None:
        """The pathway of a technique; else of a specialty that has only one."""
        for pathway in self.pathways.values():
            if technique and technique in pathway.techniques:
                return pathway
        found = [p for p in self.pathways.values() if specialty in p.specialties]
        return found[0] if len(found) == 1 else None


def read(text: str) -> Content:
    """Raises BadContent with one sentence."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        raise BadContent(f"not YAML: {' '.join(str(fault).split())}") from None
    if not isinstance(given, dict) or not isinstance(given.get("pathways"), list):
        raise BadContent("needs a version and a list of pathways")
    pathways = [_pathway(each, f"pathways[{n}]") for n, each in enumerate(given["pathways"])]
    return Content(
        str(given.get("version", "")),
        str(given.get("status", "draft")),
        {p.code: p for p in pathways},
    )


KEYS = frozenset(
    [
        "code",
        "name",
        "name_en",
        "source",
        "specialties",
        "techniques",
        "operator",
        "anaesthesia",
        "needs",
        "theatre",
        "unborn",
        "from",
        "target",
        "hard",
        "signs",
        "events",
        "temporise",
        "kit",
    ]
)


def _pathway(given: Any, where: str) -> Pathway:
    if not isinstance(given, dict):
        raise BadContent(f"{where}: must be a mapping")
    if unknown := set(given) - KEYS:
        raise BadContent(f"{where}: unknown key {sorted(unknown)[0]}")
    for name in ("code", "name", "source", "operator", "target", "hard"):
        if not given.get(name):
            raise BadContent(f"{where}: needs {name}")
    target, hard = _minutes(given, "target", where), _minutes(given, "hard", where)
    if target > hard:
        raise BadContent(f"{where}: the target lies after the hard limit")
    if given.get("from", INDICATION) not in (INDICATION, ONSET):
        raise BadContent(f"{where}.from: must be {INDICATION} or {ONSET}")
    if given.get("theatre", AT_ONCE) not in (AT_ONCE, LIST):
        raise BadContent(f"{where}.theatre: must be {AT_ONCE} or {LIST}")
    return Pathway(
        **named(given),
        specialties=_words(given, "specialties", where),
        techniques=_words(given, "techniques", where),
        operator=str(given["operator"]),
        anaesthesia=str(given.get("anaesthesia", "")),
        needs=_words(given, "needs", where),
        theatre=given.get("theatre", AT_ONCE),
        unborn=given.get("unborn") is True,
        starts=given.get("from", INDICATION),
        target=target,
        hard=hard,
        signs=tuple(
            Sign(**named(each), hard=_minutes(each, "hard", where))
            for each in given.get("signs", [])
        ),
        events=tuple(_event(each, where) for each in given.get("events", [])),
        temporise=_temporise(given.get("temporise"), where),
        kit=_words(given, "kit", where),
    )


def named(given: Mapping[str, Any]) -> dict[str, str]:
    """The fields of `Named` from a mapping of content."""
    name = str(given["name"])
    return {
        "code": str(given.get("code", name)),
        "name": name,
        "name_en": str(given.get("name_en", "")),
        "source": str(given.get("source", "")),
    }


def _words(given: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    found = given.get(name) or []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise BadContent(f"{where}.{name}: must be a list of words")
    return tuple(found)


def _minutes(given: Mapping[str, Any], name: str, where: str) -> int:
    value = given.get(name)
    if not isinstance(value, int) or value <= 0:
        raise BadContent(f"{where}.{name}: must be minutes, more than 0")
    return value


def _event(given: Mapping[str, Any], where: str) -> CompetingEvent:
    median, sigma = float(given.get("median", 0)), float(given.get("sigma", 0))
    if median <= 0 or not 0 <= sigma <= SIGMA_LIMIT:
        raise BadContent(f"{where}.events: needs a median above 0 and a sigma from 0 to 3")
    return CompetingEvent(**named(given), median=median, sigma=sigma)


TEMPORISE_KEYS = frozenset(["items", "within", "buys", "quality"])


def _temporise(given: Any, where: str) -> Temporise | None:
    if not given:
        return None
    where = f"{where}.temporise"
    if unknown := set(given) - TEMPORISE_KEYS:
        raise BadContent(f"{where}: unknown key {sorted(unknown)[0]}")
    quality = float(given.get("quality", 1.0))
    if not 0 < quality <= 1:
        raise BadContent(f"{where}.quality: must be more than 0 and at most 1")
    items = tuple(Named(**named(each)) for each in given.get("items", []))
    codes = [item.code for item in items]
    if len(set(codes)) < len(codes):
        raise BadContent(f"{where}.items: each has a code of its own")
    return Temporise(
        items,
        _minutes(given, "within", where) if given.get("within") else None,
        _minutes(given, "buys", where) if given.get("buys") else None,
        quality,
    )
