"""The loop behind `jieli run`: does what is due, again and again, until it is told to stop.

Each kind of work has a thread of its own: one that hangs or fails delays nothing else, but for
what gives way to another, a second at the longest. Several runners may stand side by side; the
work itself claims its rows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, connections

from jieli.live.relay import direct_parameters
from jieli.live.topics import WORK_CHANNEL
from jieli.pager.actions.beating import Pulse
from jieli.web import postgres

log = logging.getLogger(__name__)

Work = tuple[str, Callable[[datetime], int], float]  # name, does what is due, idle seconds

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
SLOW_SECONDS = 30.0
LOOK_SECONDS = 5.0
STOP_SECONDS = 10.0
MANY = 100  # handled in one round: more came due meanwhile than a lane should let wait
GIVES_WAY_SECONDS = 1.0  # at the longest: what gives way is late in a storm, never left undone


class Lane:
    """One kind of work in one thread."""

    def __init__(self, work: Work, now: Callable[[], datetime], stopping: threading.Event) -> None:
        self.name, self._do, self._idle = work
        self._now = now
        self._stopping = stopping
        self._wake = threading.Event()
        self._failures = 0
        self.began: float | None = None
        self.first: Lane | None = None  # the lane to which this one gives way
        self.keeps_up = threading.Event()
        self.keeps_up.set()
        self.thread = threading.Thread(target=self._loop, name=f"run-{self.name}", daemon=True)

    @property
    def hangs(self) -> bool:
        began = self.began
        return began is not None and time.monotonic() - began > SLOW_SECONDS

    def wake(self) -> None:
        self._wake.set()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            if self.first is not None:
                self.first.keeps_up.wait(GIVES_WAY_SECONDS)
            self._wake.clear()  # before looking: what comes meanwhile starts another round
            pause = self.once()
            if self._failures:
                self._stopping.wait(pause)  # a wake-up must not make a failing lane spin
            elif pause:
                self._wake.wait(pause)

    def once(self) -> float:
        """One round; how long to pause after it."""
        self.began = time.monotonic()
        handled = 0
        try:
            handled = self._do(self._now())
        except Exception:
            self._failures += 1
            log.exception("work failed", extra={"work": self.name, "in_a_row": self._failures})
            return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures - 1, 8))
        finally:
            self.began = None
            (self.keeps_up.clear if handled >= MANY else self.keeps_up.set)()
            connections.close_all()
        self._failures = 0
        return 0.0 if handled else self._idle


class Runner:
    def __init__(
        self,
        work: Sequence[Work],
        now: Callable[[], datetime],
        pulse: Pulse | None = None,
        gives_way: Mapping[str, str] | None = None,
    ) -> None:
        self._stopping = threading.Event()
        self._pulse = pulse
        self.lanes = [Lane(entry, now, self._stopping) for entry in work]
        named = {lane.name: lane for lane in self.lanes}
        for name, first in (gives_way or {}).items():
            named[name].first = named[first]

    def stop(self, *_: Any) -> None:
        self._stopping.set()
        for lane in self.lanes:
            lane.wake()

    def run(self) -> None:
        """Until stop(), which may come from a signal; work that was begun is finished."""
        threading.Thread(target=self._listen, name="run-listen", daemon=True).start()
        self._beat()
        for lane in self.lanes:
            lane.thread.start()
        log.info("runner started", extra={"lanes": len(self.lanes)})
        while not self._stopping.wait(LOOK_SECONDS):
            self._look()
            self._beat()
        deadline = time.monotonic() + STOP_SECONDS
        for lane in self.lanes:
            lane.thread.join(max(0.0, deadline - time.monotonic()))
        self._end()
        log.info("runner stopped")

    def _beat(self) -> None:
        """While the database is away nobody hears it: then others say that we are silent."""
        if self._pulse is None:
            return
        try:
            self._pulse.beat([lane.name for lane in self.lanes if lane.hangs])
        except DatabaseError as fault:
            log.warning("no heartbeat", extra={"kind": type(fault).__name__})
        finally:
            connections.close_all()

    def _end(self) -> None:
        if self._pulse is None:
            return
        try:
            self._pulse.end()
        except DatabaseError as fault:
            log.warning("no last heartbeat", extra={"kind": type(fault).__name__})

    def _look(self) -> None:
        """Say which work hangs; bring the embedded database back when somebody killed it."""
        for lane in self.lanes:
            if lane.hangs and (began := lane.began):
                seconds = round(time.monotonic() - began)
                log.warning("work hangs", extra={"work": lane.name, "seconds": seconds})
        if settings.EMBEDDED_DATABASE:
            try:
                postgres.ensure(settings.JIELI_HOME)
            except (postgres.PostgresUnavailable, psycopg.Error):
                log.exception("the embedded database does not come back")

    def _listen(self) -> None:
        """Somebody committed work: look at once instead of at the next round."""
        while not self._stopping.is_set():
            try:
                with psycopg.connect(**direct_parameters(), autocommit=True) as link:
                    link.execute(f"listen {WORK_CHANNEL}")
                    while not self._stopping.is_set():
                        for _ in link.notifies(timeout=1.0, stop_after=1):
                            for lane in self.lanes:
                                lane.wake()
            except psycopg.Error as fault:
                log.warning("wake-up connection lost", extra={"kind": type(fault).__name__})
                self._stopping.wait(1.0)
