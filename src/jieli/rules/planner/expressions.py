"""How a time is written down: a tree of legs; and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from jieli.rules.planner import times, waits
from jieli.rules.planner.times import Time

T = TypeVar("T")
Span: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Constant:
    minutes: float


@dataclass(frozen=True)
class Lognormal:
    median: float
    sigma: float
    shift: float = 0.0


@dataclass(frozen=True)
class Combined:
    """`add`, `join` or `choose` of terms that do not depend on each other."""

    how: str
    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Calendar:
    after: Expression
    cutoff: float
    departures: tuple[Span, ...]  # departs, block


@dataclass(frozen=True)
class Curfew:
    after: Expression
    closed: tuple[Span, ...]
    then: Expression


Expression: TypeAlias = Constant | Lognormal | Combined | Calendar | Curfew
Memory: TypeAlias = dict[Expression, Time]

COMBINE: dict[str, Callable[[Time, Time], Time]] = {
    "add": times.add,
    "join": times.join,
    "choose": times.choose,
}


def evaluate(expression: Expression, memory: Memory) -> Time:
    """The time of an expression; each that was seen before is remembered."""
    found = memory.get(expression)
    if found is None:
        found = memory[expression] = _evaluate(expression, memory)
    return found


def _evaluate(expression: Expression, memory: Memory) -> Time:
    match expression:
        case Constant(minutes):
            return times.constant(minutes)
        case Lognormal(median, sigma, shift):
            return times.lognormal(median, sigma, shift)
        case Combined(how, terms):
            return _combined(how, terms, memory)
        case Calendar(after, cutoff, departures):
            return waits.next_departure(evaluate(after, memory), cutoff, departures)
        case Curfew(after, closed, then):
            return waits.in_open_hours(evaluate(after, memory), closed, evaluate(then, memory))


def _combined(how: str, terms: tuple[Expression, ...], memory: Memory) -> Time:
    """By halves, each remembered: when one leg of many changes, most of the others need no work."""
    if len(terms) == 1:
        return evaluate(terms[0], memory)
    halves = terms[: len(terms) // 2], terms[len(terms) // 2 :]
    first, second = (evaluate(Combined(how, half), memory) for half in halves)
    return COMBINE[how](first, second)


# -- the numbers in an expression ------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """One number of an expression: where it stands, and the expression with another one."""

    where: str
    value: float
    changed: Callable[[float], Expression]


def numbers(expression: Expression, where: str) -> Iterator[Number]:
    """All that is estimated. Timetables and closed hours are facts: they are left alone."""
    match expression:
        case Constant(minutes):
            yield Number(where, minutes, Constant)
        case Lognormal():
            yield from _of_lognormal(expression, f"{where}.lognormal")
        case Combined(how, terms):
            for place, term in enumerate(terms):
                yield from _inside(
                    numbers(term, f"{where}.{how}[{place}]"), _replacer(expression, place)
                )
        case Calendar():
            yield from _of_calendar(expression, f"{where}.calendar")
        case Curfew(after, _, then):
            start = numbers(after, f"{where}.curfew.after")
            yield from _inside(start, lambda new: replace(expression, after=new))
            work = numbers(then, f"{where}.curfew.then")
            yield from _inside(work, lambda new: replace(expression, then=new))


def _of_lognormal(leg: Lognormal, where: str) -> Iterator[Number]:
    yield Number(f"{where} median", leg.median, lambda new: replace(leg, median=new))
    yield Number(f"{where} sigma", leg.sigma, lambda new: replace(leg, sigma=new))
    yield Number(f"{where} shift", leg.shift, lambda new: replace(leg, shift=new))


def _of_calendar(calendar: Calendar, where: str) -> Iterator[Number]:
    ready = numbers(calendar.after, f"{where}.after")
    yield from _inside(ready, lambda new: replace(calendar, after=new))
    yield Number(f"{where}.cutoff", calendar.cutoff, lambda new: replace(calendar, cutoff=new))
    for place, (departs, block) in enumerate(calendar.departures):
        yield Number(
            f"{where}.departures[{place}] block",
            block,
            lambda new, place=place, departs=departs: replace(  # type: ignore[misc]
                calendar, departures=_with(calendar.departures, place, (departs, new))
            ),
        )


def _replacer(whole: Combined, place: int) -> Callable[[Expression], Expression]:
    return lambda new: replace(whole, terms=_with(whole.terms, place, new))


def _with(items: tuple[T, ...], place: int, new: T) -> tuple[T, ...]:
    return (*items[:place], new, *items[place + 1 :])


def _inside(inner: Iterator[Number], outer: Callable[[Expression], Expression]) -> Iterator[Number]:
    for number in inner:
        changed = number.changed
        yield Number(
            number.where,
            number.value,
            lambda new, changed=changed: outer(changed(new)),  # type: ignore[misc]
        )
