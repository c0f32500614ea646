"""The same expressions by drawing lots: slow, simple, and written apart from the grid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Draws = np.ndarray[Any, np.dtype[np.float64]]
NEVER = math.inf


def draw(expression: Any, count: int, luck: np.random.Generator) -> Draws:
    """`count` draws of an expression in the form of the instance file."""
    if not isinstance(expression, dict):
        return np.full(count, float(expression))
    ((name, given),) = expression.items()
    if name == "lognormal":
        median, sigma, *shift = given
        return median * np.exp(sigma * luck.standard_normal(count)) + sum(shift)
    if name in ("add", "join", "choose"):
        terms = np.array([draw(term, count, luck) for term in given])
        return {"add": np.sum, "join": np.max, "choose": np.min}[name](terms, axis=0)
    after = draw(given["after"], count, luck)
    if name == "calendar":
        return depart(after, given["cutoff"], given["departures"])
    return work(after, given["closed"], draw(given["then"], count, luck))


def depart(ready: Draws, cutoff: float, departures: list[list[float]]) -> Draws:
    arrives = np.full(ready.size, NEVER)
    for departs, block in sorted(departures, reverse=True):
        arrives = np.where(ready + cutoff <= departs, departs + block, arrives)
    return arrives


def work(ready: Draws, closed: list[list[float]], length: Draws) -> Draws:
    begins = ready.copy()
    for closes, reopens in sorted(closed):
        inside = (begins >= closes) & (begins < reopens)
        into = (begins < closes) & (begins + length > closes)
        begins = np.where(inside | into, reopens, begins)
    return begins + length
