"""A link of ours between Jieli and PostgreSQL: delays, cuts, and cuts at a chosen word."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from functools import partial

PIECE = 65_536


class Proxy:
    """TCP on the loop-back on one side, PostgreSQL's socket on the other. A thread each way."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.delay = 0.0  # seconds that each answer of the database takes longer
        self.closed = False  # nobody gets through
        self.frozen = threading.Event()  # set: bytes pass; clear: they wait, nothing breaks
        self.frozen.set()
        self._cut_at: tuple[bytes, bytes, bool] | None = None
        self.cut_happened = threading.Event()
        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def mend(self) -> None:
        self.delay, self.closed, self._cut_at = 0.0, False, None
        self.frozen.set()

    def close(self) -> None:
        self.closed = True
        self._listener.close()
        self.frozen.set()
        self.cut()

    def cut(self) -> None:
        """Everything that is open breaks; what comes next gets through."""
        with self._guard:
            broken, self._open = self._open, set()
        for one in broken:
            _end(one)

    def cut_after(self, first: bytes, word: bytes, passing: bool) -> None:
        """Break the connection that says `word` next, after somebody said `first`.

        `passing`: the database still hears it.
        """
        self.cut_happened.clear()
        self._cut_at = (first, word, passing)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.closed:
                _end(near)
                continue
            try:
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.target)
            except OSError:  # the database is down: as a refused connection
                _end(near)
                far.close()
                continue
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._guard:
                self._open |= {near, far}
            self._carry(near, far, partial(self._ask, near, far))
            self._carry(far, near, partial(self._answer, near))

    def _carry(
        self, source: socket.socket, sink: socket.socket, pass_on: Callable[[bytes], bool]
    ) -> None:
        def work() -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(PIECE):
                    self.frozen.wait()
                    if not pass_on(data):
                        break
            self._forget(source, sink)

        threading.Thread(target=work, daemon=True).start()

    def _ask(self, jieli: socket.socket, database: socket.socket, data: bytes) -> bool:
        first, word, passing = self._cut_at or (b"", b"", False)
        if first and first in data:
            self._cut_at = (b"", word, passing)
        elif word and not first and word in data:
            self._cut_at = None
            _end(jieli)  # first, so that nobody there hears the answer
            if passing:
                database.sendall(data)
                time.sleep(0.3)  # it is done
            self.cut_happened.set()
            return False
        database.sendall(data)
        return True

    def _answer(self, jieli: socket.socket, data: bytes) -> bool:
        if self.delay:
            time.sleep(self.delay)
        jieli.sendall(data)
        return True

    def _forget(self, *ends: socket.socket) -> None:
        with self._guard:
            self._open -= set(ends)
        for one in ends:
            _end(one)


def _end(one: socket.socket) -> None:
    """At once and for both threads: close() alone would leave one of them waiting."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
