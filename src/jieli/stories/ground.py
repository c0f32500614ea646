"""What moves people and patients, out of a story file: hubs, lines, roads, vehicles, things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from jieli.rules.resources import KINDS
from jieli.stories import values
from jieli.stories.lines import Lined
from jieli.stories.script import Departure, Hub, Road, Story, Vehicle

HUB_KINDS = ("airport", "station", "pier")
MODES = ("flight", "train", "ferry")
VEHICLE_KINDS = ("ambulance", "retrieval", "helicopter", "aircraft")
VEHICLE_STATES = ("free", "away", "broken")
GRADES = ("S0", "S1", "S2", "S3")
MOST_MINUTES = 10_000


class Reader(Protocol):
    """What of the story's reader is needed here."""

    t0: datetime

    def keys(self, block: Lined, allowed: str, where: str) -> None: ...
    def take(
        self, block: Lined, key: str, read: Callable[[Any], Any], default: Any = None
    ) -> Any: ...
    def blocks(self, block: Lined, key: str) -> list[Lined]: ...
    def named_blocks(self, block: Lined, key: str) -> list[tuple[str, Lined]]: ...
    def known_site(self, value: Any) -> str: ...
    def local_time(self, value: Any) -> datetime: ...
    def wrong(self, line: int, sentence: str) -> None: ...
    def needed(self, block: Lined, key: str, read: Callable[[Any], Any], instead: Any) -> Any: ...


@dataclass(frozen=True)
class Moving:
    hubs: dict[str, Hub]
    timetables: tuple[Departure, ...]
    roads: tuple[Road, ...]
    vehicles: tuple[Vehicle, ...]
    resources: dict[str, dict[str, int]]
    slots: dict[str, tuple[float, ...]]


def read(reader: Reader, top: Lined, base: Story | None) -> Moving:
    hubs = {code: _hub(reader, code, block) for code, block in reader.named_blocks(top, "hubs")}
    known = {*hubs, *(base.hubs if base else ())}
    return Moving(
        hubs,
        tuple(_departure(reader, block, known) for block in reader.blocks(top, "timetables")),
        tuple(_road(reader, block, known) for block in reader.blocks(top, "roads")),
        tuple(_vehicle(reader, block) for block in reader.blocks(top, "vehicles")),
        _resources(reader, top),
        _slots(reader, top),
    )


def _hub(reader: Reader, code: str, block: Lined) -> Hub:
    reader.keys(
        block,
        "name kind lat lon zone cutoff connection closed_from closed_to note",
        f"the hub {code}",
    )
    place = (
        reader.needed(block, "lat", _degrees(90), 0.0),
        reader.needed(block, "lon", _degrees(180), 0.0),
    )
    return Hub(
        code=code,
        name=reader.take(block, "name", str, code),
        place=place,
        kind=reader.take(block, "kind", values.one_of(HUB_KINDS), "airport"),
        zone=str(reader.take(block, "zone", values.zone, "Asia/Shanghai")),
        cutoff=reader.take(block, "cutoff", values.from_to(0, 600), 45),
        connection=reader.take(block, "connection", values.from_to(0, 600), 40),
        closed_from=reader.take(block, "closed_from", values.clock),
        closed_to=reader.take(block, "closed_to", values.clock),
    )


def _degrees(limit: int) -> Callable[[Any], float]:
    def read_degrees(value: Any) -> float:
        found = float(value)
        return found if -limit <= found <= limit else values.refuse(f"write -{limit} to {limit}")

    return read_degrees


def _departure(reader: Reader, block: Lined, hubs: set[str]) -> Departure:
    reader.keys(
        block,
        "number mode from to departs minutes weekdays since until note",
        "the timetable",
    )
    known = _known_hub(hubs)
    return Departure(
        number=reader.needed(block, "number", values.word, "?"),
        start=reader.needed(block, "from", known, ""),
        end=reader.needed(block, "to", known, ""),
        departs=reader.needed(block, "departs", values.clock, values.clock("00:00")),
        minutes=reader.needed(block, "minutes", values.from_to(1, MOST_MINUTES), 1),
        mode=reader.take(block, "mode", values.one_of(MODES), "flight"),
        weekdays=reader.take(block, "weekdays", values.weekdays, ()),
        since=reader.take(block, "since", values.day),
        until=reader.take(block, "until", values.day),
    )


def _known_hub(hubs: set[str]) -> Callable[[Any], str]:
    def known(value: Any) -> str:
        code = str(value)
        return code if code in hubs else values.refuse(f"no such hub.{values.near(code, hubs)}")

    return known


def _road(reader: Reader, block: Lined, hubs: set[str]) -> Road:
    reader.keys(block, "from to minutes km note", "a road")

    def place(value: Any) -> str:
        return str(value) if str(value) in hubs else reader.known_site(value)

    return Road(
        start=reader.needed(block, "from", place, ""),
        end=reader.needed(block, "to", reader.known_site, ""),
        minutes=reader.needed(block, "minutes", values.from_to(1, MOST_MINUTES), 1),
        km=reader.take(block, "km", values.from_to(0, 20_000)),
    )


def _vehicle(reader: Reader, block: Lined) -> Vehicle:
    reader.keys(block, "site name kind carries incubator crew ready speed state note", "a vehicle")
    return Vehicle(
        site=reader.needed(block, "site", reader.known_site, ""),
        name=reader.needed(block, "name", values.word, "?"),
        kind=reader.take(block, "kind", values.one_of(VEHICLE_KINDS), "ambulance"),
        carries=reader.take(block, "carries", values.one_of(GRADES), "S1"),
        incubator=reader.take(block, "incubator", bool, False),
        crew=reader.take(block, "crew", str, ""),
        ready=reader.take(block, "ready", values.from_to(0, MOST_MINUTES), 30),
        speed=reader.take(block, "speed", values.from_to(1, 1200), 70),
        state=reader.take(block, "state", values.one_of(VEHICLE_STATES), "free"),
    )


def _resources(reader: Reader, top: Lined) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for code, block in reader.named_blocks(top, "resources"):
        reader.keys(block, " ".join(KINDS), f"the resources of {code}")
        site = _site(reader, block.line, code)
        if site:
            count = values.from_to(0, 999)
            found[site] = {kind: reader.take(block, kind, count, 0) for kind in block}
    return found


def _slots(reader: Reader, top: Lined) -> dict[str, tuple[float, ...]]:
    """Free places on operating lists: minutes from T+0, or a date and time."""

    def minutes(value: Any) -> float:
        if isinstance(value, int | float):
            return float(value)
        return (reader.local_time(value) - reader.t0).total_seconds() / 60

    def places(value: Any) -> tuple[float, ...]:
        given = value if isinstance(value, list) else [value]
        return tuple(sorted(minutes(each) for each in given))

    block = top.get("slots")
    if block is None:
        return {}
    if not isinstance(block, Lined):
        reader.wrong(top.line_of("slots"), "`slots` is a mapping of hospitals.")
        return {}
    found: dict[str, tuple[float, ...]] = {}
    for code in block:
        site = _site(reader, block.line_of(code), code)
        if site:
            found[site] = reader.take(block, code, places, ())
    return found


def _site(reader: Reader, line: int, code: str) -> str:
    """A hospital that is named by a key; empty, with the mistake told, when there is none."""
    named = values.block_of(line, site=code)
    return str(reader.take(named, "site", reader.known_site, ""))
