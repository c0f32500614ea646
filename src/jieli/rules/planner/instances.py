"""One case with its options, as the instance file writes it (docs/planner.md)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from jieli.rules.planner.expressions import Constant, Expression
from jieli.rules.planner.parsing import expression
from jieli.rules.planner.reading import (
    BadInstance,
    fields,
    items,
    minutes,
    number,
    one_of,
    pair,
    text,
    truth,
)

TEMPLATES = ("LOCAL", "LIVE", "DISPATCH", "TRANSFER", "RENDEZVOUS", "STAGED")
FILTERS = ("C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8")
STABILITIES = ("S0", "S1", "S2", "S3")
MOST_OPTIONS = 2_000

Decay = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class CompetingEvent:
    """Something that may happen first: birth, perforation."""

    name: str
    time: Expression


@dataclass(frozen=True)
class PlannedCase:
    windows: tuple[float, ...]
    release: float = 0.0
    stability: str | None = None  # not given counts as S0, and is announced where it matters
    decay: Decay | None = None
    events: tuple[CompetingEvent, ...] = ()


@dataclass(frozen=True)
class Option:
    id: str
    template: str
    time: Expression
    quality: float = 1.0
    transit: tuple[Expression, ...] = ()  # leaves, arrives
    patient_moves: bool = False
    retrieval: bool = False
    barred: tuple[str, ...] = ()
    burden: float = 0.0
    learning: float = 0.0
    load: float = 0.0
    windows: tuple[float, ...] = ()  # its own, if it has some
    decay: Decay | None = None


@dataclass(frozen=True)
class Instance:
    case: PlannedCase
    options: tuple[Option, ...]


def instance(value: Any) -> Instance:
    given = fields(value, "", ("case", "options"))
    case = _case(given["case"])
    listed = items(given["options"], "options", least=1, most=MOST_OPTIONS)
    options = tuple(_option(o, f"options[{n}]") for n, o in enumerate(listed))
    _unlike([o.id for o in options], "options", "id")
    if not case.windows and not all(case.decay or option.decay for option in options):
        raise BadInstance("case.windows", "needs a window, unless a decay says what time is worth")
    return Instance(case, options)


def _case(value: Any) -> PlannedCase:
    optional = ("windows", "release", "stability", "decay", "events")
    given = fields(value, "case", (), optional)
    return PlannedCase(
        windows=_windows(given.get("windows", []), "case.windows"),
        release=minutes(given.get("release", 0), "case.release"),
        stability=_stability(given),
        decay=_decay(given.get("decay"), "case.decay"),
        events=_events(given.get("events", [])),
    )


def _stability(given: dict[str, Any]) -> str | None:
    if "stability" not in given:
        return None
    return one_of(given["stability"], "case.stability", STABILITIES)


def _events(value: Any) -> tuple[CompetingEvent, ...]:
    events = []
    for n, event in enumerate(items(value, "case.events", most=20)):
        where = f"case.events[{n}]"
        given = fields(event, where, ("name", "time"))
        time = expression(given["time"], f"{where}.time")
        events.append(CompetingEvent(text(given["name"], f"{where}.name"), time))
    _unlike([event.name for event in events], "case.events", "name")
    return tuple(events)


def _option(value: Any, where: str) -> Option:
    needed = ("id", "template", "time")
    optional = set(Option.__dataclass_fields__) - set(needed)
    given = fields(value, where, needed, optional)

    def at(name: str) -> str:
        return f"{where}.{name}"

    own = given.get("windows")
    return Option(
        id=text(given["id"], at("id")),
        template=one_of(given["template"], at("template"), TEMPLATES),
        time=expression(given["time"], at("time")),
        quality=number(given.get("quality", 1), at("quality"), low=0, high=1),
        transit=_transit(given.get("transit", []), at("transit")),
        patient_moves=truth(given.get("patient_moves", False), at("patient_moves")),
        retrieval=truth(given.get("retrieval", False), at("retrieval")),
        barred=_barred(given.get("barred", []), at("barred")),
        burden=number(given.get("burden", 0), at("burden"), low=0),
        learning=number(given.get("learning", 0), at("learning"), low=0),
        load=number(given.get("load", 0), at("load"), low=0),
        windows=_windows([] if own is None else own, at("windows")),
        decay=_decay(given.get("decay"), at("decay")),
    )


def _windows(value: Any, where: str) -> tuple[float, ...]:
    windows = tuple(
        minutes(w, f"{where}[{n}]") for n, w in enumerate(items(value, where, most=100))
    )
    _increasing(windows, where)
    return windows


def _decay(value: Any, where: str) -> Decay | None:
    if value is None:
        return None
    points = []
    for n, point in enumerate(items(value, where, least=1)):
        minute, worth = pair(point, f"{where}[{n}]", "minute, value")
        points.append((minutes(minute, f"{where}[{n}][0]"), number(worth, f"{where}[{n}][1]")))
    _increasing([minute for minute, _ in points], where)
    return tuple(points)


def _transit(value: Any, where: str) -> tuple[Expression, ...]:
    if not items(value, where):
        return ()
    leaves, arrives = (
        expression(end, f"{where}[{n}]")
        for n, end in enumerate(pair(value, where, "leaves, arrives"))
    )
    if isinstance(leaves, Constant) and isinstance(arrives, Constant):
        _in_order(leaves.minutes, arrives.minutes, where)
    return leaves, arrives


def _barred(value: Any, where: str) -> tuple[str, ...]:
    codes = {one_of(code, f"{where}[{n}]", FILTERS) for n, code in enumerate(items(value, where))}
    return tuple(sorted(codes))


def _in_order(leaves: float, arrives: float, where: str) -> None:
    if arrives < leaves:
        raise BadInstance(where, f"arrives at {arrives:g}, before it leaves at {leaves:g}")


def _increasing(values: tuple[float, ...] | list[float], where: str) -> None:
    for n, (one, other) in enumerate(itertools.pairwise(values), 1):
        if other <= one:
            raise BadInstance(f"{where}[{n}]", f"must increase: {other:g} stands after {one:g}")


def _unlike(names: list[str], where: str, field: str) -> None:
    seen: dict[str, int] = {}
    for n, name in enumerate(names):
        if name in seen:
            raise BadInstance(f"{where}[{n}].{field}", f"the same as in {where}[{seen[name]}]")
        seen[name] = n
