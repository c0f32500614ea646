"""示教讲座: when a lecture may be entered, and how long somebody was there. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jieli.rules.refusal import Refused

EARLY = timedelta(minutes=30)  # the doors open
LATE = timedelta(hours=1)  # it may run over
LONGEST = timedelta(hours=10)
AHEAD = timedelta(days=366)
SEATS = 200  # what one media server's core carries, with room (bin/bench fanout)

Span = tuple[datetime, datetime]


def check_times(starts: datetime, ends: datetime, now: datetime) -> None:
    if not timedelta(0) < ends - starts <= LONGEST:
        raise Refused("A lecture ends after it begins, within ten hours.")
    if ends <= now:
        raise Refused("This lecture would be over already.")
    if starts > now + AHEAD:
        raise Refused("Plan a lecture at most a year ahead.")


def check_doors(starts: datetime, ends: datetime, now: datetime, *, speaks: bool) -> None:
    """Who speaks may come at any time before, to try picture and sound."""
    if now > ends + LATE:
        raise Refused("This lecture is over.")
    if now < starts - EARLY and not speaks:
        raise Refused("The doors open half an hour before the lecture begins.")


def check_consent(consent: bool | None) -> None:
    """Consent to teaching is asked for by itself; consent to treatment does not contain it."""
    if consent is None:
        raise Refused("Nobody has asked the patient or family about use for teaching. Ask first.")
    if not consent:
        raise Refused("The patient or family does not agree to use for teaching.")


@dataclass(frozen=True, slots=True)
class Attended:
    first: datetime
    last: datetime
    minutes: int


def attended(spans: Iterable[Span]) -> Attended | None:
    """One person's time on all their devices together; what overlaps counts once."""
    ordered = sorted(span for span in spans if span[1] > span[0])
    if not ordered:
        return None
    total, (begun, until) = timedelta(0), ordered[0]
    for start, end in ordered[1:]:
        if start > until:
            total += until - begun
            begun, until = start, end
        until = max(until, end)
    total += until - begun
    return Attended(ordered[0][0], until, round(total.total_seconds() / 60))
