"""The one source of time: the database's clock. A demonstration may scale or hold it.

Processes on machines whose clocks differ would ring too early, roll on too soon or wait for
minutes (docs/decisions/0011). So a process that serves or runs measures the database's clock when
it begins and with each heartbeat, and carries it on by its machine's steady clock. Its wall clock
is only measured, for the pager to say how wrong it is.
"""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection

from jieli.stories.timing import demo_now, demo_speed

log = logging.getLogger(__name__)


def now() -> datetime:
    """The instant, in UTC."""
    real = wall()
    return demo_now(real) if settings.JIELI_DEMO else real


def speed() -> float:
    """How many times faster than the wall clock the shown time runs: 1 but in a demonstration."""
    return demo_speed() if settings.JIELI_DEMO else 1.0


def wall() -> datetime:
    """Real time, in a demonstration too: sessions, codes and guessing live in it."""
    if _kept.at is None and _kept.wanted:
        _measure_first()
    if _kept.at is None:
        return machine()
    return _kept.at + timedelta(seconds=_steady() - _kept.steady)


def machine() -> datetime:
    """What this machine's own clock shows: to be measured and not to be believed."""
    return datetime.now(UTC)


# -- keeping the database's time ---------------------------------------------------------------


@dataclass
class _Kept:
    """At `steady` of the machine's steady clock it was `at`, by the database."""

    at: datetime | None = None
    steady: float = 0.0
    wanted: bool = False  # by a process that lives on; a command is over before it would matter


_kept = _Kept()
_guard = threading.Lock()


def keep_time() -> None:
    """For a process that serves or runs: from now on by the database's clock."""
    _kept.wanted = True


def measure() -> float:
    """Ask the database; the seconds by which this machine's clock is ahead of it."""
    began, before = _steady(), machine()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [there] = cursor.fetchone()
    ended, after = _steady(), machine()
    if _kept.wanted:
        _take(there, (began + ended) / 2, (ended - began) / 2)
    return (before + (after - before) / 2 - there).total_seconds()


def _take(there: datetime, steady: float, unsure: float) -> None:
    """Half a round trip lies on either side of the answer: what fits in there is no news."""
    with _guard:
        if _kept.at is not None:
            kept = _kept.at + timedelta(seconds=steady - _kept.steady)
            if abs((there - kept).total_seconds()) <= unsure:
                return
        _kept.at, _kept.steady = there, steady


def _measure_first() -> None:
    try:
        measure()
    except DatabaseError as fault:  # nothing can be written without it either
        log.warning("the database's time is not known yet", extra={"kind": type(fault).__name__})


def _steady() -> float:
    """Goes on while the machine sleeps, where the system can tell."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)
