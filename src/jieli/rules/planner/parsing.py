"""From JSON to expressions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from jieli.rules.planner.expressions import (
    Calendar,
    Combined,
    Constant,
    Curfew,
    Expression,
    Lognormal,
    Span,
)
from jieli.rules.planner.reading import BadInstance, fields, items, minutes, number, pair, shown

DEEP = 40  # expressions inside each other
TERMS = 200  # of one add, join or choose
DEPARTURES = 2_000  # of one calendar
SPANS = 400  # of one curfew: a year of nights
SPREAD = 3.0  # sigma of a lognormal: nine of ten then lie between 1/140 and 140 times the median


def expression(value: Any, where: str, depth: int = 0) -> Expression:
    if depth > DEEP:
        raise BadInstance(f"{where[:40]}...", f"nested deeper than {DEEP} expressions")
    if not isinstance(value, dict):
        return Constant(minutes(value, where))
    if len(value) != 1:
        raise BadInstance(where, f"must have one key of {', '.join(READERS)}, not {shown(value)}")
    ((name, content),) = value.items()
    if name not in READERS:
        raise BadInstance(where, f"unknown key {shown(name)}; known are {', '.join(READERS)}")
    return READERS[name](content, f"{where}.{name}", depth)


def _lognormal(value: Any, where: str, _depth: int) -> Expression:
    if not isinstance(value, list) or len(value) not in (2, 3):
        raise BadInstance(where, "must be [median, sigma] or [median, sigma, shift]")
    median = number(value[0], f"{where}[0] (median)", low=0, above=True)
    sigma = number(value[1], f"{where}[1] (sigma)", low=0, high=SPREAD)
    shift = minutes(value[2], f"{where}[2] (shift)") if len(value) == 3 else 0.0
    return Lognormal(median, sigma, shift)


def _combined(how: str) -> Callable[[Any, str, int], Expression]:
    def read(value: Any, where: str, depth: int) -> Expression:
        terms = items(value, where, least=1, most=TERMS)
        inner = (expression(t, f"{where}[{n}]", depth + 1) for n, t in enumerate(terms))
        return Combined(how, tuple(inner))

    return read


def _calendar(value: Any, where: str, depth: int) -> Expression:
    given = fields(value, where, ("after", "cutoff", "departures"))
    after = expression(given["after"], f"{where}.after", depth + 1)
    cutoff = number(given["cutoff"], f"{where}.cutoff", low=0)
    departures = []
    for n, leg in enumerate(items(given["departures"], f"{where}.departures", most=DEPARTURES)):
        departs, block = pair(leg, f"{where}.departures[{n}]", "departs, block")
        here = f"{where}.departures[{n}]"
        departures.append((minutes(departs, f"{here}[0]"), number(block, f"{here}[1]", low=0)))
    return Calendar(after, cutoff, tuple(departures))


def _curfew(value: Any, where: str, depth: int) -> Expression:
    given = fields(value, where, ("after", "closed", "then"))
    after = expression(given["after"], f"{where}.after", depth + 1)
    closed = _closed(given["closed"], f"{where}.closed")
    return Curfew(after, closed, expression(given["then"], f"{where}.then", depth + 1))


def _closed(value: Any, where: str) -> tuple[Span, ...]:
    spans = []
    for n, span in enumerate(items(value, where, most=SPANS)):
        begins, ends = (
            minutes(m, f"{where}[{n}][{side}]")
            for side, m in enumerate(pair(span, f"{where}[{n}]", "from, to"))
        )
        if begins >= ends:
            raise BadInstance(f"{where}[{n}]", f"ends at {ends:g}, not after {begins:g}")
        spans.append((begins, ends))
    in_order = sorted(spans)
    for (_, ends), (begins, _) in itertools.pairwise(in_order):
        if begins < ends:
            raise BadInstance(
                where, f"spans overlap: one ends at {ends:g}, one begins at {begins:g}"
            )
    return tuple(spans)


READERS: dict[str, Callable[[Any, str, int], Expression]] = {
    "lognormal": _lognormal,
    "add": _combined("add"),
    "join": _combined("join"),
    "choose": _combined("choose"),
    "calendar": _calendar,
    "curfew": _curfew,
}
