"""A person's device: signs in by the front door, and sends again under the same key until told.

As frontend/src/send.ts does: no answer, 429 and 5xx mean later; anything else is an answer.
"""

from __future__ import annotations

import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from tests.faults.ledger import Ledger, Write

PASSWORD = "correct horse battery"  # of everybody in tests/cases/world.py
PAGE = {
    "specialty": "paediatric-surgery",
    "urgency": "U1",
    "problem": "疑似肠闭锁",
    "callback": "0998-5550126",
    "patient_name": "马某之子",
    "patient_unknown": "on",
}
PATIENCE = 12.0
WAITS = (0.1, 0.2, 0.4, 0.8, 1.5)  # those of send.ts, ten times faster
RINGING = re.compile(r"/requests/([0-9a-f-]{36})/acceptance/")


class GaveUp(AssertionError):
    """The device sent it again and again and was never told."""


class Device:
    """`urls`: the servers behind one name; the device does not care which one answers."""

    def __init__(
        self,
        number: str,
        urls: Callable[[], Sequence[str]],
        ledger: Ledger,
        persistence: float = 60,
    ) -> None:
        self.number, self.urls, self.ledger = number, urls, ledger
        self.persistence = persistence
        self.client = httpx.Client(timeout=PATIENCE, trust_env=False)
        self.client.headers["Accept-Language"] = "en"
        self._turn = random.Random(number).randrange(100)

    def close(self) -> None:
        self.client.close()

    def first(self) -> None:
        """Ask the first server next."""
        self._turn = 0

    def next(self) -> None:
        """Ask another server from now on."""
        self._turn += 1

    @property
    def url(self) -> str:
        urls = self.urls()
        return urls[self._turn % len(urls)]

    # -- asking -----------------------------------------------------------------------------------

    def sign_in(self) -> Device:
        self.get("/signin/")
        fields = {"username": self.number, "password": PASSWORD}
        answer = self.until_answered("POST", "/signin/", lambda: self.form(fields))
        assert answer.status_code in (302, 303), f"{self.number}: {answer.status_code}"
        return self

    def get(self, path: str) -> httpx.Response:
        return self.until_answered("GET", path, dict)

    def rings(self) -> list[str]:
        """Keys of what rings for me now."""
        said = self.get("/rings/").json()
        return [ring["key"] for ring in said["rings"] if ring["kind"] == "ring"]

    def request_of(self, ring: str) -> str | None:
        found = RINGING.search(self.get(f"/rings/{ring}/").text)
        return found.group(1) if found else None

    # -- writing ----------------------------------------------------------------------------------

    def write(
        self, kind: str, path: str, fields: Mapping[str, Any], mark: str = "", key: str = ""
    ) -> Write:
        """Once in effect: the same key until somebody answers."""
        key = key or str(uuid.uuid4())
        note = self.ledger.add(Write(kind, self.number, path, mark or key, key))
        answer = self.until_answered("POST", path, lambda: self.form(fields, key), note)
        note.status = answer.status_code
        note.location = answer.headers.get("location", "")
        note.replayed = answer.headers.get("idempotency-replayed") == "true"
        note.ended = time.monotonic()
        return note

    def send_once(self, path: str, fields: Mapping[str, Any], key: str, url: str) -> int:
        """One attempt at one server; 0 when nobody answers."""
        try:
            more = self.form(fields, key)
            more["headers"]["Origin"] = url
            return self.client.post(url + path, **more).status_code
        except httpx.TransportError:
            return 0

    def form(self, fields: Mapping[str, Any], key: str = "") -> dict[str, Any]:
        token = self.client.cookies.get("csrftoken") or ""
        headers = {"Idempotency-Key": key} if key else {}
        return {"data": {**fields, "csrfmiddlewaretoken": token}, "headers": headers}

    def until_answered(
        self, method: str, path: str, more: Callable[[], dict[str, Any]], note: Write | None = None
    ) -> httpx.Response:
        deadline = time.monotonic() + self.persistence
        for tries in range(400):
            if note:
                note.tries = tries + 1
            answer = self._try(method, path, more())
            if answer is not None and answer.status_code not in (429, *range(500, 600)):
                return answer
            if time.monotonic() > deadline:
                break
            self.next()  # perhaps another one answers
            time.sleep(WAITS[min(tries, len(WAITS) - 1)])
        raise GaveUp(f"{self.number}: {method} {path} had no answer in {self.persistence:.0f} s")

    def _try(self, method: str, path: str, more: dict[str, Any]) -> httpx.Response | None:
        url = self.url
        more.setdefault("headers", {})["Origin"] = url
        try:
            return self.client.request(method, url + path, **more)
        except httpx.TransportError:
            return None


def together(*moves: Callable[[], Any]) -> list[Any]:
    """All at the same moment, each in a thread; what each gave, or raised."""
    gate, came = threading.Barrier(len(moves)), [None] * len(moves)

    def go(place: int, move: Callable[[], Any]) -> None:
        gate.wait(30)
        try:
            came[place] = move()
        except BaseException as fault:  # noqa: BLE001 - looked at by the test
            came[place] = fault  # type: ignore[call-overload]

    threads = [threading.Thread(target=go, args=each) for each in enumerate(moves)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return came
