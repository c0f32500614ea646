"""How long legs took over all missions, and who is away with a team: told by the database itself,
without saying about whom (see migrations/row_security.sql)."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import connection

from jieli.rules.legs import KINDS, Samples

Away = Mapping[int, tuple[tuple[datetime, datetime], ...]]


def leg_times(routes: Collection[str]) -> dict[tuple[str, str], Samples]:
    """By kind and route, for every kind that learns."""
    kinds = [kind for kind, prior in KINDS.items() if prior.learns]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, route, times, mean_log, variance_log FROM jieli_leg_times(%s, %s)",
            [kinds, sorted(routes)],
        )
        return {
            (kind, route): Samples(times, float(mean), float(variance))
            for kind, route, times, mean, variance in cursor.fetchall()
        }


def away(people: Collection[int], since: datetime, until: datetime) -> Away:
    """When each of them is in a team, within this time."""
    if not people:
        return {}
    found: dict[int, list[tuple[datetime, datetime]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT person, lower(period), upper(period)"
            " FROM jieli_away(%s::bigint[], tstzrange(%s, %s))",
            [sorted(people), since, until],
        )
        for person, begins, ends in cursor.fetchall():
            span = (max(begins or since, since), min(ends or until, until))
            found.setdefault(person, []).append(span)
    return {person: tuple(sorted(spans)) for person, spans in found.items()}
