"""What one option comes to: its chances, the risk on the way, its value, its own bars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jieli.rules.planner.expressions import Combined, Constant, Expression, Memory, evaluate
from jieli.rules.planner.instances import Decay, Option, PlannedCase
from jieli.rules.planner.pieces import Array
from jieli.rules.planner.reading import BadInstance
from jieli.rules.planner.times import Time, constant, jumps, united

# Chance of losing the patient for each hour on the road, by stability class.
# Source: planner.md §1, defaults to be calibrated, shown as default until approved.
HAZARD = {"S0": 0.002, "S1": 0.01, "S2": 0.02, "S3": 0.08}
EVENT_LIMIT = 0.05  # C4: a chance of the event on the way above this bars the journey
HOPE = 0.01  # C8: less than this by the last window bars the option
ALWAYS = 1e-5  # a chance of never below this is no reason to withhold the mean
CLOSE = 1e-9  # two sums of probabilities that differ by less are equal


@dataclass(frozen=True)
class Journey:
    """Of the patient."""

    hours: float = 0.0  # expected, on the road
    en_route: tuple[tuple[str, float], ...] = ()  # event, P


@dataclass(frozen=True)
class Figures:
    """Everything that ranks one option."""

    option: Option
    time: Time  # release included
    chances: tuple[tuple[float, float], ...]  # window, P: of the case and of its own
    own_chance: float | None  # by its own last window, which stands for every window of the case
    worth: float | None  # E f(T), where a decay says what time is worth
    journey: Journey
    survival: float  # s_move
    bars: tuple[str, ...]

    @cached_property
    def _by_window(self) -> dict[float | None, float]:
        return dict(self.chances)

    def chance(self, window: float | None) -> float:
        if self.own_chance is not None:
            return self.own_chance
        return self._by_window.get(window, 0.0)

    def value(self, window: float | None) -> float:
        """U: how likely it is that good care comes in time to a patient who got there."""
        in_time = self.chance(window) if self.worth is None else self.worth
        return in_time * self.option.quality * self.survival

    @property
    def mean(self) -> float | None:
        """Expected minutes; None when it can be never."""
        return self.time.mean if self.time.never < ALWAYS and self.time.total else None


def figures(
    option: Option, case: PlannedCase, memory: Memory, journey: Journey | None = None
) -> Figures:
    """With the journey if that is known already."""
    time = _released(option.time, case.release, memory)
    windows = sorted({*case.windows, *option.windows})
    reached = np.minimum(time.by(np.array(windows)), 1.0).tolist()
    chances = dict(zip(windows, reached, strict=True))
    own = chances[option.windows[-1]] if option.windows else None
    decay = option.decay or case.decay
    journey = journey or Journey(_hours(option, memory), _en_route(option, case, memory))
    last = own if own is not None else chances[case.windows[-1]] if case.windows else 1.0
    return Figures(
        option,
        time,
        tuple(chances.items()),
        own,
        None if decay is None else worth(time, decay),
        journey,
        math.exp(-HAZARD[case.stability or "S0"] * journey.hours),
        _bars(option, case, journey, last),
    )


def _released(expression: Expression, release: float, memory: Memory) -> Time:
    held = Combined("join", (expression, Constant(release)))
    if held not in memory:
        memory[held] = held_back(evaluate(expression, memory), release)
    return memory[held]


def held_back(time: Time, release: float) -> Time:
    """Not before `release`."""
    early = time.before(np.array([release]))[0]
    if not early:
        return time
    return united([constant(release).moved(0.0, early), time.within(release, math.inf)], time.never)


def _bars(option: Option, case: PlannedCase, journey: Journey, last: float) -> tuple[str, ...]:
    bars = set(option.barred)
    if case.stability == "S3" and option.patient_moves and not option.retrieval:
        bars.add("C4")
    if any(chance > EVENT_LIMIT + CLOSE for _, chance in journey.en_route):
        bars.add("C4")
    if last < HOPE - CLOSE:
        bars.add("C8")
    return tuple(sorted(bars))


def _hours(option: Option, memory: Memory) -> float:
    if not option.transit:
        return 0.0
    leaves, arrives = (evaluate(end, memory) for end in option.transit)
    if not leaves.total or not arrives.total:
        return 0.0
    minutes = arrives.mean - leaves.mean
    if minutes < -CLOSE and not leaves.never and not arrives.never:
        raise BadInstance("transit", "arrives, on average, before it leaves")
    return max(0.0, minutes) / 60


def _en_route(option: Option, case: PlannedCase, memory: Memory) -> tuple[tuple[str, float], ...]:
    if not option.transit:
        return tuple((event.name, 0.0) for event in case.events)
    leaves, arrives = (evaluate(end, memory) for end in option.transit)
    found = []
    for event in case.events:
        happens = evaluate(event.time, memory)
        chance = _still_to_come(happens, leaves) - _still_to_come(happens, arrives)
        found.append((event.name, min(1.0, max(0.0, chance))))
    return tuple(found)


def _still_to_come(event: Time, moment: Time) -> float:
    """P(moment < event), of an event that comes at all."""

    def at(minute: Array) -> Array:
        return event.total - event.by(minute)

    def between(left: Array, right: Array) -> Array:
        return event.total - event.average(left, right)

    return moment.cut(jumps(event, moment)).expected(at, between)


def worth(time: Time, decay: Decay) -> float:
    """E f(T): linear between the points, flat outside. What never comes is worth the last value."""
    minutes, values = (np.array(column) for column in zip(*decay, strict=True))
    steps = np.diff(minutes) * (values[1:] + values[:-1]) / 2
    areas = np.concatenate(([0.0], np.cumsum(steps)))

    def at(minute: Array) -> Array:
        return np.interp(minute, minutes, values)

    def area(minute: Array) -> Array:
        inside = np.clip(minute, minutes[0], minutes[-1])
        point = np.maximum(np.searchsorted(minutes, inside, "right") - 1, 0)
        height = at(inside)
        below = areas[point] + (inside - minutes[point]) * (height + values[point]) / 2
        return below + (minute - inside) * height

    def between(left: Array, right: Array) -> Array:
        return (area(right) - area(left)) / (right - left)

    return time.expected(at, between) + time.never * float(values[-1])
