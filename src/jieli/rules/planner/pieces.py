"""One stretch of continuous probability: equal cells, the mass spread evenly inside each.

Where a leg is narrow the cells are narrow as well; a stretch begins wherever it must (its origin is
no multiple of anything), so a constant is added exactly and a mean is never lost on the way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESOLUTION = 1.0  # minutes: a cell is not wider, unless the stretch is some hundred times as wide
FINENESS = 12  # cells to one standard deviation, at least
PLENTY = 256  # so many cells to one standard deviation are enough, however long the times
CELLS = 16_384  # longer stretches stay apart
GAP = 2_048  # empty cells that may lie inside one stretch
DIRECT = 200_000  # multiplications up to which the plain sum is faster than the transform
DUST = 1e-12  # probability that may be trimmed from an end


@dataclass(frozen=True, eq=False)
class Piece:
    origin: float
    step: float
    mass: Array

    @property
    def end(self) -> float:
        return self.origin + self.step * self.mass.size

    @cached_property
    def total(self) -> float:
        return float(self.mass.sum())

    @cached_property
    def edges(self) -> Array:
        return self.origin + self.step * np.arange(self.mass.size + 1, dtype=np.float64)

    @cached_property
    def mean(self) -> float:
        """Of the mass that is here, as if it were all."""
        centres = self.edges[:-1] + self.step / 2
        return float(centres @ self.mass) / self.total

    @cached_property
    def variance(self) -> float:
        centres = self.edges[:-1] + self.step / 2 - self.mean
        return float(centres**2 @ self.mass) / self.total + self.step**2 / 12

    @cached_property
    def sums(self) -> Array:
        return np.concatenate(([0.0], np.cumsum(self.mass)))

    @cached_property
    def areas(self) -> Array:
        """Area below the distribution function up to each edge."""
        trapezoids = (self.sums[1:] + self.sums[:-1]) * (self.step / 2)
        return np.concatenate(([0.0], np.cumsum(trapezoids)))

    def below(self, times: Array) -> Array:
        cell, share = self._place(times)
        return self.sums[cell] + share * self.mass[cell]

    def area(self, times: Array) -> Array:
        """Of the distribution function, from the left up to each of the times."""
        cell, share = self._place(times)
        inside = self.sums[cell] * share + self.mass[cell] * share**2 / 2
        beyond = np.maximum(times - self.end, 0.0) * self.sums[-1]
        return self.areas[cell] + self.step * inside + beyond

    def _place(self, times: Array) -> tuple[NDArray[np.intp], Array]:
        at = np.clip((times - self.origin) / self.step, 0.0, self.mass.size)
        cell = np.minimum(at.astype(np.intp), self.mass.size - 1)
        return cell, at - cell

    # -- the same mass in other cells --------------------------------------------------------------

    def moved(self, minutes: float, share: float = 1.0) -> Piece:
        return Piece(self.origin + minutes, self.step, self.mass * share)

    def weighed(self, weights: Array) -> Piece:
        return Piece(self.origin, self.step, self.mass * weights)

    def split(self, at: float) -> tuple[list[Piece], list[Piece]]:
        """What lies before and after; a cell that is cut becomes two of its own width."""
        place = (at - self.origin) / self.step
        if abs(place - round(place)) < 1e-7:
            place = round(place)
        if place <= 0:
            return [], [self]
        if place >= self.mass.size:
            return [self], []
        cell, share = int(place), place - int(place)
        parts = self._part(0, cell), self._part(cell + bool(share), self.mass.size)
        if not share:
            return parts
        left, cut = self.origin + cell * self.step, self.mass[cell : cell + 1]
        before = Piece(left, self.step * share, cut * share)
        after = Piece(left + self.step * share, self.step * (1 - share), cut * (1 - share))
        return [*parts[0], before], [after, *parts[1]]

    def _part(self, first: int, last: int) -> list[Piece]:
        if last <= first or not self.mass[first:last].any():
            return []
        return [Piece(self.origin + first * self.step, self.step, self.mass[first:last])]

    def resampled(self, step: float) -> Piece:
        """In cells of another width, around the same mean."""
        if abs(step - self.step) <= 1e-9 * step:
            return self
        count = math.ceil(self.mass.size * self.step / step)
        edges = self.origin + step * np.arange(count + 1, dtype=np.float64)
        other = Piece(self.origin, step, np.diff(self.below(edges)))
        return other.moved(self.mean - other.mean)

    def trimmed(self) -> Piece:
        """Without the dust at both ends; what is left weighs as much as before."""
        first = int(np.searchsorted(self.sums, DUST, "right")) - 1
        last = int(np.searchsorted(self.sums, self.sums[-1] - DUST, "left"))
        if first <= 0 and last >= self.mass.size:
            return self
        kept = self.mass[max(first, 0) : max(last, first + 1)]
        kept = kept * (self.total / kept.sum())
        return Piece(self.origin + max(first, 0) * self.step, self.step, kept)


def step_for(spread: float) -> float:
    """Width of the cells for a standard deviation: a power of two, so that cells fit together."""
    wanted = min(spread / FINENESS, max(RESOLUTION, spread / PLENTY))
    return float(2.0 ** math.floor(math.log2(wanted)))


def convolved(one: Piece, other: Piece) -> Piece:
    """The sum of two independent times. Two even cells add up to a hump in the middle of two."""
    spread = math.sqrt(one.variance + other.variance)
    step = max(step_for(spread), min(one.step, other.step))
    a, b = one.resampled(step), other.resampled(step)
    mass = _product(a.mass, b.mass)
    mass = mass * (one.total * other.total / mass.sum())
    return Piece(a.origin + b.origin + step / 2, step, mass).trimmed()


def _product(a: Array, b: Array) -> Array:
    if a.size * b.size <= DIRECT or min(a.size, b.size) < 32:
        return np.convolve(a, b)
    size = a.size + b.size - 1
    length = _fast(size)
    both = np.fft.irfft(np.fft.rfft(a, length) * np.fft.rfft(b, length), length)[:size]
    return np.maximum(both, 0.0)


def _fast(size: int) -> int:
    """The next length of the form 2^k, 3·2^k or 5·2^k."""
    power = 1 << (size - 1).bit_length()
    return min(n for n in (power, power * 3 // 4, power * 5 // 8) if n >= size)


# -- fewer pieces ----------------------------------------------------------------------------------


def merged(pieces: Iterable[Piece], *, smear: bool) -> tuple[Piece, ...]:
    """Those of one step become one, where they lie close. With `smear` also when their cells do
    not meet: the mass is then shared between two neighbours, and the mean stays."""
    real = sorted((p for p in pieces if p.total > DUST), key=lambda p: (p.step, p.origin))
    groups: list[list[Piece]] = []
    for piece in real:
        if groups and _fits(groups[-1], piece, smear):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return tuple(_one(group) for group in groups)


def _fits(group: Sequence[Piece], piece: Piece, smear: bool) -> bool:
    first, step = group[0], piece.step
    if first.step != step or (piece.end - first.origin) / step > CELLS:
        return False
    if (piece.origin - max(p.end for p in group[-4:])) / step > GAP:
        return False
    offset = (piece.origin - first.origin) / step
    return smear or abs(offset - round(offset)) < 1e-7


def _one(group: Sequence[Piece]) -> Piece:
    if len(group) == 1:
        return group[0]
    first, end = group[0], max(p.end for p in group)
    size = math.ceil((end - first.origin) / first.step - 1e-7) + 2
    mass = np.zeros(size)
    for piece in group:
        offset = (piece.origin - first.origin) / first.step
        if abs(offset - round(offset)) < 1e-7:
            offset = round(offset)
        cell, share = int(offset), offset - int(offset)
        mass[cell : cell + piece.mass.size] += piece.mass * (1 - share)
        if share:
            mass[cell + 1 : cell + 1 + piece.mass.size] += piece.mass * share
    return Piece(first.origin, first.step, mass).trimmed()
