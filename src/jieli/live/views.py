"""GET /live/?topic=...: the stream of changes to one browser, as server-sent events.

It tells only where something changed; the browser then fetches that part of the page, with the
same checks as always. This is the one asynchronous view of Jieli: it waits, it does no work.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from django.db import connections

from . import queries
from .access import AllowedTopics, Granted, granted
from .hub import Hub, Message, Subscriber

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
RECHECK_SECONDS = 15.0
TOPICS_LIMIT = 50
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
# Some proxies and browsers hold back the first 2 KB.
RETRY = b"retry: 1000\n\n"
OPENING = b": " + b" " * 2048 + b"\n" + RETRY

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Stream:
    """The ASGI application behind /live/."""

    def __init__(self, hub: Hub, allowed: AllowedTopics, now: Callable[[], datetime]) -> None:
        self.hub = hub
        self._allowed = allowed
        self._now = now
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="live-access")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            return await _answer(send, 405)
        wanted, cursor, cookies = _asked(scope)
        try:
            rights = await self._rights(cookies, wanted)
        except Exception as fault:  # noqa: BLE001 - the database is away: come back in a second
            log.warning("live access unknown", extra={"kind": type(fault).__name__})
            return await _answer(send, 200, RETRY)
        if not rights.signed_in or not rights.names:
            return await _answer(send, 404 if rights.signed_in else 401)
        if self.hub.closing:
            return await _answer(send, 200, RETRY)
        gone = asyncio.create_task(_disconnected(receive))
        try:
            async with self.hub.subscribe(rights.names) as subscriber:
                await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
                await _write(
                    send, OPENING + _event("hello", {"topics": sorted(rights.names.values())})
                )
                await _write(send, _event("beat", HEARTBEAT_SECONDS))  # a page learns how often
                await self._replay(send, cursor, rights.names)
                recheck = asyncio.create_task(self._recheck(cookies, wanted, rights, subscriber))
                try:
                    await _pump(send, subscriber, rights.names, gone)
                finally:
                    recheck.cancel()
                lost = recheck.result() if recheck.done() and not recheck.cancelled() else []
                if lost:
                    await _write(send, _event("gone", {"topics": lost}))
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def _rights(self, cookies: str, wanted: Collection[str]) -> Granted:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, granted, cookies, wanted, self._allowed, self._now
        )

    async def _recheck(
        self, cookies: str, wanted: set[str], first: Granted, subscriber: Subscriber
    ) -> list[str]:
        """Returns, and ends the stream, when the person may no longer hear something of it."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                rights = await self._rights(cookies, wanted)
            except Exception as fault:  # noqa: BLE001 - in doubt the stream ends; it may come back
                log.warning("live access unknown", extra={"kind": type(fault).__name__})
                subscriber.closed.set()
                return []
            if lost := first.names.keys() - rights.names.keys():
                subscriber.topics -= lost
                subscriber.closed.set()
                return sorted(first.names[topic] for topic in lost)

    async def _replay(
        self, send: Send, cursor: queries.Cursor | None, names: dict[str, str]
    ) -> None:
        if cursor is None:
            return
        loop = asyncio.get_running_loop()
        notes = await loop.run_in_executor(self._threads, _since, cursor, list(names))
        if len(notes) > queries.REPLAY_LIMIT:
            await _write(send, _event("resync", {}))  # too much to tell: fetch everything anew
            return
        reached = cursor
        for note in notes:
            reached = note.cursor if note.safe else reached
            await _write(send, _message(Message(reached, note.id, note.topic, note.verb), names))


def _since(cursor: queries.Cursor, topics: list[str]) -> list[queries.Told]:
    try:
        return queries.since(cursor, topics)
    finally:
        connections.close_all()


def _asked(scope: dict[str, Any]) -> tuple[set[str], queries.Cursor | None, str]:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope["query_string"].decode("latin-1"))
    wanted = {topic for topic in query.get("topic", [])[:TOPICS_LIMIT] if len(topic) <= 120}
    # A browser says where it stopped; a page says in `since` where it was rendered.
    place = headers.get(b"last-event-id") or query.get("since", [""])[0]
    cookies = "; ".join(v.decode("latin-1") for n, v in scope["headers"] if n == b"cookie")
    return wanted, queries.Cursor.parse(place), cookies


async def _pump(
    send: Send, subscriber: Subscriber, names: dict[str, str], gone: asyncio.Task[None]
) -> None:
    """Send messages and heartbeats until the browser leaves or the subscription is closed."""
    closed = asyncio.create_task(subscriber.closed.wait())
    try:
        while not gone.done() and not closed.done():
            message = asyncio.create_task(subscriber.queue.get())
            done, _ = await asyncio.wait(
                {message, closed, gone},
                timeout=HEARTBEAT_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if message in done:
                await _write(send, _message(message.result(), names))
                continue
            message.cancel()
            if not done:
                await _write(send, _event("beat", HEARTBEAT_SECONDS))
    finally:
        closed.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, status: int, body: bytes = b"") -> None:
    """End at once: after 200 a browser comes back by itself, after anything else it does not."""
    await send({"type": "http.response.start", "status": status, "headers": HEADERS})
    await send({"type": "http.response.body", "body": body})


async def _write(send: Send, data: bytes) -> None:
    with contextlib.suppress(OSError):  # the browser left between two events
        await send({"type": "http.response.body", "body": data, "more_body": True})


def _message(message: Message, names: dict[str, str]) -> bytes:
    body = {
        "id": message.id,
        "topic": names.get(message.topic, message.topic),
        "verb": message.verb,
    }
    place = f"id: {message.cursor}\n".encode() if message.cursor else b""
    return place + b"data: " + json.dumps(body).encode() + b"\n\n"


def _event(name: str, body: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(body)}\n\n".encode()
