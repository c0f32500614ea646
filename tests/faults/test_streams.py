"""Live streams: a flood of them, a proxy that holds them back, a server that dies under them."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from tests.faults import people, quiet
from tests.faults.device import Device, together
from tests.faults.house import House, until
from tests.faults.ledger import Ledger
from tests.journeys.link import Link

Devices = Callable[..., Device]
STREAMS = 1_000
LIMIT = 24  # of one account in one process: jieli/live/views.py


def test_a_client_that_opens_a_thousand_streams_has_few_and_delays_nobody(
    house: House, device: Devices, ledger: Ledger
) -> None:
    server = house.serve()
    doctor, flood = device("doctor", server), device("carol", server)
    house.run()
    cookies = "; ".join(f"{name}={value}" for name, value in flood.client.cookies.items())
    slowest: list[float] = []
    over = threading.Event()

    def works() -> None:
        while not over.is_set():
            began = time.monotonic()
            assert doctor.get("/cases/").status_code == 200
            slowest.append(time.monotonic() - began)
            over.wait(0.2)

    thread = threading.Thread(target=works)
    thread.start()
    opened, left = asyncio.run(_flood(server.port, cookies, over))
    thread.join(20)
    assert opened == STREAMS
    assert left <= LIMIT
    assert max(slowest) < 5, f"a page took {max(slowest):.1f} s"
    assert people.raises(doctor).status == 303
    people.called(house, "alice")
    quiet.all_well(house, ledger)


async def _flood(port: int, cookies: str, over: threading.Event) -> tuple[int, int]:
    """Connections opened, and how many of them the server still holds in the end."""
    head = f"GET /live/?topic=me HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n\r\n".encode()
    held: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    try:
        for _ in range(STREAMS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            held.append((reader, writer))
            if len(held) % 50 == 0:
                await asyncio.sleep(0.1)
        await asyncio.sleep(3)
        for _ in range(60):
            alive = sum([await _is_open(reader) for reader, _writer in held])
            if alive <= LIMIT:
                break
            await asyncio.sleep(0.5)
        return len(held), alive
    finally:
        over.set()
        for _reader, writer in held:
            writer.close()


async def _is_open(reader: asyncio.StreamReader) -> bool:
    """Whether it is a stream that goes on: not refused, not ended."""
    while True:
        try:
            data = await asyncio.wait_for(reader.read(65_536), 0.001)
        except TimeoutError:
            break
        except OSError:
            return False
        reader.seen = getattr(reader, "seen", b"") + data  # type: ignore[attr-defined]
        if not data:
            return False
    seen = getattr(reader, "seen", b"")
    return not seen.startswith(b"HTTP/1.1 4") and b"\r\n0\r\n\r\n" not in seen


class Stream(threading.Thread):
    """An open page: what it was told, and where to go on from."""

    def __init__(
        self, device: Device, url: str, topic: str, place: str = "", *, once: bool = False
    ) -> None:
        super().__init__(daemon=True)
        self.device, self.url, self.topic, self.place, self.once = device, url, topic, place, once
        self.told: list[str] = []
        self.open = threading.Event()
        self.start()

    def run(self) -> None:
        query = {"topic": self.topic}
        query |= {"since": self.place} if self.place else {}
        query |= {"once": "1"} if self.once else {}
        try:
            with (
                httpx.Client(
                    cookies=dict(self.device.client.cookies), timeout=30, trust_env=False
                ) as client,
                client.stream("GET", f"{self.url}/live/", params=query) as answer,
            ):
                for line in answer.iter_lines():
                    self.open.set()
                    if found := re.match(r"id: (.+)", line):
                        self.place = found.group(1)
                    self.told += re.findall(r'"verb": "(\w+)"', line)
        except httpx.HTTPError:
            return


def test_a_page_hears_on_another_server_what_it_missed_while_its_own_died(
    house: House, device: Devices, ledger: Ledger
) -> None:
    doomed, other = house.serve("doomed"), house.serve("other")
    house.run()
    doctor = device("doctor", other)
    case = people.raises(doctor).case
    topic = f"case:{case}"
    stream = Stream(doctor, doomed.url, topic)
    assert stream.open.wait(10)
    people.writes(doctor, case)
    until(lambda: "note_written" in stream.told, 10, "the open page hears nothing")
    until(lambda: stream.place, 5)
    doomed.kill()
    stream.join(10)
    people.writes(doctor, case)
    late = Stream(doctor, other.url, topic, stream.place)
    until(lambda: "note_written" in late.told, 10, "what came while no server listened is lost")
    house.cluster.kill()
    house.cluster.start()
    people.writes(doctor, case)
    until(lambda: late.told.count("note_written") >= 2, 15, "silent since the database came back")
    quiet.all_well(house, ledger)


def test_through_a_proxy_that_buffers_a_page_that_asks_for_short_answers_hears(
    house: House, device: Devices, ledger: Ledger
) -> None:
    server = house.serve()
    house.run()
    link = Link(server.url, buffers=True)
    try:
        doctor, alice = device("doctor", server), device("alice", server)
        stream = Stream(alice, link.url, "me", once=True)
        time.sleep(0.5)
        people.raises(doctor)
        until(lambda: stream.told, 10, "the proxy holds back even an answer that ends")
        assert alice.rings(), "and the page asks by itself every five seconds"
        assert link.held
    finally:
        link.close()
    quiet.all_well(house, ledger)


@pytest.mark.slow
def test_a_hundred_experts_accept_at_once(house: House, device: Devices, ledger: Ledger) -> None:
    """One wins, ninety-nine are told who; the record has it once."""
    servers = [house.serve("one"), house.serve("two")]
    house.run()
    doctor = device("doctor", *servers)
    numbers = [f"crowd{turn:03}" for turn in range(100)]
    raised = people.raises(doctor)
    request = people.request_of(house, raised)
    _all_on_its_list(house, request)
    devices = [device(number, *servers) for number in numbers]
    came = together(*[lambda one=one: people.accepts(one, request) for one in devices])
    faults = [one for one in came if isinstance(one, BaseException)]
    assert not faults, faults[:3]
    won = [one for one in came if one.status == 303]
    lost = [one for one in came if one.status == 409]
    assert (len(won), len(lost)) == (1, 99)
    assert house.one("SELECT count(*) FROM record_event WHERE verb = 'request_accepted'") == 1
    [winner] = house.sql(
        "SELECT p.number FROM cases_request r"
        " JOIN directory_practitioner p ON p.id = r.accepted_by_id"
    )
    assert winner == (won[0].by,)
    quiet.all_well(house, ledger)


def _all_on_its_list(house: House, request: str) -> None:
    """As if a hundred were on duty: each may be asked and may see the case."""
    house.sql(
        "INSERT INTO cases_candidate (request_id, practitioner_id, organisation_id, line, position,"
        " score, barred) SELECT r.id, p.id, o.organisation_id, 'expert', 100 + p.id, 0, ''"
        " FROM cases_request r, directory_practitioner p JOIN directory_role o"
        " ON o.practitioner_id = p.id WHERE r.key = %s::uuid AND p.number LIKE 'crowd%%'",
        request,
    )
    house.sql(
        "INSERT INTO directory_grant (case_key, patient_key, practitioner_id, why, since)"
        " SELECT c.key, t.key, p.id, 'duty', now() FROM cases_request r"
        " JOIN cases_case c ON c.id = r.case_id JOIN chart_patient t ON t.id = c.patient_id,"
        " directory_practitioner p WHERE r.key = %s::uuid AND p.number LIKE 'crowd%%'",
        request,
    )
