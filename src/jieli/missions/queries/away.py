"""Who is away with a team, also one whose case the asker may not see: the database counts."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection


def away(people: Sequence[int], start: datetime, end: datetime) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT person FROM jieli_away(%s::bigint[], tstzrange(%s, %s))",
            [list(people), start, end],
        )
        return {person for (person,) in cursor.fetchall()}
