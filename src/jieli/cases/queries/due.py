"""What time owes: the next instant at which a clock, a ring or an outcome asks for something."""

from datetime import datetime

from django.db import connection
from django.db.models import Min

from jieli.cases.models import Clock, OutcomeDue, Request
from jieli.rules.watching import Lateness


def next_due(before: datetime | None = None) -> datetime | None:
    """The earliest instant at which `actions.run_due` has work, not after `before`."""
    found = (
        Clock.objects.filter(due_at__isnull=False).aggregate(at=Min("due_at"))["at"],
        Request.objects.filter(due_at__isnull=False).aggregate(at=Min("due_at"))["at"],
        OutcomeDue.objects.filter(asked_at=None, answered_at=None).aggregate(at=Min("due_at"))[
            "at"
        ],
    )
    earliest = min((at for at in found if at), default=None)
    if earliest is None or (before is not None and earliest > before):
        return None
    return earliest


def oldest_due(now: datetime) -> datetime | None:
    """Since when a clock that has come waits to be fired; None when none does."""
    return Clock.objects.filter(due_at__lte=now).aggregate(at=Min("due_at"))["at"]


def due_clocks(now: datetime) -> int:
    return Clock.objects.filter(due_at__lte=now).count()


FIRED = ("clock_reminded", "clock_second", "clock_target_missed", "clock_hard_missed")
LATENESS = """
    SELECT count(late), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY late),
           max(late)
      FROM (SELECT greatest(0, extract(epoch FROM recorded_at - occurred_at))::float8 AS late
              FROM record_event
             WHERE recorded_at > %s AND recorded_at <= %s AND verb = ANY(%s)
               AND source = 'runner') AS fired
"""


def clock_lateness(since: datetime, now: datetime) -> Lateness:
    """How long after its time each stage of a clock was recorded."""
    with connection.cursor() as cursor:
        cursor.execute(LATENESS, [since, now, list(FIRED)])
        count, percentiles, worst = cursor.fetchone()
    p50, p95, p99 = percentiles or (None, None, None)
    return Lateness(count, p50, p95, p99, worst)
