"""A thousand random faults under load, and books that must balance after each hundred.

Its own small alliance in a PostgreSQL of its own with fsync on, thrown away afterwards.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.report import Report, load, spread
from tests.faults import quiet
from tests.faults.audit import KINDS, Finding
from tests.faults.house import Cluster, House
from tests.faults.house import house as opened
from tests.faults.ledger import Ledger
from tests.faults.storm import Storm

ROUND = 100  # faults, then quiet, an audit and a fresh database
PAGES = 150  # at most, in a round
QUIET = 120.0  # seconds until what is owed must be done
SAID = {
    "lost": "acknowledged and lost",
    "doubled": "doubled",
    "refused yet done": "refused and yet done",
    "half stored": "half stored",
    "chain": "chains broken",
    "clock": "clocks that fired twice, early or never",
    "untold": "pages neither told nor escalated",
    "stuck": "left over after quiet time",
    "hung": "devices that were never answered",
}


def faults(options: argparse.Namespace) -> Report:
    report = Report(f"faults: {options.kills:,} at random, seed {options.seed}")
    books = _Books()
    cluster = Cluster()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="jieli-bench-faults-") as folder,
            opened(cluster, Path(folder)) as house,
        ):
            _rounds(house, options, books)
    finally:
        cluster.close()
    books.tell(report)
    return report


def _rounds(house: House, options: argparse.Namespace, books: _Books) -> None:
    left, turn = options.kills, 0
    while left:
        kills = min(left, ROUND)
        seed = random.Random(f"{options.seed} {turn}").randrange(10**6)
        began = time.monotonic()
        house.renew()
        storm = Storm(house, seed, pair=True)
        ledger = storm.blow(kills, most=PAGES)
        quiet.mend(house)
        books.quiet.append(quiet.quiet(house, QUIET))
        found = [*quiet.compared(house, ledger), *quiet.verified(house)]
        found += [Finding("hung", fault) for fault in (storm.load.faults if storm.load else [])]
        books.add(storm, ledger, found, house)
        left, turn = left - kills, turn + 1
        print(
            f"   {options.kills - left:,} faults, {len(books.found)} findings, seed {seed},"
            f" {time.monotonic() - began:.0f} s ({load()})",
            flush=True,
        )
        for finding in found[:10]:
            print(f"   {finding}", flush=True)


class _Books:
    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()
        self.found: list[Finding] = []
        self.success: list[tuple[str, float]] = []
        self.quiet: list[float] = []
        self.again = self.repeats = self.letters = 0

    def add(self, storm: Storm, ledger: Ledger, found: list[Finding], house: House) -> None:
        self.kinds += storm.kinds
        self.writes += Counter(one.kind for one in ledger.acknowledged())
        self.again += sum(one.tries > 1 for one in ledger.acknowledged())
        self.found += found
        self.success += storm.until_success()
        self.letters += len(house.gateway.letters)
        self.repeats += house.gateway.repeats()

    def tell(self, report: Report) -> None:
        for kind, count in sorted(self.kinds.items()):
            after = [seconds for name, seconds in self.success if name == kind]
            report.fact(f"{kind} -> next write", f"{count:,} times, {spread(after, 's')}")
        said = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.writes.items()))
        report.fact("acknowledged writes", f"{sum(self.writes.values()):,} ({said})")
        report.fact("of these sent more than once", f"{self.again:,}")
        report.fact("letters at the gateway", f"{self.letters:,}, {self.repeats:,} repeated")
        report.fact(
            "fault -> next write acknowledged",
            spread([seconds for _name, seconds in self.success], "s"),
        )
        report.fact("quiet after a round", spread(self.quiet, "s"))
        counted = Counter(finding.kind for finding in self.found)
        for kind in (*KINDS, "hung"):
            report.holds(SAID[kind], f"{counted[kind]:,}", counted[kind] == 0, "0")
