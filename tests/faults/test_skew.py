"""A machine whose clock is five minutes off: nothing early, nothing late, and it is named."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from tests.faults import people, quiet
from tests.faults.device import Device
from tests.faults.house import House, until
from tests.faults.ledger import Ledger
from tests.faults.load import hasten

Devices = Callable[..., Device]
OFF = 300
TIMES = """
    SELECT max(abs(extract(epoch FROM at - now()))) FROM (
      SELECT opened_at AS at FROM cases_case UNION ALL SELECT raised_at FROM cases_request
      UNION ALL SELECT started_at FROM cases_ring UNION ALL SELECT started_at FROM cases_clock
      UNION ALL SELECT created_at FROM notify_message UNION ALL SELECT recorded_at FROM record_event
      UNION ALL SELECT started_at FROM notify_attempt) AS times
"""


@pytest.mark.parametrize("off", [-OFF, OFF])
def test_a_server_whose_clock_is_wrong(
    house: House, device: Devices, ledger: Ledger, off: int
) -> None:
    """The telephone rings at once, and the clocks of the case begin now."""
    doctor = device("doctor", house.serve(FAULTS_SKEW=str(off)))
    house.run()
    people.raises(doctor)
    people.called(house, "alice", 8)
    assert house.one(TIMES) < 15
    quiet.all_well(house, ledger)


@pytest.mark.parametrize("off", [-OFF, OFF])
def test_a_runner_whose_clock_is_wrong(
    house: House, device: Devices, ledger: Ledger, off: int
) -> None:
    """Nobody is passed over before 20 seconds, no clock fires before its time, none later."""
    doctor = device("doctor", house.serve())
    house.run(FAULTS_SKEW=str(off))
    people.raises(doctor)
    people.called(house, "alice", 8)
    time.sleep(5)
    assert house.sql("SELECT answer FROM cases_ring WHERE NOT silent") == [("",)]
    fired = "SELECT count(*) FROM record_event WHERE verb LIKE 'clock%%'"
    assert house.one(fired) == 0
    hasten(house, random.Random(0))
    until(lambda: house.one(fired), 8, "the clocks of the case do not fire")
    assert house.one(TIMES) < 30
    _named(house, off)
    quiet.all_well(house, ledger)


def _named(house: House, off: int) -> None:
    """On the pager's own page, as an illness and beside the process."""
    until(
        lambda: house.sql("SELECT 1 FROM pager_illness WHERE cause LIKE 'skew.%%'"),
        15,
        "a machine that is five minutes off is not named",
    )
    [(detail, grade)] = house.sql(
        "SELECT detail, grade FROM pager_illness WHERE cause LIKE 'skew.%%'"
    )
    assert (detail, grade) == (f"{off:+d}", "ill")
    [(skew,)] = house.sql("SELECT skew_ms FROM pager_heartbeat WHERE kind = 'runner'")
    assert abs(skew / 1000 - off) < 1
