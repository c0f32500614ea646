"""SIGSTOP in the middle: others take over, and whoever wakes up again does nothing twice."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults import people, quiet
from tests.faults.device import Device
from tests.faults.house import House, until
from tests.faults.ledger import Ledger
from tests.faults.load import hasten

Devices = Callable[..., Device]
pytestmark = pytest.mark.slow
# Fifteen seconds of sleep in a transaction, and of a lease, as four.
SCALE = "idle=4s jieli.notify.actions.sending.LEASE=4"
REMINDED = "SELECT count(*) FROM record_event WHERE verb = 'clock_reminded'"


def test_a_runner_that_sleeps_on_its_locks_keeps_no_clock_waiting(
    house: House, device: Devices, ledger: Ledger
) -> None:
    """The database ends the transaction of whoever says nothing for long."""
    doctor = device("doctor", house.serve())
    sleeper = house.run("sleeper", FAULTS_SCALE=SCALE)
    people.called_after(house, lambda: people.raises(doctor, "U0"), "alice")
    place = house.arm("locks are held", "stop", label="sleeper")
    hasten(house, random.Random(1))
    house.struck(place)
    house.run("other", FAULTS_SCALE=SCALE)
    began = time.monotonic()
    until(lambda: house.one(REMINDED), 30, "the clocks of the sleeper's cases never fired")
    assert time.monotonic() - began < 25
    sleeper.signal(signal.SIGCONT)
    time.sleep(2)
    quiet.all_well(house, ledger)


def test_a_runner_that_sleeps_longer_than_its_lease_and_wakes_up(
    house: House, device: Devices, ledger: Ledger
) -> None:
    doctor = device("doctor", house.serve())
    sleeper = house.run("sleeper", FAULTS_SCALE=SCALE)
    place = house.arm("before it is sent", "stop", label="sleeper")
    people.raises(doctor, "U0")
    house.struck(place)
    house.run("other", FAULTS_SCALE=SCALE)
    people.called(house, "alice", 30)
    people.called(house, "bob", 30)
    sleeper.signal(signal.SIGCONT)
    time.sleep(3)
    quiet.all_well(house, ledger)


def test_a_server_that_sleeps_inside_a_transaction_keeps_nobody_out(
    house: House, device: Devices, ledger: Ledger
) -> None:
    sleeper, other = (house.serve(name, FAULTS_SCALE=SCALE) for name in ("sleeper", "other"))
    house.run()
    doctor, alice = device("doctor", other), device("alice", other)
    raised = people.raises(doctor, "U0")
    request = people.request_of(house, raised)
    bob = device("bob", sleeper, other)
    place = house.arm("inside the transaction", "stop", label="sleeper")
    bob.first()
    bob.client.timeout = 3.0  # it does not wait for a server that does not answer
    note = people.declines(bob, request)
    house.struck(place, 1)
    assert note.status == 303
    assert people.accepts(alice, request).status == 303
    sleeper.signal(signal.SIGCONT)
    time.sleep(2)
    quiet.all_well(house, ledger)
