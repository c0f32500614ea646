"""Gateways as they are: they hang for minutes, say yes and forget, fail for an hour, hang up."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.faults import people, quiet
from tests.faults.device import Device
from tests.faults.house import House, until
from tests.faults.ledger import Ledger

Devices = Callable[..., Device]
# A ring lasts 4 seconds instead of 20, at most 8 instead of 45; a try 2 instead of 8.
SCALE = (
    "jieli.rules.relay.RING=4 jieli.rules.relay.RING_CAP=8 jieli.notify.actions.sending.DEADLINE=2"
)
# A ring that lasts as long as the test, however slow the machine: what is over is not tried again.
LONG = "jieli.rules.relay.RING=600 jieli.rules.relay.RING_CAP=600"
TRIES = "SELECT count(*) FROM notify_attempt a JOIN notify_message m ON m.id = a.message_id"


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["hangs", "fails", "closes"])
def test_an_ill_gateway_is_shown_rolled_on_and_made_up_for(
    house: House, device: Devices, ledger: Ledger, manner: str
) -> None:
    """The bedside sees that it failed; the list goes on; all that is owed goes when it is well."""
    house.gateway.manner = manner
    doctor = device("doctor", house.serve(FAULTS_SCALE=SCALE))
    house.run(FAULTS_SCALE=SCALE)
    raised = people.raises(doctor)
    until(lambda: house.one(f"{TRIES} WHERE a.state = 'failed' AND m.manner = 'ring'"), 15, manner)
    page = doctor.get(f"/cases/{raised.case}/").text
    assert "failed" in page, "the waiting doctor is not told that the telephone did not go"
    assert house.gateway.taken() == set()
    until(lambda: _rolled_on(house), 60, "the list stands still behind an ill gateway")
    unheard = "SELECT count(*) FROM record_event WHERE verb = 'ring_unheard'"
    assert house.one(unheard), "who was never called is said to be silent"
    house.gateway.manner = "well"
    people.called(house, "bob", 15)
    quiet.all_well(house, ledger, heard=False)


def _rolled_on(house: House) -> bool:
    return bool(
        house.sql(
            "SELECT 1 FROM cases_ring i JOIN directory_practitioner p ON p.id = i.practitioner_id"
            " WHERE p.number = 'bob' AND NOT i.silent"
        )
    )


@pytest.mark.slow
def test_a_gateway_that_fails_for_an_hour_is_tried_to_the_end(
    house: House, device: Devices, ledger: Ledger
) -> None:
    """What must ring is tried every minute, and goes within one of the gateway's return."""
    house.gateway.manner = "fails"
    doctor = device("doctor", house.serve(FAULTS_SCALE=LONG))
    runner = house.run(FAULTS_SCALE=LONG)
    people.raises(doctor, "U0")
    failed = "SELECT count(*) FROM notify_message WHERE rounds > 0 AND manner = 'ring'"
    until(lambda: house.one(failed), 20)
    runner.kill()
    # An hour goes by, told to the rows instead of waited for: sixty rounds failed.
    house.sql(
        "UPDATE notify_message SET rounds = 60, created_at = created_at - interval '1 hour',"
        " failed_at = failed_at - interval '1 hour', due_at = now() WHERE rounds > 0"
        " AND manner = 'ring' AND withdrawn_at IS NULL"
    )
    house.again(runner)
    again = "SELECT due_at - now() <= interval '60 seconds' FROM notify_message WHERE rounds = 61"
    waits = until(lambda: house.sql(again), 30, "the sixty-first round never came")
    assert all(soon for (soon,) in waits), "who must be rung waits for more than a minute"


def test_a_gateway_that_says_yes_and_forgets(house: House, device: Devices, ledger: Ledger) -> None:
    """Nobody can know from its answer; the list rolls on by itself, and that is on record."""
    house.gateway.manner = "drops"
    doctor = device("doctor", house.serve(FAULTS_SCALE=SCALE))
    house.run(FAULTS_SCALE=SCALE)
    people.raises(doctor)
    until(lambda: house.gateway.letters, 15)
    until(lambda: _rolled_on(house), 50, "it waits for ever for somebody who was never called")
    assert house.one("SELECT count(*) FROM record_event WHERE verb = 'ring_unanswered'") == 1
    house.gateway.manner = "well"
    quiet.all_well(house, ledger, heard=False)


def test_one_person_with_a_dead_number_delays_nobody(
    house: House, device: Devices, ledger: Ledger
) -> None:
    """Hanging sends are left behind; others on the same way go on."""
    doctor = device("doctor", house.serve())
    house.run()
    house.gateway.manner = "hangs"
    people.raises(doctor, "U0")
    until(lambda: len(house.gateway.letters) >= 2, 15)
    house.gateway.manner = "well"
    began = time.monotonic()
    people.raises(doctor, "U0")
    until(lambda: len(house.gateway.taken()) >= 2, 25, "hanging sends hold up everybody")
    assert time.monotonic() - began < 20
    house.gateway.begin_anew()  # the ten minutes are over
    quiet.all_well(house, ledger, heard=False)
