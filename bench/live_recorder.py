"""A recording under random kills: of its browser, of the server, of the network between them.

One operating-room browser records one picture with a tone all the while; after each kill it is
opened again and goes on. Limit: no recorded second is lost but those of the last chunk. Its own
small alliance in a PostgreSQL of its own with fsync on, thrown away afterwards.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.report import Report, spread
from jieli.rules import webm
from jieli.rules.recordings import stretches
from tests.faults.house import Cluster
from tests.installation import Installation
from tests.journeys.booth import Booth, built
from tests.journeys.people import House, until

KINDS = ("browser", "server", "network")
SLICE = 3.0  # seconds of a chunk, as in a room
SLACK = 0.7  # to encode, hash and sync it, on two busy processors
APART = (4.0, 10.0)  # seconds between two kills
AWAY = (2.0, 7.0)  # seconds for which the server or the network is gone
RUN = 30_000  # ms: shorter than in a room, so that kills fall upon the seams, too
DOCTOR = "SW-0802"

Span = tuple[float, float]


def live_recorder(options: argparse.Namespace) -> Report:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jieli.web.settings")
    report = Report(f"live recorder: {options.kills} kills at random, seed {options.seed}")
    cluster = Cluster()
    try:
        with tempfile.TemporaryDirectory(prefix="jieli-bench-recorder-") as folder:
            _measured(report, cluster, Path(folder), options)
    finally:
        cluster.close()
    return report


def _measured(report: Report, cluster: Cluster, folder: Path, options: argparse.Namespace) -> None:
    from playwright.sync_api import sync_playwright

    with cluster.connect("postgres") as link:
        link.execute('create database "recorder"')
    where = cluster.where
    database = {"host": where["HOST"], "port": where["PORT"], "user": "jieli", "dbname": "recorder"}
    place = Installation(folder, database, JIELI_DEMO="1", JIELI_ALLOWED_HOSTS="127.0.0.1")
    with closing(place), sync_playwright() as playwright:
        place.jieli("migrate", "--verbosity=0")
        place.jieli("demo", "--without-cases")
        house = House(place)
        server = place.serve()
        place.run()
        case = house.raised(DOCTOR, specialty="paediatric-surgery", problem="录像试验")
        booth = Booth(playwright, house, DOCTOR, case, folder / "profile", built(folder))
        storm = Storm(booth, server, random.Random(options.seed))
        try:
            storm.blow(options.kills)
            storm.tell(report, folder)
        finally:
            booth.kill()


class Storm:
    def __init__(self, booth: Booth, server: Any, chance: random.Random) -> None:
        self.booth, self.server, self.chance = booth, server, chance
        self.recorded: list[tuple[Span, str]] = []  # from the first picture until it was killed
        self.kills: dict[str, int] = defaultdict(int)
        self.behind: list[float] = []
        self.hit: dict[int, set[str]] = defaultdict(set)  # span -> what else happened in it
        self.began = 0.0

    def blow(self, kills: int) -> None:
        self._open()
        # Each kind in turn would be too orderly; but each must come up.
        kinds = [KINDS[n % 3] for n in range(kills)]
        self.chance.shuffle(kinds)
        for n, kind in enumerate(kinds, 1):
            time.sleep(self.chance.uniform(*APART))
            self.kills[kind] += 1
            getattr(self, f"_{kind}")()
            print(f"   {n} of {kills}: {kind}", flush=True)
        time.sleep(SLICE * 2)
        self._stop()

    def _open(self) -> None:
        booth = self.booth
        booth.open()
        if not booth.seat:
            booth.join()
        booth.begin(timeslice=int(SLICE * 1000), runFor=RUN)
        booth.page.evaluate("recorder.voice('me', tone())")
        booth.show()
        self.began = time.time()

    def _browser(self) -> None:
        at = self.booth.kill()
        self.recorded.append(((self.began, at), "browser"))
        self._open()

    def _server(self) -> None:
        place = self.booth.house.place
        place.kill(self.server)
        self.hit[len(self.recorded)].add("server")
        self._away()
        self.server = place.serve()

    def _network(self) -> None:
        self.booth.context.set_offline(True)
        self.hit[len(self.recorded)].add("network")
        self._away()
        self.booth.context.set_offline(False)

    def _away(self) -> None:
        time.sleep(self.chance.uniform(*AWAY))
        self.behind.append(self.booth.state["behind"])

    def _stop(self) -> None:
        """As when somebody leaves the room: the last chunk is whole."""
        self.booth.page.evaluate("recorder.close()")
        self.recorded.append(((self.began, time.time()), "end"))
        until(self._arrived, 120, "not everything arrived")

    def _arrived(self) -> bool:
        runs = self.booth.runs()
        return bool(runs) and all(n == length for _k, n, length in runs) and not self.booth.local()

    # ── what became of it ────────────────────────────────────────────────────

    def tell(self, report: Report, folder: Path) -> None:
        chunks = self.booth.chunks()
        have = _joined([(begins, ends) for _key, _n, begins, ends in chunks])
        lost: dict[str, list[float]] = defaultdict(list)
        for n, (span, end) in enumerate(self.recorded):
            tail, inside = _lost(span, have)
            lost[end].append(tail)
            for kind in self.hit[n] or {"nothing"}:
                lost[kind].append(inside)
        whole = sum(ends - begins for (begins, ends), _end in self.recorded)
        report.fact("recorded", f"{whole:.0f} s in {len(self.recorded)} visits of the page")
        report.fact("runs, chunks", f"{len(self.booth.runs())}, {len(chunks)}")
        limit = SLICE + SLACK
        for kind, where, most in (
            ("browser", "lost before the kill", limit),
            ("server", "lost inside", 0.05),
            ("network", "lost inside", 0.05),
        ):
            worst = max(lost[kind], default=0.0)
            what = f"{kind} killed {self.kills[kind]} times: {where}, worst"
            report.at_most(what, worst, most, "s")
        if lost["browser"]:
            report.fact("lost before a kill of the browser", spread(lost["browser"], "s"))
        report.at_most("left alone: lost", max(lost["end"], default=0.0), 0.5, "s")
        report.fact("behind, worst while the link was gone", f"{max(self.behind, default=0)} s")
        self._judge(report, folder)

    def _judge(self, report: Report, folder: Path) -> None:
        house, seat = self.booth.house, self.booth.seat
        runs = self.booth.runs()
        short = [key for key, n, length in runs if n != length]
        report.holds("runs with a missing piece", str(len(short)), not short, "0")
        still = {key: _still(folder, key) for key, *_ in runs}
        broken = [key for key, longest in still.items() if longest is None]
        report.holds("runs that a player cannot open", str(len(broken)), not broken, "0")
        worst = max((longest for longest in still.values() if longest is not None), default=0.0)
        report.at_most("longest time without a picture inside a run", worst, 1.5, "s")
        waiting = """select count(*) from rooms_recording r join rooms_seat s on s.id = r.seat_id
                      where s.key = %s and r.kept_at is null"""
        until(lambda: house.place.sql(waiting, seat) == [(0,)], 60, "not on record")
        said = house.place.jieli("verify", "--recordings").strip().splitlines()
        report.holds("jieli verify --recordings", said[-1], "0 broken" in said[-1], "0 broken")


def _joined(spans: list[Span]) -> list[Span]:
    found: list[Span] = []
    for begins, ends in sorted(spans):
        if found and begins <= found[-1][1] + 0.01:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((begins, ends))
    return found


def _lost(span: Span, have: list[Span]) -> tuple[float, float]:
    """Seconds at the end of a span, and elsewhere in it, of which nothing is there."""
    begins, ends = span
    inside = [(max(a, begins), min(b, ends)) for a, b in have if b > begins and a < ends]
    if not inside:
        return ends - begins, 0.0
    tail = ends - inside[-1][1]
    gaps = sum(b[0] - a[1] for a, b in pairwise(inside))
    return max(0.0, tail), gaps


def _still(folder: Path, run: str) -> float | None:
    """Seconds between two pictures, the longest; by the film itself and not by what was said."""
    name = run.replace("-", "")
    files = sorted((_files(folder) / name[:2] / name).iterdir())
    content = [path.read_bytes() for path in files]
    whole = b"".join(content)
    told = [(int(path.name), len(piece)) for path, piece in zip(files, content, strict=True)]
    try:
        film = webm.read(lambda at, size: whole[at : at + size], stretches(told))
        webm.make(film)
    except webm.Unreadable:
        return None
    picture = film.picture
    times = [b.ms for c in film.clusters for b in c.blocks if picture and b.track == picture.number]
    return max((b - a for a, b in pairwise(sorted(times))), default=0) / 1000


def _files(folder: Path) -> Path:
    return next(path for path in folder.rglob("recordings") if path.is_dir())


def main() -> int:
    """By itself: `python -m bench.live_recorder --kills 20`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    report = live_recorder(parser.parse_args())
    report.show()
    return 1 if report.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
