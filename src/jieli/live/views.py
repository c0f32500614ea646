"""GET /live/?topic=...: the stream of changes to one browser, as server-sent events.

It tells only where something changed; the browser then fetches that part of the page, with the
same checks as always. This is the one asynchronous view of Jieli: it waits, it does no work.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from django.db import connections

from . import queries
from .access import AllowedTopics, Granted, granted
from .hub import Hub, Message, Subscriber

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
RECHECK_SECONDS = 15.0
RECHECKS_A_SECOND = 40  # with more than 600 streams each is asked about less often
ONCE_SECONDS = 8.0
TOPICS_LIMIT = 50
STREAMS_LIMIT = 24  # of one account in one process: some devices with some tabs each
OPENING_LIMIT = 4  # of one session, not yet let in
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


class Asked(NamedTuple):
    """What one browser wants to hear, from where on, and who it says it is."""

    wanted: set[str]
    cursor: queries.Cursor | None
    cookies: str
    once: bool  # end after the first news, for a proxy that holds open answers back


class Stream:
    """The ASGI application behind /live/."""

    def __init__(self, hub: Hub, allowed: AllowedTopics, now: Callable[[], datetime]) -> None:
        self.hub = hub
        self._allowed = allowed
        self._now = now
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="live-access")
        self._opening: Counter[str] = Counter()
        self._open: dict[int, deque[Subscriber]] = {}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            return await _answer(send, 405)
        asked = _asked(scope)
        if self._opening[asked.cookies] >= OPENING_LIMIT:
            return await _answer(send, 429)  # others wait for the same four threads
        try:
            rights = await self._let_in(asked)
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
                with self._counted(rights.account, subscriber):
                    await self._tell(send, gone, subscriber, asked, rights)
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def _tell(
        self,
        send: Send,
        gone: asyncio.Task[None],
        subscriber: Subscriber,
        asked: Asked,
        rights: Granted,
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await _write(send, OPENING + _event("hello", {"topics": sorted(rights.names.values())}))
        await _write(send, _beat())  # a page learns how often
        told = await self._replay(send, asked.cursor, rights.names)
        if told and asked.once:
            return
        recheck = asyncio.create_task(self._recheck(asked, rights, subscriber))
        try:
            await _pump(send, subscriber, rights.names, gone, once=asked.once)
        finally:
            recheck.cancel()
        lost = recheck.result() if recheck.done() and not recheck.cancelled() else []
        if lost:
            await _write(send, _event("gone", {"topics": lost}))
        if subscriber.crowded:
            await _write(send, _event("crowded", {}))

    async def _let_in(self, asked: Asked) -> Granted:
        self._opening[asked.cookies] += 1
        try:
            return await self._rights(asked)
        finally:
            self._opening[asked.cookies] -= 1
            if not self._opening[asked.cookies]:
                del self._opening[asked.cookies]

    @contextlib.contextmanager
    def _counted(self, account: int, subscriber: Subscriber) -> Iterator[None]:
        """One account's newest streams stay: the oldest may belong to a device that is gone."""
        mine = self._open.setdefault(account, deque())
        mine.append(subscriber)
        if len(mine) > STREAMS_LIMIT:
            oldest = mine.popleft()
            oldest.crowded = True
            oldest.close()
        try:
            yield
        finally:
            if subscriber in mine:
                mine.remove(subscriber)
            if not mine and self._open.get(account) is mine:
                del self._open[account]

    async def _rights(self, asked: Asked) -> Granted:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, granted, asked.cookies, asked.wanted, self._allowed, self._now
        )

    async def _recheck(self, asked: Asked, first: Granted, subscriber: Subscriber) -> list[str]:
        """Returns, and ends the stream, when the person may no longer hear something of it."""
        while True:
            await asyncio.sleep(max(RECHECK_SECONDS, self.hub.streams / RECHECKS_A_SECOND))
            try:
                rights = await self._rights(asked)
            except Exception as fault:  # noqa: BLE001 - in doubt the stream ends; it may come back
                log.warning("live access unknown", extra={"kind": type(fault).__name__})
                subscriber.close()
                return []
            if lost := first.names.keys() - rights.names.keys():
                subscriber.topics -= lost
                subscriber.close()
                return sorted(first.names[topic] for topic in lost)

    async def _replay(
        self, send: Send, cursor: queries.Cursor | None, names: dict[str, str]
    ) -> bool:
        """Whether something was missed."""
        if cursor is None:
            return False
        loop = asyncio.get_running_loop()
        notes = await loop.run_in_executor(self._threads, _since, cursor, list(names))
        if len(notes) > queries.REPLAY_LIMIT:
            await _write(send, _event("resync", {}))  # too much to tell: fetch everything anew
            return True
        reached = cursor
        for note in notes:
            reached = note.cursor if note.safe else reached
            await _write(send, _message(Message(reached, note.id, note.topic, note.verb), names))
        return bool(notes)


def _since(cursor: queries.Cursor, topics: list[str]) -> list[queries.Told]:
    try:
        return queries.since(cursor, topics)
    finally:
        connections.close_all()


def _asked(scope: dict[str, Any]) -> Asked:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope["query_string"].decode("latin-1"))
    wanted = {topic for topic in query.get("topic", [])[:TOPICS_LIMIT] if len(topic) <= 120}
    # A browser says where it stopped; a page says in `since` where it was rendered.
    place = headers.get(b"last-event-id") or query.get("since", [""])[0]
    cookies = "; ".join(v.decode("latin-1") for n, v in scope["headers"] if n == b"cookie")
    return Asked(wanted, queries.Cursor.parse(place), cookies, "once" in query)


async def _pump(
    send: Send,
    subscriber: Subscriber,
    names: dict[str, str],
    gone: asyncio.Task[None],
    *,
    once: bool,
) -> None:
    """Send messages and heartbeats until the browser leaves or the subscription is closed.

    `once`: end after the first news or some seconds. A proxy that holds an answer back until it
    is complete passes it on then, and the browser asks again from where it stopped.
    """
    gone.add_done_callback(lambda _: subscriber.close())
    while True:
        try:
            async with asyncio.timeout(ONCE_SECONDS if once else HEARTBEAT_SECONDS):
                await subscriber.stirred.wait()
        except TimeoutError:
            if once:
                return
            await _write(send, _beat())
        if news := subscriber.take():
            await _write(send, b"".join(_message(message, names) for message in news))
        if subscriber.closed or (once and news):
            return


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
    return _written(message, names.get(message.topic, message.topic))


@lru_cache(512)  # a change of the board goes to everybody in the same words
def _written(message: Message, name: str) -> bytes:
    body = {"id": message.id, "topic": name, "verb": message.verb}
    place = f"id: {message.cursor}\n".encode() if message.cursor else b""
    return place + b"data: " + json.dumps(body).encode() + b"\n\n"


def _beat() -> bytes:
    return _event("beat", HEARTBEAT_SECONDS)


def _event(name: str, body: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(body)}\n\n".encode()
