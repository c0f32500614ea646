"""What every action of the spine stands on: the lock, the log, clocks, grants and telling."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db import connection
from django.db.models import Q

from jieli.cases.models import Case, Clock, Request
from jieli.chart.models import Patient
from jieli.directory.access import grants_of
from jieli.directory.models import Grant, Organisation, Practitioner
from jieli.live import actions as live
from jieli.live import topics
from jieli.record import actions as records
from jieli.record.models import Event
from jieli.record.rows import insert
from jieli.rooms import actions as rooms
from jieli.rooms.queries import seated_in
from jieli.rules import clocks as clock_rules
from jieli.rules.chain import Fact
from jieli.rules.refusal import Refused

GRACE = timedelta(days=3)  # access after a case has ended; proposal [P]
LATE_AFTER = timedelta(minutes=5)  # an entry this much behind the fact is a late entry
LEAVES = timedelta(minutes=1)
RENEWED = 500  # cases whose row is written anew at once
FUTURE = timedelta(minutes=5)  # a phone's clock may be a little ahead, not more


def lock_case(case_id: int) -> Case:
    """The chain's row first, then the case as it is under that lock."""
    chain_id = Case.objects.values_list("chain_id", flat=True).get(pk=case_id)
    chain = records.lock(chain_id)
    case = Case.objects.select_related("patient", "organisation", "in_charge").get(pk=case_id)
    case.chain = chain
    return case


def lock_request(request_id: int) -> Request:
    """The request's case locked, then the request as it is under that lock."""
    case_id = Request.objects.values_list("case_id", flat=True).get(pk=request_id)
    case = lock_case(case_id)
    request = Request.objects.select_related("specialty", "raised_by", "accepted_by").get(
        pk=request_id
    )
    request.case = case
    return request


def log(
    case: Case,
    verb: str,
    *,
    by: Practitioner | None,
    now: datetime,
    occurred_at: datetime | None = None,
    source: str = Event.Source.SCREEN,
    **data: Fact,
) -> Event:
    """Record one event on a locked case and tell every screen that shows it."""
    event = records.record(
        case.chain, verb, by=by, now=now, occurred_at=occurred_at, data=data, source=source
    )
    publish(case, event)
    return event


def publish(case: Case, event: Event) -> None:
    """Tell the screens of the case and the boards; what boards count is kept with it."""
    refresh_board(case, event.recorded_at)
    live.publish([topics.case(str(case.key)), topics.BOARD], event, event.verb)


def when(occurred_at: datetime | None, now: datetime) -> datetime:
    """The instant of a fact: now, or earlier for a late entry; never in the future."""
    if occurred_at is None:
        return now
    if occurred_at > now + FUTURE:
        raise Refused("This time lies in the future. Check the clock or the time zone.")
    return min(occurred_at, now)


def need_late_reason(occurred_at: datetime, now: datetime, reason: str) -> None:
    if now - occurred_at > LATE_AFTER and not reason:
        raise Refused("Entered late: say why, in a few words.")


# ── clocks ───────────────────────────────────────────────────────────────────


RULE_FIELDS = (
    "name",
    "started_at",
    "target_at",
    "hard_at",
    "stopped_at",
    "stage",
    "paused_at",
    "paused_until",
)


def rule_of(clock: Clock) -> clock_rules.Clock:
    """The row as the rules see it."""
    return clock_rules.Clock(*(getattr(clock, name) for name in RULE_FIELDS))


def new_clock(
    case: Case, name: str, at: datetime, *, request: Request | None, about: UUID | None = None
) -> Clock:
    """An unsaved clock row of the case's urgency."""
    rule = clock_rules.start(name, request.urgency if request else case.urgency, at)
    return Clock(
        case=case,
        request=request,
        name=name,
        about=about,
        started_at=at,
        target_at=rule.target,
        hard_at=rule.hard,
        due_at=clock_rules.next_due(rule),
    )


def start_clock(
    case: Case,
    name: str,
    at: datetime,
    *,
    now: datetime,
    request: Request | None = None,
    about: UUID | None = None,
) -> None:
    """Start a clock once; one that exists is left alone: a clock is never silently restarted."""
    clock = new_clock(case, name, at, request=request, about=about)
    insert([clock], once=True)


def stop_clocks(
    case: Case,
    name: str,
    at: datetime,
    *,
    by: Practitioner | None,
    now: datetime,
    request: Request | None = None,
    about: UUID | None = None,
) -> list[Clock]:
    """Stop running clocks of one name. A late entry stops them at the time of the fact."""
    running = Clock.objects.filter(case=case, name=name, stopped_at=None, cancelled_at=None)
    if request is not None:
        running = running.filter(request=request)
    if about is not None:
        running = running.filter(about=about)
    stopped = list(running)
    for clock in stopped:
        clock.stopped_at = max(at, clock.started_at)
        clock.stopped_by, clock.due_at = by, None
    Clock.objects.bulk_update(stopped, ["stopped_at", "stopped_by", "due_at"])
    return stopped


def cancel_clocks(
    case: Case,
    now: datetime,
    *,
    names: Iterable[str] | None = None,
    request: Request | None = None,
) -> None:
    running = Clock.objects.filter(case=case, stopped_at=None, cancelled_at=None)
    if request is not None:
        running = running.filter(request=request)
    if names is not None:
        running = running.filter(name__in=names)
    running.update(cancelled_at=now, due_at=None)


def refresh_board(case: Case, now: datetime) -> None:
    """Keep what boards sort and count by on the case's own row, from the action's end on."""
    if case.chain_id not in records.ledger().opened:  # a new case is written with it
        records.ledger().add(_write_boards, [(case, now)])


def refresh_limits(case: Case, now: datetime) -> None:
    """Only when its next limit is: all that a clock changes by itself."""
    records.ledger().add(_write_limits, [(case, now)])


LIMITS = """
    UPDATE cases_case c SET next_limit_at = n.next_limit_at, late_at = n.late_at
      FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS n (
               id, next_limit_at, late_at)
     WHERE c.id = n.id"""
FLAGS = """
    UPDATE cases_case c
       SET next_limit_at = n.next_limit_at, late_at = n.late_at,
           ringing = EXISTS (SELECT FROM cases_ring i JOIN cases_request r ON r.id = i.request_id
                              WHERE r.case_id = c.id AND i.answer = '' AND NOT i.silent),
           unread = EXISTS (SELECT FROM cases_opinion o
                             WHERE o.case_id = c.id AND o.acknowledged_at IS NULL),
           -- an addendum asks to be read; whether to decide anew is the treating side's matter
           undecided = EXISTS (SELECT FROM cases_opinion o
                                WHERE o.case_id = c.id AND o.corrects_id IS NULL AND NOT EXISTS (
                                      SELECT FROM cases_decision d JOIN cases_opinion p
                                          ON p.id = d.opinion_id
                                       WHERE p.id = o.id OR (
                                             p.corrects_id IS NOT NULL AND p.version > o.version
                                             AND p.request_id = o.request_id
                                             AND p.author_id = o.author_id)))
      FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS n (
               id, next_limit_at, late_at)
     WHERE c.id = n.id"""


def _write_boards(given: list[tuple[Case, datetime]]) -> None:
    _write_limits(given, FLAGS)


def _write_limits(given: list[tuple[Case, datetime]], statement: str = LIMITS) -> None:
    cases = {case.pk: (case, now) for case, now in given}
    running: dict[int, list[clock_rules.Clock]] = {pk: [] for pk in cases}
    found = Clock.objects.filter(case__in=cases, stopped_at=None, cancelled_at=None)
    for pk, *facts in found.values_list("case_id", *RULE_FIELDS):
        running[pk].append(clock_rules.Clock(*facts))
    for pk, (case, now) in cases.items():
        case.next_limit_at, case.late_at = clock_rules.limits(running[pk], now)
    rows = [(pk, case.next_limit_at, case.late_at) for pk, (case, _now) in cases.items()]
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])


def renew_boards(now: datetime) -> None:
    """What boards count of every open case, anew: after rows came by another way than actions."""
    opened = Case.objects.filter(status=Case.Status.OPEN).order_by("pk").iterator(RENEWED)
    while batch := list(islice(opened, RENEWED)):
        _write_boards([(case, now) for case in batch])


# ── grants ───────────────────────────────────────────────────────────────────


def grant_first(key: UUID, patient: Patient, treating: Organisation, now: datetime) -> None:
    """The treating hospital's own, written before the case: the database lets nobody else in."""
    first = Grant(
        case_key=key,
        patient_key=patient.key,
        organisation=treating,
        why=Grant.Why.TREATING,
        since=now,
    )
    insert([first])


def grant(case: Case, people: Iterable[int], why: str, now: datetime) -> None:
    """Let these people see the case for as long as it is open; nobody twice for one reason."""
    _grant(case, why, now, [{"practitioner_id": person} for person in dict.fromkeys(people)])


def grant_desks(case: Case, organisations: Iterable[int], why: str, now: datetime) -> None:
    """The same for whoever is at work at these hospitals' desks."""
    _grant(case, why, now, [{"organisation_id": site} for site in dict.fromkeys(organisations)])


def _grant(case: Case, why: str, now: datetime, holders: list[dict[str, int]]) -> None:
    records.ledger().add(
        _write_grants,
        [
            Grant(case_key=case.key, patient_key=case.patient.key, why=why, since=now, **holder)
            for holder in holders
        ],
    )


def _write_grants(grants: list[Grant]) -> None:
    insert(grants, once=True)


def grant_anew(
    case: Case, people: Iterable[int], organisations: Iterable[int], why: str, now: datetime
) -> None:
    """Access that may have ended before is open again, and else begins."""
    held, sites = list(people), list(organisations)
    again = Grant.objects.filter(case_key=case.key, why=why).exclude(until=None)
    again.filter(Q(practitioner__in=held) | Q(organisation__in=sites)).update(until=None)
    grant(case, held, why, now)
    grant_desks(case, sites, why, now)


def end_access(
    case: Case, people: Iterable[int], organisations: Iterable[int], why: str, now: datetime
) -> None:
    """Access for this reason ends; what was granted for another reason stays.

    Not within this instant: whoever leaves may be the one who writes it down.
    """
    open_grants = Grant.objects.filter(Q(until=None), case_key=case.key, why=why)
    held = Q(practitioner__in=list(people)) | Q(organisation__in=list(organisations))
    open_grants.filter(held).update(until=now + LEAVES)
    _empty_seats(case, now)


def _empty_seats(case: Case, now: datetime) -> None:
    """Whoever loses the case leaves its room at once, also when reading is open for a minute."""
    seated = seated_in(case.key)
    gone = [
        person.pk
        for person in seated
        if not grants_of(person, now + LEAVES).filter(case_key=case.key).exists()
    ]
    if gone:
        rooms.end_seats(case.key, gone, now=now)


def end_grants(case: Case, now: datetime) -> None:
    """Access ends with the case and a grace; advice given stays with the adviser (see access)."""
    open_grants = Grant.objects.filter(Q(until=None), case_key=case.key)
    open_grants.exclude(why=Grant.Why.TREATING).update(until=now + GRACE)
    rooms.close_room(case.key, now=now)  # there is no grace for looking in
