"""One cluster and one house for the whole run; each test finds it new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.device import Device
from tests.faults.house import Cluster, House, Process
from tests.faults.house import house as opened
from tests.faults.ledger import Ledger


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.close()


@pytest.fixture(scope="session")
def standing(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("faults")
    with opened(cluster, folder, JIELI_ALARM_TO="+8613911112222") as made:
        yield made


@pytest.fixture
def house(standing: House) -> Iterator[House]:
    standing.renew()
    yield standing
    standing.end()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def device(ledger: Ledger) -> Iterator[Callable[..., Device]]:
    """Somebody's signed-in device that knows these servers."""
    made: list[Device] = []

    def of(number: str, *servers: Process, persistence: float = 60) -> Device:
        one = Device(number, lambda: [server.url for server in servers], ledger, persistence)
        made.append(one)
        return one.sign_in()

    yield of
    for one in made:
        one.close()
