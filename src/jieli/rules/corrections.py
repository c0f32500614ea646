"""Inputs of a decision sheet that a person may correct in place: which names, which values.

`departure:12@2026-03-01` = `full`, `cancelled`, `+40`; `road:sch:PVG` = minutes; `link` = `failed`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from jieli.rules.refusal import Refused
from jieli.rules.resources import KINDS as RESOURCES

UNKNOWN = "There is no such input to correct."
LONGEST = 20_160  # minutes: two weeks
CODE = r"[A-Za-z0-9_.-]{1,40}"


@dataclass(frozen=True, slots=True)
class Field:
    """One kind of input: the form of its name, what may be said of it, the sentence otherwise."""

    name: re.Pattern[str]
    fits: Callable[[str], bool]
    sentence: str


def _words(*allowed: str) -> Callable[[str], bool]:
    return lambda value: value in allowed


def _whole(low: int, high: int) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        return re.fullmatch(r"[0-9]{1,5}", value) is not None and low <= int(value) <= high

    return fits


def _departure(value: str) -> bool:
    if value in ("full", "cancelled"):
        return True
    late = re.fullmatch(r"\+([0-9]{1,4})", value)
    return late is not None and 0 < int(late[1]) <= 1440


def _person(value: str) -> bool:
    if value in ("unavailable", "available", "covered"):
        return True
    awake = re.fullmatch(r"awake:([0-9]{1,2})", value)
    return awake is not None and int(awake[1]) <= 72


MINUTES = "Write whole minutes, from 1 to 20160."
FIELDS: Mapping[str, Field] = {
    "stability": Field(
        re.compile(r"stability"),
        _words("S0", "S1", "S2", "S3"),
        "Stability is S0, S1, S2 or S3.",
    ),
    "link": Field(
        re.compile(r"link"), _words("passed", "failed"), "The link test has passed or failed."
    ),
    "sign": Field(
        re.compile(rf"sign:{CODE}"), _words("yes", "no"), "A sign is there or not: yes or no."
    ),
    "departure": Field(
        re.compile(r"departure:[0-9]{1,12}@[0-9]{4}-[0-9]{2}-[0-9]{2}"),
        _departure,
        "A departure is full, cancelled or late by minutes, such as +40.",
    ),
    "road": Field(re.compile(rf"road:{CODE}:{CODE}"), _whole(1, LONGEST), MINUTES),
    "resource": Field(
        re.compile(rf"resource:{CODE}:({'|'.join(RESOURCES)})"),
        _whole(0, 999),
        "Write how many are free, from 0 to 999.",
    ),
    "person": Field(
        re.compile(rf"person:{CODE}"),
        _person,
        "Write unavailable, available, covered, or the hours awake, such as awake:18.",
    ),
    "vehicle": Field(
        re.compile(r"vehicle:[0-9]{1,12}"), _words("away", "free"), "A vehicle is away or free."
    ),
    "slot": Field(
        re.compile(r"slot:[0-9]{1,12}"),
        _words("taken", "free"),
        "A place on the list is taken or free.",
    ),
    "prep": Field(re.compile(rf"prep:{CODE}"), _whole(1, LONGEST), MINUTES),
    "now-fit-event": Field(re.compile(rf"now-fit-event:{CODE}"), _whole(1, LONGEST), MINUTES),
    "release": Field(re.compile(r"release"), _whole(0, LONGEST), MINUTES),
}


def check_correction(name: str, value: str) -> None:
    """Raises Refused with one sentence when the input is unknown or the value cannot be its."""
    field = FIELDS.get(name.partition(":")[0])
    if field is None or not field.name.fullmatch(name) or not _day_exists(name):
        raise Refused(UNKNOWN)
    if not field.fits(value):
        raise Refused(field.sentence)


def _day_exists(name: str) -> bool:
    _head, _sign, day = name.partition("@")
    if not day:
        return True
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def minutes_late(value: str) -> int:
    """Of a departure that was corrected to `+40`; 0 for one that leaves on time."""
    return int(value[1:]) if value.startswith("+") else 0
