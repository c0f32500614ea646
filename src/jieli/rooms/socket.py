"""/rooms/line/: the open line between a page in a room and its server. Media does not pass here.

A line belongs to one seat. Who it is, whether they may be here and what they may say is asked of
the database when it opens, every few seconds, and with each line of the log; the rest is passed
on to the others as it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connections

from jieli.record.reading import entered
from jieli.rooms import access, actions, ice, queries, telling
from jieli.rooms.actions import Said
from jieli.rooms.janus import Desk
from jieli.rooms.models import Room, Seat
from jieli.rules import rooms as rules
from jieli.rules.refusal import Refused

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Account = Any
WhoIs = Callable[[str], "tuple[Account, Any] | None"]  # cookies → account, person
T = TypeVar("T")

OPENING = 8.0  # seconds until the ticket must have come
FRESH = 1.0  # an answer about access serves others of the same second
AGAIN = 5.0  # without anything said, access is asked again after so long
HURRY = 20  # waiting messages: then old lines wait
PARCEL = 256_000  # characters of old lines in one message
WAITING = 400  # messages for a page that does not take them: then its line ends
# What a page says of itself, and who writes it down.
OF_ITSELF = {"state": actions.say_state, "minute": actions.note_minute}
DEAF, FULL, OUT, BAD = 4008, 4013, 4003, 4000


class Line:
    """One open line."""

    def __init__(self, seat: Seat, account: Account, send: Send, clock: float) -> None:
        self.seat, self.account, self._send = seat, account, send
        self.key = str(seat.key)
        self.outgoing: asyncio.Queue[str | None] = asyncio.Queue(WAITING)
        self.said: asyncio.Queue[Said] = asyncio.Queue(WAITING)
        self.bucket = rules.Bucket(clock)
        self.checked = clock
        self.ended = 0
        self.left = False
        self.catching: asyncio.Task[None] | None = None

    def offer(self, text: str) -> None:
        if self.ended:
            return
        try:
            self.outgoing.put_nowait(text)
        except asyncio.QueueFull:
            self.end(DEAF)

    def end(self, code: int) -> None:
        if not self.ended:
            self.ended = code
            with contextlib.suppress(asyncio.QueueFull):
                self.outgoing.put_nowait(None)

    async def pump(self) -> None:
        while not self.ended or not self.outgoing.empty():
            text = await self.outgoing.get()
            if text is None:
                break
            await self._send({"type": "websocket.send", "text": text})
        with contextlib.suppress(Exception):  # the other side may be gone
            await self._send({"type": "websocket.close", "code": self.ended or 1000})


class Entrance(NamedTuple):
    account: Account
    seat: Seat
    seen: dict[str, Any]  # as the others know it
    welcome: str
    after: int  # the last line of the log that the page has


class Lines:
    """The ASGI application behind /rooms/line/."""

    def __init__(
        self,
        parameters: Callable[[], dict[str, Any]],
        who: WhoIs,
        now: Callable[[], datetime],
        hosts: Callable[[str, str], bool],
    ) -> None:
        self._parameters, self._who, self._now, self._is_ours = parameters, who, now, hosts
        self._threads = ThreadPoolExecutor(6, thread_name_prefix="rooms")
        self._rooms: dict[int, dict[str, Line]] = {}
        self._media = Desk(settings.SFU_URL, settings.SFU_SECRET)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False
        self._drift = 0.0  # seconds from this machine's clock to the installation's time

    # ── a line from its opening to its end ───────────────────────────────────

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self._begin()
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        await receive()  # websocket.connect
        origin, host = headers.get(b"origin", ""), headers.get(b"host", "")
        if self._closing or not self._is_ours(origin, host):
            await send({"type": "websocket.close", "code": OUT})
            return
        await send({"type": "websocket.accept"})
        cookies = "; ".join(v.decode("latin-1") for n, v in scope["headers"] if n == b"cookie")
        entrance = await self._let_in(cookies, receive)
        if entrance is None:
            await send({"type": "websocket.close", "code": OUT})
            return
        line = Line(entrance.seat, entrance.account, send, time.monotonic())
        room = self._rooms.setdefault(line.seat.room_id, {})
        if old := room.get(line.key):
            old.end(OUT)  # the same seat came back before its old line was known to be dead
        room[line.key] = line
        await self._talk(line, entrance, receive)

    async def _talk(self, line: Line, entrance: Entrance, receive: Receive) -> None:
        line.offer(entrance.welcome)
        if line.seat.room.engine == Room.Engine.SFU:
            self._media.opened(line)
        self._pass_on(line, {"t": "join", **entrance.seen})
        pump = asyncio.create_task(line.pump())
        writer = asyncio.create_task(self._write(line))
        watch = asyncio.create_task(self._watch(line))
        self._catch_up(line, entrance.after)
        try:
            await self._hear(line, receive, pump)
        finally:
            line.end(1000)
            self._media.closed(line, for_good=line.left or line.ended == OUT)
            for task in (writer, watch, line.catching):
                if task is not None:
                    task.cancel()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(pump, 2)
            self._forget(line)

    def _catch_up(self, line: Line, after: int) -> None:
        """What the page has missed comes beside what happens now, a parcel after the other."""
        if line.catching is not None:
            line.catching.cancel()  # asked anew: what comes twice is one line
        line.catching = asyncio.create_task(self._send_missed(line, after))

    async def _send_missed(self, line: Line, after: int) -> None:
        try:
            while parcel := await self._ask_in(line, _parcel, line.seat, after):
                text, after = parcel
                line.offer(text)
                while line.outgoing.qsize() > HURRY and not line.ended:
                    await asyncio.sleep(0.05)  # a slow page takes a whole day's ink slowly
        except Exception as fault:  # noqa: BLE001 - the page comes back and asks again
            log.warning("a room's log is not read", extra={"kind": type(fault).__name__})
            line.end(1011)

    async def _let_in(self, cookies: str, receive: Receive) -> Entrance | None:
        try:
            async with asyncio.timeout(OPENING):
                said = _read(await receive())
            if said is None or said.get("t") != "join":
                return None
            ticket, after = str(said.get("ticket", "")), int(said.get("after", 0))
            return await self._ask(self._enter, cookies, ticket, after)
        except (TimeoutError, ValueError, TypeError):
            return None
        except Exception as fault:  # noqa: BLE001 - the database is away: the page tries again
            log.warning("a room's line did not open", extra={"kind": type(fault).__name__})
            return None

    def _enter(self, cookies: str, ticket: str, after: int) -> Entrance | None:
        now = self._instant()
        found = self._who(cookies)
        if found is None:
            return None
        account, person = found
        with entered(account, person, now):
            seat = actions.use_ticket(ticket, by=person, now=now)
            if seat is None or not access.may_stay(person, seat.room, now):
                return None
            room = seat.room
            seats = [queries.as_seen(one) for one in queries.present(room, now)]
            welcome = {
                "t": "welcome", "seat": str(seat.key), "role": seat.role, "engine": room.engine,
                "seats": seats, "ice": ice.servers(room.key, seat.key, now),
                "s": round(now.timestamp() * 1000), "last": room.length,
                "names": queries.names_in(room),
            }  # fmt: skip
            return Entrance(account, seat, queries.as_seen(seat), json.dumps(welcome), after)

    async def _hear(self, line: Line, receive: Receive, pump: asyncio.Task[None]) -> None:
        while not line.ended:
            getting = asyncio.ensure_future(receive())
            await asyncio.wait({getting, pump}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                getting.cancel()
                return
            message = getting.result()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or ""
            said = _read(message)
            if not line.bucket.take(time.monotonic(), 1 + len(text) / 4000):
                line.end(FULL)  # nobody draws so fast
            elif said is None:
                line.end(BAD)
            elif said.get("t") == "leave":
                line.left = True
                line.end(1000)
            else:
                await self._take(line, said)

    async def _take(self, line: Line, said: dict[str, Any]) -> None:
        kind = said.get("t")
        if kind == "ping":
            pong = {"t": "pong", "c": said.get("c"), "s": (time.time() + self._drift) * 1000}
            return line.offer(json.dumps(pong))
        if not await self._may_speak(line):
            return line.end(OUT)
        if kind in ("to", "live"):
            self._to_others(line, said)
        elif kind == "log":
            self._queue(line, said)
        elif kind == "sfu":
            self._ask_media(line, said)
        elif kind == "since":
            self._catch_up(line, int(said.get("after", 0)))
        elif kind in OF_ITSELF and isinstance(said.get("d"), dict):
            await self._ask_in(line, OF_ITSELF[kind], line.seat, said["d"])
        elif kind == "met":
            others = [key for key in map(_uuid, said.get("of", [])) if key]
            await self._ask_in(line, actions.met, line.seat, others)
        return None

    def _to_others(self, line: Line, said: dict[str, Any]) -> None:
        if said["t"] == "to":
            self._pass_on(line, {"t": "from", "from": line.key, "d": said.get("d")}, said.get("to"))
        else:
            self._pass_on(line, {"t": "live", "from": line.key, "d": said.get("d")})

    def _ask_media(self, line: Line, said: dict[str, Any]) -> None:
        if line.seat.room.engine == Room.Engine.SFU and not self._media.take(line, said):
            line.end(FULL)

    def _queue(self, line: Line, said: dict[str, Any]) -> None:
        ref, data = _uuid(said.get("id")), said.get("d")
        if ref is None or not isinstance(data, dict):
            return line.end(BAD)
        one = Said(ref, str(said.get("kind", "")), str(said.get("feed", "")), data)
        try:
            line.said.put_nowait(one)
        except asyncio.QueueFull:
            line.end(FULL)

    async def _write(self, line: Line) -> None:
        """Lines of the log, as many at once as came while the last ones were written."""
        while True:
            batch = [await line.said.get()]
            while not line.said.empty() and len(batch) < 50:
                batch.append(line.said.get_nowait())
            try:
                await self._ask_in(line, actions.write, line.seat, batch)
            except Refused:
                await self._one_by_one(line, batch)
            except Exception as fault:  # noqa: BLE001 - not written: the page sends it again
                log.warning("a room's log is not written", extra={"kind": type(fault).__name__})
                return line.end(1011)

    async def _one_by_one(self, line: Line, batch: list[Said]) -> None:
        for one in batch:
            try:
                await self._ask_in(line, actions.write, line.seat, [one])
            except Refused as refusal:
                said = {"t": "refused", "id": str(one.ref), "why": refusal.sentence}
                line.offer(json.dumps(said))

    # ── whether they may still be here ───────────────────────────────────────

    async def _may_speak(self, line: Line) -> bool:
        if time.monotonic() - line.checked < FRESH:
            return not line.ended
        line.checked = time.monotonic()
        return bool(await self._ask_in(line, _stays, line.seat))

    async def _watch(self, line: Line) -> None:
        while True:
            await asyncio.sleep(AGAIN)
            try:
                line.checked = time.monotonic()
                if not await self._ask_in(line, _stays, line.seat):
                    return line.end(OUT)
            except Exception as fault:  # noqa: BLE001 - in doubt it ends; the page comes back
                log.warning("a room's access is unknown", extra={"kind": type(fault).__name__})
                return line.end(1011)

    async def _ask_in(self, line: Line, work: Callable[..., T], *given: Any, **named: Any) -> T:
        """In a thread, as this person sees the database."""

        def asked() -> T:
            now = self._instant()
            with entered(line.account, line.seat.practitioner, now):
                return work(*given, now=now, **named)

        return await self._ask(asked)

    def _instant(self) -> datetime:
        """Called in a thread: in a demonstration the time is a row of the database."""
        now = self._now()
        self._drift = now.timestamp() - time.time()
        return now

    async def _ask(self, work: Callable[..., T], *given: Any) -> T:
        def asked() -> T:
            try:
                return work(*given)
            finally:
                connections.close_all()

        return await asyncio.get_running_loop().run_in_executor(self._threads, asked)

    # ── to the others ────────────────────────────────────────────────────────

    def _pass_on(self, line: Line, message: dict[str, Any], to: Any = None) -> None:
        """To everybody else in the room, or to one seat; here and in other processes."""
        if to is not None:
            message["to"] = str(to)
        message["not"] = line.key
        telling.pass_on(line.seat.room_id, message)

    def _heard(self, room: int, message: dict[str, Any]) -> None:
        """From a thread of this process."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hand_out, room, message)

    def _hand_out(self, room: int, message: dict[str, Any]) -> None:
        self._media.told(message)
        lines = self._rooms.get(room)
        if not lines:
            return
        to, but = message.get("to"), message.get("not")
        text = json.dumps({k: v for k, v in message.items() if k not in ("to", "not")})
        for line in list(lines.values()):
            if (to is None or to == line.key) and but != line.key:
                line.offer(text)
            if message.get("seat") == line.key and message.get("t") == "out":
                line.end(OUT)
            elif message.get("seat") == line.key and message.get("t") == "role":
                line.seat.role = str(message.get("role", ""))

    # ── the process ──────────────────────────────────────────────────────────

    def _begin(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            telling.listen_here(self._heard)
            telling.use_wire(self._parameters)
            self._tasks = [asyncio.create_task(self._listen(), name="rooms-listen")]

    async def _listen(self) -> None:
        whole = telling.Pieces()
        while not self._closing:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **self._parameters(), autocommit=True
                ) as link:
                    await link.execute(f"listen {telling.CHANNEL}")
                    async for notify in link.notifies():
                        if found := whole.take(notify.payload):
                            self._hand_out(*found)
            except psycopg.Error:
                await asyncio.sleep(0.5)
            except Exception:
                log.exception("the rooms' listener starts again")
                await asyncio.sleep(0.5)

    def _forget(self, line: Line) -> None:
        lines = self._rooms.get(line.seat.room_id, {})
        if lines.get(line.key) is line:
            del lines[line.key]
            if not lines:
                self._rooms.pop(line.seat.room_id, None)
            if not self._closing:
                wait = 0.0 if line.left else rules.BACK.total_seconds()
                asyncio.get_running_loop().call_later(wait, self._gone, line)

    def _gone(self, line: Line) -> None:
        """Nobody came back on this seat: the others are told."""
        if line.key not in self._rooms.get(line.seat.room_id, {}) and not self._closing:
            task = asyncio.create_task(self._leave(line))
            self._tasks = [one for one in self._tasks if not one.done()] + [task]

    async def _leave(self, line: Line) -> None:
        with contextlib.suppress(Exception):  # a sweep looks for silent seats as well
            if await self._ask_in(line, _leave_if_silent, line.seat, line.left):
                await self._ask_in(line, actions.tell_left, line.seat)

    def close(self) -> None:
        """The server stops; pages come back to whoever serves next, and their media goes on."""
        self._closing = True
        self._media.close()
        telling.deaf_here(self._heard)
        for lines in self._rooms.values():
            for line in lines.values():
                line.end(1012)
        for task in self._tasks:
            task.cancel()


def _stays(seat: Seat, *, now: datetime) -> bool:
    """Asked as this person; whoever may stay is noted as seen."""
    return access.may_stay(seat.practitioner, seat.room, now) and actions.note_seen(seat, now=now)


def _parcel(seat: Seat, after: int, *, now: datetime) -> tuple[str, int] | None:
    """The next lines of the log in one message, and the last of them; None: there are no more."""
    texts: list[str] = []
    size = 0
    for line, key in queries.lines_after(seat.room, after):
        texts.append(json.dumps(actions.as_message(line, key)))
        after, size = line.number, size + len(texts[-1])
        if size > PARCEL:
            break
    return ('{"t":"lines","of":[' + ",".join(texts) + "]}", after) if texts else None


def _leave_if_silent(seat: Seat, left: bool, *, now: datetime) -> bool:
    """Not when the same seat came back through another process."""
    fresh = Seat.objects.filter(pk=seat.pk, seen_at__gt=now - rules.BACK / 2).exists()
    gone = left or not fresh
    if gone:
        actions.leave(seat, now=now)
    return gone


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


def _read(message: dict[str, Any]) -> dict[str, Any] | None:
    text = message.get("text")
    if not isinstance(text, str) or len(text) > rules.MESSAGE:
        return None
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
