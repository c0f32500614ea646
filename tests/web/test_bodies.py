"""Requests that come slowly, in bits, or not to their end."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from jieli.web import bodies
from tests.installation import Installation

GONE = {"type": "http.disconnect"}
FORM = b"application/x-www-form-urlencoded"


def bit(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def taken(messages: list[dict[str, Any]], kind: bytes = FORM, method: str = "POST") -> Any:
    """What a view would read, None if it is never asked."""
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    async def read() -> bytes | None:
        scope = {"method": method, "headers": [(b"content-type", kind)]}
        async with held.arrived(scope, receive) as body:
            if body is None:
                return None
            whole, more = b"", True
            while more:
                message = await body()
                whole += message["body"]
                more = message["more_body"]
            return whole

    held = bodies.Bodies()
    try:
        with ThreadPoolExecutor(1) as aside:  # the journeys leave a loop in the main thread
            return aside.submit(asyncio.run, read()).result()
    finally:
        assert held.held == 0  # nothing is counted for ever


def test_a_body_in_bits_is_one_body() -> None:
    assert taken([bit(b"a=1"), bit(b"&b=2"), bit(b"", False)]) == b"a=1&b=2"


def test_half_a_form_never_reaches_a_view() -> None:
    assert taken([bit(b"problem=abdominal pa"), GONE]) is None


def test_a_piece_of_a_file_counts_as_far_as_it_came() -> None:
    assert taken([bit(b"x" * 500), GONE], bodies.PIECE) == b"x" * 500


def test_a_large_body_is_read_as_it_comes_and_breaks_loudly() -> None:
    large = bit(b"x" * (bodies.COLLECTED + 1))
    assert len(taken([large, bit(b"y", False)])) == bodies.COLLECTED + 2
    with pytest.raises(bodies.BrokenOff):
        taken([large, GONE])


def test_without_room_a_body_is_read_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "ROOM", 3)
    assert taken([bit(b"a=1"), bit(b"&b=2"), bit(b"", False)]) == b"a=1&b=2"
    with pytest.raises(bodies.BrokenOff):
        taken([bit(b"a=1&"), GONE])


def test_slow_senders_keep_no_page_waiting(installation: Installation) -> None:
    """Two threads, and eight telephones that send a byte now and then."""
    installation.environment["JIELI_WEB_THREADS"] = "2"
    installation.serve()
    slow = []
    for _ in range(8):
        wire = socket.create_connection(("127.0.0.1", installation.port))
        wire.sendall(
            b"POST /zone/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\nzone="
        )
        slow.append(wire)
    time.sleep(0.5)
    began = time.monotonic()
    for _ in range(4):
        assert httpx.get(f"{installation.url}/healthz", timeout=5).status_code == 200
    assert time.monotonic() - began < 4
    for wire in slow:
        wire.close()
