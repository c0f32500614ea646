"""Random faults, one after the other, while everybody works. The seed says which and when."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.house import House, Process
from tests.faults.ledger import Ledger
from tests.faults.load import Load

WEB_POINTS = (
    "inside the transaction",
    "after the commit, before the telling",
    "before the answer",
)
RUNNER_POINTS = (
    "due is recorded",
    "people are told",
    "rings rolled on",
    "messages are claimed",
    "before it is sent",
    "sent, not noted",
    "reports are read",
    "a ring is noted",
)
POINT_SECONDS = 3.0  # for somebody to come to an armed point


@dataclass
class Storm:
    """Two servers and two runners of which some are down at any time; one link may be cut."""

    house: House
    seed: int
    scale: str = ""  # of the product's waits; empty: as they are
    longest_sleep: float = 20.0  # of a runner: longer than a lease
    pair: bool = False  # one server has two workers, which it looks after itself
    instants: list[tuple[float, str]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        house, scale = self.house, {"FAULTS_SCALE": self.scale}
        self.servers = [house.serve("one", **scale), house.serve("two", over_proxy=True, **scale)]
        if self.pair:
            self.servers.append(house.serve("pair", workers=2))
        self.runners = [
            house.run("runner-one", **scale),
            house.run("runner-two", over_proxy=True, **scale),
        ]
        self.load: Load | None = None

    def urls(self) -> list[str]:
        return [server.url for server in self.servers]

    def blow(self, kills: int, *, most: int, ledger: Ledger | None = None) -> Ledger:
        """So many faults under load; then nobody begins anything new."""
        self.house.gateway.ringing = True
        load = Load(self.house, self.urls, self.seed, most=most, ledger=ledger)
        self.load = load.start()
        time.sleep(1)
        for _ in range(kills):
            kind = self.dice.choice(self._kinds())
            name = kind.__name__.replace("_", " ")
            self.instants.append((time.monotonic(), name))
            kind()
            self.kinds[name] += 1
            time.sleep(self.dice.uniform(0.1, 0.6))
        self._stand_up()
        load.stop()
        self.house.gateway.ringing = False
        return load.ledger

    def until_success(self) -> list[tuple[str, float]]:
        """For each fault the seconds until the next write was acknowledged."""
        assert self.load
        done = [one.ended for one in self.load.ledger.acknowledged()]
        found = []
        for instant, name in self.instants:
            if after := [ended - instant for ended in done if ended >= instant]:
                found.append((name, min(after)))
        return found

    def _kinds(self) -> list[Callable[[], None]]:
        found = [
            self.runner_killed,
            self.runner_killed_at_a_point,
            self.runner_killed_at_a_point,
            self.server_killed,
            self.server_killed_at_a_point,
            self.server_killed_at_a_point,
            self.database_killed,
            self.link_cut,
            self.runner_sleeps,
            self.server_sleeps,
        ]
        return [*found, self.worker_killed] if self.pair else found

    # -- faults -----------------------------------------------------------------------------------

    def runner_killed(self) -> None:
        time.sleep(self.dice.uniform(0, 0.3))
        self._down(self.dice.choice(self.runners))

    def server_killed(self) -> None:
        time.sleep(self.dice.uniform(0, 0.3))
        self._down(self.dice.choice(self.servers[:2]))

    def runner_killed_at_a_point(self) -> None:
        self._at_a_point(self.dice.choice(RUNNER_POINTS))

    def server_killed_at_a_point(self) -> None:
        self._at_a_point(self.dice.choice(WEB_POINTS))

    def worker_killed(self) -> None:
        """Its server starts another one."""
        if workers := self.servers[2].workers:  # else both are being replaced
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.dice.choice(workers), signal.SIGKILL)

    def database_killed(self) -> None:
        self.house.cluster.kill()
        time.sleep(self.dice.uniform(0, 1))
        self.house.cluster.start()

    def link_cut(self) -> None:
        self.house.proxy.cut()

    def runner_sleeps(self) -> None:
        self._sleeps(self.dice.choice(self.runners), self.dice.uniform(0.5, self.longest_sleep))

    def server_sleeps(self) -> None:
        self._sleeps(self.dice.choice(self.servers[:2]), self.dice.uniform(0.5, 5))

    # -- down and up ------------------------------------------------------------------------------

    def _at_a_point(self, point: str) -> None:
        place = self.house.arm(point)
        deadline = time.monotonic() + POINT_SECONDS
        while place.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        place.unlink(missing_ok=True)
        time.sleep(0.05)
        self._raise_the_dead()

    def _down(self, process: Process) -> None:
        process.signal(signal.SIGCONT)
        process.kill()
        time.sleep(self.dice.uniform(0, 0.4))
        self._raise_the_dead()

    def _raise_the_dead(self) -> None:
        for those in (self.runners, self.servers):
            for place, one in enumerate(those):
                if not one.lives and one.popen is None:
                    those[place] = self.house.again(one)

    def _sleeps(self, process: Process, seconds: float) -> None:
        process.signal(signal.SIGSTOP)
        threading.Timer(seconds, process.signal, [signal.SIGCONT]).start()

    def _stand_up(self) -> None:
        for process in [*self.runners, *self.servers]:
            process.signal(signal.SIGCONT)
        self._raise_the_dead()
