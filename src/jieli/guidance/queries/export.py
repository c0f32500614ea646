"""Guidance in the JSON of a case. Instants are ISO 8601 in UTC, lengths seconds."""

from typing import Any

from jieli.cases.models import Case
from jieli.directory.models import Practitioner
from jieli.guidance.models import GuidanceEntry, GuidanceSession, LifeException
from jieli.guidance.queries.link import there, up


def guidance_of(case: Case) -> list[dict[str, Any]]:
    rows = case.guidance.select_related(
        "organisation", "operator", "guide", "planned_by", "confirmed_by"
    )
    return [_session(session) for session in rows.order_by("number")]


def _person(person: Practitioner | None) -> dict[str, str] | None:
    return {"number": person.number, "name": person.name} if person else None


def _session(session: GuidanceSession) -> dict[str, Any]:
    names = ("planned_at", "started_at", "ended_at", "confirmed_at", "up_at")
    return {
        "key": str(session.key),
        "number": session.number,
        "name": session.name,
        "level": session.level,
        "techniques": [t.code for t in session.techniques.order_by("pk")],
        "organisation": session.organisation.code,
        "operator": _person(session.operator),
        "guide": _person(session.guide),
        "planned_by": _person(session.planned_by),
        "confirmed_by": _person(session.confirmed_by),
        "status": session.status,
        "step": session.step or None,
        **{name: getattr(session, name) for name in names},
        **_before(session),
        **_link(session),
        "entries": [_entry(e) for e in _entries(session)],
    }


def _before(session: GuidanceSession) -> dict[str, Any]:
    exception = LifeException.objects.select_related("decider").filter(session=session).first()
    return {
        "checks": [
            {
                "item": row.item,
                "answer": row.answer,
                "text": row.text,
                "person": _person(row.person),
                "by": _person(row.by),
                "at": row.at,
            }
            for row in session.checks.select_related("person", "by").order_by("pk")
        ],
        "mdt": [
            {
                "document": row.document.title,
                "sha256": row.document.full_sha256,
                "entered_in_error": row.document.wrong_at is not None,
                "signed_by": row.signed_by,
                "signed_at": row.signed_at,
                "by": _person(row.by),
                "at": row.at,
            }
            for row in session.mdts.select_related("document", "by").order_by("pk")
        ],
        "exception": exception
        and {
            "decider": _person(exception.decider),
            "reason": exception.reason,
            "at": exception.at,
            "filed_at": exception.filed_at,
        },
    }


def _link(session: GuidanceSession) -> dict[str, Any]:
    last = session.ended_at or session.up_at
    stays = there(session, last) if last else []
    return {
        "up_seconds": round(sum(span.length.total_seconds() for span in up(session))),
        "guide_seconds": round(sum(span.length.total_seconds() for span in stays)),
        "gaps": [
            {
                "since": gap.since,
                "until": gap.until,
                "silent": gap.silent,
                "known_later": gap.later,
                "corrected_at": gap.corrected_at,
            }
            for gap in session.gaps.order_by("since", "pk")
        ],
        "stays": [
            {"since": stay.since, "until": stay.until} for stay in session.stays.order_by("since")
        ],
    }


def _entries(session: GuidanceSession) -> list[GuidanceEntry]:
    return list(session.entries.select_related("by", "wrong_by").order_by("number"))


def _entry(row: GuidanceEntry) -> dict[str, Any]:
    return {
        "number": row.number,
        "kind": row.kind,
        "text": row.text,
        "amount": row.amount,
        "by": _person(row.by),
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
        "late_reason": row.late_reason,
        "wrong_at": row.wrong_at,
        "wrong_by": _person(row.wrong_by),
        "wrong_why": row.wrong_why,
    }
