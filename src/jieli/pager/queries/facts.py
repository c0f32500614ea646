"""What a watcher sees: processes, test rings, what waits. Every age by the database's clock."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection

from jieli.cases.queries.due import oldest_due
from jieli.notify.queries import oldest_untried, real_sends
from jieli.pager.models import Heartbeat
from jieli.rules.watching import FAILED_IN_A_ROW, SILENT_SECONDS, Facts, Heart, Tried

HEARTS = """
    SELECT kind, machine, extract(epoch FROM statement_timestamp() - beat_at)::float8,
           ended_at IS NOT NULL, skew_ms / 1000.0::float8, hanging, disk_free, disk_total
      FROM pager_heartbeat WHERE beat_at > statement_timestamp() - interval '1 hour'
"""
# Of each transport the newest test rings that are decided; old ones decide nothing.
PROBES = """
    SELECT transport, arrived_at IS NOT NULL AND error = '',
           coalesce(extract(epoch FROM arrived_at - due_at), 0)::float8, error
      FROM (SELECT *, row_number() OVER (PARTITION BY transport ORDER BY minute DESC) AS place
              FROM pager_probe
             WHERE finished_at IS NOT NULL AND minute > statement_timestamp() - interval '15 min')
           AS recent
     WHERE place <= %s ORDER BY transport, place
"""
NEWEST = "SELECT extract(epoch FROM statement_timestamp() - max(minute))::float8 FROM pager_probe"
RUNNERS = """
    SELECT min(extract(epoch FROM statement_timestamp() - beat_at))::float8
      FROM pager_heartbeat WHERE kind = 'runner' AND ended_at IS NULL
"""


def facts(now: datetime, *, of_cases: bool) -> Facts:
    """`of_cases`: also what waits. Only a runner sees the rows of every case."""
    seen = Facts(hearts=hearts(), probes=_probes(), probe_age=_one(NEWEST))
    if not of_cases:
        return seen
    return replace(
        seen,
        ring_waits=_seconds(oldest_untried(now), now),
        clock_waits=_seconds(oldest_due(now), now),
        real=real_sends(now),
    )


def hearts() -> tuple[Heart, ...]:
    return tuple(
        Heart(kind, machine, age, ended, float(skew), tuple(filter(None, hanging.split(","))),
              free, total)
        for kind, machine, age, ended, skew, hanging, free, total in _rows(HEARTS)
    )  # fmt: skip


def runner_lives() -> bool:
    """One small question, asked with every board."""
    age = _one(RUNNERS)
    return age is not None and age <= SILENT_SECONDS


def is_watched() -> bool:
    return Heartbeat.objects.exists()


def _probes() -> dict[str, tuple[Tried, ...]]:
    found: dict[str, tuple[Tried, ...]] = {}
    for transport, arrived, seconds, error in _rows(PROBES, FAILED_IN_A_ROW):
        found[transport] = (*found.get(transport, ()), Tried(arrived, seconds, error))
    return found


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _one(statement: str) -> float | None:
    [[value]] = _rows(statement)
    return value


def _rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
