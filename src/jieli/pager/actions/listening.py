"""An open page for test rings: this process follows the live stream as a browser would."""

import queue
import threading
import time
from datetime import datetime
from typing import Any

import httpx
from django.conf import settings

from jieli.directory import actions as directory
from jieli.directory.models import Practitioner
from jieli.live import topics
from jieli.live.access import LISTENER_COOKIE, listener_token
from jieli.notify.transports.letter import TransportError

HELLO_SECONDS = 8.0
SAID = {
    401: "The web process does not know this runner: SECRET_KEY differs.",
}


class Listening:
    """A stream that is open while the block lasts. It is read by a thread of its own."""

    def __init__(self, person: Practitioner, now: datetime) -> None:
        self._person, self._now = person, now
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._client = httpx.Client(
            timeout=httpx.Timeout(HELLO_SECONDS, read=20.0), trust_env=False
        )

    def __enter__(self) -> "Listening":
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.wait_for("hello", HELLO_SECONDS)
        except TransportError:
            self._client.close()
            raise
        # As a page that was just loaded: somebody may be in front of it.
        directory.touch(by=self._person, now=self._now)
        return self

    def __exit__(self, *_: Any) -> None:
        self._client.close()

    def wait_for(self, word: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._heard.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TransportError("The stream was open, but nothing came.") from None
            if line.startswith("!"):
                raise TransportError(line[1:])
            if word in line:
                return

    def _read(self) -> None:
        topic = topics.person(self._person.pk)
        cookie = f"{LISTENER_COOKIE}={listener_token([topic], self._now)}"
        url = settings.PROBE_URL.rstrip("/") + "/live/"
        try:
            with self._client.stream(
                "GET", url, params={"topic": topic}, headers={"Cookie": cookie}
            ) as answer:
                if answer.status_code != 200:
                    said = f"The web process answered with status {answer.status_code}."
                    self._heard.put("!" + SAID.get(answer.status_code, said))
                for line in answer.iter_lines():
                    self._heard.put(line)
            self._heard.put("!The stream ended.")
        except (httpx.HTTPError, httpx.StreamError, RuntimeError):
            self._heard.put("!The web process cannot be reached.")
