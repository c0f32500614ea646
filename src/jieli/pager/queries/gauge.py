"""The newest figures about rings and clocks, as a runner read them."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from jieli.cases.queries.due import clock_lateness, due_clocks
from jieli.notify.queries import backlog, ring_lateness
from jieli.pager.queries.figures import Figure, Spread, figures_of_cases, spreads_of_cases
from jieli.rules.watching import Lateness

DAY = timedelta(hours=24)
NONE = Lateness(0, None, None, None, None)
NEWEST = """
    SELECT data, extract(epoch FROM statement_timestamp() - taken_at)::float8 FROM pager_gauge
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the status page shows of rings and clocks, and what /metrics tells."""

    age: float | None = None  # seconds; None: no runner has read anything yet
    rings: Lateness = NONE
    clocks: Lateness = NONE
    waiting: int = 0
    oldest_seconds: float = 0.0
    failed: int = 0
    due_clocks: int = 0
    figures: list[Figure] = field(default_factory=list)
    spreads: list[Spread] = field(default_factory=list)


def read_now(now: datetime) -> dict[str, Any]:
    """For a runner: everything, as it is to be kept."""
    waits = backlog(now)
    oldest = (now - waits.oldest_due_at).total_seconds() if waits.oldest_due_at else 0.0
    return {
        "rings": asdict(ring_lateness(now - DAY, now)),
        "clocks": asdict(clock_lateness(now - DAY, now)),
        "waiting": waits.waiting,
        "oldest_seconds": max(0.0, oldest),
        "failed": waits.failed,
        "due_clocks": due_clocks(now),
        "figures": [asdict(figure) for figure in figures_of_cases(now)],
        "spreads": [asdict(spread) for spread in spreads_of_cases(now)],
    }


def newest_gauge() -> Figures:
    with connection.cursor() as cursor:
        cursor.execute(NEWEST)
        row = cursor.fetchone()
    if row is None:
        return Figures()
    data = json.loads(row[0]) if isinstance(row[0], str) else row[0]
    return Figures(
        age=row[1],
        rings=Lateness(**data["rings"]),
        clocks=Lateness(**data["clocks"]),
        waiting=data["waiting"],
        oldest_seconds=data["oldest_seconds"],
        failed=data["failed"],
        due_clocks=data["due_clocks"],
        figures=[Figure(**figure) for figure in data["figures"]],
        spreads=[Spread(**spread) for spread in data["spreads"]],
    )
