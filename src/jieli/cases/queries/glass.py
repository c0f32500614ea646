"""Who has read a case, what was opened by breaking the glass, and what of it waits for review."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Q, QuerySet

from jieli.cases.models import BreakGlass, Case
from jieli.directory.access import DESK_KINDS, organisations_of, today
from jieli.directory.models import Practitioner
from jieli.record.models import Reading
from jieli.rules.glass import REVIEW_WITHIN

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Reader:
    """One person who has read a case."""

    person: Practitioner
    places: str
    first: datetime
    last: datetime
    opened: int  # minutes in which it was open
    listed: int  # lists on which it stood
    glass: BreakGlass | None


def readers_of(case: Case) -> Sequence[Reader]:
    """The latest first. A list that shows the case counts as having seen it."""
    seen = (
        Reading.objects.filter(Q(case_key=case.key) | Q(listed__contains=[case.key]))
        .values("practitioner")
        .annotate(
            first=Min("at"),
            last=Max("at"),
            opened=Count("pk", filter=Q(listed=None)),
            shown=Count("pk", filter=Q(case_key=None)),
        )
        .order_by("-last")[:SHOWN]
    )
    rows = list(seen)
    people = Practitioner.objects.prefetch_related("roles__organisation").in_bulk(
        row["practitioner"] for row in rows
    )
    broken = {one.by_id: one for one in BreakGlass.objects.filter(case=case).order_by("at")}
    return [
        Reader(
            person := people[row["practitioner"]],
            "、".join(dict.fromkeys(role.organisation.name for role in person.roles.all())),
            row["first"],
            row["last"],
            row["opened"],
            row["shown"],
            broken.get(row["practitioner"]),
        )
        for row in rows
    ]


def reviewed_sites(person: Practitioner, now: datetime) -> set[int]:
    """Hospitals whose broken glass this person reviews."""
    return organisations_of(person, today(now), DESK_KINDS)


def to_review(person: Practitioner, now: datetime) -> QuerySet[BreakGlass]:
    """What was opened at this person's hospitals, what waits first; the oldest of these on top."""
    return (
        BreakGlass.objects.filter(organisation__in=reviewed_sites(person, now))
        .select_related("case", "by", "reviewed_by", "organisation")
        .order_by("reviewed_at", "at")
    )


def overdue(broken: BreakGlass, now: datetime) -> bool:
    return broken.reviewed_at is None and now > broken.at + REVIEW_WITHIN
