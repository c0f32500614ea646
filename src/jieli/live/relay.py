"""Sends NOTIFY after commit, from one thread a process, on a connection of its own.

Inside the writing transaction NOTIFY takes a lock over the whole database and cuts throughput to
a quarter; here many commits share one call, and no request waits for it or fails with it.
"""

from __future__ import annotations

import atexit
import json
import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from django.db import connection

from .topics import LIVE_CHANNEL, WORK_CHANNEL

log = logging.getLogger(__name__)

Note = tuple[int, str, str]
PAYLOAD_NOTES = 40  # a payload may hold 8000 bytes, a note takes at most 190
QUEUE_LIMIT = 10_000


class Relay:
    def __init__(self) -> None:
        self._queue: queue.Queue[Sequence[Note] | None] = queue.Queue(QUEUE_LIMIT)
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._target: dict[str, Any] = {}

    def tell(self, notes: Sequence[Note]) -> None:
        """Hand over what was committed; never waits, never raises."""
        try:
            self._start()
            self._queue.put_nowait(notes)
        except Exception as fault:  # noqa: BLE001 - the commit stands; streams read the table
            log.warning("a telling is left to the poll", extra={"kind": type(fault).__name__})

    def _start(self) -> None:
        target = direct_parameters()
        with self._guard:
            self._target = target
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="live-relay", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        link: psycopg.Connection[Any] | None = None
        opened: dict[str, Any] = {}
        while (batch := self._batch()) is not None:
            try:
                if link is None or link.closed or opened != self._target:
                    opened = self._target
                    link = psycopg.connect(**opened, autocommit=True)
                for payload in _payloads(batch):
                    link.execute("select pg_notify(%s, %s)", [LIVE_CHANNEL, payload])
                link.execute("select pg_notify(%s, '')", [WORK_CHANNEL])
            except psycopg.Error as fault:
                # Not sent again: the poll of every stream finds the notes in the table.
                log.warning("NOTIFY failed", extra={"kind": type(fault).__name__})
                if link is not None:
                    link.close()
        if link is not None:
            link.close()

    def _batch(self) -> list[Note] | None:
        """Wait for something, then take all there is."""
        first = self._queue.get()
        if first is None:
            return None
        notes = list(first)
        while True:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                return notes
            if more is None:
                self._queue.put(None)
                return notes
            notes.extend(more)

    def close(self) -> None:
        """At the end of a process: send what is queued, but do not hang on a dead database."""
        if self._thread is not None and self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(timeout=2)


def _payloads(notes: Sequence[Note]) -> Iterator[str]:
    for start in range(0, len(notes), PAYLOAD_NOTES):
        yield json.dumps(notes[start : start + PAYLOAD_NOTES], separators=(",", ":"))


def direct_parameters() -> dict[str, Any]:
    """How to reach Django's database without its pool (LISTEN needs a connection of its own)."""
    settings = connection.settings_dict
    options = {k: v for k, v in settings.get("OPTIONS", {}).items() if k not in _DJANGO_ONLY}
    named = {
        "host": settings.get("HOST"),
        "port": settings.get("PORT"),
        "user": settings.get("USER"),
        "password": settings.get("PASSWORD"),
        "dbname": settings.get("NAME"),
    }
    return {"connect_timeout": 5, **options, **{k: v for k, v in named.items() if v}}


_DJANGO_ONLY = {"pool", "assume_role", "isolation_level", "server_side_binding"}

relay = Relay()
atexit.register(relay.close)
