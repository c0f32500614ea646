"""One case as one JSON and as one PDF, with the proof that its record is whole."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import typst
from django.utils.translation import gettext as _

from jieli.cases.models import Case, Clock, Decision, Opinion
from jieli.cases.queries import words
from jieli.cases.queries.clock_strip import approval_of, rule_of, strip
from jieli.cases.queries.ladder import ladder, with_people
from jieli.cases.queries.lists import heading
from jieli.cases.queries.pages import decide_what_stands, in_families, measured
from jieli.cases.queries.timeline import entries
from jieli.cases.queries.words import word
from jieli.chart.models import Erring, Procedure
from jieli.chart.queries import consents_of, documents_of, observations_of, procedures_of
from jieli.directory.models import Practitioner
from jieli.record.models import Event, Signature
from jieli.record.numbers import opened
from jieli.record.queries import broken_at
from jieli.rules import clocks as rules
from jieli.rules.clocks import VERSION

BEIJING, XINJIANG = ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Urumqi")
HERE = Path(__file__).resolve().parents[1]
FONTS = HERE.parent / "web" / "fonts"


def check(opinion: Opinion) -> dict[str, Any]:
    """Recompute the hash of a signed text."""
    signature = opinion.signature
    computed = hashlib.sha256(signature.content.encode()).digest()
    return {
        "signature": signature,
        "stored_hash": bytes(signature.content_hash).hex(),
        "computed_hash": computed.hex(),
        "holds": computed == bytes(signature.content_hash),
    }


# What packages above this one add: a name in the JSON and what makes it.
_more: dict[str, Callable[[Case], list[dict[str, Any]]]] = {}


def use_more(name: str, make: Callable[[Case], list[dict[str, Any]]]) -> None:
    """The front door names who adds what; this package does not know them."""
    _more[name] = make


# ── JSON ─────────────────────────────────────────────────────────────────────


def as_json(case: Case, now: datetime) -> dict[str, Any]:
    """The whole case. Instants are ISO 8601 in UTC, lengths are minutes."""
    clocks = list(Clock.objects.filter(case=case).select_related("request").order_by("id"))
    found = broken_at(case.chain)
    return {
        "exported_at": now,
        "case": _case(case),
        "requests": [_request(r, now) for r in case.requests.order_by("id")],
        "clocks": [_clock(c, now) for c in clocks],
        "handovers": [
            _handover(h) for h in case.handovers.select_related("wrong_by").order_by("version")
        ],
        "observations": [
            {
                "code": o.code,
                "value": str(o.value) if o.value is not None else o.text,
                "occurred_at": o.occurred_at,
                **_wrong(o),
            }
            for o in observations_of(case.key).order_by("occurred_at", "id")
        ],
        "documents": [
            {
                "key": str(d.key),
                "title": d.title,
                "title_was": d.title_was,
                "kind": d.kind,
                "sha256": d.full_sha256,
                "size": d.full_size,
                **_wrong(d),
            }
            for d in documents_of(case.key)
        ],
        "consents": [
            {
                "kind": c.kind,
                "answer": c.answer,
                "given_by": c.given_by,
                "interpreter": c.interpreter,
                "occurred_at": c.occurred_at,
            }
            for c in consents_of(case.key)
        ],
        "notes": [
            {"by": _person(n.by), "text": n.text, "occurred_at": n.occurred_at}
            for n in case.notes.select_related("by").order_by("id")
        ],
        "opinions": [
            _opinion(o) for o in case.opinions.select_related("corrects").order_by("version")
        ],
        "decisions": [
            _decision(d) for d in case.decisions.select_related("corrects").order_by("version")
        ],
        "procedures": [_procedure(p) for p in procedures_of(case.key)],
        **{name: make(case) for name, make in _more.items()},
        "outcomes": [
            {"day": o.day, "state": o.state, "note": o.note, "occurred_at": o.occurred_at}
            for o in case.outcomes.all()
        ],
        "events": [_event(e) for e in case.chain.events.select_related("actor").order_by("seq")],
        "chain": {
            "length": case.chain.length,
            "head": bytes(case.chain.head).hex(),
            "verified": found is None,
            "first_break": found and {"seq": found.seq, "why": found.why},
        },
    }


def _wrong(row: Erring) -> dict[str, Any]:
    """What was entered in error stays in the record and says so."""
    if not row.wrong_at:
        return {"entered_in_error": None}
    said = {"at": row.wrong_at, "by": _person(row.wrong_by), "why": row.wrong_why}
    return {"entered_in_error": said}


def _person(person: Practitioner | None) -> dict[str, str] | None:
    return {"number": person.number, "name": person.name} if person else None


def _case(case: Case) -> dict[str, Any]:
    return {
        "key": str(case.key),
        "number": case.number,
        "problem": case.problem,
        "urgency": case.urgency,
        "status": case.status,
        "organisation": {"code": case.organisation.code, "name": case.organisation.name},
        "alliance": case.alliance.name if case.alliance else None,
        "patient": {
            "name": case.patient.name,
            "sex": case.patient.sex,
            "age": case.patient.age_text,
            "unknown": case.patient.unknown,
            "identifiers": [
                {"kind": i.kind, "value": i.value} for i in case.patient.identifiers.order_by("id")
            ],
        },
        "in_charge": _person(case.in_charge),
        "anchor_at": case.anchor_at,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
    }


def _request(request: Any, now: datetime) -> dict[str, Any]:
    return {
        "key": str(request.key),
        "specialty": request.specialty.code,
        "technique": request.technique.code if request.technique else None,
        "urgency": request.urgency,
        "status": request.status,
        "callback": request.callback,
        "raised_at": request.raised_at,
        "raised_by": _person(request.raised_by),
        "accepted_by": _person(request.accepted_by),
        "accepted_at": request.accepted_at,
        "exception_reason": request.exception_reason,
        "candidates": [
            {
                "person": _person(c.practitioner),
                "line": c.line,
                "score": str(c.score),
                "barred": c.barred,
            }
            for c in request.candidates.select_related("practitioner")
        ],
        "rings": [
            {
                "person": _person(r.practitioner),
                "line": r.line,
                "round": r.round,
                "silent": r.silent,
                "started_at": r.started_at,
                "answer": r.answer,
                "answered_at": r.answered_at,
                "reason": r.reason,
            }
            for r in request.rings.select_related("practitioner").order_by("started_at", "id")
        ],
        "contacts": [
            {
                "person": _person(c.practitioner),
                "channel": c.channel,
                "failed": c.failed,
                "occurred_at": c.occurred_at,
            }
            for c in request.contacts.select_related("practitioner").order_by("id")
        ],
    }


def _clock(clock: Clock, now: datetime) -> dict[str, Any]:
    rule = rule_of(clock)
    stopped = rule.stopped
    return {
        "name": clock.name,
        "request": str(clock.request.key) if clock.request else None,
        "started_at": rule.started,
        "target_at": rule.target,
        "hard_at": rule.hard,
        "stopped_at": stopped,
        "cancelled_at": clock.cancelled_at,
        "minutes": rules.minutes(rule),
        "target_met": None if stopped is None or rule.target is None else stopped <= rule.target,
        "hard_met": None if stopped is None or rule.hard is None else stopped <= rule.hard,
        "late_reason": clock.late_reason,
        "limits": VERSION,
    }


def _handover(handover: Any) -> dict[str, Any]:
    skip = ("id", "case", "by", "wrong_at", "wrong_by", "wrong_why")
    fields = [f.name for f in handover._meta.fields if f.name not in skip]
    said = {name: getattr(handover, name) for name in fields}
    return said | {"by": _person(handover.by)} | _wrong(handover)


def _procedure(procedure: Procedure) -> dict[str, Any]:
    return {
        "key": str(procedure.key),
        "name": procedure.name,
        "organisation": procedure.organisation.code,
        "techniques": [t.code for t in procedure.techniques.all()],
        "operator": _person(procedure.operator),
        "assistant": _person(procedure.assistant),
        "guide": _person(procedure.guide),
        "mode": procedure.mode,
        "level": procedure.level,
        "started_at": procedure.started_at,
        "ended_at": procedure.ended_at,
        "findings": procedure.findings,
        "blood_loss_ml": procedure.blood_loss_ml,
        **_wrong(procedure),
    }


def _opinion(opinion: Opinion) -> dict[str, Any]:
    return {
        "key": str(opinion.key),
        "version": opinion.version,
        "author": _person(opinion.author),
        "indication": opinion.indication,
        "assessment": opinion.assessment,
        "recommendation": opinion.recommendation,
        "by_when": opinion.by_when,
        "looked_at": opinion.looked_at,
        "watch": [{"what": w.what, "limit": w.limit} for w in opinion.watches.all()],
        **_amends(opinion),
        "signed_at": opinion.signed_at,
        "signature": _signature(opinion),
        "acknowledged_at": opinion.acknowledged_at,
        "acknowledged_by": _person(opinion.acknowledged_by),
        "disagreement": opinion.disagreement,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "key": str(decision.key),
        "version": decision.version,
        "author": _person(decision.author),
        "chosen": decision.chosen,
        "text": decision.text,
        "reason": decision.reason,
        "alternatives": [
            {"option": a.option, "why_not": a.why_not} for a in decision.alternatives.all()
        ],
        **_amends(decision),
        "signed_at": decision.signed_at,
        "signature": _signature(decision),
    }


def _amends(signed: Opinion | Decision) -> dict[str, Any]:
    """Which signed version it belongs to, and whether that one still stands."""
    first: Any = signed.corrects
    return {
        "corrects": {"version": first.version, "key": str(first.key)} if first else None,
        "replaces": signed.replaces,
        "why": signed.why,
    }


def _signature(signed: Opinion | Decision) -> dict[str, str]:
    return {
        "provider": signed.signature.provider,
        "sha256": bytes(signed.signature.content_hash).hex(),
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "verb": event.verb,
        "actor": _person(event.actor),
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
        "source": event.source,
        "data": opened(event.data),
        "hash": bytes(event.hash).hex(),
    }


# ── PDF ──────────────────────────────────────────────────────────────────────


def as_pdf(case: Case, now: datetime) -> bytes:
    """The case on paper: what was asked, who answered, what was signed, and the whole record."""
    content = orjson.dumps(_paper(case, now)).decode()
    return typst.compile(
        str(HERE / "templates" / "cases" / "case.typ"),
        font_paths=[str(FONTS)],
        sys_inputs={"case": content},
    )


def _paper(case: Case, now: datetime) -> dict[str, Any]:
    found = broken_at(case.chain)
    approved = approval_of(case, now) is not None
    return {
        "title": heading(case),
        "number": case.number,
        "labels": _labels(),
        "facts": [
            [_("Patient"), case.patient.name],
            [_("Hospital"), case.organisation.name],
            [_("Urgency"), f"{case.urgency} {word(words.URGENCY, case.urgency)}"],
            [_("Opened"), both_zones(case.opened_at)],
            [_("In charge"), case.in_charge.name],
            [_("Closed"), both_zones(case.closed_at) if case.closed_at else _("open")],
        ],
        "clocks": [
            [r.name_label, r.state_label, _minutes(r.left), r.left_caption]
            for r in strip(case, now, may_act=False, approved=approved)
        ],
        "rings": [
            [r.name, r.role_label, r.result_label, r.seconds_label]
            for request in with_people(case.requests.all())
            for r in ladder(request, now)
        ],
        "opinions": [_signed_opinion(o) for o in standing(case.opinions.all(), anew=False)],
        "decisions": [_signed_decision(d) for d in standing(case.decisions.all(), anew=True)],
        "errors": _errors(case),
        "events": [
            [_short(e.at), e.title, e.detail]
            for e in entries(case.chain.events.select_related("actor").order_by("seq"))
        ],
        "proof": _("%(n)s events, chain head %(head)s, %(state)s")
        % {
            "n": case.chain.length,
            "head": bytes(case.chain.head).hex()[:16],
            "state": _("verified")
            if found is None
            else _("BROKEN at event %(n)s") % {"n": found.seq},
        },
        "printed": both_zones(now),
    }


def _labels() -> dict[str, str]:
    return {
        "clocks": _("Clocks"),
        "rings": _("Who was rung"),
        "opinions": _("Expert opinion"),
        "decisions": _("Decision of the treating hospital"),
        "errors": _("Entered in error, struck out"),
        "events": _("Record"),
        "printed": _("Printed"),
        "page": _("Page"),
    }


def standing(signed: Any, *, anew: bool) -> list[Any]:
    """Signed texts with what was added to each; what was replaced says by which."""
    rows = in_families(list(signed.select_related("author", "signature", "corrects")))
    decide_what_stands(rows, anew=anew)
    return rows


def note_of(signed: Any) -> dict[str, Any]:
    """What is printed above a signed text: its version, and how it belongs to others."""
    said = [_("version %(n)s") % {"n": signed.version}]
    if signed.corrects:
        words_ = _("replaces version %(n)s") if signed.replaces else _("adds to version %(n)s")
        said.append(words_ % {"n": signed.corrects.version})
    if signed.why:
        said.append(signed.why)
    if after := signed.superseded_by:
        said.append(_("no longer stands: replaced by version %(n)s") % {"n": after.version})
    return {"note": " · ".join(said), "struck": signed.superseded_by is not None}


def _errors(case: Case) -> list[list[str]]:
    """What was struck out, who did it, when and why."""
    values = [
        (f"{value.label} {value.shown} {value.unit}".strip(), value.row) for value in measured(case)
    ]
    files = [(d.title, d) for d in documents_of(case.key)]
    versions = [
        (_("ISBAR version %(n)s") % {"n": h.version}, h)
        for h in case.handovers.select_related("wrong_by")
    ]
    return [
        [what, row.wrong_why, f"{row.wrong_by.name} {_short(row.wrong_at)}"]
        for what, row in [*values, *files, *versions]
        if row.wrong_at and row.wrong_by
    ]


def _signed_opinion(opinion: Opinion) -> dict[str, Any]:
    watch = [f"{w.what}：{w.limit}" for w in opinion.watches.all()]
    parts = [opinion.assessment, opinion.recommendation, *watch, opinion.by_when]
    return {
        "head": word(words.INDICATIONS, opinion.indication),
        "parts": [p for p in parts if p],
        "signer": f"{opinion.author.name} {opinion.author.title}".strip(),
        "at": both_zones(opinion.signed_at),
        "kind": how_signed(opinion.signature),
        "hash": bytes(opinion.signature.content_hash).hex(),
        **note_of(opinion),
    }


def _signed_decision(decision: Decision) -> dict[str, Any]:
    why = [f"{word(words.OPTIONS, a.option)}：{a.why_not}" for a in decision.alternatives.all()]
    return {
        "head": word(words.OPTIONS, decision.chosen),
        "parts": [p for p in (decision.text, decision.reason, *why) if p],
        "signer": f"{decision.author.name} {decision.author.title}".strip(),
        "at": both_zones(decision.signed_at),
        "kind": how_signed(decision.signature),
        "hash": bytes(decision.signature.content_hash).hex(),
        **note_of(decision),
    }


def how_signed(signature: Signature) -> str:
    """How it was signed, in words."""
    internal = {
        "password": _("Internal signature (re-entered password)"),
        "passkey": _("Internal signature (passkey)"),
        "totp": _("Internal signature (code of the authenticator app)"),
    }
    return internal.get(signature.provider, signature.provider)


def _minutes(length: Any) -> str:
    return _("%(n)s min") % {"n": round(abs(length.total_seconds()) / 60)}


def both_zones(at: datetime) -> str:
    beijing, xinjiang = at.astimezone(BEIJING), at.astimezone(XINJIANG)
    return _("%(beijing)s Beijing time (%(xinjiang)s Xinjiang time)") % {
        "beijing": f"{beijing:%Y-%m-%d %H:%M}",
        "xinjiang": f"{xinjiang:%H:%M}",
    }


def _short(at: datetime) -> str:
    return f"{at.astimezone(BEIJING):%m-%d %H:%M:%S}"
