"""Several cases that compete for the same team, unit or aircraft: who gets what, as one choice.

Maximises the sum of U over the cases; nothing is used twice. Exact, by branch and bound: never
greedy (planner.md). A case may go without an option.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

EQUAL = 1e-12


@dataclass(frozen=True, slots=True)
class Offer:
    """One option of one case: its U, and what nobody else can use meanwhile."""

    option: str
    value: float
    uses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Share:
    """What one case gets."""

    option: str | None
    value: float
    alone: str | None  # what it would choose if it were the only case
    cost: float  # U that it loses to the others


@dataclass(frozen=True, slots=True)
class Shared:
    shares: Mapping[str, Share]
    total: float
    contested: frozenset[str]  # what more than one case would choose alone


def share(offers: Mapping[str, Sequence[Offer]]) -> Shared:
    """Offers of each case in its own order; of equal sums the one nearer to those orders counts."""
    best = {case: _best(found) for case, found in offers.items()}
    wanted = [offer for found in best.values() if found for offer in [found]]
    order = sorted(offers, key=lambda case: (len(offers[case]), case))
    search = _Search([_undominated(offers[case]) for case in order])
    chosen = dict(zip(order, search.run(), strict=True))
    shares = {}
    for case in offers:
        got, alone = chosen[case], best[case]
        value = got.value if got else 0.0
        shares[case] = Share(
            got.option if got else None,
            value,
            alone.option if alone else None,
            (alone.value if alone else 0.0) - value,
        )
    used = [one for offer in wanted for one in offer.uses]
    contested = frozenset(one for one in used if used.count(one) > 1)
    return Shared(shares, sum(one.value for one in shares.values()), contested)


def _best(offers: Sequence[Offer]) -> Offer | None:
    """The first of those with the largest value."""
    return max(offers, key=lambda offer: offer.value, default=None)


def _undominated(offers: Sequence[Offer]) -> list[Offer]:
    """Without those that use more than another and are worth no more; the best first."""
    kept: list[Offer] = []
    for offer in sorted(offers, key=lambda one: (-one.value, len(one.uses))):
        if offer.value > 0 and not any(k.uses <= offer.uses for k in kept):
            kept.append(offer)
    return kept


class _Search:
    def __init__(self, cases: Sequence[Sequence[Offer]]) -> None:
        self.cases = cases
        # What the cases from here on can add at most, if nothing were used twice.
        self.rest = [0.0] * (len(cases) + 1)
        for n in reversed(range(len(cases))):
            self.rest[n] = self.rest[n + 1] + (cases[n][0].value if cases[n] else 0.0)
        self.found: list[Offer | None] = [None] * len(cases)
        self.total = -1.0
        self.seen: dict[tuple[int, frozenset[str]], float] = {}
        # Only what a later case can use as well tells two ways to here apart.
        self.later = [
            frozenset(one for case in cases[n:] for offer in case for one in offer.uses)
            for n in range(len(cases) + 1)
        ]

    def run(self) -> list[Offer | None]:
        self._from(0, frozenset(), 0.0, [])
        return self.found

    def _from(self, n: int, used: frozenset[str], value: float, way: list[Offer | None]) -> None:
        if value + self.rest[n] <= self.total + EQUAL:
            return
        if n == len(self.cases):
            self.total, self.found = value, list(way)
            return
        here = (n, used & self.later[n])
        if self.seen.get(here, -1.0) >= value:
            return
        self.seen[here] = value
        for offer in self.cases[n]:
            if not offer.uses & used:
                self._from(n + 1, used | offer.uses, value + offer.value, [*way, offer])
        self._from(n + 1, used, value, [*way, None])
