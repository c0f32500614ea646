"""Several cases at once: who gets which option, so that the sum of U is largest. Never greedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jieli.rules.planner.pieces import Array
from jieli.rules.planner.reading import BadInstance, fields, items, number, shown, text

MOST_CASES = 200
SMALLEST = 1e-9  # a gain below this is none: the case stays without an option


@dataclass(frozen=True)
class Cases:
    """For each case its options, and what each is worth to it."""

    options: Mapping[str, Sequence[str]]
    values: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Assignment:
    given: Mapping[str, str | None]
    total: float


def cases(value: Any) -> Cases:
    """Rows of `u` are the cases in the order of the file, columns the options of that case."""
    given = fields(value, "", ("cases", "u"))
    if not isinstance(given["cases"], dict) or not given["cases"]:
        raise BadInstance("cases", "must be an object with at least one case")
    if len(given["cases"]) > MOST_CASES:
        raise BadInstance("cases", f"are {len(given['cases'])}, at most {MOST_CASES} are allowed")
    options = {
        text(name, f"cases.{shown(name)}"): _ids(ids, f"cases.{name}")
        for name, ids in given["cases"].items()
    }
    rows = items(given["u"], "u")
    if len(rows) != len(options):
        raise BadInstance("u", f"has {len(rows)} rows for {len(options)} cases")
    named = zip(options.items(), rows, strict=True)
    values = {name: _row(row, f"u[{n}]", name, ids) for n, ((name, ids), row) in enumerate(named)}
    return Cases(options, values)


def _ids(value: Any, where: str) -> list[str]:
    ids = [text(one, f"{where}[{n}]") for n, one in enumerate(items(value, where, most=2_000))]
    for n, one in enumerate(ids):
        if one in ids[:n]:
            raise BadInstance(f"{where}[{n}]", f"{shown(one)} stands twice")
    return ids


def _row(value: Any, where: str, name: str, ids: Sequence[str]) -> list[float]:
    row = items(value, where)
    if len(row) != len(ids):
        raise BadInstance(where, f"has {len(row)} values for the {len(ids)} options of case {name}")
    return [number(u, f"{where}[{n}]", low=0) for n, u in enumerate(row)]


def assign(cases: Cases) -> Assignment:
    """An option goes to one case at most; a case may stay without one."""
    names = list(cases.options)
    columns = list(dict.fromkeys(id for ids in cases.options.values() for id in ids))
    where = {id: n for n, id in enumerate(columns)}
    gain = np.zeros((len(names), len(columns) + len(names)))  # at the end: going without
    for row, name in enumerate(names):
        for id, value in zip(cases.options[name], cases.values[name], strict=True):
            gain[row, where[id]] = value
    chosen = _matched(-gain)
    given: dict[str, str | None] = {}
    for row, name in enumerate(names):
        useful = gain[row, chosen[row]] > SMALLEST
        given[name] = columns[chosen[row]] if useful else None
    total = sum(gain[row, chosen[row]] for row, name in enumerate(names) if given[name])
    return Assignment(given, float(total))


def _matched(cost: Array) -> list[int]:
    """The Hungarian method with potentials: the column of each row at the smallest total cost."""
    rows, columns = cost.shape
    of_row, of_column = np.zeros(rows + 1), np.zeros(columns + 1)
    holder = np.zeros(columns + 1, dtype=int)  # row that holds a column, from 1; 0 is nobody
    for row in range(1, rows + 1):
        holder[0] = row
        way, column = _shortest(cost, of_row, of_column, holder)
        while column:
            holder[column] = holder[way[column]]
            column = int(way[column])
    chosen = [0] * rows
    for column in range(1, columns + 1):
        if holder[column]:
            chosen[holder[column] - 1] = column - 1
    return chosen


def _shortest(
    cost: Array, of_row: Array, of_column: Array, holder: np.ndarray[Any, np.dtype[Any]]
) -> tuple[np.ndarray[Any, np.dtype[Any]], int]:
    """The cheapest chain of moves that frees a column; the potentials follow."""
    size = cost.shape[1] + 1
    least, way = np.full(size, np.inf), np.zeros(size, dtype=int)
    used, column = np.zeros(size, dtype=bool), 0
    while holder[column]:
        used[column] = True
        row = holder[column]
        reduced = np.concatenate(([np.inf], cost[row - 1] - of_row[row] - of_column[1:]))
        better = ~used & (reduced < least)
        least[better], way[better] = reduced[better], column
        nearest = int(np.argmin(np.where(used, np.inf, least)))
        delta = least[nearest]
        of_row[holder[used]] += delta
        of_column[used] -= delta
        least[~used] -= delta
        column = nearest
    return way, column
