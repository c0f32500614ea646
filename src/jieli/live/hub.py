"""One per web process: hears what is told in the database and hands it to the open streams.

NOTIFY is the fast path. A poll of the table every 1.5 s catches what a dead process or a lost
connection did not tell; what came the fast way is not handed out again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any, NamedTuple

import psycopg

from .queries import LAST_ID, NEWEST, SETTLED, Cursor, Told
from .topics import LIVE_CHANNEL

log = logging.getLogger(__name__)

POLL_SECONDS = 1.5
RETRY_SECONDS = 0.5
PASSED_LIMIT = 4000
QUEUE_LIMIT = 200  # a browser this far behind reads the table when it comes back


class Message(NamedTuple):
    """What a stream sends; the cursor is a safe place to go on from after a break."""

    cursor: Cursor | None
    id: int
    topic: str
    verb: str


class Subscriber:
    def __init__(self, topics: Collection[str]) -> None:
        self.topics = set(topics)
        self.news: list[Message] = []
        self.stirred = asyncio.Event()  # there is news, or the stream must end
        self.closed = False
        self.crowded = False  # let go because its account opened too many

    def offer(self, message: Message) -> None:
        if message.topic not in self.topics:
            return
        if len(self.news) < QUEUE_LIMIT:
            self.news.append(message)
            self.stirred.set()
        else:
            self.close()

    def close(self) -> None:
        self.closed = True
        self.stirred.set()

    def take(self) -> list[Message]:
        """All that is new since the last time."""
        news, self.news = self.news, []
        self.stirred.clear()
        if self.closed:
            self.stirred.set()
        return news


class Hub:
    def __init__(self, parameters: Callable[[], dict[str, Any]]) -> None:
        self._parameters = parameters
        self._subscribers: set[Subscriber] = set()
        self._task: asyncio.Task[None] | None = None
        self._early: set[int] = set()  # told by NOTIFY, not yet passed by the poll
        self._passed: deque[int] = deque(maxlen=PASSED_LIMIT)  # by the poll, NOTIFY may follow
        self._ready = asyncio.Event()
        self.cursor: Cursor | None = None
        self.closing = False

    @property
    def listeners(self) -> int:
        return len(self._subscribers)

    @contextlib.asynccontextmanager
    async def subscribe(self, topics: Collection[str]) -> AsyncIterator[Subscriber]:
        """Join; what is told from here on reaches the subscriber's queue."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen(), name="live-hub")
        await self._ready.wait()
        subscriber = Subscriber(topics)
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    @property
    def streams(self) -> int:
        return len(self._subscribers)

    def close(self) -> None:
        """Let all streams end; browsers come back to whoever serves next."""
        self.closing = True
        for subscriber in self._subscribers:
            subscriber.close()
        if self._task is not None:
            self._task.cancel()

    async def _listen(self) -> None:
        while not self.closing:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **self._parameters(), autocommit=True
                ) as link:
                    await link.execute(f"listen {LIVE_CHANNEL}")
                    if self.cursor is None:
                        found = await (await link.execute(NEWEST)).fetchone()
                        self.cursor = Cursor(found[0] if found else 0, LAST_ID)
                    self._ready.set()
                    while True:
                        await self._poll(link)
                        async for notify in link.notifies(timeout=POLL_SECONDS):
                            self._hear(notify.payload)
            except psycopg.Error as fault:
                # The database restarts: nothing is lost, the next poll reads on from the cursor.
                log.warning("live connection lost", extra={"kind": type(fault).__name__})
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                log.exception("the live hub starts again")
                await asyncio.sleep(RETRY_SECONDS)

    async def _poll(self, link: psycopg.AsyncConnection[Any]) -> None:
        assert self.cursor is not None  # noqa: S101 - set before the first poll
        while True:
            parameters = [str(self.cursor.transaction), self.cursor.note]
            rows = await (await link.execute(SETTLED, parameters)).fetchall()
            for row in rows:
                note = Told(*row)
                self.cursor = note.cursor
                if note.id in self._early:
                    self._early.discard(note.id)
                else:
                    self._passed.append(note.id)
                    self._hand_out(Message(note.cursor, note.id, note.topic, note.verb))
            if not rows:
                return

    def _hear(self, payload: str) -> None:
        try:
            notes = [
                (int(number), str(topic), str(verb)) for number, topic, verb in json.loads(payload)
            ]
        except (ValueError, TypeError):
            log.warning("a NOTIFY that is not ours")
            return
        for number, topic, verb in notes:
            if number not in self._early and number not in self._passed:
                self._early.add(number)
                self._hand_out(Message(self.cursor, number, topic, verb))

    def _hand_out(self, message: Message) -> None:
        for subscriber in self._subscribers:
            subscriber.offer(message)
