"""Lists of cases: the board by the clock that runs out first, my cases, silent alliances."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from jieli.cases.access import visible_cases
from jieli.cases.models import Case, Clock, Decision, Opinion, Request, Ring
from jieli.cases.queries import words
from jieli.cases.queries.clock_strip import Row, row, time_left
from jieli.cases.queries.words import word
from jieli.directory.models import Alliance, Practitioner
from jieli.record import reading

PAGE = 25
ADVICE_SHOWN = 100
CLOSED_SHOWN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Line:
    """One case on a list."""

    case: Case
    title: str
    urgency_label: str
    place: str
    asked: str
    clock: Row | None
    next_title: str
    next_detail: str
    ringing: bool
    mine: bool
    unread: bool


@dataclass(frozen=True, slots=True)
class Board:
    lines: Sequence[Line]
    counts: dict[str, int]
    total: int
    page: int
    pages: int
    shown: str


def numbers_of(keys: Sequence[UUID]) -> dict[UUID, str]:
    """What people call these cases; for the record, which knows keys only."""
    return dict(Case.objects.filter(key__in=keys).values_list("key", "number"))


# In the order in which `jieli_board_page` counts them.
FILTERS = ("all", "mine", "ours", "unread", "breach", "ringing", "undecided", "closed")


def board(
    person: Practitioner, organisations: set[int], now: datetime, *, shown: str, page: int
) -> Board:
    """Cases this person may see; the query count does not depend on how many there are.

    Which ones they are, and how many of each kind, the database says for the person of this
    transaction; the lines that are shown pass its row-level security as well.
    """
    ids, counts = _counted(person, organisations, now, shown, page)
    pages = max(1, -(-counts[shown] // PAGE))
    if page > pages:  # cases were closed since that page was opened
        page = pages
        ids, counts = _counted(person, organisations, now, shown, page)
    places = {pk: n for n, pk in enumerate(ids)}
    shown_cases = with_facts(Case.objects.filter(pk__in=places))
    cases = sorted(shown_cases, key=lambda case: places[case.pk])
    reading.listed(case.key for case in cases)
    lines = [line(case, person, now) for case in cases]
    return Board(lines, counts, counts[shown], page, pages, shown)


def _counted(
    person: Practitioner, organisations: set[int], now: datetime, shown: str, page: int
) -> tuple[list[int], dict[str, int]]:
    """The cases of one page, and what each figure counts; opening it shows just those cases."""
    given: list[Any] = [now - CLOSED_SHOWN, list(organisations), list(_awaited(person))]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM jieli_board_page(%s, %s::bigint[], %s::bigint[], %s, %s, %s)",
            [*given, shown, PAGE, max(1, page)],
        )
        [(ids, *counts)] = cursor.fetchall()
    return ids, dict(zip(FILTERS, counts, strict=True))


def _awaited(person: Practitioner) -> set[int]:
    """Cases that ring for this person, or whose request they have accepted."""
    ringing = Ring.objects.filter(practitioner=person, answer="").values_list("request__case")
    asked = Request.objects.filter(accepted_by=person, status__in=("accepted", "in-progress"))
    return {case for (case,) in ringing.union(asked.values_list("case"))}


def with_facts(cases: QuerySet[Case]) -> QuerySet[Case]:
    """Everything that a line shows, in a fixed number of queries."""
    clocks = Clock.objects.filter(cancelled_at=None).order_by("started_at")
    rings = Ring.objects.filter(answer="", silent=False).select_related("practitioner")
    requests = (
        Request.objects.select_related("specialty", "accepted_by")
        .prefetch_related(Prefetch("rings", queryset=rings, to_attr="open_rings"))
        .order_by("id")
    )
    opinions = Opinion.objects.only("case_id", "version", "acknowledged_at")  # not the long texts
    decisions = Decision.objects.only("case_id", "version", "chosen")
    return cases.select_related(
        "patient", "organisation", "department", "in_charge"
    ).prefetch_related(
        Prefetch("clocks", queryset=clocks, to_attr="all_clocks"),
        Prefetch("requests", queryset=requests, to_attr="all_requests"),
        Prefetch("opinions", queryset=opinions.order_by("-version"), to_attr="all_opinions"),
        Prefetch("decisions", queryset=decisions.order_by("-version"), to_attr="all_decisions"),
    )


def line(case: Case, person: Practitioner, now: datetime) -> Line:
    requests: list[Request] = case.all_requests  # type: ignore[attr-defined]
    first = _first_to_run_out(case.all_clocks, now)  # type: ignore[attr-defined]
    title, detail, ringing = _next(case, requests, now)
    return Line(
        case=case,
        title=heading(case),
        urgency_label=word(words.URGENCY, case.urgency),
        place=case.organisation.name + (f" {case.department.name}" if case.department else ""),
        asked="、".join(str(r.specialty) for r in requests),
        clock=row(first, now, approved=True, may_act=False) if first else None,
        next_title=title,
        next_detail=detail,
        ringing=ringing,
        mine=case.in_charge_id == person.pk,
        unread=any(o.acknowledged_at is None for o in case.all_opinions),  # type: ignore[attr-defined]
    )


def _first_to_run_out(clocks: Sequence[Clock], now: datetime) -> Clock | None:
    """The running clock with the least time to its limit, else the last that was done."""
    running = [c for c in clocks if c.stopped_at is None and c.target_at]
    if running:
        return min(running, key=lambda c: time_left(c, now))
    return next((c for c in reversed(clocks) if c.stopped_at), None)


def heading(case: Case) -> str:
    """What is wrong, with sex and age; never the name."""
    sex = {"male": _("male"), "female": _("female")}.get(case.patient.sex, "")
    return " · ".join(
        filter(None, (case.problem, " ".join(filter(None, (sex, case.patient.age_text)))))
    )


def _next(case: Case, requests: list[Request], now: datetime) -> tuple[str, str, bool]:
    """What the case waits for, in a line and a half."""
    if case.status == Case.Status.CLOSED:
        return _("Closed"), case.closed_reason, False
    for request in requests:
        if rings := request.open_rings:  # type: ignore[attr-defined]
            names = "、".join(r.practitioner.name for r in rings)
            seconds = int((now - rings[0].started_at).total_seconds())
            return (
                _("Ringing %(name)s") % {"name": names},
                _("%(n)s s") % {"n": seconds},
                True,
            )
    opinions: list[Opinion] = case.all_opinions  # type: ignore[attr-defined]
    decisions: list[Decision] = case.all_decisions  # type: ignore[attr-defined]
    if decisions:
        return word(words.OPTIONS, decisions[0].chosen), _("decision signed"), False
    if any(o.acknowledged_at is None for o in opinions):
        return _("Opinion signed, not read yet"), case.in_charge.name, False
    if opinions:
        return _("Waiting for the decision"), case.in_charge.name, False
    return (*_of_request(requests, now), False)


def _of_request(requests: list[Request], now: datetime) -> tuple[str, str]:
    for request in requests:
        if request.accepted_by and request.status == Request.Status.IN_PROGRESS:
            return _("Expert is live"), request.accepted_by.name
        if request.accepted_by:
            return _("Accepted by %(name)s") % {"name": request.accepted_by.name}, ""
    if any(r.fallback_told_at for r in requests):
        return _("Call by telephone"), _("nobody answered in time")
    if any(r.exhausted_at for r in requests):
        return _("Nobody has it yet"), _("everybody was rung")
    return _("Waiting for an expert"), ""


@dataclass(frozen=True, slots=True)
class Silence:
    """An alliance that has not carried a case for long; 38 % of networks never carry one."""

    alliance: Alliance
    days: int | None  # None: never
    grade: int  # 30 or 90


def silent_alliances(alliances: QuerySet[Alliance], now: datetime) -> list[Silence]:
    month = now - timedelta(days=30)
    quiet = alliances.filter(Q(last_case_at=None) | Q(last_case_at__lt=month))
    found = []
    for alliance in quiet.order_by(F("last_case_at").asc(nulls_first=True)):
        days = (now - alliance.last_case_at).days if alliance.last_case_at else None
        found.append(Silence(alliance, days, 90 if days is None or days >= 90 else 30))
    return found


def my_cases(person: Practitioner, now: datetime, *, page: int = 1) -> list[Line]:
    """Cases this person has or had a part in, open ones first."""
    seen = visible_cases(person, now).order_by("-status", "-opened_at", "-id")
    cases = list(with_facts(seen)[(page - 1) * PAGE : page * PAGE])
    reading.listed(case.key for case in cases)
    return [line(case, person, now) for case in cases]


def my_advice(person: Practitioner) -> list[Opinion]:
    """A person's own opinions with the outcome, also after access to the case has ended."""
    given = list(
        Opinion.objects.filter(author=person)
        .select_related("case__organisation", "request__specialty")
        .prefetch_related("case__outcomes", "watches")
        .order_by("-signed_at")[:ADVICE_SHOWN]
    )
    reading.listed(opinion.case.key for opinion in given)
    return given
