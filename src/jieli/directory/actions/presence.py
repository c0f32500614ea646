"""What a person says about being reachable, and when they were last seen."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from jieli.directory.models import Practitioner, Presence
from jieli.rules.refusal import Refused

SEEN_EVERY = timedelta(minutes=1)
LONGEST_AWAY = 24 * 60  # minutes


def set_presence(
    person: Practitioner,
    state: str,
    *,
    until: datetime | None = None,
    away_minutes: int | None = None,
    by: Practitioner,
    now: datetime,
) -> Presence:
    if state not in Presence.State.values:
        raise Refused("There is no such state of presence.")
    if until is not None and until <= now:
        raise Refused("The time until when must lie in the future.")
    if away_minutes is not None and not 0 < away_minutes <= LONGEST_AWAY:
        raise Refused("Away is said in minutes, at most a day.")
    presence, _ = Presence.objects.update_or_create(
        practitioner=person,
        defaults={
            "state": state,
            "until": None if state == Presence.State.FREE else until,
            "away_minutes": away_minutes if state == Presence.State.AWAY else None,
        },
    )
    if by == person:
        touch(by=person, now=now)
    return presence


def touch(*, by: Practitioner, now: datetime) -> None:
    """The person did something now. Written at most once a minute; usually nothing is done."""
    presence: Presence | None = getattr(by, "presence", None)
    if presence and presence.last_seen_at and presence.last_seen_at > now - SEEN_EVERY:
        return
    if presence is None:
        Presence.objects.bulk_create(
            [Presence(practitioner=by, last_seen_at=now)], ignore_conflicts=True
        )
    stale = Q(last_seen_at=None) | Q(last_seen_at__lte=now - SEEN_EVERY)
    Presence.objects.filter(stale, practitioner=by).update(last_seen_at=now)


def note_busy(people: Iterable[int], state: str, until: datetime) -> None:
    """A system event says it of them (a team left, an operation began). It ends by itself."""
    for pk in sorted(set(people)):  # in one order, so that two events never wait for each other
        Presence.objects.update_or_create(
            practitioner_id=pk, defaults={"state": state, "until": until, "away_minutes": None}
        )


def note_free(people: Iterable[int], was: str) -> list[int]:
    """That event is over: who is free by it. What somebody has said since then stays."""
    return [
        pk
        for pk in sorted(set(people))
        if Presence.objects.filter(practitioner=pk, state=was).update(
            state=Presence.State.FREE, until=None, away_minutes=None
        )
    ]
