"""Our side of a real media server, without browsers."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from jieli.rooms.janus import AWAY, Desk, Places
from jieli.rules import rooms
from jieli.web import sfu as janus
from jieli.web.sfu import Sfu, SfuUnavailable
from tests.janus import asked, started


@pytest.fixture(scope="module")
def sfu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sfu]:
    server = started(tmp_path_factory.mktemp("janus"))
    yield server
    server.stop()


class Page:
    """A line that keeps what it is sent."""

    def __init__(self, room: UUID, role: str = rooms.OPERATOR) -> None:
        self.key = str(uuid4())
        self.ended = 0
        self.seat = SimpleNamespace(room=SimpleNamespace(key=room), role=role)
        self.heard: list[dict[str, Any]] = []

    def offer(self, text: str) -> None:
        self.heard.append(json.loads(text))

    def end(self, code: int) -> None:
        self.ended = code

    async def ask(self, desk: Desk, do: str, **more: Any) -> dict[str, Any]:
        name = str(uuid4())
        assert desk.take(self, {"id": name, "d": {"do": do, **more}})
        await until(lambda: any(one.get("id") == name for one in self.heard))
        return next(one for one in self.heard if one.get("id") == name)


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def played(sfu: Sfu, play: Callable[[Desk, Desk], Awaitable[None]]) -> None:
    """Two web processes with one media server."""

    async def work() -> None:
        desks = [Desk(sfu.url, sfu.secret, back=0.3) for _ in range(2)]
        try:
            await play(*desks)
        finally:
            for desk in desks:
                desk.close()
            await asyncio.sleep(0.05)

    with ThreadPoolExecutor(1) as alone:  # another test's browser may hold this thread's loop
        alone.submit(asyncio.run, work()).result()


async def present(sfu: Sfu, room: UUID) -> int | None:
    """How many are in a room over there; None when it is not there."""
    body = {"request": "list", "admin_key": sfu.secret}
    listed = (await asyncio.to_thread(asked, sfu, body))["list"]
    number = Places(sfu.secret, room).number
    return next((one["num_participants"] for one in listed if one["room"] == number), None)


async def until_present(sfu: Sfu, room: UUID, wanted: int | None) -> None:
    async with asyncio.timeout(10):
        while await present(sfu, room) != wanted:
            await asyncio.sleep(0.05)


def test_a_room_is_made_by_the_first_and_destroyed_by_the_last(sfu: Sfu) -> None:
    room = uuid4()

    async def play(one: Desk, two: Desk) -> None:
        first, second = Page(room), Page(room, rooms.LEARNER)
        answers = await asyncio.gather(first.ask(one, "enter"), second.ask(two, "enter"))
        assert [answer["d"] for answer in answers] == [{"held": False, "feeds": []}] * 2
        assert await present(sfu, room) == 2
        one.closed(first, for_good=True)
        await until_present(sfu, room, 1)
        await second.ask(two, "leave")
        await until_present(sfu, room, None)
        assert (await second.ask(two, "enter"))["d"] == {"held": False, "feeds": []}
        assert await present(sfu, room) == 1

    played(sfu, play)


def test_nobody_enters_without_our_secrets(sfu: Sfu) -> None:
    room = uuid4()

    async def play(one: Desk, _two: Desk) -> None:
        await Page(room).ask(one, "enter")
        place = Places(sfu.secret, room)
        ask = asyncio.to_thread
        said = await ask(asked, sfu, {"request": "list"})
        assert said["list"] == [], "a room of ours is on the public list"
        join = {"request": "join", "ptype": "publisher", "room": place.number}
        assert "pin" in (await ask(asked, sfu, join))["error"].lower()
        create = {"request": "create", "room": 7}
        assert "error" in await ask(asked, sfu, create)
        destroy = {"request": "destroy", "room": place.number, "secret": "guessed"}
        assert "error" in await ask(asked, sfu, destroy)
        assert Places("another", room).number != place.number

    played(sfu, play)


def test_a_learner_is_refused_and_may_watch(sfu: Sfu) -> None:
    async def play(one: Desk, _two: Desk) -> None:
        page = Page(uuid4(), rooms.LEARNER)
        sdp = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\n"
        answer = await page.ask(one, "publish", sdp=sdp, mids={"0": "voice"})
        assert answer["error"] == "Your role in this room does not allow that."
        answer = await page.ask(one, "subscribe", of=[["somebody", "f1"]])
        assert answer["d"] == {"sdp": None, "mids": {}}
        answer = await page.ask(one, "publish", sdp="v=0 nonsense", mids={})
        assert "d" in answer or "refused" in answer["error"]  # and the next one is heard
        assert "d" in await page.ask(one, "enter")

    played(sfu, play)


def test_a_line_that_comes_back_finds_its_media_and_one_that_does_not_ends_it(sfu: Sfu) -> None:
    room = uuid4()

    async def play(one: Desk, _two: Desk) -> None:
        page = Page(room)
        one.opened(page)
        await page.ask(one, "enter")
        again = Page(room)
        again.key = page.key
        one.closed(page, for_good=False)
        one.opened(again)
        await asyncio.sleep(0.5)
        assert await present(sfu, room) == 1
        one.closed(again, for_good=False)
        await until_present(sfu, room, None)

    played(sfu, play)


def test_who_is_put_out_loses_media_at_once_even_without_a_line(sfu: Sfu) -> None:
    room = uuid4()

    async def play(one: Desk, _two: Desk) -> None:
        page = Page(room)
        await page.ask(one, "enter")
        one._back = 60
        one.closed(page, for_good=False)
        one.told({"t": "out", "seat": page.key})
        await until_present(sfu, room, None)

    played(sfu, play)


def test_a_media_server_that_restarts_is_found_again(sfu: Sfu) -> None:
    room = uuid4()

    async def play(one: Desk, two: Desk) -> None:
        pages = Page(room), Page(room)
        await asyncio.gather(pages[0].ask(one, "enter"), pages[1].ask(two, "enter"))
        sfu.stop(signal.SIGKILL)
        for page in pages:
            await until(lambda page=page: {"t": "sfu", "lost": True} in page.heard)
        assert (await pages[0].ask(one, "enter"))["error"] == AWAY
        await asyncio.to_thread(sfu.start)
        answers = await asyncio.gather(pages[0].ask(one, "enter"), pages[1].ask(two, "enter"))
        assert all("d" in answer for answer in answers)
        assert await present(sfu, room) == 2

    played(sfu, play)


def test_one_that_hangs_is_as_one_that_is_away(sfu: Sfu) -> None:
    async def play(one: Desk, _two: Desk) -> None:
        page = Page(uuid4())
        await page.ask(one, "enter")
        assert sfu.process is not None
        sfu.process.send_signal(signal.SIGSTOP)
        try:
            await until(lambda: {"t": "sfu", "lost": True} in page.heard, 15)
        finally:
            sfu.process.send_signal(signal.SIGCONT)
        assert "d" in await page.ask(one, "enter")

    played(sfu, play)


def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JIELI_JANUS", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SfuUnavailable, match="apt install janus"):
        janus.find_program()
