"""Twenty random faults under load; `bin/bench faults` does a thousand. FAULTS_SEED repeats one."""

from __future__ import annotations

import os
import random

import pytest

from tests.faults import quiet
from tests.faults.house import House
from tests.faults.storm import Storm

KILLS = 20
SCALE = "idle=4s jieli.notify.actions.sending.LEASE=4"


@pytest.mark.slow
def test_twenty_random_faults_lose_nothing_and_double_nothing(house: House) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"FAULTS_SEED={seed}")  # noqa: T201 - shown when it fails
    storm = Storm(house, seed, SCALE, longest_sleep=6)
    ledger = storm.blow(KILLS, most=60)
    assert storm.load
    assert not storm.load.faults, storm.load.faults
    assert len(ledger.acknowledged("raise")) >= 5, "hardly anybody got anything done"
    quiet.all_well(house, ledger, seconds=60)
    assert quiet.verified(house) == []
