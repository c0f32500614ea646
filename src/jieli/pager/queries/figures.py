"""Figures that are the same whichever process is asked: they are read from rows.

Those of rings, clocks and messages are read by a runner, which sees every case's, and kept in the
`Gauge`; a web process sees only what its reader may. Counters begin anew at midnight UTC; `rate`
and `increase` take that for what it is. Nothing here names a person, a hospital or a case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.db import connection

from jieli.cases.queries.due import due_clocks, oldest_due
from jieli.notify.queries import backlog
from jieli.pager.models import Illness
from jieli.pager.queries.facts import hearts
from jieli.rules.watching import ILL

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Figure:
    """One family: a counter, or a gauge when it can go down."""

    name: str
    help: str
    kind: str  # counter, gauge
    values: list[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class Spread:
    """One histogram family: per labels the bounds with how many were at most that, and the sum."""

    name: str
    help: str
    values: list[tuple[Labels, list[tuple[str, float]], float]]


BOUNDS = (0.1, 0.3, 1, 2, 5, 10, 30, 60, 300)
BINS = ", ".join(f"count(*) FILTER (WHERE seconds <= {bound})" for bound in BOUNDS)

RINGS = "SELECT count(*) FROM cases_ring WHERE started_at >= %s AND NOT silent"
ANSWERS = """
    SELECT answer, count(*) FROM cases_ring
     WHERE started_at >= %s AND NOT silent AND answer <> '' GROUP BY answer
"""
SENDS = """
    SELECT kind, state, count(*) FROM notify_attempt a JOIN notify_message m ON m.id = a.message_id
     WHERE a.started_at >= %s AND m.purpose = 'case' GROUP BY kind, state
"""
FIRST_RING = f"""
    SELECT '', {BINS}, count(*), coalesce(sum(seconds), 0) FROM
      (SELECT extract(epoch FROM sent_at - created_at)::float8 AS seconds FROM notify_message
        WHERE created_at >= %s AND manner = 'ring' AND purpose = 'case' AND sent_at IS NOT NULL) r
"""  # noqa: S608 bounds of our own
CLOCKS = f"""
    SELECT '', {BINS}, count(*), coalesce(sum(seconds), 0) FROM
      (SELECT greatest(0, extract(epoch FROM recorded_at - occurred_at))::float8 AS seconds
         FROM record_event WHERE recorded_at >= %s AND source = 'runner'
          AND verb IN ('clock_reminded', 'clock_second', 'clock_target_missed',
                       'clock_hard_missed')) c
"""  # noqa: S608 bounds of our own
PROBES = f"""
    SELECT transport, {BINS}, count(*), coalesce(sum(seconds), 0) FROM
      (SELECT transport, extract(epoch FROM arrived_at - due_at)::float8 AS seconds
         FROM pager_probe WHERE minute >= %s AND arrived_at IS NOT NULL AND error = '') p
     GROUP BY transport
"""  # noqa: S608 bounds of our own
FAILED = """
    SELECT transport, count(*) FROM pager_probe
     WHERE minute >= %s AND finished_at IS NOT NULL AND (arrived_at IS NULL OR error <> '')
     GROUP BY transport
"""
PROCESSES = """
    SELECT kind, count(*), sum(streams), sum(pool_size), sum(pool_waiting) FROM pager_heartbeat
     WHERE ended_at IS NULL AND beat_at > statement_timestamp() - interval '30 s' GROUP BY kind
"""


def figures_of_cases(now: datetime) -> Iterator[Figure]:
    """For a runner."""
    midnight = _midnight(now)
    yield _counter("jieli_rings_started", "Rings begun.", _plain(RINGS, midnight))
    yield _counter(
        "jieli_rings_ended", "Rings that ended, by how.", _by("answer", ANSWERS, midnight)
    )
    yield Figure("jieli_sends", "Tries to send a message, by transport and result.", "counter", [
        ({"transport": kind, "result": state}, n) for kind, state, n in _rows(SENDS, midnight)
    ])  # fmt: skip
    waits = backlog(now)
    yield _gauge("jieli_messages_waiting", "Messages due and not settled.", waits.waiting)
    yield _gauge("jieli_message_oldest_seconds", "How long the oldest of them waits.",
                 _seconds(waits.oldest_due_at, now))  # fmt: skip
    yield _gauge("jieli_clocks_due", "Clocks that are due and did not fire yet.", due_clocks(now))
    yield _gauge("jieli_clock_oldest_seconds", "How long the oldest of them waits.",
                 _seconds(oldest_due(now), now))  # fmt: skip


def spreads_of_cases(now: datetime) -> Iterator[Spread]:
    """For a runner."""
    midnight = _midnight(now)
    yield Spread("jieli_first_ring_seconds", "From a ring that is owed to the first channel that "
                 "took it.", _binned("", FIRST_RING, midnight))  # fmt: skip
    yield Spread("jieli_clock_lateness_seconds", "From a clock's time to its record.",
                 _binned("", CLOCKS, midnight))  # fmt: skip


def figures_of_the_pager(now: datetime) -> Iterator[Figure]:
    """For any process."""
    yield _counter(
        "jieli_probes_failed", "Test rings that failed.", _by("transport", FAILED, _midnight(now))
    )
    yield _gauge("jieli_illnesses", "What is ill in the pager now.", _illnesses())
    yield from _processes()


def spreads_of_the_pager(now: datetime) -> Iterator[Spread]:
    """For any process."""
    yield Spread("jieli_probe_seconds", "From a test ring to its arrival.",
                 _binned("transport", PROBES, _midnight(now)))  # fmt: skip


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now.date(), time(0), now.tzinfo)


def _processes() -> Iterator[Figure]:
    rows = _rows(PROCESSES)
    columns = [
        ("jieli_processes", "Processes heard of in the last 30 s.", 1),
        ("jieli_streams_open", "Event streams that are open.", 2),
        ("jieli_database_connections", "Connections kept to the database.", 3),
        ("jieli_database_connections_waited_for", "Requests that wait for a connection.", 4),
    ]
    for name, said, place in columns:
        yield Figure(name, said, "gauge", [({"kind": row[0]}, float(row[place])) for row in rows])
    living = [heart for heart in hearts() if heart.lives]
    yield _gauge("jieli_clock_skew_seconds", "Most by which a machine's clock differs.",
                 max((abs(heart.skew) for heart in living), default=0.0))  # fmt: skip
    yield _gauge("jieli_disk_free_share", "Least share of a disk that is free.", min(
        (heart.disk_free / heart.disk_total for heart in living if heart.disk_total), default=1.0
    ))  # fmt: skip


def _counter(name: str, said: str, values: list[tuple[Labels, float]]) -> Figure:
    return Figure(name, said, "counter", values)


def _gauge(name: str, said: str, value: float) -> Figure:
    return Figure(name, said, "gauge", [({}, float(value))])


def _plain(statement: str, since: datetime) -> list[tuple[Labels, float]]:
    return [({}, float(count)) for (count,) in _rows(statement, since)]


def _by(label: str, statement: str, since: datetime) -> list[tuple[Labels, float]]:
    return [({label: name}, float(count)) for name, count in _rows(statement, since)]


def _binned(
    label: str, statement: str, since: datetime
) -> list[tuple[Labels, list[tuple[str, float]], float]]:
    found = []
    for name, *counts, total, summed in _rows(statement, since):
        bins = [(str(float(b)), float(n)) for b, n in zip(BOUNDS, counts, strict=True)]
        found.append(({label: name} if label else {}, [*bins, ("+Inf", float(total))], summed))
    return found


def _illnesses() -> int:
    return Illness.objects.filter(ended_at=None, well_since=None, grade=ILL).count()


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
