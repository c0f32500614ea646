"""Everything that a page or a part of guidance shows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from jieli.cases.access import standing_of
from jieli.cases.models import Case, Template
from jieli.cases.queries import words_guidance as words
from jieli.cases.queries.lists import heading
from jieli.cases.queries.people import official_day
from jieli.cases.queries.words import word
from jieli.cases.queries.words_under_way import GATES
from jieli.chart.models import Checklist, Procedure
from jieli.chart.queries import documents_of
from jieli.directory.access import DESK_KINDS, organisations_of, valid_on
from jieli.directory.models import Grant, Organisation, Practitioner, Role, Technique
from jieli.guidance import access
from jieli.guidance.models import GuidanceEntry, GuidanceSession
from jieli.guidance.queries.content import precheck
from jieli.guidance.queries.link import is_linked, lost_since, telephone_of, up
from jieli.guidance.queries.lists import sessions_of
from jieli.guidance.queries.operation import operation_of
from jieli.guidance.queries.precheck import Look
from jieli.rules import guidance as rules

SHOWN = 80
LATE = timedelta(minutes=5)
ICONS = {"planned": "ok", "running": "met", "degraded": "warn", "suspended": "breach"}


def state_of(session: GuidanceSession) -> tuple[str, str]:
    """The code of its colour and its word."""
    return ICONS.get(session.status, "ok"), word(words.STATES, session.status)


# ── sessions of a case ───────────────────────────────────────────────────────


def of_case(case: Case, me: Practitioner, now: datetime) -> dict[str, Any]:
    """The part of the case page."""
    decision = case.decisions.first()
    open_case = case.status == Case.Status.OPEN
    return {
        "case": case,
        "sessions": [(one, *state_of(one)) for one in sessions_of(case)],
        "is_live": decision is not None and decision.chosen == Template.LIVE,
        "may_plan": open_case and standing_of(me, case, now).treating,
    }


def sessions_page(case: Case, me: Practitioner, now: datetime) -> dict[str, Any]:
    context = of_case(case, me, now)
    context["heading"] = heading(case)
    if context["may_plan"]:
        wanted = case.requests.exclude(technique=None).values_list("technique", flat=True)
        context |= {
            "operators": _doctors(case.organisation, now),
            "guides": _guides(case, now),
            "techniques": list(Technique.objects.order_by("name")[:300]),
            "wanted": set(wanted),
        }
    return context


def _doctors(site: Organisation, now: datetime) -> list[Practitioner]:
    roles = Role.objects.filter(
        valid_on(official_day(now)),
        organisation=site,
        kind__in=(Role.Kind.DOCTOR, Role.Kind.EXPERT),
    )
    found = Practitioner.objects.filter(pk__in=roles.values("practitioner"))
    return list(found.order_by("sort_key", "pk")[:SHOWN])


def _guides(case: Case, now: datetime) -> list[Practitioner]:
    """Whoever may see the case in their own name and does not belong to its hospital."""
    grants = Grant.objects.filter(case_key=case.key).exclude(practitioner=None)
    seen = [
        grant.practitioner_id
        for grant in grants
        if grant.practitioner_id and (grant.until is None or grant.until > now)
    ]
    own = Role.objects.filter(valid_on(official_day(now)), organisation=case.organisation)
    found = Practitioner.objects.filter(pk__in=seen).exclude(pk__in=own.values("practitioner"))
    return list(found.order_by("sort_key", "pk")[:SHOWN])


# ── one session ──────────────────────────────────────────────────────────────


def session_page(session: GuidanceSession, me: Practitioner, now: datetime) -> dict[str, Any]:
    context = panel(session, me, now) | checks(session, me, now)
    return context | entries(session, me, now) | strip(session, now)


def _shared(session: GuidanceSession, me: Practitioner, now: datetime) -> dict[str, Any]:
    in_theatre = access.is_in_theatre(me, session, now)
    open_case = session.case.status == Case.Status.OPEN
    return {
        "session": session,
        "case": session.case,
        "heading": heading(session.case),
        "in_theatre": in_theatre,
        "is_guide": session.guide_id == me.pk,
        "going": session.status in rules.GOING,
        "over": session.status in rules.OVER,
        "may_answer": in_theatre and open_case and session.status not in rules.OVER,
    }


@dataclass(frozen=True, slots=True)
class GateLine:
    name: str
    row: Checklist | None
    late: bool


def panel(session: GuidanceSession, me: Practitioner, now: datetime) -> dict[str, Any]:
    """The state, the gates of the operation, what may be done now."""
    operation = operation_of(session, now)
    linked = is_linked(session, now)
    confirmed = session.confirmed_at is not None
    shared = _shared(session, me, now)
    colour, said = state_of(session)
    lost = lost_since(session) if session.status in rules.GOING and not linked else None
    minutes = sum((span.length for span in up(session)), timedelta(0))
    moves = rules.moves_from(session.status, confirmed=confirmed, linked=linked)
    return shared | {
        "colour": colour,
        "state_word": said,
        "operation": operation,
        "gates": [_gate(code, operation.gates.get(code), operation.procedure) for code in GATES],
        "linked": linked,
        "lost": lost,
        "confirmed": confirmed,
        "telephone": telephone_of(session),
        "moves": moves if shared["in_theatre"] else [],
        "stay": session.stays.filter(until=None).first(),
        "ladder": word(words.LADDER, session.step) if session.step else "",
        "live_minutes": int(minutes.total_seconds() // 60),
        "degraded_after": int(rules.DEGRADED_AFTER.total_seconds()),
        "suspended_after": int(rules.SUSPENDED_AFTER.total_seconds()),
    }


def _gate(code: str, row: Checklist | None, procedure: Procedure | None) -> GateLine:
    late = (
        code == "time_out"
        and procedure is not None
        and (row is None or row.occurred_at > procedure.started_at)
    )
    return GateLine(word(GATES, code), row, late)


def checks(session: GuidanceSession, me: Practitioner, now: datetime) -> dict[str, Any]:
    """Before the start: each item, and what is missing next to the act."""
    look = Look(session, now)
    found = look.checks()
    shared = _shared(session, me, now)
    planned = session.status == rules.PLANNED
    offered = planned and shared["may_answer"]
    return shared | {
        "checks": found,
        "missing": [check for check in found if check.blocks and not check.there],
        "planned": planned,
        "level": look.level,
        "techniques": look.techniques,
        "exception": look.exception,
        "mdt": look.mdt,
        "version": precheck().version,
        "approved": look.approved,
        "people": _doctors(session.organisation, now) if offered else [],
        "documents": list(documents_of(session.case.key).filter(wrong_at=None)[:SHOWN])
        if offered
        else [],
        "may_file": session.organisation_id in organisations_of(me, official_day(now), DESK_KINDS),
    }


# ── the log ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One line of the log, with the minutes since the incision."""

    row: GuidanceEntry
    kind: str
    text: str
    late: bool
    minutes: int | None


def entries(session: GuidanceSession, me: Practitioner, now: datetime) -> dict[str, Any]:
    shared = _shared(session, me, now)
    operation = operation_of(session, now)
    begun = operation.procedure.started_at if operation.procedure else None
    rows = session.entries.select_related("by", "wrong_by").order_by("-occurred_at", "-number")
    return shared | {
        "entries": [_line(row, begun) for row in rows],
        "may_write": session.started_at is not None
        and (shared["in_theatre"] or shared["is_guide"]),
        "kinds": [
            (code, str(label))
            for code, label in words.ENTRIES.items()
            if code not in ("blood_loss", "lead", "note")
        ],
        "leads": [(code, str(label)) for code, label in words.LEADS.items()],
    }


def _line(row: GuidanceEntry, begun: datetime | None) -> EntryLine:
    text = word(words.LEADS, row.text) if row.kind == "lead" else row.text
    if row.amount is not None:
        text = f"{row.amount} mL {text}".strip()
    since = (row.occurred_at - begun) if begun and row.occurred_at >= begun else None
    return EntryLine(
        row,
        word(words.ENTRIES, row.kind),
        text,
        row.recorded_at - row.occurred_at > LATE,
        int(since.total_seconds() // 60) if since is not None else None,
    )


# ── the events on a line ─────────────────────────────────────────────────────

HOUR = timedelta(hours=1)
AHEAD = timedelta(minutes=10)
LETTERS = 6  # of what somebody wrote


@dataclass(frozen=True, slots=True)
class Mark:
    """One event: where it stands, its shape, its words, above the line or below it."""

    at: datetime
    shape: str  # begin, step, loss
    text: str
    x: float = 0.0
    row: int = 0

    @property
    def anchor(self) -> str:
        return "start" if self.x < rules.NEAR else "end" if self.x > 100 - rules.NEAR else "middle"


def strip(session: GuidanceSession, now: datetime) -> dict[str, Any]:
    if session.started_at is None:
        return {"session": session, "marks": [], "line": None}
    until = session.ended_at or now
    marks = sorted(_marks(session, now), key=lambda mark: mark.at)
    begin = min([session.started_at, *(mark.at for mark in marks)])
    end = until if session.ended_at else begin + _whole_hours(until + AHEAD - begin)
    line = rules.Span(begin, end)
    places = [rules.place(mark.at, line) for mark in marks]
    now_x = rules.place(until, line)
    rows = rules.rows(places, now_x if session.status in rules.GOING else None)
    return {
        "session": session,
        "marks": [
            Mark(mark.at, mark.shape, mark.text, x, row)
            for mark, x, row in zip(marks, places, rows, strict=True)
        ],
        "line": line,
        "now_x": now_x,
        "going": session.status in rules.GOING,
        "until": until,
    }


def _whole_hours(length: timedelta) -> timedelta:
    return HOUR * max(1, -(-length // HOUR))


def _marks(session: GuidanceSession, now: datetime) -> list[Mark]:
    operation = operation_of(session, now)
    found = [Mark(session.started_at or now, "begin", _("guidance"))]
    if time_out := operation.gates.get("time_out"):
        found.append(Mark(time_out.occurred_at, "step", _("time out")))
    if operation.procedure:
        found.append(Mark(operation.procedure.started_at, "step", _("incision")))
        if operation.procedure.ended_at:
            found.append(Mark(operation.procedure.ended_at, "step", _("last stitch")))
    for row in session.entries.filter(wrong_at=None).order_by("occurred_at", "number"):
        line = _line(row, None)
        found.append(Mark(row.occurred_at, "step", line.text[:LETTERS] or line.kind))
    for gap in session.gaps.filter(corrected_at=None).order_by("since"):
        seconds = round(((gap.until or now) - gap.since).total_seconds())
        if seconds > 0 and gap.since != session.started_at:
            said = _("no link %(seconds)s s") % {"seconds": seconds}
            found.append(Mark(gap.since, "loss", said))
    return found
