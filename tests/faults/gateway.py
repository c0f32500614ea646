"""A telephone gateway on the loop-back that keeps a list, and can be as bad as real ones are."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANGS = 600.0  # seconds: ten minutes


@dataclass(frozen=True)
class Letter:
    """One thing that arrived, and whether the gateway acted on it."""

    id: str
    to: str
    kind: str
    title: str
    at: float
    taken: bool


@dataclass
class Gateway:
    """`manner`: well, hangs, drops (says yes and forgets), fails (500), closes."""

    manner: str = "well"
    ringing: bool = False  # whether it reports at once that it rings
    letters: list[Letter] = field(default_factory=list)

    def __post_init__(self) -> None:
        gateway = self
        self.over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            timeout = 20

            def do_POST(self) -> None:
                with contextlib.suppress(OSError):  # whoever sent it was killed meanwhile
                    gateway.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def begin_anew(self) -> None:
        self.over.set()  # whoever hangs may go
        self.over = threading.Event()
        self.manner, self.letters = "well", []

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, call: BaseHTTPRequestHandler) -> None:
        length = int(call.headers["Content-Length"] or 0)
        body = call.rfile.read(length)
        if len(body) < length:
            return  # killed in the middle of the letter: nothing was heard
        said = json.loads(body)
        manner = self.manner
        self._keep(said, taken=manner == "well")
        if manner == "hangs":
            self.over.wait(HANGS)
        if manner in ("hangs", "closes"):
            call.close_connection = True
            return
        fine = manner in ("well", "drops")
        reply = {"accepted": fine, "ringing": fine and self.ringing and manner == "well"}
        text = json.dumps(reply).encode()
        call.send_response(200 if fine else 500)
        call.send_header("Content-Type", "application/json")
        call.send_header("Content-Length", str(len(text)))
        call.end_headers()
        call.wfile.write(text)

    def _keep(self, said: dict[str, Any], *, taken: bool) -> None:
        letter = Letter(
            said["id"], said["to"], said["kind"], said["title"], time.monotonic(), taken
        )
        self.letters.append(letter)

    # -- what is seen afterwards --------------------------------------------------------------

    def taken(self) -> set[str]:
        """The ids on which it acted: once each, however often they came."""
        return {letter.id for letter in [*self.letters] if letter.taken}

    def repeats(self) -> int:
        """How many letters came again after they had been taken."""
        counted = Counter(letter.id for letter in [*self.letters] if letter.taken)
        return sum(counted.values()) - len(counted)

    def to(self, number: str) -> list[Letter]:
        return [letter for letter in [*self.letters] if letter.to == number]
