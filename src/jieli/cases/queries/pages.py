"""Everything that one case page, ring page or raise form shows."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from jieli.cases import access
from jieli.cases.actions.care import ISBAR
from jieli.cases.actions.opinions import version_of
from jieli.cases.models import Case, Decision, Handover, Note, Opinion, Request, Ring
from jieli.cases.queries import words
from jieli.cases.queries.clock_strip import Row, approval_of, limits_note, row, strip
from jieli.cases.queries.ladder import ladder
from jieli.cases.queries.lists import heading
from jieli.cases.queries.people import Desks, active_roles, official_day, standings
from jieli.cases.queries.sight import Sight
from jieli.cases.queries.timeline import entries
from jieli.cases.queries.words import word
from jieli.chart.models import Observation
from jieli.chart.queries import (
    consents_of,
    documents_of,
    observations_of,
    patients_like,
    trend,
)
from jieli.directory.access import organisations_of
from jieli.directory.models import Department, Duty, Organisation, Practitioner, Role, Specialty
from jieli.keys.seals import Unreadable
from jieli.record.queries import newest_of
from jieli.rooms.queries import people_in
from jieli.rooms.recordings import was_recorded
from jieli.rules import addenda
from jieli.rules import clocks as clock_rules
from jieli.rules.vitals import VITALS, shown

Part = Callable[[Case, Practitioner, datetime], dict[str, Any]]

SHOWN_EVENTS = 20
WAITING = (Request.Status.REQUESTED, Request.Status.RECEIVED)
ASKING_KINDS = (Role.Kind.DOCTOR, Role.Kind.NURSE, Role.Kind.EXPERT, Role.Kind.COORDINATOR)


def case_page(case: Case, me: Practitioner, now: datetime) -> dict[str, Any]:
    """The whole page; each part is also fetched alone when something changed."""
    sight = Sight(case, me, now)
    context: dict[str, Any] = {}
    for part in SHOWN.values():
        context |= part(sight)
    context["vital_rows"] = VITALS.values()
    context["team"] = team(case, now) if sight.standing.treating else []
    return context


def team(case: Case, now: datetime) -> list[Practitioner]:
    """Doctors of the treating hospital to whom the case can be handed over."""
    roles = active_roles(official_day(now)).filter(
        organisation=case.organisation_id, kind__in=(Role.Kind.DOCTOR, Role.Kind.EXPERT)
    )
    found = Practitioner.objects.filter(roles__in=roles).exclude(pk=case.in_charge_id)
    return list(found.distinct().order_by("sort_key", "id")[:60])


def head_part(sight: Sight) -> dict[str, Any]:
    """What the case is, and what this person has to do in it next."""
    case, me, standing = sight.case, sight.me, sight.standing
    is_open = case.status == Case.Status.OPEN
    waiting = [r for r in sight.requests if r.status in WAITING and r.accepted_by is None]
    to_answer = next((r for r in reversed(sight.asked) if r in waiting), None)
    unread = next((o for o in sight.opinions if o.acknowledged_at is None), None)
    undecided = unread is None and bool(sight.opinions) and not sight.decisions
    advising = [r for r in sight.asked if r.accepted_by == me]
    return {
        "case": case,
        "heading": heading(case),
        "urgency_label": word(words.URGENCY, case.urgency),
        "standing": standing,
        "to_answer": to_answer,
        "my_ring": _ring_of(me, to_answer) if to_answer else None,
        "advising": advising[-1] if advising else None,
        "my_opinion": next((o for o in sight.opinions if o.author_id == me.pk), None),
        "to_read": unread if standing.treating and unread and unread.author_id != me.pk else None,
        "to_decide": standing.decides and undecided and is_open,
        "fallback": is_open and any(r.fallback_told_at for r in waiting),
        "in_room": people_in(case.key, sight.now) if is_open else [],
        "recorded": was_recorded(case.key),
    }


def _ring_of(me: Practitioner, request: Request) -> Ring | None:
    """The ring to answer: an open one first, a loud one before a silent one, then the latest."""
    mine = [r for r in request.rings.all() if r.practitioner_id == me.pk]
    mine.sort(key=lambda r: r.started_at, reverse=True)
    return min(mine, key=lambda r: (r.answer, r.silent), default=None)


def clocks_part(sight: Sight) -> dict[str, Any]:
    case, approval = sight.case, sight.approval
    rows = strip(case, sight.now, may_act=sight.standing.treating, approved=approval is not None)
    return {"clocks": rows, "clocks_note": limits_note(approval), "case": case}


def only(rows: list[Row], name: str) -> list[Row]:
    """The one clock that a form is about, drawn large."""
    return [replace(r, small=r.done) for r in rows if r.name == name][:1]


def rings_part(sight: Sight) -> dict[str, Any]:
    blocks = [_block(sight, request) for request in sight.requests]
    return {"requests": blocks, "case": sight.case}


def _block(sight: Sight, request: Request) -> dict[str, Any]:
    """One request: who was rung, who comes next, and what this person may do about it."""
    candidate = sight.candidate(request)
    free = request.accepted_by is None
    people = [
        c.practitioner
        for c in request.candidates.all()
        if c.line in ("expert", "second") and not c.barred
    ]
    return {
        "request": request,
        "ladder": ladder(request, sight.now),
        "may_answer": candidate is not None and free and request.status in WAITING,
        "is_expert": candidate is not None and candidate.line not in ("officer",),
        "candidate": candidate,
        "fallback": request.fallback_told_at is not None and free,
        "telephones": _telephones(request),
        "open": request.status not in (Request.Status.COMPLETED, Request.Status.CANCELLED),
        "live": request.was_live,  # type: ignore[attr-defined]
        "experts": people,
    }


def _telephones(request: Request) -> list[tuple[str, str]]:
    """Numbers to call: whoever accepted, the people on the list, then the hospitals."""
    listed = list(request.candidates.all())
    people = [request.accepted_by, *(c.practitioner for c in listed)]
    numbers = {p.name: p.telephone for p in people if p and p.telephone}
    for site in (c.organisation for c in listed):
        if site.telephone:
            numbers.setdefault(site.name, site.telephone)
    # What cannot be opened must not push out what can be called.
    return sorted(numbers.items(), key=lambda one: isinstance(one[1], Unreadable))[:6]


def timeline_part(sight: Sight) -> dict[str, Any]:
    case = sight.case
    events = entries(newest_of(case.chain, SHOWN_EVENTS))
    return {"events": events, "event_count": case.chain.length, "case": case}


def advice_part(sight: Sight) -> dict[str, Any]:
    case, now, standing = sight.case, sight.now, sight.standing
    opinions, decisions = in_families(sight.opinions), in_families(sight.decisions)
    decide_what_stands(opinions, anew=False)
    decide_what_stands(decisions, anew=True)
    signers = [*(o.author for o in opinions), *(d.author for d in decisions)]
    posts = _posts_of(signers, now)
    for opinion in opinions:
        opinion.minutes = round(  # type: ignore[attr-defined]
            (opinion.signed_at - opinion.request.raised_at).total_seconds() / 60
        )
        opinion.posts = _place(posts[opinion.author_id])  # type: ignore[attr-defined]
    for decision in decisions:
        decision.posts = _place(  # type: ignore[attr-defined]
            posts[decision.author_id], prefer=case.organisation_id
        )
    unread = next((o for o in opinions if o.acknowledged_at is None), None)
    undecided = next((o for o in opinions if o.acknowledged_at and not decisions), None)
    return {
        "opinions": opinions,
        "decisions": decisions,
        "unread": unread if standing.treating else None,
        "undecided": undecided if standing.decides else None,
        "standing": standing,
        "case": case,
    }


S = TypeVar("S", Opinion, Decision)


def in_families(signed: list[S]) -> list[S]:
    """A signed text and what was added to it stand together, the newest first."""
    by_version = {one.version: one for one in signed}
    groups = addenda.families([version_of(one) for one in signed])
    return [by_version[version] for group in groups for version in group]


def decide_what_stands(signed: list[S], *, anew: bool) -> None:
    """Which one replaced which; a decision that was taken anew replaces those before it."""
    by_version = {one.version: one for one in signed}
    replaced = dict(addenda.replaced_by([version_of(one) for one in signed]))
    if anew:
        taken = [one.version for one in signed if one.corrects is None]
        replaced |= {v: max(taken) for v in by_version if taken and v < max(taken)}
    for one in signed:
        one.superseded_by = by_version.get(replaced.get(one.version, 0))  # type: ignore[attr-defined]


def _posts_of(people: Iterable[Practitioner], now: datetime) -> Mapping[int, list[Role]]:
    """The roles that each of them holds, in one query."""
    held: dict[int, list[Role]] = defaultdict(list)
    roles = active_roles(official_day(now)).filter(practitioner__in=set(people))
    for role in roles.select_related("organisation", "department").order_by("id"):
        held[role.practitioner_id].append(role)
    return held


def _place(roles: list[Role], prefer: int | None = None) -> str:
    """Hospital and department of a signer: where the case is, if they work there."""
    first = min(roles, key=lambda role: role.organisation_id != prefer, default=None)
    if first is None:
        return ""
    return f"{first.organisation} {first.department.name if first.department else ''}".strip()


def situation_part(sight: Sight) -> dict[str, Any]:
    case = sight.case
    versions = list(case.handovers.select_related("by", "wrong_by"))
    latest = next((one for one in versions if not one.wrong_at), None)
    return {
        "handover": latest,
        "versions": versions,
        "sbar": sbar(latest) if latest else None,
        "completeness": completeness(latest),
        "missing": missing_before_opinion(case, latest, measured=sight.trend.until is not None),
        "case": case,
    }


GROUPS = {
    "S": ("situation", "onset_text", "airway"),
    "B": (
        "gestation_and_weight",
        "diagnoses",
        "history",
        "allergies",
        "pregnancy",
        "medicines",
        "results",
        "infection",
        "language",
        "guardian",
        "resuscitation",
    ),
    "A": ("assessment", "differential", "danger_signs", "worry", "done", "risks"),
    "R": ("ask", "by_when", "watch"),
}
# Of 28 fields, the nine that a U0 or U1 needs before the opinion; none delays the ringing.
# Identity, problem and call-back are on the request, the vital signs in the chart.
NEEDED = ("onset_text", "done", "ask", "by_when")


def sbar(handover: Handover) -> dict[str, list[tuple[str, str]]]:
    """The filled fields of each part, as (field, text)."""
    return {
        part: [(n, text) for n in names if (text := getattr(handover, n))]
        for part, names in GROUPS.items()
    }


def missing_before_opinion(case: Case, handover: Handover | None, *, measured: bool) -> list[str]:
    """Of the nine fields that a U0 or U1 needs before the opinion, those still empty."""
    if case.urgency not in ("U0", "U1"):
        return []
    missing = [name for name in NEEDED if not (handover and getattr(handover, name))]
    if handover and handover.onset_at and "onset_text" in missing:
        missing.remove("onset_text")
    return missing if measured else [*missing, "vitals"]


def completeness(handover: Handover | None) -> int:
    """Per cent of the ISBAR fields that are filled."""
    filled = sum(1 for n in ISBAR if handover and getattr(handover, n))
    return round(100 * filled / len(ISBAR))


def chart_part(sight: Sight) -> dict[str, Any]:
    case = sight.case
    return {
        "trend": sight.trend,
        "documents": list(documents_of(case.key)),
        "consents": list(consents_of(case.key)),
        "case": case,
    }


@dataclass(frozen=True, slots=True)
class Value:
    """One measured value as a row."""

    row: Observation
    label: str
    unit: str
    shown: str


def measured(case: Case) -> list[Value]:
    """Every value of the case, the newest first."""
    return [value_of(row) for row in observations_of(case.key)]


def value_of(row: Observation) -> Value:
    vital = VITALS.get(row.code)
    if vital is None:
        return Value(row, row.code, "", row.text or f"{row.value}")
    if row.value is None:
        return Value(row, _(vital.label), "", _(vital.words.get(row.text, row.text)))
    return Value(
        row, _(vital.label), _(vital.unit) if vital.unit else "", shown(row.code, row.value)
    )


def thread_part(sight: Sight) -> dict[str, Any]:
    case = sight.case
    notes: QuerySet[Note] = case.notes.select_related("by").order_by("-id")[:50]
    return {"notes": list(reversed(notes)), "case": case}


def outcome_part(sight: Sight) -> dict[str, Any]:
    case = sight.case
    told = {o.day: o for o in case.outcomes.select_related("by")}
    passed = (sight.now - case.opened_at).days
    return {
        "outcomes": [(day, told.get(day), passed >= day) for day in (1, 7, 21)],
        "other_outcomes": [o for day, o in told.items() if day not in (1, 7, 21)],
        "outcome_words": words.OUTCOMES.items(),
        "case": case,
    }


SHOWN: Mapping[str, Callable[[Sight], dict[str, Any]]] = {
    "head": head_part,
    "clocks": clocks_part,
    "rings": rings_part,
    "timeline": timeline_part,
    "advice": advice_part,
    "situation": situation_part,
    "chart": chart_part,
    "thread": thread_part,
    "outcome": outcome_part,
}


def _alone(part: Callable[[Sight], dict[str, Any]]) -> Part:
    return lambda case, me, now: part(Sight(case, me, now))


# One part of the page again, when something changed.
PARTS: Mapping[str, Part] = {name: _alone(part) for name, part in SHOWN.items()}


# ── the raise form ───────────────────────────────────────────────────────────


def may_ask(me: Practitioner, now: datetime) -> bool:
    """Whether this person may page an expert at all."""
    return bool(organisations_of(me, official_day(now), ASKING_KINDS))


def asking_organisations(me: Practitioner | None, now: datetime) -> QuerySet[Organisation]:
    """Hospitals for which this person may page; those that have an agreement come first."""
    return (
        Organisation.objects.filter(pk__in=organisations_of(me, official_day(now), ASKING_KINDS))
        .annotate(asked=Count("agreements_asking"))
        .order_by("-asked", "id")
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """A specialty that may be asked, and how many stand on its line now."""

    specialty: Specialty
    on_duty: int


def offers(organisation: Organisation | None, now: datetime) -> list[Offer]:
    """Specialties that valid agreements open, those with somebody on duty first."""
    if organisation is None:
        return []
    standing = standings(organisation.pk, None, official_day(now))
    sites = [pk for pk, s in standing.items()]
    duty = dict(
        Duty.objects.filter(organisation__in=sites, period__contains=now, line="first")
        .values_list("specialty")
        .annotate(n=Count("id"))
    )
    found = Specialty.objects.filter(departments__organisation__in=sites).distinct()
    listed = [Offer(s, duty.get(s.pk, 0)) for s in found.order_by("order", "id")]
    return sorted(listed, key=lambda o: o.on_duty == 0)


def department_of(me: Practitioner, organisation: Organisation, now: datetime) -> Department | None:
    """Where this person works in that hospital."""
    role = (
        active_roles(official_day(now))
        .filter(practitioner=me, organisation=organisation, department__isnull=False)
        .select_related("department")
        .first()
    )
    return role.department if role else None


def limits_of(urgency: str) -> str:
    """What a level promises, in words: how soon somebody answers, is live, and has signed."""
    limits = clock_rules.LIMITS[urgency]
    said = {
        "accept": _("answered within %(time)s"),
        "expert_live": _("expert live within %(time)s"),
        "opinion": _("opinion within %(time)s"),
        "schedule": _("meeting arranged within %(time)s"),
    }
    found = [
        text % {"time": _length(limits[name].target)}
        for name, text in said.items()
        if name in limits and name in clock_rules.AT_REQUEST[urgency]
    ]
    return _(", ").join(found)


def _length(minutes: int | None) -> str:
    if minutes and minutes >= 120 and minutes % 60 == 0:
        return _("%(n)s h") % {"n": minutes // 60}
    return _("%(n)s min") % {"n": minutes or 0}


def open_cases_like(
    identifiers: list[tuple[str, str]],
    organisation: Organisation | None,
    me: Practitioner,
    now: datetime,
) -> list[Case]:
    """Open cases of the same patient that this person may see."""
    if organisation is None or not identifiers:
        return []
    alike = patients_like(identifiers, organisation.pk)
    return list(
        access.visible_cases(me, now)
        .filter(patient__in=alike, status=Case.Status.OPEN)
        .select_related("organisation", "patient")[:5]
    )


def callback_of(me: Practitioner, now: datetime) -> str:
    """The department's telephone, else the hospital's, else one's own."""
    role = (
        active_roles(official_day(now))
        .filter(practitioner=me, kind__in=ASKING_KINDS)
        .select_related("department", "organisation")
        .first()
    )
    numbers = [role.department.telephone if role and role.department else ""]
    numbers += [role.organisation.telephone if role else "", me.telephone]
    return next((n for n in numbers if n and not isinstance(n, Unreadable)), "")


def desk_telephone(organisation: Organisation | None, now: datetime) -> str:
    """A number that always answers: the desk of a hospital that may be asked, else one's own."""
    if organisation is None:
        return ""
    for standing in standings(organisation.pk, None, official_day(now)).values():
        site = standing.agreement.to_organisation
        people = [p.telephone for p in Desks(now).duty(site)]
        numbers = [n for n in (*people, site.telephone) if n and not isinstance(n, Unreadable)]
        if numbers:
            return numbers[0]
    return organisation.telephone


# ── the ring page ────────────────────────────────────────────────────────────


def ring_page(ring: Ring, now: datetime) -> dict[str, Any]:
    request, case = ring.request, ring.request.case
    accept = request.clocks.filter(name="accept").first()
    opinion = request.clocks.filter(name="opinion").first()
    clock = accept if accept and not accept.stopped_at else opinion
    tiles = {t.code: t for t in trend(case.key).tiles}
    shown = [tiles[c] for c in ("spo2", "hr", "sbp", "temp", "lactate") if c in tiles][:3]
    place = request.rings.filter(silent=False, round=ring.round).order_by("started_at", "id")
    before = list(place.filter(started_at__lte=ring.started_at).exclude(pk=ring.pk))
    return {
        "ring": ring,
        "request": request,
        "case": case,
        "heading": case.problem,
        "who": heading(case),
        "patient_line": heading(case).removeprefix(case.problem).strip(" ·"),
        "facts": shown,
        "clock_row": row(clock, now, approved=approval_of(case, now) is not None, may_act=False)
        if clock
        else None,
        "position": len(before) + 1,
        "list_length": request.candidates.filter(barred="").count(),
        "before": [word(words.ANSWERS, r.answer) for r in before if r.answer],
        "taken_by": request.accepted_by,
        "is_open": ring.answer in ("", Ring.Answer.NO_ANSWER)
        and request.accepted_by is None
        and request.status in (Request.Status.REQUESTED, Request.Status.RECEIVED),
        "colleagues": colleagues(request, ring.practitioner, now),
        "reasons": [(c, word(words.REASONS, c)) for c in words.REASONS],
    }


def colleagues(request: Request, me: Practitioner, now: datetime) -> list[dict[str, Any]]:
    """To whom a ring can be passed on: experts of the hospitals that may be asked."""
    sites = set(request.candidates.values_list("organisation_id", flat=True))
    roles = (
        active_roles(official_day(now))
        .filter(organisation__in=sites, kind__in=(Role.Kind.EXPERT, Role.Kind.DOCTOR))
        .exclude(practitioner=me)
        .exclude(practitioner=request.raised_by_id)
        .select_related("practitioner__presence", "specialty", "organisation")
        .order_by("practitioner__sort_key")[:60]
    )
    same = [r for r in roles if r.specialty_id == request.specialty_id]
    rest = [r for r in roles if r.specialty_id != request.specialty_id]
    seen: dict[int, dict[str, Any]] = {}
    for role in [*same, *rest]:
        seen.setdefault(
            role.practitioner_id,
            {
                "key": role.practitioner.key,
                "name": role.practitioner.name,
                "detail": f"{role.specialty or ''} {role.organisation.name}".strip(),
            },
        )
    return list(seen.values())[:20]


def my_rings(me: Practitioner, now: datetime) -> list[Ring]:
    """What rings for a person now, loud ones first."""
    return list(
        Ring.objects.filter(practitioner=me, answer="")
        .exclude(silent=False, ends_at__lte=now)
        .filter(request__accepted_by=None, request__case__status=Case.Status.OPEN)
        .select_related("request__specialty", "request__case__organisation")
        .order_by("silent", "started_at")
    )


def opinion_page(opinion: Opinion, now: datetime) -> dict[str, Any]:
    return {
        "opinion": opinion,
        "posts": _place(_posts_of([opinion.author], now)[opinion.author_id]),
        "outcomes": list(opinion.case.outcomes.all()),
    }
