"""The demo's time: shown, scaled, and stepped through every moment at which something is due.

The one source of time, `jieli.web.now`, asks `demo_now` in a demonstration. Nobody else does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction

from jieli.cases import actions, queries
from jieli.stories.models import DemoTime

log = logging.getLogger(__name__)

MOST_MOMENTS = 20_000  # between two steps; more means that something never gets done
MOST_TURNS = 200  # at one moment

# What is done at each moment. The front door adds its own work (messages), which is above us.
work: list[Callable[[datetime], int]] = [lambda now: actions.run_due(now=now)]
# When there is something to do, not after an instant: packages beside the spine add theirs.
moments: list[Callable[[datetime], datetime | None]] = [lambda before: queries.next_due(before)]


def demo_now(real_now: datetime) -> datetime:
    """What time it is in the demonstration."""
    row = DemoTime.objects.filter(id=1).first()
    if row is None:
        return real_now
    return row.shown_at + (real_now - row.real_at) * row.speed


def demo_speed() -> float:
    row = DemoTime.objects.filter(id=1).first()
    return row.speed if row else 1.0


def set_time(instant: datetime, speed: float, *, real_now: datetime) -> None:
    """Show this instant from now on; speed 0 stands still."""
    DemoTime.objects.update_or_create(
        id=1, defaults={"shown_at": instant, "real_at": real_now, "speed": speed}
    )


def step_to(instant: datetime, *, real_now: datetime) -> int:
    """Go forward to this instant, stopping at each moment at which a clock or a ring is due.

    Everything so fires at its own time and not when the story next looks. Returns how many
    things were done. Time stands still afterwards.
    """
    shown = demo_now(real_now)
    if instant < shown:
        raise ValueError("The demo's time never goes back.")
    set_time(shown, 0, real_now=real_now)
    with as_runner():
        return _step(shown, instant, real_now)


def _step(shown: datetime, instant: datetime, real_now: datetime) -> int:
    done = 0
    for _ in range(MOST_MOMENTS):
        due = next_due(instant)
        if due is None:
            break
        shown = max(due, shown)
        set_time(shown, 0, real_now=real_now)
        handled = _do_all(shown)
        done += handled
        # Beside a runner it may have been done by that. What nobody does is told, once a second.
        if handled == 0 and next_due(instant) == due:
            log.warning("due at %s and not done", shown.isoformat())
            shown += timedelta(seconds=1)
            if shown > instant:
                break
    set_time(instant, 0, real_now=real_now)
    return done + _do_all(instant)


MAY = """
    SELECT current_setting('role'), EXISTS (
        SELECT FROM pg_roles WHERE rolname = 'jieli_runner'
           AND pg_has_role(session_user, oid, 'MEMBER'))"""


@contextmanager
def as_runner() -> Iterator[None]:
    """What falls due is done with a runner's rights: the door of the demo's time is nobody's, and
    shows no row of a case. Where this process may not, a runner beside it does the work."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(MAY)
        was, may = cursor.fetchone()
        if may:
            cursor.execute("SELECT set_config('role', 'jieli_runner', true)")
        yield
        if may and not connection.needs_rollback:  # else the transaction's end forgets it
            cursor.execute("SELECT set_config('role', %s, true)", [was])


def next_due(before: datetime) -> datetime | None:
    """The earliest instant at which anybody has work, not after `before`."""
    return min((at for look in moments if (at := look(before))), default=None)


def _do_all(now: datetime) -> int:
    done = 0
    for task in work:
        for _ in range(MOST_TURNS):
            handled = task(now)
            done += handled
            if handled == 0:
                break
    return done
