"""Reading values that somebody else wrote: each refusal says where and what."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Any

LARGEST = 10_000_000.0  # minutes, 19 years: no clinical time is longer
MANY = 10_000  # items of one list
LONG = 200  # characters of one text


class BadInstance(ValueError):
    """One line: where in the file, and what is wrong."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}" if where else problem)


def loads(text: bytes) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_not_a_number)
    except BadInstance:
        raise
    except RecursionError:
        raise BadInstance("", "nested too deeply") from None
    except UnicodeDecodeError:
        raise BadInstance("", "not UTF-8 text") from None
    except ValueError as fault:
        raise BadInstance("", f"not JSON: {fault}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInstance("", f"key {shown(twice)} stands twice in one object")
    return found


def _not_a_number(word: str) -> None:
    raise BadInstance("", f"{word} is not a number that can be used")


def shown(value: Any) -> str:
    """As JSON, on one line, not too long."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def fields(
    value: Any, where: str, needed: Collection[str], possible: Collection[str] = ()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInstance(where, f"must be an object, not {_kind(value)}")
    for name in value:
        if name not in needed and name not in possible:
            raise BadInstance(where, f"unknown key {shown(name)}")
    for name in needed:
        if name not in value:
            raise BadInstance(where, f"key {shown(name)} is missing")
    return value


def items(value: Any, where: str, *, least: int = 0, most: int = MANY) -> list[Any]:
    if not isinstance(value, list):
        raise BadInstance(where, f"must be a list, not {_kind(value)}")
    if len(value) < least:
        raise BadInstance(where, f"needs at least {least}" if value else "must not be empty")
    if len(value) > most:
        raise BadInstance(where, f"has {len(value)} items, at most {most} are allowed")
    return value


def number(
    value: Any, where: str, *, low: float = -LARGEST, high: float = LARGEST, above: bool = False
) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInstance(where, f"must be a number, not {_kind(value)}")
    if not low <= value <= high or not math.isfinite(value):
        raise BadInstance(where, f"must be from {low:.12g} to {high:.12g}, not {_short(value)}")
    rounded = round(float(value), 9) + 0.0  # no -0.0
    if above and rounded <= low:
        raise BadInstance(where, f"must be more than {low:.12g}")
    return rounded


def minutes(value: Any, where: str) -> float:
    return round(number(value, where), 6) + 0.0


def pair(value: Any, where: str, names: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadInstance(where, f"must be a list of two, [{names}]")
    return value


def text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise BadInstance(where, f"must be a text, not {_kind(value)}")
    if not value.strip() or len(value) > LONG:
        raise BadInstance(where, f"must have 1 to {LONG} characters")
    if not value.isprintable():
        raise BadInstance(where, f"has characters that cannot be shown: {shown(value)}")
    return value


def truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadInstance(where, f"must be true or false, not {_kind(value)}")
    return value


def one_of(value: Any, where: str, known: Collection[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise BadInstance(where, f"must be one of {', '.join(known)}, not {shown(value)}")
    return value


def _short(value: float) -> str:
    try:
        return f"{value:.6g}"
    except OverflowError:
        return "a number of more than 300 digits"


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    if isinstance(value, bool):
        return str(value).lower()
    return kinds.get(type(value), "a number")
