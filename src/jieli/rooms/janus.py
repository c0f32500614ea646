"""Janus VideoRoom: the media server of rooms with many people. Only this server talks to it.

A process has one WebSocket to Janus and one session on it for each line: the session's end takes
all that a seat sends and receives; the process's end, however it comes, takes its sessions. Nothing
about a room is kept here: who sends what, Janus tells each line, under names that we gave
(publisher = seat, stream = feed), so any number of web processes may serve one room.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json
import logging
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from jieli.rules import media as asks
from jieli.rules import rooms as rules
from jieli.rules.media import DOWN, OFF, UP, VIDEO, Source
from jieli.rules.refusal import Refused

log = logging.getLogger(__name__)

PLUGIN = "janus.plugin.videoroom"
ANSWERS = 8.0  # seconds within which Janus answers, or it is away
ALIVE = 20.0  # seconds between signs of life; a session without any ends after 60
PINGS = 4.0  # of the WebSocket: a Janus that hangs is noticed
WAITING = 64  # requests of one line that are not answered yet
AWAY = "The media server cannot be reached."
KNOWN, UNKNOWN = 427, 426  # “room already exists”, “no such room”
LOST = frozenset({458, 459})  # “no such session”, “no such handle”

Message = dict[str, Any]


class Away(Exception):
    """Janus cannot be reached, or has forgotten us: everything is made anew."""


class Failed(Exception):
    """Janus refuses."""

    def __init__(self, code: int, why: str) -> None:
        self.code = code
        super().__init__(f"{code} {why}")


class Places:
    """What a room is called over there. All processes derive the same from its key."""

    def __init__(self, secret: str, room: UUID) -> None:
        self._secret = secret.encode()
        self.number = int.from_bytes(self._derived(f"room {room}")[:6], "big") + 1
        self.pin = self._derived(f"pin {self.number}").hex()
        self.secret = self._derived(f"secret {self.number}").hex()

    def _derived(self, text: str) -> bytes:
        return hmac.digest(self._secret, text.encode(), hashlib.sha256)


# ── the connection of this process ───────────────────────────────────────────


@dataclass
class Waiting:
    future: asyncio.Future[Message]
    to_the_end: bool  # “ack” is not the answer


class Janus:
    def __init__(self, url: str, secret: str) -> None:
        self._url, self.secret = url, secret
        self._link: ClientConnection | None = None
        self._opening = asyncio.Lock()
        self._names = itertools.count(1)
        self._waiting: dict[str, Waiting] = {}
        self._sessions: dict[int, Media] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def _opened(self) -> ClientConnection:
        async with self._opening:
            if self._link is None:
                try:
                    self._link = await connect(
                        self._url,
                        subprotocols=[Subprotocol("janus-protocol")],
                        open_timeout=ANSWERS / 2,
                        ping_interval=PINGS,
                        ping_timeout=PINGS,
                        close_timeout=1,
                        max_size=4_000_000,
                        compression=None,
                        proxy=None,
                    )
                except (OSError, TimeoutError, WebSocketException) as fault:
                    raise Away from fault
                self.later(self._listen(self._link))
                self.later(self._keep_alive(self._link))
            return self._link

    def later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def ask(self, message: Message, *, to_the_end: bool = True) -> Message:
        link, name = await self._opened(), str(next(self._names))
        waiting = Waiting(asyncio.get_running_loop().create_future(), to_the_end)
        self._waiting[name] = waiting
        try:
            await link.send(json.dumps(message | {"transaction": name, "apisecret": self.secret}))
            async with asyncio.timeout(ANSWERS):
                answer = await waiting.future
        except (TimeoutError, WebSocketException) as fault:
            raise Away from fault
        finally:
            self._waiting.pop(name, None)
        if answer["janus"] == "error":
            error = answer.get("error", {})
            if error.get("code") in LOST:
                raise Away
            raise Failed(error.get("code", 0), str(error.get("reason", "")))
        return answer

    async def open_session(self, media: Media) -> int:
        number = int((await self.ask({"janus": "create"}))["data"]["id"])
        self._sessions[number] = media
        return number

    async def close_session(self, number: int) -> None:
        self._sessions.pop(number, None)
        if self._link is not None:  # with the connection they went already
            with contextlib.suppress(Away, Failed):
                await self.ask({"janus": "destroy", "session_id": number})

    async def _listen(self, link: ClientConnection) -> None:
        try:
            async for text in link:
                self._take(json.loads(text))
        except WebSocketException:
            log.info("the media server's connection broke")
        except Exception:
            log.exception("the media server said something that cannot be understood")
            await link.close()
        finally:
            self._gone(link)

    def _take(self, message: Message) -> None:
        waiting = self._waiting.get(str(message.get("transaction", "")))
        if waiting is not None:
            if (message["janus"] != "ack" or not waiting.to_the_end) and not waiting.future.done():
                waiting.future.set_result(message)
            return
        media = self._sessions.get(message.get("session_id", 0))
        if media is None:
            return
        if message["janus"] == "timeout":
            media.lost()
        else:
            media.hear(message)

    def _gone(self, link: ClientConnection) -> None:
        if self._link is not link:
            return
        self._link = None
        for waiting in self._waiting.values():
            if not waiting.future.done():
                waiting.future.set_exception(Away())
        sessions, self._sessions = self._sessions, {}
        for media in sessions.values():
            media.lost()

    async def _keep_alive(self, link: ClientConnection) -> None:
        while self._link is link:
            await asyncio.sleep(ALIVE)
            for number in list(self._sessions):
                self.later(self._sign(number))

    async def _sign(self, number: int) -> None:
        try:
            await self.ask({"janus": "keepalive", "session_id": number}, to_the_end=False)
        except (Away, Failed):
            if media := self._sessions.pop(number, None):
                media.lost()

    def drop(self) -> None:
        if self._link is not None:
            self._link.transport.close()


# ── all that one seat sends and receives ─────────────────────────────────────


class Ear(Protocol):
    """A line, as far as media needs it."""

    key: str
    ended: int
    seat: Any

    def offer(self, text: str) -> None: ...
    def end(self, code: int) -> None: ...


@dataclass(frozen=True)
class Stream:
    publisher: int
    mid: str
    kind: str
    layered: bool


@dataclass
class Handle:
    """One connection between a browser and Janus."""

    number: int
    way: str
    generation: int
    carries: bool = False
    taken: dict[Source, tuple[Stream, str]] = field(
        default_factory=dict
    )  # down: what, on which mid


class Media:
    def __init__(self, janus: Janus, line: Ear) -> None:
        self._janus, self.line = janus, line
        self._seat = line.key
        self._place = Places(janus.secret, line.seat.room.key)
        self._session = 0
        self._control = 0  # the handle that hears who sends what
        self._handles: list[Handle] = []
        self._publishers: dict[int, dict[Source, Stream]] = {}
        self._requests: asyncio.Queue[Message] = asyncio.Queue(WAITING)
        self._telling: asyncio.TimerHandle | None = None
        self._worker = janus.later(self._work())

    # what a page asks, in order

    def ask(self, said: Message) -> bool:
        """Put in the row; False when too many wait already."""
        try:
            self._requests.put_nowait(said)
        except asyncio.QueueFull:
            return False
        return True

    async def _work(self) -> None:
        while True:
            said = await self._requests.get()
            answer: Message = {"t": "answer", "id": str(said.get("id", ""))[:40]}
            try:
                answer["d"] = await self._do(said.get("d"))
            except Refused as refusal:
                answer["error"] = refusal.sentence
            except Away:
                answer["error"] = AWAY
                self.lost()
            except Failed as fault:
                log.info("the media server refused", extra={"kind": str(fault.code)})
                answer["error"] = "The media server refused this."
            except Exception as fault:  # noqa: BLE001 - one request must not end the others
                log.warning("a media request failed", extra={"kind": type(fault).__name__})
                answer["error"] = "The media server refused this."
            self._tell(answer)

    async def _do(self, said: Any) -> Message:
        request = asks.read(self.line.seat.role, said if isinstance(said, dict) else {})
        if isinstance(request, asks.Leave):
            await self._end()
            return {}
        held = bool(self._handles)
        await self._enter()
        match request:
            case asks.Enter():
                return {"held": held, "feeds": self._feeds()}
            case asks.Publish():
                return await self._publish(request)
            case asks.Subscribe():
                return await self._subscribe(request)
            case asks.Answer():
                handle = self._handle(DOWN, request.generation)
                jsep = {"type": "answer", "sdp": request.sdp}
                await self._message(handle.number, {"request": "start"}, jsep)
            case asks.Candidate():
                await self._trickle(request)
            case asks.Layers():
                await self._layer(request)
            case asks.Unpublish():
                await self._detach([one for one in self._handles if one.way == UP])
        return {}

    async def _enter(self) -> None:
        """Into the room, which is made when nobody is in it yet."""
        if self._session:
            return
        self._session = await self._janus.open_session(self)
        try:
            await self._join()
        except Failed:
            self.lost()
            raise

    async def _join(self) -> None:
        self._control = await self._attach()
        # Named by time: when a seat sends on two connections for a moment, the newer one counts.
        joining = {"request": "join", "ptype": "publisher", "display": self._seat, **self._new()}
        for _try in range(4):  # somebody else may make it, or destroy it as the last one, meanwhile
            try:
                joined = await self._message(self._control, joining)
                break
            except Failed as fault:
                if fault.code != UNKNOWN:
                    raise
                await self._make_room()
        else:
            raise Away
        self._note(joined)

    def _new(self) -> Message:
        number = int(time.time() * 1000) << 10 | secrets.randbelow(1 << 10)
        return {"room": self._place.number, "pin": self._place.pin, "id": number}

    async def _make_room(self) -> None:
        room = {
            "request": "create", "admin_key": self._janus.secret, "room": self._place.number,
            "description": "", "secret": self._place.secret, "pin": self._place.pin,
            "is_private": True, "publishers": 60, "bitrate": 0, "audiocodec": "opus",
            "videocodec": "h264,vp8", "opus_fec": True, "transport_wide_cc_ext": True,
            "notify_joining": False, "record": False,
        }  # fmt: skip
        try:
            await self._message(self._control, room)
        except Failed as fault:
            if fault.code != KNOWN:
                raise

    async def _publish(self, request: asks.Publish) -> Message:
        handle = self._newest(UP)
        fresh = handle is None or request.generation > handle.generation
        body: Message = {
            "request": "configure",
            "descriptions": [{"mid": m, "description": f} for m, f in request.feeds.items()],
        }
        if handle is None or fresh:
            handle = Handle(await self._attach(), UP, request.generation)
            self._handles.append(handle)
            joining = {"request": "joinandconfigure", "ptype": "publisher", "display": self._seat}
            body |= joining | self._new()
        elif request.generation < handle.generation:
            raise Refused("This request to the media server cannot be read.")
        jsep = {"type": "offer", "sdp": request.sdp}
        try:
            answer = await self._message(handle.number, body, jsep)
        except Failed:
            if fresh:
                await self._detach([handle])
            raise
        return {"sdp": answer.get("jsep", {}).get("sdp")}

    async def _subscribe(self, request: asks.Subscribe) -> Message:
        streams = self._streams()
        wanted = {source: streams[source] for source in request.of if source in streams}
        handle = self._newest(DOWN)
        if handle is None or request.generation > handle.generation:
            return await self._first(request.generation, wanted)
        if request.generation < handle.generation:
            raise Refused("This request to the media server cannot be read.")
        had = {source: stream for source, (stream, _mid) in handle.taken.items()}
        off = [handle.taken[one][1] for one in had if wanted.get(one) != had[one]]
        on = [stream for one, stream in wanted.items() if had.get(one) != stream]
        if not off and not on:
            return {"sdp": None, "mids": _mids(handle)}
        body: Message = {"request": "update"}
        if off:
            body["unsubscribe"] = [{"sub_mid": mid} for mid in off]
        if on:
            body["subscribe"] = [{"feed": one.publisher, "mid": one.mid} for one in on]
        return self._offered(handle, wanted, await self._message(handle.number, body))

    async def _first(self, generation: int, wanted: dict[Source, Stream]) -> Message:
        if not wanted:
            return {"sdp": None, "mids": {}}
        handle = Handle(await self._attach(), DOWN, generation)
        self._handles.append(handle)
        body = {
            "request": "join", "ptype": "subscriber", "room": self._place.number,
            "pin": self._place.pin, "autoupdate": False,  # the page asks anew by itself
            "streams": [{"feed": one.publisher, "mid": one.mid} for one in wanted.values()],
        }  # fmt: skip
        try:
            answer = await self._message(handle.number, body)
        except Failed:
            await self._detach([handle])
            raise
        return self._offered(handle, wanted, answer)

    def _offered(self, handle: Handle, wanted: dict[Source, Stream], answer: Message) -> Message:
        names = {(one.publisher, one.mid): (source, one) for source, one in wanted.items()}
        handle.taken = {}
        for row in answer["plugindata"]["data"].get("streams", []):
            if found := names.get((row.get("feed_id", 0), str(row.get("feed_mid", "")))):
                handle.taken[found[0]] = (found[1], str(row["mid"]))
        return {"sdp": answer.get("jsep", {}).get("sdp"), "mids": _mids(handle)}

    async def _trickle(self, request: asks.Candidate) -> None:
        handle = self._handle(request.way, request.generation)
        message = {
            "janus": "trickle", "session_id": self._session, "handle_id": handle.number,
            "candidate": request.candidate or {"completed": True},
        }  # fmt: skip
        await self._janus.ask(message, to_the_end=False)

    async def _layer(self, request: asks.Layers) -> None:
        handle = self._newest(DOWN)
        if handle is None:
            return
        rows: list[Message] = []
        for source, layer in request.of:
            if source in handle.taken:
                stream, mid = handle.taken[source]
                row: Message = {"mid": mid, "send": layer != OFF}
                if stream.layered and layer != OFF:
                    row["substream"] = layer
                rows.append(row)
        if rows:
            await self._message(handle.number, {"request": "configure", "streams": rows})

    # how it is said to Janus

    async def _attach(self) -> int:
        message = {"janus": "attach", "session_id": self._session, "plugin": PLUGIN}
        return int((await self._janus.ask(message))["data"]["id"])

    async def _message(self, handle: int, body: Message, jsep: Message | None = None) -> Message:
        message = {
            "janus": "message", "session_id": self._session, "handle_id": handle, "body": body,
        }  # fmt: skip
        answer = await self._janus.ask(message | ({"jsep": jsep} if jsep else {}))
        data = answer.get("plugindata", {}).get("data", {})
        if "error_code" in data:
            raise Failed(int(data["error_code"]), str(data.get("error", "")))
        return answer

    async def _detach(self, handles: list[Handle]) -> None:
        for handle in handles:
            if handle in self._handles:
                self._handles.remove(handle)
                message = {"janus": "detach", "session_id": self._session}
                with contextlib.suppress(Failed):
                    await self._janus.ask(message | {"handle_id": handle.number})

    def _newest(self, way: str) -> Handle | None:
        ours = [one for one in self._handles if one.way == way]
        return max(ours, key=lambda one: one.generation, default=None)

    def _handle(self, way: str, generation: int) -> Handle:
        for one in self._handles:
            if (one.way, one.generation) == (way, generation):
                return one
        raise Refused("This request to the media server cannot be read.")

    # what Janus tells

    def hear(self, message: Message) -> None:
        kind, sender = message["janus"], message.get("sender", 0)
        if kind == "event" and sender == self._control:
            if message["plugindata"]["data"].get("videoroom") == "destroyed":
                return self.lost()
            return self._note(message)
        handle = next((one for one in self._handles if one.number == sender), None)
        if handle is None:
            return None
        if kind == "webrtcup":
            handle.carries = True
            old = [
                one
                for one in self._handles
                if one.way == handle.way and one.generation < handle.generation
            ]
            if old:
                self._janus.later(self._let_go(old))
        elif kind in ("hangup", "detached"):
            said = {"t": "sfu", "ended": handle.way, "g": handle.generation}
            self._janus.later(self._let_go([handle]))
            self._tell(said)
        return None

    async def _let_go(self, handles: list[Handle]) -> None:
        with contextlib.suppress(Away):
            await self._detach(handles)

    def _note(self, message: Message) -> None:
        """Who sends what, and who no longer does."""
        data = message["plugindata"]["data"]
        for row in data.get("publishers", []):
            if row.get("display") != self._seat:
                self._publishers[row["id"]] = _streams_of(row)
        for word in ("leaving", "unpublished", "kicked"):
            if data.get(word):
                self._publishers.pop(data[word], None)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(0.03, self._tell_feeds)

    def _streams(self) -> dict[Source, Stream]:
        found: dict[Source, Stream] = {}
        for publisher in sorted(self._publishers):  # by time: the newest counts
            found |= self._publishers[publisher]
        return found

    def _feeds(self) -> list[list[Any]]:
        return [[*source, one.kind, one.layered] for source, one in self._streams().items()]

    def _tell_feeds(self) -> None:
        self._telling = None
        if self._session:
            self._tell({"t": "sfu", "feeds": self._feeds()})

    def _tell(self, message: Message) -> None:
        self.line.offer(json.dumps(message))

    def lost(self) -> None:
        """Janus restarted or forgot us: the page begins again."""
        session, self._session = self._session, 0
        self._handles, self._publishers = [], {}
        if session:
            self._janus.later(self._janus.close_session(session))
            self._tell({"t": "sfu", "lost": True})

    # the end

    def role_changed(self) -> None:
        role = self.line.seat.role
        if not rules.may(role, rules.SPEAK) and not rules.may(role, rules.SHOW):
            self.ask({"id": "", "d": {"do": "unpublish"}})

    async def close(self) -> None:
        self._worker.cancel()
        with contextlib.suppress(Away, Failed):
            await self._end()

    async def _end(self) -> None:
        """Media stops first; the last one out destroys the room."""
        session, control = self._session, self._control
        if not session:
            return
        try:
            await self._detach(list(self._handles))
            await self._message(control, {"request": "leave"})
            room: Message = {"room": self._place.number, "secret": self._place.secret}
            listed = await self._message(control, {"request": "listparticipants", **room})
            if not listed["plugindata"]["data"].get("participants"):
                await self._message(control, {"request": "destroy", **room})
        finally:
            self._session, self._handles, self._publishers = 0, [], {}
            await self._janus.close_session(session)


def _mids(handle: Handle) -> dict[str, list[str]]:
    return {mid: list(source) for source, (_stream, mid) in handle.taken.items()}


def _streams_of(row: Message) -> dict[Source, Stream]:
    """What one publisher sends, by the names that we gave."""
    found: dict[Source, Stream] = {}
    for stream in row.get("streams", []):
        feed = stream.get("description")
        if feed and not stream.get("disabled"):
            layered = stream["type"] == VIDEO and bool(stream.get("simulcast"))
            one = Stream(row["id"], str(stream["mid"]), stream["type"], layered)
            found[str(row.get("display", "")), str(feed)] = one
    return found


# ── the media of all lines of this process ───────────────────────────────────


class Desk:
    """A line that breaks may come back: for so long its media goes on, on this same process."""

    def __init__(self, url: str, secret: str, back: float = rules.BACK.total_seconds()) -> None:
        self._janus = Janus(url, secret)
        self._back = back
        self._all: dict[str, Media] = {}
        self._ends: dict[str, asyncio.TimerHandle] = {}

    def take(self, line: Ear, said: Message) -> bool:
        """A request of a page; False when too many wait."""
        media = self._all.get(line.key)
        if media is None:
            media = self._all[line.key] = Media(self._janus, line)
        return media.ask(said)

    def opened(self, line: Ear) -> None:
        """The line of a seat is open, or open again: its page looks what is still held."""
        if timer := self._ends.pop(line.key, None):
            timer.cancel()
        if media := self._all.get(line.key):
            media.line = line
        line.offer(json.dumps({"t": "sfu", "ready": True}))

    def closed(self, line: Ear, *, for_good: bool) -> None:
        media = self._all.get(line.key)
        if media is None or media.line is not line:
            return
        if for_good:
            self._end(line.key)
        else:
            loop = asyncio.get_running_loop()
            self._ends[line.key] = loop.call_later(self._back, self._end, line.key)

    def told(self, message: Message) -> None:
        """Something that a room was told: somebody lost the right to be here, or another role."""
        seat = str(message.get("seat", ""))
        media = self._all.get(seat)
        if media is None:
            return
        if message.get("t") in ("out", "left"):
            self._end(seat)
        elif message.get("t") == "role":
            media.line.seat.role = str(message.get("role", ""))
            media.role_changed()

    def _end(self, key: str) -> None:
        if timer := self._ends.pop(key, None):
            timer.cancel()
        if media := self._all.pop(key, None):
            self._janus.later(media.close())

    def close(self) -> None:
        """The process ends: Janus lets go of all its sessions when the connection breaks."""
        self._janus.drop()
