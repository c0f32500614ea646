"""The open line of a room over real WebSockets: who comes in, what is heard, what a break costs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import uvicorn
from django.db import connections
from django.test import Client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from jieli.cases import actions as cases
from jieli.cases.models import Case
from jieli.directory.models import Grant
from jieli.live.relay import direct_parameters
from jieli.rooms import actions, telling
from jieli.rooms.models import LogLine, Room, Seat
from jieli.rooms.socket import Lines
from jieli.rules import rooms as rules
from jieli.web.live_access import is_ours, who
from tests.cases.world import World, minutes

pytestmark = [pytest.mark.django_db(transaction=True)]
NOW = minutes(5)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def case(world) -> Case:
    request = world.raised("U1")
    cases.accept(request, by=world.alice, now=minutes(1))
    return request.case


class Server:
    """One web process, as far as lines need one."""

    def __init__(self) -> None:
        self.lines = Lines(direct_parameters, who, lambda: NOW, is_ours)
        config = uvicorn.Config(
            self.lines, port=0, lifespan="off", log_config=None, ws="websockets-sansio"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        until(lambda: self.server.started)
        self.host = f"127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self.lines.close()
        self.server.force_exit = self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Two, since people come back to another one than they left."""
    held = [Server(), Server()]
    yield held
    for one in held:
        one.stop()
    connections.close_all()


def until(condition: Any, seconds: float = 8) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


class Page:
    """What a browser in the room does, without pictures."""

    def __init__(
        self, server: Server, person: Any, seat: Seat, ticket: str, after: int = 0
    ) -> None:
        self.person, self.seat = person, seat
        self.link = opened(server, person)
        self.say(t="join", ticket=ticket, after=after)
        self.welcome = self.hear("welcome")

    def say(self, **message: Any) -> None:
        self.link.send(json.dumps(message))

    def hear(self, kind: str, seconds: float = 5) -> dict[str, Any]:
        """The next message of this kind."""
        deadline = time.monotonic() + seconds
        while True:
            said = json.loads(self.link.recv(timeout=max(0.01, deadline - time.monotonic())))
            if said["t"] == kind:
                return dict(said)

    def draw(self, ref: Any = None) -> str:
        ref = str(ref or uuid4())
        data = {"tool": "pen", "p": [1, 2, 3, 4], "frame": ""}
        self.say(t="log", id=ref, kind="stroke", feed="f", d=data)
        return ref

    def closed(self, seconds: float = 5) -> int:
        """The code with which the server ended the line."""
        try:
            deadline = time.monotonic() + seconds
            while True:
                self.link.recv(timeout=max(0.01, deadline - time.monotonic()))
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 1006


def opened(server: Server, person: Any, origin: str = "") -> ClientConnection:
    client = Client()
    client.force_login(person.account)
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    return connect(
        f"ws://{server.host}/rooms/line/",
        additional_headers={"Cookie": cookie},
        origin=origin or f"http://{server.host}",  # type: ignore[arg-type]
        max_size=None,
    )


def page(server: Server, case: Case, role: str, person: Any) -> Page:
    seat, ticket = cases.join_room(case, role, by=person, now=NOW)
    return Page(server, person, seat, ticket)


def test_what_one_says_reaches_the_others(world, case, servers):
    doctor = page(servers[0], case, "operator", world.doctor)
    alice = page(servers[1], case, "expert", world.alice)
    assert doctor.hear("join")["name"] == "alice"
    assert [one["name"] for one in alice.welcome["seats"]] == ["doctor", "alice"]
    long = "x" * 30_000  # a description of many tracks does not fit one NOTIFY
    doctor.say(t="to", to=str(alice.seat.key), d={"sdp": long})
    said = alice.hear("from")
    assert (said["from"], said["d"]["sdp"]) == (str(doctor.seat.key), long)
    ref = alice.draw()
    heard = [doctor.hear("log"), alice.hear("log")]  # the writer learns its number too
    assert [(one["id"], one["n"], one["kind"]) for one in heard] == [(ref, 1, "stroke")] * 2
    alice.say(t="live", d={"k": "point"})
    assert doctor.hear("live")["from"] == str(alice.seat.key)
    doctor.say(t="state", d={"mic": True})
    assert alice.hear("state")["d"] == {"mic": True}
    late = page(servers[1], case, "nurse", world.second_doctor)
    assert late.welcome["seats"][0]["d"] == {"mic": True}
    assert [one["id"] for one in late.hear("lines")["of"]] == [ref]


def test_a_message_of_any_length_passes_from_process_to_process():
    said = {"t": "from", "d": {"sdp": "".join(uuid4().hex for _n in range(1000))}}
    payloads = list(telling.pieces(7, said))
    assert len(payloads) > 2
    assert max(map(len, payloads)) < 8000
    whole = telling.Pieces()
    assert {whole.take(text) for text in payloads} == {None}  # our own: heard without a detour
    others = [text.replace(telling.ME, "other", 1) for text in payloads]
    found = [whole.take(text) for text in reversed(others)]  # in whatever order
    assert found[:-1] == [None] * (len(others) - 1)
    assert found[-1] == (7, said)


def test_two_processes_hear_each_other(world, case, servers, monkeypatch):
    """What a second process would send: the same database, another sender."""
    doctor = page(servers[0], case, "operator", world.doctor)
    with admin_link() as link:
        for text in telling.pieces(doctor.seat.room_id, {"t": "live", "from": "x", "d": 5}):
            link.execute(
                "select pg_notify(%s, %s)",
                [telling.CHANNEL, text.replace(telling.ME, "other", 1)],
            )
    assert doctor.hear("live") == {"t": "live", "from": "x", "d": 5}


def admin_link() -> Any:
    return psycopg.connect(**direct_parameters(), autocommit=True)


def test_only_the_owner_of_a_ticket_comes_in_from_a_page_of_ours(world, case, servers):
    seat, ticket = cases.join_room(case, "expert", by=world.alice, now=NOW)
    stranger = opened(servers[0], world.outsider)
    stranger.send(json.dumps({"t": "join", "ticket": ticket}))
    with pytest.raises(ConnectionClosed) as end:
        stranger.recv(timeout=5)
    assert end.value.rcvd.code == 4003
    with pytest.raises(InvalidStatus, match="403"):
        opened(servers[0], world.alice, origin="https://evil.test")
    Page(servers[0], world.alice, seat, ticket)
    again = opened(servers[0], world.alice)  # somebody shares what was in the address: it is used
    again.send(json.dumps({"t": "join", "ticket": ticket}))
    with pytest.raises(ConnectionClosed):
        again.recv(timeout=5)


def test_who_is_put_out_hears_nothing_more_at_once(world, case, servers):
    doctor = page(servers[0], case, "operator", world.doctor)
    alice = page(servers[1], case, "expert", world.alice)
    actions.end_seats(case.key, [world.alice.pk], now=NOW)
    assert alice.closed() == 4003
    assert doctor.hear("out")["seat"] == str(alice.seat.key)
    doctor.draw()
    doctor.hear("log")


def test_a_right_that_ends_without_a_word_ends_the_line_within_seconds(world, case, servers):
    alice = page(servers[0], case, "expert", world.alice)
    Grant.objects.filter(practitioner=world.alice).delete()
    time.sleep(1.1)  # answers about access are good for one second
    alice.say(t="live", d={})
    assert alice.closed() == 4003


def test_a_line_that_comes_twice_is_one_line_and_a_wrong_one_harms_no_other(world, case, servers):
    alice = page(servers[0], case, "expert", world.alice)
    ref = alice.draw()
    alice.hear("log")
    alice.draw(ref)
    alice.say(t="log", id=str(uuid4()), kind="stroke", feed="f", d={"tool": "pen", "p": [1]})
    other = alice.draw()
    assert alice.hear("refused")["why"] == "This drawing cannot be read."
    until(lambda: LogLine.objects.filter(ref=other).exists())
    assert [str(line.ref) for line in LogLine.objects.order_by("number")] == [ref, other]


def test_a_learner_may_put_a_hand_up_and_not_draw(world, case, servers):
    learner = page(servers[0], case, "learner", world.second_doctor)
    doctor = page(servers[0], case, "operator", world.doctor)
    learner.draw()
    assert "role" in learner.hear("refused")["why"]
    learner.say(t="log", id=str(uuid4()), kind="hand", feed="", d={"up": True})
    assert doctor.hear("log")["d"] == {"up": True}


def test_a_million_strokes_end_the_line_of_whoever_sends_them(world, case, servers):
    alice = page(servers[0], case, "expert", world.alice)
    doctor = page(servers[0], case, "operator", world.doctor)
    try:
        for _n in range(5000):
            alice.draw()
    except ConnectionClosed:
        pass
    assert alice.closed() == 4013
    assert LogLine.objects.count() < rules.BURST + 3 * rules.RATE
    doctor.draw()
    until(lambda: LogLine.objects.filter(seat=doctor.seat).exists())


@pytest.mark.parametrize("text", ["", "[]", "{", '{"t": "log", "id": "x", "d": 1}', "x" * 70_000])
def test_nonsense_ends_only_its_own_line(text, world, case, servers):
    alice = page(servers[0], case, "expert", world.alice)
    doctor = page(servers[0], case, "operator", world.doctor)
    alice.link.send(text)
    assert alice.closed() in (4000, 4013, 1009)
    doctor.draw()
    doctor.hear("log")


def test_a_broken_line_comes_back_to_the_same_seat_and_catches_up(world, case, servers):
    doctor = page(servers[0], case, "operator", world.doctor)
    alice = page(servers[0], case, "expert", world.alice)
    first = alice.draw()
    alice.hear("log")
    alice.link.socket.close()  # the network, not a word of good-bye
    missed = doctor.draw()
    until(lambda: LogLine.objects.filter(ref=missed).exists())
    ticket = actions.renew_ticket(Seat.objects.get(pk=alice.seat.pk), now=NOW)
    again = Page(servers[1], world.alice, alice.seat, ticket, after=1)
    assert again.welcome["seat"] == str(alice.seat.key)
    assert [line["id"] for line in again.hear("lines")["of"]] == [missed]
    again.say(t="since", after=0)
    assert [line["id"] for line in again.hear("lines")["of"]] == [first, missed]
    with pytest.raises(TimeoutError):
        doctor.hear("left", 1)  # nobody was told that she had gone


def test_who_comes_late_gets_the_ink_of_a_whole_day(world, case, servers):
    """More lines than messages may wait for a page that is just opening."""
    alice = page(servers[0], case, "expert", world.alice)
    stroke = {"tool": "pen", "p": list(range(400)), "frame": "", "ms": 0}
    count = 20_000
    LogLine.objects.bulk_create(
        (
            LogLine(room=alice.seat.room, number=n, ref=uuid4(), seat=alice.seat, kind="stroke",
                    feed="f", at=NOW, data=stroke, hash=b"")
            for n in range(1, count + 1)
        ),
        batch_size=2000,
    )  # fmt: skip
    Room.objects.update(length=count)
    late = page(servers[1], case, "nurse", world.second_doctor)
    found: list[int] = []
    while len(found) < count:
        found += [line["n"] for line in late.hear("lines", 20)["of"]]
    assert found == list(range(1, count + 1))


def test_who_leaves_is_seen_to_leave(world, case, servers):
    doctor = page(servers[0], case, "operator", world.doctor)
    alice = page(servers[1], case, "expert", world.alice)
    alice.say(t="leave")
    assert doctor.hear("left")["seat"] == str(alice.seat.key)
    assert Seat.objects.get(pk=alice.seat.pk).left_at == NOW


def test_the_server_restarts_and_people_come_back(world, case, servers):
    doctor = page(servers[0], case, "operator", world.doctor)
    servers[0].lines.close()
    assert doctor.closed() == 1012
    ticket = actions.renew_ticket(Seat.objects.get(pk=doctor.seat.pk), now=NOW)
    again = Page(servers[1], world.doctor, doctor.seat, ticket)
    assert again.welcome["seats"][0]["name"] == "doctor"
