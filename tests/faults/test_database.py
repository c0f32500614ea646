"""The database dies, the way to it breaks or is slow; with fsync on, and under load."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.faults import people, quiet
from tests.faults.device import Device
from tests.faults.house import House, until
from tests.faults.ledger import Ledger
from tests.faults.load import Load

Devices = Callable[..., Device]


def test_fsync_is_on(house: House) -> None:
    shown = house.sql(
        "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
        " current_setting('full_page_writes')"
    )
    assert shown == [("on", "on", "on")]


@pytest.mark.slow
def test_killed_and_brought_back_under_load(house: House) -> None:
    servers = [house.serve("one"), house.serve("two")]
    for name in ("runner-one", "runner-two"):
        house.run(name, FAULTS_SCALE="jieli.notify.actions.sending.LEASE=4")
    load = Load(house, lambda: [one.url for one in servers], seed=3, most=40).start()
    for _ in range(2):
        time.sleep(2)
        house.cluster.kill()
        time.sleep(0.5)
        house.cluster.start()
    until(lambda: len(load.ledger.acknowledged("raise")) > 5, 60, "nobody got through")
    load.stop()
    assert not load.faults, load.faults
    quiet.all_well(house, load.ledger)
    assert quiet.verified(house) == []


@pytest.mark.parametrize(
    ("word", "passing", "replayed"),
    [
        (b'INSERT INTO "record_event"', False, False),
        (b"COMMIT", False, False),
        (b"COMMIT", True, True),  # done, and nobody heard that it was
    ],
    ids=["in the middle", "before the commit", "the commit is in doubt"],
)
def test_the_connection_is_cut(
    house: House, device: Devices, ledger: Ledger, word: bytes, passing: bool, replayed: bool
) -> None:
    server = house.serve(over_proxy=True)
    doctor = device("doctor", server)
    doctor.get("/cases/new/")
    house.sql("DELETE FROM directory_presence")
    # The page itself writes a little first (who is here), in commits of its own: the cut waits
    # until the page is in.
    house.proxy.cut_after(b'INSERT INTO "cases_case"' if word == b"COMMIT" else b"", word, passing)
    raised = people.raises(doctor)
    assert house.proxy.cut_happened.wait(3)
    assert (raised.status, raised.replayed) == (303, replayed)
    house.run()
    quiet.all_well(house, ledger)
    assert house.one("SELECT count(*) FROM cases_case") == 1


@pytest.mark.slow
def test_a_slow_database_makes_late_and_nothing_else(
    house: House, device: Devices, ledger: Ledger
) -> None:
    """Each answer 40 ms late, as over a long line or from a busy disk."""
    server = house.serve(over_proxy=True)
    house.run(over_proxy=True)
    doctor, alice = device("doctor", server), device("alice", server)
    house.proxy.delay = 0.04
    raised = people.raises(doctor)
    people.called(house, "alice", 20)
    request = people.request_of(house, raised)
    assert people.accepts(alice, request).status == 303
    house.proxy.delay = 0.0
    quiet.all_well(house, ledger)


@pytest.mark.slow
def test_a_database_that_neither_answers_nor_refuses_is_told_by_another_way(
    house: House, device: Devices, ledger: Ledger
) -> None:
    """Everything hangs, also the watch's own look; the operator's telephone rings all the same."""
    scale = (
        "jieli.web.watchman.DATABASE_AWAY_SECONDS=3 jieli.web.watchman.SILENT_SECONDS=1"
        " jieli.web.watchman.BEAT_SECONDS=1"
    )
    server = house.serve(FAULTS_SCALE=scale)
    doctor = device("doctor", server)
    time.sleep(3)  # until it has begun to look
    house.cluster.pause()
    try:
        until(lambda: house.gateway.to("+8613911112222"), 30, "nobody was told")
    finally:
        house.cluster.resume()
    house.run()
    people.raises(doctor)
    quiet.all_well(house, ledger)
