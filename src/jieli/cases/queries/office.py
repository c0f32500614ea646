"""What the records office sees: what is due, what was proposed, what is held, what is gone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from jieli.cases.models import Case, Disposal, Hold
from jieli.directory.access import OFFICE_KINDS, organisations_of, today
from jieli.directory.models import Practitioner
from jieli.record import reading
from jieli.rules import retention
from jieli.rules.refusal import Refused
from jieli.rules.retention import KEPT, Facts, Keep

SHOWN = 100
LOOKED_AT = 1000  # oldest cases of which those that are due are shown


@dataclass(frozen=True, slots=True)
class Due:
    """One case that may be disposed of."""

    case: Case
    due_on: date


@dataclass(frozen=True, slots=True)
class Office:
    due: list[Due]
    proposed: list[Disposal]
    holds: list[Hold]
    gone: list[Disposal]
    kept: Iterable[Keep]


def sites_of(person: Practitioner, now: datetime) -> set[int]:
    """Hospitals whose records office this person is."""
    return organisations_of(person, today(now), OFFICE_KINDS)


def office(person: Practitioner, now: datetime) -> Office:
    sites = sites_of(person, now)
    at_sites = Disposal.objects.filter(organisation__in=sites).select_related(
        "organisation", "proposed_by", "confirmed_by"
    )
    holds = Hold.objects.filter(organisation__in=sites, ended_at=None)
    found = Office(
        due=due_cases(sites, now),
        proposed=list(
            at_sites.filter(confirmed_at=None, refused_at=None)
            .select_related("case")
            .order_by("pk")
        ),
        holds=list(holds.select_related("case", "by").order_by("-since")),
        gone=list(at_sites.exclude(confirmed_at=None).order_by("-confirmed_at")[:SHOWN]),
        kept=KEPT.values(),
    )
    for shown in (found.due, found.proposed, found.holds):
        reading.listed(one.case.key for one in shown)
    return found


def due_cases(sites: set[int], now: datetime) -> list[Due]:
    """The oldest first; without those that are held, proposed, or wait for a later visit."""
    day = today(now)
    proposed = Disposal.objects.filter(case=OuterRef("pk"), refused_at=None)
    rows = (
        with_facts(Case.objects.filter(organisation__in=sites, status="closed", disposed_at=None))
        .filter(Q(held=False), Q(still_open=False), closed_at__lt=_shortest_ago(now))
        .exclude(Exists(proposed))
        .select_related("organisation")
        .order_by("closed_at", "pk")[:LOOKED_AT]
    )
    found: list[Due] = []
    for case in rows:
        try:
            found.append(Due(case, retention.check_disposal(_facts(case), day)))
        except Refused:
            continue  # of an in-patient, or with a later visit: not due yet
        if len(found) == SHOWN:
            break
    return found


def _shortest_ago(now: datetime) -> datetime:
    years = min(keep.years for keep in KEPT.values() if keep.ends == retention.Ends.OFFICE)
    return now.replace(year=now.year - years, day=min(now.day, 28))


def with_facts(cases: QuerySet[Case]) -> QuerySet[Case]:
    """Each with what decides over its disposal, in one query."""
    alike = Case.objects.filter(
        patient=OuterRef("patient"), organisation=OuterRef("organisation")
    ).order_by()
    return cases.annotate(
        held=Exists(Hold.objects.filter(case=OuterRef("pk"), ended_at=None)),
        still_open=Exists(alike.filter(status=Case.Status.OPEN)),
        last_visit=alike.values("patient")
        .annotate(last=Max(Greatest("closed_at", Coalesce("outcomes__occurred_at", "closed_at"))))
        .values("last"),
    )


def facts_of(case: Case) -> Facts:
    return _facts(with_facts(Case.objects.filter(pk=case.pk)).get())


def _facts(case: Case) -> Facts:
    known = vars(case)
    last: datetime | None = known["last_visit"]
    return Facts(
        setting=case.setting,
        is_open=case.status == Case.Status.OPEN or known["still_open"],
        last=today(last) if last else None,
        held=known["held"],
        disposed=case.disposed_at is not None,
    )


def case_to_hold(person: Practitioner, number: str, now: datetime) -> Case | None:
    """A case of one's own hospital by its number."""
    mine = Q(organisation__in=sites_of(person, now), disposed_at=None)
    case = Case.objects.filter(mine, number=number.strip().upper()).first()
    if case:
        reading.opened(case.key)
    return case
