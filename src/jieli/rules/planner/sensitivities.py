"""What would change the answer: every number of the instance, a fifth less and a fifth more."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from jieli.rules.planner.expressions import numbers
from jieli.rules.planner.instances import Option, PlannedCase
from jieli.rules.planner.planning import Plan
from jieli.rules.planner.ranking import first, rivals
from jieli.rules.planner.reading import BadInstance
from jieli.rules.planner.value import Figures, figures

SHARES = (-0.2, 0.2)
PLAIN = ("quality", "burden", "learning", "load")


@dataclass(frozen=True)
class Change:
    """One number that would put another option first."""

    option: str  # whose answer says so
    what: str
    share: float
    old: float
    new: float
    first: str | None  # None: no option would be feasible


@dataclass(frozen=True)
class Knob:
    """One number, and the option or the case with another one in its place."""

    what: str
    value: float
    turned: Callable[[float], Any]

    def turns(self) -> Iterator[tuple[float, float]]:
        """Share and new value; a quality does not rise above 1."""
        for share in SHARES if self.value else ():
            new = round(self.value * (1 + share), 9)
            new = min(new, 1.0) if self.what == "quality" else new
            if new != self.value:
                yield share, new


Figured: TypeAlias = Sequence[Figures] | None


def changes(plan: Plan) -> list[Change]:
    return [*_by_options(plan), *_by_case(plan)]


def _by_options(plan: Plan) -> Iterator[Change]:
    """An option that the caller has barred cannot come first, whatever its numbers."""
    every, case = [v.figures for v in plan.verdicts], plan.instance.case
    usual = rivals(every, case)
    for place, option in enumerate(plan.instance.options):
        if option.barred:
            continue
        before, after = _around(every, place, usual, case)
        for knob in _of_option(option):
            for share, new in knob.turns():
                other = _turned(plan, every[place], knob, new)
                tried = other and [*before, *other, *after]
                yield from _judged(plan, tried, case, option.id, knob, share, new)


def _turned(plan: Plan, one: Figures, knob: Knob, new: float) -> Figured:
    """Quality, burden, learning and load change no time: the figures stay."""
    option = knob.turned(new)
    if knob.what in PLAIN:
        return [replace(one, option=option)]
    if knob.what.startswith("transit"):
        return _figured(plan, [option], plan.instance.case)
    return [figures(option, plan.instance.case, plan.memory, one.journey)]


def _around(
    every: Sequence[Figures], place: int, usual: Sequence[Figures], case: PlannedCase
) -> tuple[Sequence[Figures], Sequence[Figures]]:
    """The rivals that stand before and after one option in the file."""
    one = every[place]
    if any(f is one for f in usual):
        usual = rivals([f for f in every if f is not one], case)
    front = {id(f) for f in every[:place]}
    return [f for f in usual if id(f) in front], [f for f in usual if id(f) not in front]


def _by_case(plan: Plan) -> Iterator[Change]:
    """Told with the option that is first now; with every one that is not barred by the caller, if
    there is none."""
    free = tuple(o.id for o in plan.instance.options if not o.barred)
    for knob in _of_case(plan.instance.case):
        for share, new in knob.turns():
            case = knob.turned(new)
            tried = _figured(plan, plan.instance.options, case) if _increase(case.windows) else None
            for told in plan.ranked[:1] or free:
                yield from _judged(plan, tried, case, told, knob, share, new)


def _figured(plan: Plan, options: Sequence[Option], case: PlannedCase) -> Figured:
    """None where the changed number makes no sense, e.g. arriving before leaving."""
    try:
        return [figures(option, case, plan.memory) for option in options]
    except BadInstance:
        return None


def _judged(
    plan: Plan, tried: Figured, case: PlannedCase, told: str, knob: Knob, share: float, new: float
) -> Iterator[Change]:
    if tried is None:
        return
    leads = first(tried, case)
    name = leads.option.id if leads else None
    if name != next(iter(plan.ranked), None):
        yield Change(told, knob.what, share, knob.value, new, name)


# -- the numbers -----------------------------------------------------------------------------------


def _of_option(option: Option) -> Iterator[Knob]:
    for found in numbers(option.time, "time"):
        yield Knob(found.where, found.value, _setter(option, "time", found.changed))
    for place, end in enumerate(option.transit):
        for found in numbers(end, f"transit[{place}]"):
            yield Knob(found.where, found.value, _item_setter(option, place, found.changed))
    for name in PLAIN:
        yield Knob(name, getattr(option, name), _setter(option, name))
    if option.windows:
        yield Knob("the last own window", option.windows[-1], _last_setter(option))


def _of_case(case: PlannedCase) -> Iterator[Knob]:
    for place, window in enumerate(case.windows):
        yield Knob(f"case.windows[{place}]", window, _window_setter(case, place))
    yield Knob("case.release", case.release, _setter(case, "release"))
    for place, event in enumerate(case.events):
        for found in numbers(event.time, f"case.events[{place}].time"):
            yield Knob(found.where, found.value, _event_setter(case, place, found.changed))


def _setter(
    whole: Any, name: str, inner: Callable[[float], Any] | None = None
) -> Callable[[float], Any]:
    return lambda new: replace(whole, **{name: inner(new) if inner else new})


def _item_setter(
    option: Option, place: int, inner: Callable[[float], Any]
) -> Callable[[float], Any]:
    def turned(new: float) -> Option:
        ends = list(option.transit)
        ends[place] = inner(new)
        return replace(option, transit=tuple(ends))

    return turned


def _last_setter(option: Option) -> Callable[[float], Any]:
    return lambda new: replace(option, windows=(new,))


def _window_setter(case: PlannedCase, place: int) -> Callable[[float], Any]:
    def turned(new: float) -> PlannedCase:
        return replace(case, windows=(*case.windows[:place], new, *case.windows[place + 1 :]))

    return turned


def _event_setter(
    case: PlannedCase, place: int, inner: Callable[[float], Any]
) -> Callable[[float], Any]:
    def turned(new: float) -> PlannedCase:
        events = list(case.events)
        events[place] = replace(events[place], time=inner(new))
        return replace(case, events=tuple(events))

    return turned


def _increase(windows: Sequence[float]) -> bool:
    return all(one < other for one, other in itertools.pairwise(windows))
