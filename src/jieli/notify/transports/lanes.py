"""Threads in which transports talk: at most four at once for each kind, rings first.

A send gets a fixed time. One that overstays it is left behind in its own thread, and its place
goes to the next: what hangs for ten minutes delays nobody.
"""

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connections

from jieli.notify.transports.letter import TransportError

T = TypeVar("T")
Job = Callable[[], None]
log = logging.getLogger(__name__)

IN_FLIGHT = 4
LEFT_BEHIND = 16  # more hanging threads than this: do not start another
ILL_AFTER = 4  # time-outs in a row
ILL_SECONDS = 30.0
RANKS = {"ring": 0, "push": 1, "silent": 2}


class Lane:
    """One kind of transport."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._jobs: queue.PriorityQueue[tuple[int, int, Job]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._guard = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._hanging = 0
        self._timeouts = 0
        self._ill_until = 0.0

    @property
    def ill(self) -> bool:
        """It keeps hanging: for a while, a person's other channels are tried before it."""
        return time.monotonic() < self._ill_until

    def submit(self, manner: str, job: Job) -> None:
        self._jobs.put((RANKS.get(manner, 1), next(self._numbers), job))
        with self._guard:
            if len(self._threads) < IN_FLIGHT:
                name = f"send-{self.kind}-{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _work(self) -> None:
        while True:
            _, _, job = self._jobs.get()
            try:
                job()
            except Exception:
                log.exception("a send broke off; its lease brings it back")
            finally:
                connections.close_all()

    def within(self, seconds: float, send: Callable[[], T]) -> T:
        """Run `send` in a thread of its own; give up on it after `seconds`."""
        if self._hanging >= LEFT_BEHIND:
            raise TransportError("Too many sends hang on this way already.")
        outcome: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()
        threading.Thread(target=self._once, args=(send, outcome), daemon=True).start()
        try:
            result, fault = outcome.get(timeout=seconds)
        except queue.Empty:
            self._count_timeout()
            raise TransportError(f"No answer in {seconds:.0f} seconds.") from None
        self._timeouts = 0
        if fault is not None:
            raise fault
        return result  # type: ignore[return-value]

    def _once(
        self,
        send: Callable[[], T],
        outcome: "queue.SimpleQueue[tuple[T | None, Exception | None]]",
    ) -> None:
        with self._guard:
            self._hanging += 1
        try:
            outcome.put((send(), None))
        except Exception as fault:  # noqa: BLE001 - handed to the thread that waits
            outcome.put((None, fault))
        finally:
            connections.close_all()
            with self._guard:
                self._hanging -= 1

    def _count_timeout(self) -> None:
        self._timeouts += 1
        if self._timeouts >= ILL_AFTER:
            self._ill_until = time.monotonic() + ILL_SECONDS


_lanes: dict[str, Lane] = {}
_guard = threading.Lock()


def lane(kind: str) -> Lane:
    with _guard:
        return _lanes.setdefault(kind, Lane(kind))
