"""People with channels, an event to tell of, and a receiver that can misbehave."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest

from jieli.directory.models import Account, Channel, Practitioner, Presence
from jieli.notify.actions import sending
from jieli.notify.transports import lanes
from jieli.record import actions as records
from jieli.record.models import Event

NOW = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)  # 13:30 in Beijing: not night


@pytest.fixture
def now() -> datetime:
    return NOW


class Receiver:
    """A gateway on the loop-back. `script` says what to do with each request, the last for ever."""

    def __init__(self) -> None:
        self.script: list[str] = ["accept"]
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.let_go = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                receiver.requests.append(json.loads(body))
                receiver.headers.append(dict(self.headers))
                receiver.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if act == "hang":
            self.let_go.wait(60)
            return
        if act == "drip":  # resets every read timeout, never ends
            handler.send_response(200)
            handler.end_headers()
            while not self.let_go.wait(0.2):
                try:
                    handler.wfile.write(b" ")
                except OSError:
                    return
            return
        if act == "drop":
            handler.connection.close()
            return
        status = 200 if act in ("accept", "ringing", "refuse") else int(act)
        said = {"accepted": act != "refuse", "ringing": act == "ringing"}
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(json.dumps(said).encode())

    @property
    def effects(self) -> set[str]:
        """What a receiver that acts once for one id has done."""
        return {request["id"] for request in self.requests}

    def close(self) -> None:
        self.let_go.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    made = Receiver()
    settings.JIELI_GATEWAY_URL = made.url
    settings.JIELI_GATEWAY_TOKEN = "shared-token"
    settings.JIELI_PUBLIC_URL = "https://jieli.example"
    yield made
    made.close()


@pytest.fixture(autouse=True)
def fresh_lanes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short deadlines, lanes that no other test has made ill, and nothing left in flight."""
    monkeypatch.setattr(lanes, "_lanes", {})
    monkeypatch.setattr(sending, "DEADLINE", 1.5)
    yield
    assert sending.held.wait_empty(10), "a send is still in flight"


Make = Callable[..., Practitioner]


@pytest.fixture
def make_person(db: None) -> Make:
    def make(number: str, *channels: tuple[str, str, bool], online: bool = False) -> Practitioner:
        account = Account.objects.create_account(number, "a long password 1")
        person = Practitioner.objects.create(number=number, name=f"人员{number}", account=account)
        for order, (kind, address, rings) in enumerate(channels, 1):
            Channel.objects.create(
                practitioner=person, kind=kind, address=address, rings=rings, order=order
            )
        if online:
            Presence.objects.create(practitioner=person, last_seen_at=NOW)
        return person

    return make


@pytest.fixture
def event(db: None) -> Event:
    with records.acting():
        return records.record(records.open_chain(uuid4()), "ring_started", by=None, now=NOW)


def settle(seconds: float = 10) -> None:
    assert sending.held.wait_empty(seconds)


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)
