"""The algebra of uncertain times: `add`, `join` (the last of several), `choose` (the first).

A time is made of atoms (exact minutes, each with its probability), of pieces, and of the chance
that it never comes. Constants stay exact: against a window they give 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from jieli.rules.planner.pieces import DUST, Array, Piece, convolved, merged, step_for

DIGITS = 6  # of a minute: atoms closer than that are one
ATOMS = 2_048  # more are gathered on sixteenths of a minute
TAIL = 5.2  # standard deviations of the logarithm that a lognormal keeps: 1 in 10 million is moved
BODY = 2_048  # cells of one step; what lies further out gets cells four times as wide


@dataclass(frozen=True, eq=False)
class Time:
    """`never` makes the sum one; a part of a time (see `waits`) may sum to less."""

    atoms: Array
    weights: Array
    pieces: tuple[Piece, ...] = ()
    never: float = 0.0

    @cached_property
    def total(self) -> float:
        """Probability that it comes at all."""
        return float(self.weights.sum()) + sum(p.total for p in self.pieces)

    @cached_property
    def mean(self) -> float:
        """Expected minutes, given that it comes; infinite when it cannot."""
        if not self.total:
            return math.inf
        of_pieces = sum(p.mean * p.total for p in self.pieces)
        return (float(self.atoms @ self.weights) + of_pieces) / self.total

    @cached_property
    def _sums(self) -> Array:
        return np.concatenate(([0.0], np.cumsum(self.weights)))

    @cached_property
    def _moments(self) -> Array:
        return np.concatenate(([0.0], np.cumsum(self.weights * self.atoms)))

    def by(self, times: Array) -> Array:
        """P(T <= t)."""
        reached = self._sums[np.searchsorted(self.atoms, times, "right")]
        return sum((p.below(times) for p in self.pieces), reached)

    def before(self, times: Array) -> Array:
        """P(T < t)."""
        reached = self._sums[np.searchsorted(self.atoms, times, "left")]
        return sum((p.below(times) for p in self.pieces), reached)

    def chance(self, window: float) -> float:
        return min(1.0, float(self.by(np.array([window]))[0]))

    def average(self, left: Array, right: Array) -> Array:
        """Mean of P(T <= t) over each stretch from left to right."""
        return (self._area(right) - self._area(left)) / (right - left)

    def _area(self, times: Array) -> Array:
        passed = np.searchsorted(self.atoms, times, "right")
        reached = self._sums[passed] * times - self._moments[passed]
        return sum((p.area(times) for p in self.pieces), reached)

    def quantile(self, share: float) -> float | None:
        """The first minute by which `share` of it has come; None when that is never."""
        knots = np.unique(np.concatenate([self.atoms, *(p.edges for p in self.pieces)]))
        reached = self.by(knots)
        at = int(np.searchsorted(reached, share - 1e-9))
        if at == knots.size:
            return None
        here = float(self.before(knots[at : at + 1])[0])
        if at == 0 or here < share - 1e-9:
            return float(knots[at])  # an atom carries it over
        past = float(reached[at - 1])
        way = (share - past) / (here - past) if here > past else 1.0
        return float(knots[at - 1] + min(1.0, max(0.0, way)) * (knots[at] - knots[at - 1]))

    def weighed(
        self, at: Callable[[Array], Array], between: Callable[[Array, Array], Array]
    ) -> Time:
        """The part of it that `at` gives for an exact minute and `between` for a whole cell."""
        pieces = (p.weighed(between(p.edges[:-1], p.edges[1:])) for p in self.pieces)
        return part(self.atoms, self.weights * at(self.atoms), pieces)

    def expected(
        self, at: Callable[[Array], Array], between: Callable[[Array, Array], Array]
    ) -> float:
        """Mean of a function of the time, over all that comes."""
        return self.weighed(at, between).total

    def cut(self, points: Iterable[float]) -> Time:
        """The same time, no cell of which lies on both sides of a point."""
        pieces = list(self.pieces)
        for point in points:
            pieces = [q for p in pieces for side in p.split(point) for q in side]
        return Time(self.atoms, self.weights, tuple(pieces), self.never)

    def moved(self, minutes: float, share: float = 1.0) -> Time:
        pieces = (p.moved(minutes, share) for p in self.pieces)
        return part(self.atoms + minutes, self.weights * share, pieces)

    def within(self, first: float, end: float) -> Time:
        """The part with first <= T < end."""
        kept = (self.atoms >= first) & (self.atoms < end)
        points = [t for t in (first, end) if math.isfinite(t)]
        pieces = [p for p in self.cut(points).pieces if first < p.origin + p.step / 2 < end]
        return part(self.atoms[kept], self.weights[kept], pieces)

    def until(self, last: float) -> Time:
        """The part with T <= last."""
        return self.within(-math.inf, math.nextafter(last, math.inf))

    def after(self, last: float) -> Time:
        """The part with T > last."""
        return self.within(math.nextafter(last, math.inf), math.inf)


# -- making times ----------------------------------------------------------------------------------


def part(atoms: Array, weights: Array, pieces: Iterable[Piece] = (), never: float = 0.0) -> Time:
    """Atoms rounded, in order, each once."""
    if not atoms.size:
        return Time(atoms, weights, tuple(pieces), never)
    values, where = np.unique(np.round(atoms, DIGITS), return_inverse=True)
    if values.size > ATOMS:
        values, where = np.unique(np.round(atoms * 16) / 16, return_inverse=True)
    sums = np.bincount(where.ravel(), weights=weights, minlength=values.size)
    real = sums != 0
    return Time(values[real], sums[real], tuple(pieces), never)


def constant(minutes: float) -> Time:
    return part(np.array([minutes]), np.array([1.0]))


def united(parts: Iterable[Time], never: float = 0.0) -> Time:
    """Parts that exclude each other, as one time."""
    every = list(parts)
    atoms = np.concatenate([t.atoms for t in every])
    weights = np.concatenate([t.weights for t in every])
    pieces = merged((p for t in every for p in t.pieces), smear=False)
    return part(atoms, weights, pieces, never)


def lognormal(median: float, sigma: float, shift: float = 0.0) -> Time:
    if not sigma:
        return constant(median + shift)
    step = step_for(max(median * sigma * math.exp(-sigma * sigma), 1e-9))
    left = math.floor(median * math.exp(-TAIL * sigma) / step) * step
    end = median * math.exp(sigma * max(TAIL, sigma + TAIL - 1))
    pieces: list[Piece] = []
    while left < end:
        cells = min(BODY, math.ceil((end - left) / step))
        edges = left + step * np.arange(cells + 1)
        reached = _normal(np.log(np.maximum(edges, 1e-300) / median) / sigma)
        reached[0] = reached[0] if pieces else 0.0
        left = float(edges[-1])
        reached[-1] = reached[-1] if left < end else 1.0
        pieces.append(Piece(float(edges[0]) + shift, step, np.diff(reached)))
        step *= 4
    return Time(np.empty(0), np.empty(0), tuple(p for p in pieces if p.total > DUST))


@cache
def _table() -> tuple[Array, Array]:
    points = np.arange(-9 * 1024, 9 * 1024 + 1) / 1024
    return points, np.array([math.erfc(-z / math.sqrt(2)) / 2 for z in points.tolist()])


def _normal(z: Array) -> Array:
    """Distribution function of the normal law, to 3 in 100 million."""
    return np.interp(z, *_table())


# -- the algebra -----------------------------------------------------------------------------------


NOTHING = part(np.empty(0), np.empty(0))  # a part of a time that nothing belongs to


def add(one: Time, other: Time) -> Time:
    """One after the other."""
    atoms = np.add.outer(one.atoms, other.atoms).ravel()
    weights = np.multiply.outer(one.weights, other.weights).ravel()
    pairs = ((p, q) for p in one.pieces for q in other.pieces)
    pieces = [convolved(p, q) for p, q in pairs if p.total * q.total > DUST]
    for fixed, moving in ((one, other), (other, one)):
        for minute, weight in zip(fixed.atoms.tolist(), fixed.weights.tolist(), strict=True):
            pieces += [p.moved(minute, weight) for p in moving.pieces]
    never = 1 - (1 - one.never) * (1 - other.never)
    return part(atoms, weights, merged(pieces, smear=True), never)


def join(one: Time, other: Time) -> Time:
    """Both must have come: the later of the two."""
    a, b = _facing(one, other)
    parts = [a.weighed(b.by, b.average), b.weighed(a.before, a.average)]
    return united(parts, 1 - (1 - a.never) * (1 - b.never))


def choose(one: Time, other: Time) -> Time:
    """Whichever comes first."""
    a, b = _facing(one, other)
    parts = [
        a.weighed(lambda t: rest(1, b.before(t)), lambda x, y: rest(1, b.average(x, y))),
        b.weighed(lambda t: rest(1, a.by(t)), lambda x, y: rest(1, a.average(x, y))),
    ]
    return united(parts, a.never * b.never)


def rest(whole: float, reached: Array) -> Array:
    """What is still to come; sums that are a hair too large do not make it negative."""
    return np.maximum(whole - reached, 0.0)


def _facing(one: Time, other: Time) -> tuple[Time, Time]:
    """No cell of the one hides a jump of the other."""
    return one.cut(jumps(other, one)), other.cut(jumps(one, other))


def jumps(time: Time, seen_from: Time) -> list[float]:
    """Minutes at which the distribution function of `time` leaps, for the cells of another."""
    if not seen_from.pieces:
        return []
    width = 4 * max(p.step for p in seen_from.pieces)
    narrow = [p for p in time.pieces if p.mass.size * p.step < width]
    return [*time.atoms.tolist(), *(e for p in narrow for e in (p.origin, p.end))]
