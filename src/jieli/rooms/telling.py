"""From one process's line to those of all: NOTIFY, after the commit, beside a way without detour.

What is told here is either in the database already or of no use a second later (an offer, a
stroke that is being drawn), so nothing is told twice: whoever missed it asks the log.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import queue
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from django.db import transaction

log = logging.getLogger(__name__)

CHANNEL = "jieli_rooms"
PIECE = 7_000  # of 8,000 bytes that a payload may hold
WAITING = 5_000
ME = f"{os.getpid():x}-{os.urandom(4).hex()}"

Message = dict[str, Any]
_here: list[Callable[[int, Message], None]] = []  # lines of this very process


def listen_here(hear: Callable[[int, Message], None]) -> None:
    _here.append(hear)


def deaf_here(hear: Callable[[int, Message], None]) -> None:
    if hear in _here:
        _here.remove(hear)


def tell_room(room: int, message: Message) -> None:
    """To everybody in the room, once what it says is committed."""
    transaction.on_commit(lambda: pass_on(room, message), robust=True)


def pass_on(room: int, message: Message) -> None:
    """At once."""
    for hear in list(_here):
        hear(room, message)
    _wire.send(room, message)


class Wire:
    """Sends from one thread a process, as jieli.live.relay does: no request waits for it."""

    def __init__(self) -> None:
        self.parameters: Callable[[], dict[str, Any]] | None = None
        self._queue: queue.Queue[tuple[int, Message]] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def send(self, room: int, message: Message) -> None:
        if self.parameters is None:
            return  # a command, a test: nobody listens in this process
        with self._guard:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="rooms", daemon=True)
                self._thread.start()
        try:
            self._queue.put_nowait((room, message))
        except queue.Full:
            return  # the log has it; a page that misses a number asks for it

    def _work(self) -> None:
        link: psycopg.Connection[Any] | None = None
        while True:
            room, message = self._queue.get()
            try:
                if link is None or link.closed:
                    assert self.parameters is not None  # noqa: S101 - checked by send
                    link = psycopg.connect(**self.parameters(), autocommit=True)
                for payload in pieces(room, message):
                    link.execute("select pg_notify(%s, %s)", [CHANNEL, payload])
            except psycopg.Error as fault:
                # Not sent again: it would come too late; the log holds what must not be lost.
                log.warning("a room was not told", extra={"kind": type(fault).__name__})
                if link is not None:
                    link.close()


_wire = Wire()


def use_wire(parameters: Callable[[], dict[str, Any]]) -> None:
    _wire.parameters = parameters


def pieces(room: int, message: Message) -> Iterator[str]:
    """A message as payloads; a description of many tracks is longer than one may be."""
    packed = base64.b64encode(zlib.compress(json.dumps(message).encode())).decode()
    name = os.urandom(6).hex()
    parts = [packed[i : i + PIECE] for i in range(0, len(packed), PIECE)]
    for n, part in enumerate(parts):
        yield f"{ME} {room} {name} {n} {len(parts)} {part}"


class Pieces:
    """Puts payloads together again; what stays incomplete is forgotten."""

    def __init__(self) -> None:
        self._open: dict[str, dict[int, str]] = {}

    def take(self, payload: str) -> tuple[int, Message] | None:
        """(room, message) when the last piece is there; None before, and for our own."""
        sender, room, name, n, of, part = payload.split(" ", 5)
        if sender == ME:
            return None
        held = self._open.setdefault(name, {})
        held[int(n)] = part
        if len(held) < int(of):
            while len(self._open) > 200:
                self._open.pop(next(iter(self._open)))
            return None
        del self._open[name]
        packed = "".join(held[i] for i in range(int(of)))
        return int(room), json.loads(zlib.decompress(base64.b64decode(packed)))
