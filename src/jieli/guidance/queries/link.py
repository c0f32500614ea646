"""How the link of a session was and is: from the rows, never from what somebody claims."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jieli.guidance.models import GuidanceSession, LinkGap
from jieli.rules import guidance as rules
from jieli.rules.guidance import Measured, Span

Measure = Callable[[UUID, datetime], Measured | None]
_measures: list[Measure] = []


def use_link_measure(measure: Measure) -> None:
    """The front door names who measures the link of a case; this package does not know it."""
    if measure not in _measures:
        _measures.append(measure)


def measured(case_key: UUID, now: datetime) -> Measured | None:
    return next((found for each in _measures if (found := each(case_key, now))), None)


def standing(session: GuidanceSession) -> list[LinkGap]:
    """Gaps that were not corrected, in order."""
    return list(session.gaps.filter(corrected_at=None).order_by("since", "pk"))


def open_gap(session: GuidanceSession) -> LinkGap | None:
    return session.gaps.filter(corrected_at=None, until=None).first()


def lost_since(session: GuidanceSession) -> datetime | None:
    """Since when the link is not known to be up; None before the start."""
    gap = open_gap(session)
    return gap.since if gap else session.up_at


def is_linked(session: GuidanceSession, now: datetime) -> bool:
    """The link is up, as far as anybody has heard lately."""
    near = session.up_at is not None and now - session.up_at <= rules.DEGRADED_AFTER
    return near and open_gap(session) is None


def telephone_of(session: GuidanceSession) -> str:
    """The number that was agreed on for when the link fails."""
    row = session.checks.filter(item="telephone").order_by("-pk").first()
    return row.text if row else ""


def up(session: GuidanceSession) -> list[Span]:
    """When the link is known to have been up, until it was last heard to be."""
    if session.started_at is None or session.up_at is None:
        return []
    whole = Span(session.started_at, session.up_at)
    gaps = [Span(gap.since, gap.until or session.up_at) for gap in standing(session)]
    return rules.between(whole, [gap for gap in gaps if gap.length])


def there(session: GuidanceSession, now: datetime) -> list[Span]:
    """When the guide was there, as the guide said."""
    return [
        Span(stay.since, max(stay.until or now, stay.since))
        for stay in session.stays.order_by("since")
    ]


@dataclass(frozen=True, slots=True)
class Operated:
    """An operation as the packages beside this one tell of it."""

    case_key: UUID
    organisation: int
    since: datetime
    until: datetime | None  # still going on


def was_live(operated: Operated, now: datetime) -> bool:
    """Whether it was guided from afar: link up and guide there for a minute of it at least."""
    until = operated.until or now
    rows = GuidanceSession.objects.filter(
        case__key=operated.case_key, organisation=operated.organisation
    ).exclude(started_at=None)
    ups: list[Span] = []
    stays: list[Span] = []
    for session in rows:
        ups += up(session)
        stays += there(session, now)
    return rules.was_live(ups, stays, Span(operated.since, until))
