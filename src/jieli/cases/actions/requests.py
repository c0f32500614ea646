"""Raise, answer, pass on, withdraw: every move of a request between hospitals."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F, Max
from django.utils.translation import gettext as _

from jieli.cases.actions.ringing import (
    Held,
    advance,
    carry_out,
    end_rings,
    next_moves,
    start_rings,
    title_of,
)
from jieli.cases.actions.spine import (
    cancel_clocks,
    grant,
    grant_desks,
    grant_first,
    lock_case,
    lock_request,
    log,
    need_late_reason,
    new_clock,
    rule_of,
    start_clock,
    stop_clocks,
    when,
)
from jieli.cases.models import FINDERS, Candidate, Case, Clock, Contact, Request, Ring
from jieli.cases.queries.people import (
    OFFICIAL,
    Standing,
    active_roles,
    facts,
    official_day,
    on_duty,
    standings,
)
from jieli.chart.models import Patient
from jieli.directory.models import (
    Alliance,
    Department,
    Grant,
    Organisation,
    Practitioner,
    Role,
    Specialty,
    Technique,
)
from jieli.notify import actions as notify
from jieli.record.actions import action, ledger, open_chain
from jieli.record.rows import insert
from jieli.rules import clocks as clock_rules
from jieli.rules import matching, relay
from jieli.rules.refusal import Refused

DECLINE_REASONS = (
    "operating",
    "not_my_specialty",
    "cannot_within_30",
    "fatigue",
    "other",
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a page needs: nothing else delays the ringing."""

    organisation: Organisation
    specialty: Specialty
    urgency: str
    problem: str
    callback: str
    technique: Technique | None = None
    department: Department | None = None
    anchor_at: datetime | None = None
    exception_reason: str = ""


@action
def raise_request(
    ask: Ask, patient: Patient, *, by: Practitioner, now: datetime, source: str = "screen"
) -> Request:
    """Open a case and page at once: match, ring, start the clocks, in one transaction."""
    standing = _standing(ask, now)
    case = _new_case(ask, patient, standing, by=by, now=now)
    page = _page(case, ask, standing, by=by, now=now)
    case.ringing = bool(page.moves.ring)
    insert([case])
    log(case, "case_opened", by=by, now=now, source=source, number=case.number)
    _send(page, standing, by=by, now=now, source=source)
    ledger().opened.discard(case.chain_id)  # written with what boards count; from now on kept
    return page.request


@action
def raise_again(
    case: Case, ask: Ask, *, by: Practitioner, now: datetime, source: str = "screen"
) -> Request:
    """Ask for one more specialty in a case that is open."""
    case = lock_case(case.pk)
    if case.status != Case.Status.OPEN:
        raise Refused("This case is closed. Raise a new one.")
    standing = _standing(ask, now)
    page = _page(case, ask, standing, by=by, now=now)
    _send(page, standing, by=by, now=now, source=source)
    return page.request


def _standing(ask: Ask, now: datetime) -> dict[int, Standing]:
    """The agreements that allow this, or a refusal that says which one ended and whom to call."""
    standing = standings(ask.organisation.pk, ask.specialty, official_day(now))
    if any(s.state == "valid" for s in standing.values()):
        return standing
    if not standing:
        raise Refused(
            "No hospital has an agreement with yours for %(specialty)s. Call by telephone.",
            specialty=ask.specialty.name,
        )
    if ask.exception_reason and ask.urgency in ("U0", "U1"):
        return standing
    first = next(iter(standing.values())).agreement
    telephone = first.to_organisation.telephone or "—"
    if first.valid_to and first.valid_to < official_day(now):
        raise Refused(
            "The agreement with %(hospital)s ended on %(day)s. Call %(telephone)s, "
            "or for U0 and U1 name an emergency exception.",
            hospital=first.to_organisation.name,
            day=first.valid_to.isoformat(),
            telephone=telephone,
        )
    raise Refused(
        "The agreement with %(hospital)s does not allow consults now. Call %(telephone)s, "
        "or for U0 and U1 name an emergency exception.",
        hospital=first.to_organisation.name,
        telephone=telephone,
    )


def _new_case(
    ask: Ask, patient: Patient, standing: dict[int, Standing], *, by: Practitioner, now: datetime
) -> Case:
    """Unsaved, on a chain of its own. The hospital's own grant comes first: it lets us write."""
    key = uuid4()
    grant_first(key, patient, ask.organisation, now)
    chain = open_chain(key)
    alliance = next((s.agreement.alliance for s in standing.values() if s.agreement.alliance), None)
    alliance = alliance or ask.organisation.alliances.order_by("id").first()
    if alliance:
        _note_activity(alliance, now)
    return Case(
        key=key,
        chain=chain,
        number=_number(now),
        alliance=alliance,
        organisation=ask.organisation,
        department=ask.department,
        patient=patient,
        problem=ask.problem,
        urgency=ask.urgency,
        anchor_at=ask.anchor_at or now,
        opened_at=now,
        opened_by=by,
        in_charge=by,
    )


def _note_activity(alliance: Alliance, now: datetime) -> None:
    """Whether an alliance is silent is a matter of days: one write an hour is enough."""
    if alliance.last_case_at is None or alliance.last_case_at < now - timedelta(hours=1):
        Alliance.objects.filter(pk=alliance.pk).update(last_case_at=now)


def _number(now: datetime) -> str:
    """JL-261121-37: the official day, and a running number that is never used twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('cases_case_number')")
        (running,) = cursor.fetchone()
    return f"JL-{official_day(now):%y%m%d}-{running:03d}"


@dataclass(frozen=True, slots=True)
class _Page:
    """A request with all that goes out with it, thought out before anything is written."""

    request: Request
    clocks: list[Clock]
    people: list[Candidate]
    held: Held
    moves: relay.Moves


def _page(
    case: Case, ask: Ask, standing: dict[int, Standing], *, by: Practitioner, now: datetime
) -> _Page:
    fallback = clock_rules.FALLBACK_AFTER.get(ask.urgency)
    request = Request(
        case=case,
        specialty=ask.specialty,
        technique=ask.technique,
        urgency=ask.urgency,
        callback=ask.callback,
        raised_at=now,
        raised_by=by,
        exception_reason=ask.exception_reason,
        fallback_at=now + timedelta(minutes=fallback) if fallback else None,
    )
    names = clock_rules.AT_REQUEST[ask.urgency]
    clocks = [new_clock(case, name, now, request=request) for name in names]
    people = _match(request, standing, by=by, now=now)
    target = next((c.target_at for c in clocks if c.name == Clock.Name.ACCEPT), None)
    held = Held([], people, target)
    moves = next_moves(request, held, now)
    request.due_at = moves.due
    if case.pk is None:
        limits = clock_rules.limits(map(rule_of, clocks), now)
        case.next_limit_at, case.late_at = limits
    return _Page(request, clocks, people, held, moves)


def _send(
    page: _Page, standing: dict[int, Standing], *, by: Practitioner, now: datetime, source: str
) -> None:
    """Write the page, each row with the ids of those before it, and ring."""
    request, case = page.request, page.request.case
    request.case = case
    insert([request])
    for clock in page.clocks:
        clock.case, clock.request = case, request
    for candidate in page.people:
        candidate.request = request
    insert(page.clocks)
    insert(page.people)
    log(
        case,
        "request_raised",
        by=by,
        now=now,
        source=source,
        specialty=request.specialty.name,
        urgency=request.urgency,
        request=str(request.key),  # its call-back number is there, sealed: here it could not be
        exception=request.exception_reason,
    )
    asked = [pk for pk, s in standing.items() if s.state == "valid" or request.exception_reason]
    grant_desks(case, asked, Grant.Why.DESK, now)
    grant(case, [c.practitioner_id for c in page.people if not c.barred], Grant.Why.DUTY, now)
    carry_out(request, page.held, page.moves, now=now, source=source)
    if request.exhausted_at or request.fallback_told_at:  # nobody to ring at all
        request.save(update_fields=["exhausted_at", "fallback_told_at"])


def _match(
    request: Request, standing: dict[int, Standing], *, by: Practitioner, now: datetime
) -> list[Candidate]:
    """Unsaved: who may be asked, in order, and who may not and why."""
    people = on_duty(standing, request.specialty, now)
    known = facts(
        people,
        case=request.case,
        specialty=request.specialty,
        technique=request.technique,
        raised_by=by,
        standing=standing,
        exception=bool(request.exception_reason),
        now=now,
    )
    found = {p.practitioner.pk: p for p in people}
    ranked = matching.rank(known, official_day(now))
    return [
        Candidate(
            request=request,
            practitioner=found[r.person].practitioner,
            organisation=found[r.person].organisation,
            line=r.line,
            position=position,
            score=r.score,
            barred=r.barred,
        )
        for position, r in enumerate(ranked, start=1)
    ]


# ── answers ──────────────────────────────────────────────────────────────────


@action
def accept(
    request: Request,
    *,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
    late_reason: str = "",
    source: str = "screen",
) -> Request:
    """Take the request. A duty officer or director receives it and the search goes on."""
    request = lock_request(request.pk)
    candidate = _candidate(request, by)
    at = when(occurred_at, now)
    need_late_reason(at, now, late_reason)
    if request.accepted_by_id == by.pk:
        return request  # said twice: nothing changes
    if candidate.line in FINDERS:
        return _receive(request, by=by, at=at, now=now, reason=late_reason, source=source)
    _refuse_if_taken(request)
    request.status = relay.after(request.status, "accept")
    _take(request, candidate, by=by, at=at, now=now, reason=late_reason, source=source)
    return request


def _receive(
    request: Request, *, by: Practitioner, at: datetime, now: datetime, reason: str, source: str
) -> Request:
    if request.rings.filter(practitioner=by, answer=Ring.Answer.ACCEPTED).exists():
        return request
    request.status = relay.after(request.status, "receive")
    request.save(update_fields=["status"])
    _answer_ring(request, by, Ring.Answer.ACCEPTED, at, now=now)
    log(
        request.case,
        "request_received",
        by=by,
        now=now,
        occurred_at=at,
        source=source,
        late_reason=reason,
    )
    stop_clocks(request.case, Clock.Name.ACCEPT, at, by=by, now=now, request=request)
    advance(request, now=now, source=source)
    return request


def _take(
    request: Request,
    candidate: Candidate,
    *,
    by: Practitioner,
    at: datetime,
    now: datetime,
    reason: str,
    source: str,
) -> None:
    """`by` has it now: stop the accept clock, end the other rings, tell those who rang."""
    request.accepted_by, request.accepted_at = by, at
    request.due_at, request.exhausted_at = None, None
    request.save(update_fields=["status", "accepted_by", "accepted_at", "due_at", "exhausted_at"])
    ring = _answer_ring(request, by, Ring.Answer.ACCEPTED, at, now=now)
    event = log(
        request.case,
        "request_accepted",
        by=by,
        now=now,
        occurred_at=at,
        source=source,
        line=candidate.line,
        seconds=int((at - request.raised_at).total_seconds()),
        late_reason=reason,
    )
    stop_clocks(request.case, Clock.Name.ACCEPT, at, by=by, now=now, request=request)
    others = end_rings(request, now=now, except_for=by)
    notify.tell(
        event,
        [r.practitioner for r in others],
        manner="silent",
        title=title_of(request),
        text=_("%(name)s has accepted. You need do nothing.") % {"name": by.name},
        path=f"/cases/{request.case.key}/",
        urgency=request.urgency,
        now=now,
    )
    notify.tell(
        event,
        [request.case.in_charge],
        manner="push",
        title=title_of(request),
        text=_("%(name)s has accepted.") % {"name": by.name},
        path=f"/cases/{request.case.key}/",
        urgency=request.urgency,
        now=now,
    )
    if ring:
        seconds = max(0, int((at - ring.started_at).total_seconds()))
        Practitioner.objects.filter(pk=by.pk).update(
            rings_answered=F("rings_answered") + 1, answer_seconds=F("answer_seconds") + seconds
        )


def _refuse_if_taken(request: Request) -> None:
    if request.accepted_by:
        raise Refused(
            "%(name)s accepted first. You need do nothing; you may open the case and join.",
            name=request.accepted_by.name,
        )


def _candidate(request: Request, by: Practitioner) -> Candidate:
    found = request.candidates.filter(practitioner=by).exclude(barred="own_case").first()
    if found is None:
        raise Refused("You are not on the list of this request.")
    return found


def _answer_ring(
    request: Request,
    by: Practitioner,
    answer: str,
    at: datetime,
    *,
    now: datetime,
    reason: str = "",
    passed_to: Practitioner | None = None,
) -> Ring | None:
    """Write the answer on the person's latest ring; also on one that has rolled on already."""
    ring = request.rings.filter(practitioner=by).order_by("-started_at", "silent").first()
    if ring is None:
        return None
    ring.answer, ring.answered_at, ring.reason, ring.passed_to = answer, at, reason, passed_to
    ring.save(update_fields=["answer", "answered_at", "reason", "passed_to"])
    notify.withdraw([ring.key], now=now)
    return ring


@action
def decline(
    request: Request, *, by: Practitioner, reason: str, note: str = "", now: datetime
) -> Request:
    """Say no, with a reason; the next person rings at once. Also gives an acceptance back."""
    if reason not in DECLINE_REASONS:
        raise Refused("Choose a reason for declining.")
    request = lock_request(request.pk)
    _candidate(request, by)
    released = request.accepted_by_id == by.pk
    if released:
        request.status = relay.after(request.status, "release")
        request.accepted_by, request.accepted_at = None, None
        request.round += 1
        request.save(update_fields=["status", "accepted_by", "accepted_at", "round"])
    _answer_ring(request, by, Ring.Answer.DECLINED, now, now=now, reason=reason)
    verb = "acceptance_given_back" if released else "ring_declined"
    log(request.case, verb, by=by, now=now, reason=reason, note=note)
    advance(request, now=now)
    return request


@action
def pass_on(
    request: Request, *, by: Practitioner, to: Practitioner, note: str = "", now: datetime
) -> Request:
    """Hand the ring to a better person, whose phone rings at once."""
    request = lock_request(request.pk)
    _candidate(request, by)
    _refuse_if_taken(request)
    if to.pk == by.pk:
        raise Refused("Choose somebody else to pass this to.")
    candidate = _add_candidate(request, to, now)
    _answer_ring(request, by, Ring.Answer.PASSED, now, now=now, passed_to=to)
    log(request.case, "ring_passed", by=by, now=now, person=to.name, number=to.number, note=note)
    _ring_now(request, candidate, now)
    return request


@action
def ring_person(
    request: Request, *, by: Practitioner, person: Practitioner, now: datetime
) -> Request:
    """Page one more person by name, beside the list."""
    request = lock_request(request.pk)
    if request.status in (Request.Status.CANCELLED, Request.Status.COMPLETED):
        raise Refused("This request has ended. Raise a new one in the case.")
    candidate = _add_candidate(request, person, now)
    log(request.case, "person_invited", by=by, now=now, person=person.name, number=person.number)
    _ring_now(request, candidate, now)
    return request


@action
def ring_again(request: Request, *, by: Practitioner, now: datetime) -> Request:
    """Work the list off once more, from the top."""
    request = lock_request(request.pk)
    _refuse_if_taken(request)
    restart_list(request, by=by, now=now)
    return request


def restart_list(
    request: Request, *, by: Practitioner | None, now: datetime, source: str = "screen"
) -> None:
    """A new round for everybody who has not said no; nothing while the list still runs."""
    if request.rings.filter(answer="", silent=False).exists():
        return
    request.round += 1
    request.exhausted_at = None
    log(request.case, "list_restarted", by=by, now=now, round=request.round, source=source)
    advance(request, now=now, source=source)


def _add_candidate(request: Request, person: Practitioner, now: datetime) -> Candidate:
    """`person` on the list of a request, if they may advise under a valid agreement."""
    if found := request.candidates.filter(practitioner=person).first():
        if found.barred == "own_case":
            raise Refused("The person who asks cannot be the one who advises.")
        if found.barred:
            found.barred = ""
            found.save(update_fields=["barred"])
        return found
    standing = standings(request.case.organisation_id, request.specialty, official_day(now))
    valid = [pk for pk, s in standing.items() if s.state == "valid" or request.exception_reason]
    role = (
        active_roles(official_day(now))
        .filter(practitioner=person, organisation__in=valid)
        .filter(kind__in=(Role.Kind.EXPERT, Role.Kind.DOCTOR, Role.Kind.DIRECTOR))
        .select_related("organisation")
        .first()
    )
    if role is None:
        raise Refused(
            "%(name)s works at no hospital that may be asked under an agreement.", name=person.name
        )
    last = request.candidates.aggregate(last=Max("position"))["last"] or 0
    return Candidate.objects.create(
        request=request,
        practitioner=person,
        organisation=role.organisation,
        line=Candidate.Line.EXPERT,
        position=last + 1,
    )


def _ring_now(request: Request, candidate: Candidate, now: datetime) -> None:
    """Ring one named person outside the order, in a loudness that the hour allows."""
    zone = candidate.organisation.zone
    loud = relay.manner("ring", request.urgency, now, zone) == "ring"
    twice = request.rings.filter(
        practitioner=candidate.practitioner_id, round=request.round, silent=not loud
    )
    if twice.exists():
        request.round += 1
    start_rings(request, [candidate], silent=not loud, now=now)
    advance(request, now=now)


@action
def withdraw(request: Request, *, by: Practitioner, reason: str, now: datetime) -> Request:
    """The asking side takes the request back: rings stop, clocks end."""
    request = lock_request(request.pk)
    request.status = relay.after(request.status, "withdraw")
    request.due_at = None
    request.save(update_fields=["status", "due_at"])
    event = log(request.case, "request_withdrawn", by=by, now=now, reason=reason)
    people = [r.practitioner for r in end_rings(request, now=now)]
    if request.accepted_by:
        people.append(request.accepted_by)
    notify.tell(
        event,
        people,
        manner="silent",
        title=title_of(request),
        text=_("The request was withdrawn."),
        path=f"/cases/{request.case.key}/",
        urgency=request.urgency,
        now=now,
    )
    cancel_clocks(request.case, now, request=request)
    return request


# ── appointment: U3 and U4 ───────────────────────────────────────────────────


@action
def appoint(request: Request, *, by: Practitioner, at: datetime, now: datetime) -> Request:
    """Agree on when the expert and the bedside meet; the schedule clock stops."""
    request = lock_request(request.pk)
    if request.status in (Request.Status.CANCELLED, Request.Status.COMPLETED):
        raise Refused("This request has ended. Raise a new one in the case.")
    if at <= now:
        raise Refused("An appointment lies in the future. Check date and time zone.")
    request.appointment_at = at
    request.save(update_fields=["appointment_at"])
    shown = at.astimezone(OFFICIAL)
    event = log(request.case, "appointment_made", by=by, now=now, meets=f"{shown:%Y-%m-%d %H:%M}")
    stop_clocks(request.case, Clock.Name.SCHEDULE, now, by=by, now=now, request=request)
    experts = [c.practitioner for c in request.candidates.filter(line="expert", barred="")]
    taken = [request.accepted_by] if request.accepted_by else experts
    notify.tell(
        event,
        [p for p in [*taken, request.case.in_charge] if p.pk != by.pk],
        manner="silent",
        title=title_of(request),
        text=_("Appointment: %(when)s Beijing time") % {"when": f"{shown:%m-%d %H:%M}"},
        path=f"/cases/{request.case.key}/",
        urgency=request.urgency,
        now=now,
    )
    return request


# ── contact: C1b ─────────────────────────────────────────────────────────────


@action
def record_contact(
    request: Request,
    *,
    by: Practitioner,
    practitioner: Practitioner,
    channel: str,
    now: datetime,
    failed: bool = False,
    note: str = "",
    occurred_at: datetime | None = None,
    late_reason: str = "",
    source: str = "screen",
) -> Request:
    """A specialist is in voice or video contact: C1b stops. A failed try is recorded only."""
    request = lock_request(request.pk)
    at = when(occurred_at, now)
    need_late_reason(at, now, late_reason)
    candidate = _candidate(request, practitioner)
    if candidate.line in FINDERS and not failed:
        raise Refused("A duty officer or director is not the specialist: C1b runs on.")
    Contact.objects.create(
        request=request,
        practitioner=practitioner,
        channel=channel,
        failed=failed,
        note=note,
        occurred_at=at,
        recorded_at=now,
        by=by,
    )
    if failed:
        _log_contact(request, "contact_failed", practitioner, channel, by, at, now, note, source)
        return request
    status = relay.after(request.status, "join")
    if request.accepted_by is None:
        request.status = status
        _take(
            request, candidate, by=practitioner, at=at, now=now, reason=late_reason, source=source
        )
    request.status = status
    request.save(update_fields=["status"])
    _log_contact(request, "contact_made", practitioner, channel, by, at, now, note, source)
    if request.urgency == "U4":  # its opinion is due a day after they met
        start_clock(request.case, Clock.Name.OPINION, at, now=now, request=request)
    stop_clocks(request.case, Clock.Name.EXPERT_LIVE, at, by=practitioner, now=now, request=request)
    return request


def _log_contact(
    request: Request,
    verb: str,
    practitioner: Practitioner,
    channel: str,
    by: Practitioner,
    at: datetime,
    now: datetime,
    note: str,
    source: str,
) -> None:
    log(
        request.case,
        verb,
        by=by,
        now=now,
        occurred_at=at,
        source=source,
        person=practitioner.name,
        number=practitioner.number,
        channel=channel,
        note=note,
    )


# ── reports of the transports ────────────────────────────────────────────────


@action
def note_ringing(ring_key: UUID, *, state: str, at: datetime, now: datetime) -> None:
    """A transport took the ring or reports that it rings: the 20 seconds count from there."""
    ring = Ring.objects.filter(key=ring_key).first()
    if ring is None or ring.silent:
        return
    request = lock_request(ring.request_id)
    ring.refresh_from_db()
    if ring.answer or ring.ringing_at:
        return
    if state == "ringing":
        ring.ringing_at = at
        ring.ends_at = relay.ring_ends(ring.started_at, None, at)
        log(
            request.case,
            "ring_reported",
            by=None,
            now=now,
            occurred_at=at,
            source="transport",
            person=ring.practitioner.name,
            number=ring.practitioner.number,
        )
    else:
        ring.ends_at = relay.ring_ends(ring.started_at, at)
    ring.save(update_fields=["ringing_at", "ends_at"])
    advance(request, now=now, source="transport")
