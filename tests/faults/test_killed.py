"""kill -9 at each named step of a write and of the runner's work, while another stands by."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import people, quiet
from tests.faults.device import Device
from tests.faults.house import House, until
from tests.faults.ledger import Ledger
from tests.faults.load import hasten

Devices = Callable[..., Device]


@pytest.mark.parametrize(
    ("point", "committed"),
    [
        ("inside the transaction", False),
        ("after the commit, before the telling", True),
        ("before the answer", True),
    ],
)
def test_a_web_process_killed_in_the_middle_of_each_write(
    house: House, device: Devices, ledger: Ledger, point: str, committed: bool
) -> None:
    """The device sends it again to the other one: one effect, one answer."""
    house.serve("other")
    house.run()
    servers = [house.serve("doomed"), house.processes[0]]
    doctor, alice, bob = (device(name, *servers) for name in ("doctor", "alice", "bob"))

    def dies_in(write: Callable[[], object]) -> None:
        for one in (doctor, alice, bob):
            one.first()
        place = house.arm(point, label="doomed")
        write()
        sent = ledger.all()[-1]
        assert sent.status == 303, sent
        assert sent.tries > 1
        assert sent.replayed is committed, sent
        house.struck(place, 1)
        until(lambda: not servers[0].lives)
        servers[0] = house.again(servers[0])
        house.until_served(servers[0])

    dies_in(lambda: people.raises(doctor, "U0"))
    case = ledger.all()[-1].case
    request = people.request_of(house, ledger.all()[-1])
    dies_in(lambda: people.declines(bob, request))
    dies_in(lambda: people.accepts(alice, request))
    dies_in(lambda: people.advises(alice, case, request))
    dies_in(lambda: people.understands(house, doctor, case))
    dies_in(lambda: people.writes(doctor, case))
    quiet.all_well(house, ledger)
    assert house.one("SELECT count(*) FROM cases_case") == 1


RUNNER = [
    "due is recorded",
    "people are told",
    "rings rolled on",
    "messages are claimed",
    "before it is sent",
    "sent, not noted",
    "reports are read",
    "a ring is noted",
    "a test ring is begun",
]


@pytest.mark.slow
def test_the_runner_killed_at_each_step(house: House, device: Devices, ledger: Ledger) -> None:
    doctor = device("doctor", house.serve())
    runner = house.run(FAULTS_SCALE="jieli.notify.actions.sending.LEASE=4")
    for point in RUNNER:
        place = house.arm(point)
        people.raises(doctor, "U0")
        hasten(house, random.Random(point))
        if point == "a test ring is begun":
            house.sql("DELETE FROM pager_probe")
        house.struck(place, 30)
        until(lambda: not runner.lives)  # noqa: B023 - used at once
        runner = house.again(runner)
    quiet.all_well(house, ledger)
    assert house.gateway.repeats() >= 1  # "sent, not noted" came again, under its id


def test_what_a_transport_reported_is_not_lost_with_the_runner(
    house: House, device: Devices, ledger: Ledger
) -> None:
    """The telephone rings: from then on the person has 20 seconds, whoever dies meanwhile."""
    house.gateway.ringing = True
    doctor = device("doctor", house.serve())
    place = house.arm("reports are read")
    runner = house.run()
    people.raises(doctor)
    house.struck(place)
    until(lambda: not runner.lives)
    house.again(runner)
    until(
        lambda: house.one("SELECT count(*) FROM record_event WHERE verb = 'ring_reported'"),
        10,
        "the ring that the gateway reported was forgotten",
    )
    house.gateway.ringing = False
    quiet.all_well(house, ledger)


def test_nobody_is_passed_over_because_no_runner_worked(
    house: House, device: Devices, ledger: Ledger
) -> None:
    """No runner for longer than a ring lasts: who was to be rung is rung when one is back."""
    doctor = device("doctor", house.serve())
    people.raises(doctor)
    house.sql(
        "UPDATE cases_ring SET started_at = started_at - interval '60 seconds',"
        " ends_at = ends_at - interval '60 seconds'"
    )
    house.sql("UPDATE cases_request SET due_at = due_at - interval '60 seconds'")
    house.run()
    people.called(house, "alice")
    time.sleep(3)
    assert house.sql("SELECT answer FROM cases_ring WHERE NOT silent") == [("",)], "passed over"
    assert house.one("SELECT count(*) FROM record_event WHERE verb = 'ring_delayed'") == 1
    quiet.all_well(house, ledger)


@pytest.mark.slow
def test_the_workers_of_a_dead_server_leave_its_port(house: House) -> None:
    """kill -9 of `serve` alone: its workers must not go on without anybody who looks after them."""
    server = house.serve("pair", workers=2)
    workers = server.workers
    assert len(workers) == 2
    assert server.popen
    server.popen.kill()
    server.popen.wait(10)
    until(lambda: not any(_lives(pid) for pid in workers), 15, "orphans keep the port")


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False


@pytest.mark.slow
def test_a_worker_that_died_or_hangs_is_replaced(
    house: House, device: Devices, ledger: Ledger
) -> None:
    server = house.serve("pair", workers=2)
    doctor = device("doctor", server)
    house.run()
    dead, hanging = server.workers
    os.kill(dead, signal.SIGKILL)
    people.raises(doctor)
    until(lambda: dead not in server.workers and len(server.workers) == 2, 20)
    os.kill(hanging, signal.SIGSTOP)
    people.raises(doctor)
    until(lambda: hanging not in server.workers and len(server.workers) == 2, 30)
    quiet.all_well(house, ledger)
