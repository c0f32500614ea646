"""The relay at work: start rings, roll on, fall back. Decisions come from rules.relay."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from jieli.cases.actions.spine import grant, log
from jieli.cases.models import Candidate, Clock, Request, Ring
from jieli.cases.queries.people import Desks, audience
from jieli.directory.models import Grant, Practitioner
from jieli.notify import actions as notify
from jieli.notify.queries import unheard, untried
from jieli.record.models import Event
from jieli.record.rows import insert
from jieli.rules import relay

ANSWERED = (
    Request.Status.ACCEPTED,
    Request.Status.IN_PROGRESS,
    Request.Status.COMPLETED,
    Request.Status.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Held:
    """What the relay of a request knows: who was rung, who may be, when it must be accepted."""

    rings: list[Ring]
    people: list[Candidate]
    accept_target: datetime | None


def _held(request: Request) -> Held:
    accept = Clock.objects.filter(request=request, name=Clock.Name.ACCEPT)
    return Held(
        list(request.rings.select_related("practitioner")),
        list(request.candidates.select_related("practitioner", "organisation")),
        accept.values_list("target_at", flat=True).first(),
    )


def advance(request: Request, *, now: datetime, source: str = Event.Source.SCREEN) -> None:
    """Ask the rules what the relay owes now, and do it. The request's lock is held."""
    held = _held(request)
    carry_out(request, held, next_moves(request, held, now), now=now, source=source)
    request.save(update_fields=["due_at", "exhausted_at", "fallback_told_at", "round"])


def next_moves(request: Request, held: Held, now: datetime) -> relay.Moves:
    return relay.advance(_facts(request, held, now), now)


def carry_out(
    request: Request, held: Held, moves: relay.Moves, *, now: datetime, source: str
) -> None:
    """Do what the rules decided. What changes on the request itself is for the caller to save."""
    unanswered = [r for r in held.rings if r.practitioner_id in moves.no_answer]
    _mark_unanswered(request, unanswered, now)
    _ring_on(request, held.rings, moves, now)
    by_id = {c.practitioner_id: c for c in held.people}
    ringing = [by_id[person] for person in moves.ring]
    start_rings(request, ringing, now=now, source=source)
    start_rings(request, [by_id[p] for p in moves.push], silent=True, now=now, source=source)
    if moves.exhausted and request.exhausted_at is None:
        request.exhausted_at = now
        log(request.case, "list_exhausted", by=None, now=now, source=source)
    if moves.fallback:
        _show_fallback(request, now, source)
    request.due_at = moves.due


def _facts(request: Request, held: Held, now: datetime) -> relay.Relay:
    over = [r.key for r in held.rings if _is_open(r) and r.ends_at and r.ends_at <= now]
    untold = untried(over) if over else set()
    return relay.Relay(
        urgency=request.urgency,
        raised=request.raised_at,
        accept_target=held.accept_target,
        people=tuple(
            relay.Person(c.practitioner_id, c.line, c.organisation.zone)
            for c in held.people
            if not c.barred
        ),
        asked=tuple(
            relay.Asked(
                r.practitioner_id,
                r.line,
                r.round,
                r.silent,
                r.ends_at,
                r.answer,
                r.started_at,
                r.key in untold,
            )
            for r in held.rings
        ),
        answered=request.status in ANSWERED,
        round=request.round,
        fallback_at=request.fallback_at,
        fallback_told=request.fallback_told_at is not None,
    )


def start_rings(
    request: Request,
    candidates: Iterable[Candidate],
    *,
    now: datetime,
    silent: bool = False,
    source: str = Event.Source.SCREEN,
) -> None:
    """Ring, or tell silently; each person once a round. They may see the case from now on."""
    rings = [
        Ring(
            request=request,
            practitioner=candidate.practitioner,
            line=candidate.line,
            round=request.round,
            silent=silent,
            started_at=now,
            ends_at=None if silent else relay.ring_ends(now),
        )
        for candidate in candidates
    ]
    if not rings:
        return
    insert(rings)
    grant(request.case, [r.practitioner_id for r in rings], Grant.Why.RUNG, now)
    verb = "told_silently" if silent else "ring_started"
    for ring in rings:
        event = log(
            request.case,
            verb,
            by=None,
            now=now,
            source=source,
            person=ring.practitioner.name,
            number=ring.practitioner.number,
            line=ring.line,
            round=ring.round,
        )
        notify.tell(
            event,
            [ring.practitioner],
            manner="silent" if silent else "ring",
            title=title_of(request),
            text=_("Open to see the case and answer."),
            path=f"/rings/{ring.key}/",
            urgency=request.urgency,
            now=now,
            ring_key=ring.key,
        )


def title_of(request: Request) -> str:
    """Who asks for what, how urgently; names no patient."""
    return f"{request.urgency} {request.specialty.name} · {request.case.organisation.name}"


def _mark_unanswered(request: Request, rings: list[Ring], now: datetime) -> None:
    ended = [r for r in rings if _is_open(r) and r.ends_at and r.ends_at <= now]
    never_called = unheard([r.key for r in ended]) if ended else set()
    for ring in ended:
        ring.answer, ring.answered_at = Ring.Answer.NO_ANSWER, ring.ends_at
        log(
            request.case,
            "ring_unheard" if ring.key in never_called else "ring_unanswered",
            by=None,
            now=now,
            occurred_at=ring.ends_at,
            source=Event.Source.RUNNER,
            person=ring.practitioner.name,
            number=ring.practitioner.number,
        )
    if ended:
        Ring.objects.bulk_update(ended, ["answer", "answered_at"])
        # Who was never called is called as soon as that is possible: they may still accept.
        notify.withdraw([r.key for r in ended if r.key not in never_called], now=now)


def _is_open(ring: Ring) -> bool:
    return not ring.silent and ring.answer == ""


def _ring_on(request: Request, rings: list[Ring], moves: relay.Moves, now: datetime) -> None:
    """Who was not called yet is not passed over; a call that nobody placed in time is said so."""
    open_rings = {r.practitioner_id: r for r in rings if _is_open(r)}
    longer = [open_rings[person] for person in moves.longer]
    anew = [open_rings[person] for person in moves.anew]
    for ring in longer:
        ring.ends_at = ring.started_at + relay.RING_CAP
    for ring in anew:
        log(
            request.case,
            "ring_delayed",
            by=None,
            now=now,
            source=Event.Source.RUNNER,
            person=ring.practitioner.name,
            number=ring.practitioner.number,
            seconds=int((now - ring.started_at).total_seconds()),
        )
        ring.started_at, ring.ends_at = now, relay.ring_ends(now)
    Ring.objects.bulk_update([*longer, *anew], ["started_at", "ends_at"])


def _show_fallback(request: Request, now: datetime, source: str) -> None:
    request.fallback_told_at = now
    event = log(request.case, "fallback_shown", by=None, now=now, source=source)
    for manner, people in (
        ("ring", audience("officer", request.case, request, Desks(now))),
        ("push", [request.case.in_charge]),
    ):
        notify.tell(
            event,
            people,
            manner=relay.manner(manner, request.urgency, now, request.case.organisation.zone),
            title=title_of(request),
            text=_("Nobody has answered yet: call by telephone."),
            path=f"/cases/{request.case.key}/",
            urgency=request.urgency,
            now=now,
        )


def end_rings(
    request: Request, *, now: datetime, except_for: Practitioner | None = None
) -> list[Ring]:
    """Withdraw every open ring, since another answered or the request ended.

    With them what is still owed to people who were passed over because no way to them went through.
    """
    open_rings = [
        ring
        for ring in request.rings.filter(answer="").select_related("practitioner")
        if except_for is None or ring.practitioner_id != except_for.pk
    ]
    for ring in open_rings:
        ring.answer, ring.answered_at = Ring.Answer.WITHDRAWN, now
    passed_over = request.rings.filter(answer=Ring.Answer.NO_ANSWER).values_list("key", flat=True)
    if open_rings:
        Ring.objects.bulk_update(open_rings, ["answer", "answered_at"])
    if keys := [ring.key for ring in open_rings] + list(passed_over):
        notify.withdraw(keys, now=now)
    return open_rings
