"""After the faults: everything stands again, nothing more comes in, and the books are compared."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import Any, Protocol

import psycopg

from tests.faults import audit
from tests.faults.audit import Books, Finding
from tests.faults.gateway import Gateway
from tests.faults.house import Cluster, House, until
from tests.faults.ledger import Ledger


class Compared(Protocol):
    """A database in a cluster, and what its gateway heard."""

    cluster: Cluster
    name: str
    gateway: Gateway


WORK = """
    SELECT (SELECT count(*) FROM cases_clock WHERE due_at < now() OR owes <> '{}')
         + (SELECT count(*) FROM cases_request WHERE due_at < now())
         + (SELECT count(*) FROM notify_attempt WHERE report_due)
         + (SELECT count(*) FROM notify_message WHERE purpose = 'case' AND due_at IS NOT NULL
             AND withdrawn_at IS NULL AND read_at IS NULL)
"""


def mend(house: House) -> None:
    """Whatever a test broke is whole again."""
    house.disarm()
    house.proxy.mend()
    house.gateway.manner = "well"
    for process in house.processes:
        process.signal(signal.SIGCONT)
    with contextlib.suppress(psycopg.Error, StopIteration):
        house.cluster.resume()
    house.cluster.start()
    for kind in ("serve", "run"):
        for process in [one for one in house.processes if one.kind == kind and not one.lives]:
            house.again(process)
        if not any(one.kind == kind for one in house.processes):
            getattr(house, kind)(f"{kind}-of-quiet")


def quiet(house: House, seconds: float = 40) -> float:
    """Until nothing is owed twice in a row; how long that took."""
    began, still = time.monotonic(), 0
    while still < 3 and time.monotonic() - began < seconds:
        with contextlib.suppress(psycopg.Error):
            still = still + 1 if house.one(WORK) == 0 else 0
        time.sleep(0.25)
    return time.monotonic() - began


def compared(house: Compared, ledger: Ledger, *, heard: bool = True) -> list[Finding]:
    with house.cluster.connect(house.name) as link:

        def sql(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
            return link.execute(statement, parameters).fetchall()  # type: ignore[arg-type]

        return audit.audit(Books(sql, ledger, house.gateway, heard))


def verified(house: House) -> list[Finding]:
    """What `bin/jieli verify` says of a record at rest: nothing runs any more."""
    house.end()
    said = house.jieli("verify")
    return [Finding("chain", said.stdout + said.stderr)] if said.returncode else []


def all_well(house: House, ledger: Ledger, *, heard: bool = True, seconds: float = 40) -> None:
    """Mend, wait, compare; say every finding."""
    mend(house)
    until(lambda: any(one.lives for one in house.processes), 10)
    quiet(house, seconds)
    found = compared(house, ledger, heard=heard)
    assert not found, "\n".join(map(str, found[:20]))
