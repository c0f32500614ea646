"""A plain table: what, measured, limit, and whether it holds."""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

HEAD = ("what", "measured", "limit", "")


@dataclass
class Report:
    title: str
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    missed: int = 0

    def fact(self, what: str, measured: str) -> None:
        """A number without a limit of its own."""
        self.rows.append((what, measured, "", ""))

    def at_most(self, what: str, value: float, limit: float, unit: str, more: str = "") -> None:
        self._judge(what, value, value <= limit, f"<= {limit:g} {unit}", unit, more)

    def at_least(self, what: str, value: float, limit: float, unit: str, more: str = "") -> None:
        self._judge(what, value, value >= limit, f">= {limit:g} {unit}", unit, more)

    def holds(self, what: str, measured: str, holds: bool, limit: str) -> None:
        self.missed += not holds
        self.rows.append((what, measured, limit, "ok" if holds else "MISSED"))

    def _judge(
        self, what: str, value: float, holds: bool, limit: str, unit: str, more: str
    ) -> None:
        self.holds(what, f"{value:,.3g} {unit}{more}".strip(), holds, limit)

    def show(self) -> None:
        rows = [HEAD, *self.rows]
        widths = [max(_width(row[n]) for row in rows) for n in range(3)]
        print(f"\n== {self.title} ({load()})")
        for row in rows:
            cells = [text + " " * (widths[n] - _width(text)) for n, text in enumerate(row[:3])]
            print("  ".join([*cells, row[3]]).rstrip())


def load() -> str:
    """How busy and how fast this machine is: absolute figures mean little without it."""
    loads = " ".join(f"{n:.2f}" for n in os.getloadavg())
    return f"load {loads}, {os.cpu_count()} processors, a fixed loop takes {_loop():.0f} ms"


def _loop() -> float:
    """The same work each time: what slows it slows everything below."""
    began = time.perf_counter()
    total = 0
    for n in range(1_000_000):
        total += n * n % 7
    return (time.perf_counter() - began) * 1000


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def spread(values: Sequence[float], unit: str = "ms") -> str:
    """Middle and tail of a measurement."""
    p50, p95, worst = percentile(values, 0.5), percentile(values, 0.95), max(values, default=0.0)
    return f"p50 {p50:.1f}, p95 {p95:.1f}, max {worst:.1f} {unit} (n={len(values)})"
