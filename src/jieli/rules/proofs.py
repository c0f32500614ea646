"""When a person is asked to prove that their night telephone rings. Pure.

A proof holds seven days (`rostering.PROOF_HOLDS`). Who has a night ahead that their proof does not
reach is called at a civil hour, within two days of its running out, and on two later days again.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from jieli.rules.rostering import PROOF_HOLDS

AHEAD = timedelta(days=7)  # nights so far ahead are looked at
LEAD = timedelta(days=2)  # a proof that still holds is renewed so long before the night
CIVIL = ((time(9, 30), time(12, 30)), (time(15, 30), time(18, 30)))  # not at night, nor at siesta
BETWEEN = timedelta(hours=20)  # at most once a day
WEEK = timedelta(days=7)
MOST_A_WEEK = 3  # the call, and two reminders


def is_civil(at: datetime, zone: str) -> bool:
    clock = at.astimezone(ZoneInfo(zone)).time()
    return any(start <= clock < end for start, end in CIVIL)


def is_needed(proven_at: datetime | None, nights: Sequence[datetime], now: datetime) -> bool:
    """Whether a coming night begins when the proof of today no longer holds."""
    ahead = [night for night in nights if night <= now + AHEAD]
    unproven = [n for n in ahead if proven_at is None or n - proven_at > PROOF_HOLDS]
    if not unproven:
        return False
    holds = proven_at is not None and now - proven_at <= PROOF_HOLDS
    return not holds or min(unproven) - now <= LEAD


def is_due(
    proven_at: datetime | None,
    nights: Sequence[datetime],
    asked: Sequence[datetime],
    *,
    zone: str,
    now: datetime,
) -> bool:
    """Whether to call now, given when this channel was asked before."""
    recent = [at for at in asked if now - at < WEEK and (proven_at is None or at > proven_at)]
    rested = all(now - at >= BETWEEN for at in recent)
    return (
        is_needed(proven_at, nights, now)
        and is_civil(now, zone)
        and rested
        and len(recent) < MOST_A_WEEK
    )
