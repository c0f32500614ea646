"""Missions as the JSON of a case tells them. Instants are ISO 8601 in UTC, lengths are minutes."""

from typing import Any

from jieli.cases.models import Case
from jieli.directory.models import Practitioner
from jieli.missions.models import Leg, Mission


def missions_of(case: Case) -> list[dict[str, Any]]:
    rows = case.missions.select_related("start", "end", "receiver", "approved_by", "planned_by")
    return [_mission(mission) for mission in rows.order_by("id")]


def _person(person: Practitioner | None) -> dict[str, str] | None:
    return {"number": person.number, "name": person.name} if person else None


def _mission(mission: Mission) -> dict[str, Any]:
    names = ("planned_at", "approved_at", "left_at", "arrived_at", "back_at", "closed_at")
    return {
        "key": str(mission.key),
        "number": mission.number,
        "kind": mission.kind,
        "template": mission.template,
        "status": mission.status,
        "start": mission.start.code,
        "end": mission.end.code if mission.end else None,
        "end_outside": mission.end_outside,
        "planned_by": _person(mission.planned_by),
        "approved_by": _person(mission.approved_by),
        "receiver": _person(mission.receiver),
        "receiver_outside": mission.receiver_outside,
        "stability": mission.stability,
        "escort": mission.escort,
        "plan": mission.plan,
        "closed_why": mission.closed_why,
        **{name: getattr(mission, name) for name in names},
        **_parts(mission),
    }


def _parts(mission: Mission) -> dict[str, Any]:
    members = mission.members.select_related("practitioner").order_by("id")
    entries = mission.entries.select_related("by").order_by("occurred_at", "id")
    lent = mission.privileges.select_related("practitioner", "technique").order_by("id")
    return {
        "team": [
            {
                "person": _person(m.practitioner),
                "part": m.part,
                "leads": m.leads,
                "left_at": m.left_at,
                "replaced_why": m.replaced_why,
            }
            for m in members
        ],
        "legs": [_leg(leg) for leg in mission.legs.all()],
        "papers": [
            {"kind": p.kind, "due_at": p.due_at, "done_at": p.done_at, "note": p.note}
            for p in mission.papers.order_by("id")
        ],
        "kit": [{"name": k.name, "state": k.state, "note": k.note} for k in mission.kit.all()],
        "privileges": [
            {
                "person": _person(p.practitioner),
                "technique": p.technique.code,
                "since": p.since,
                "until": p.until,
                "ended_at": p.ended_at,
            }
            for p in lent
        ],
        "entries": [
            {"kind": e.kind, "text": e.text, "by": _person(e.by), "occurred_at": e.occurred_at}
            for e in entries
        ],
    }


def _leg(leg: Leg) -> dict[str, Any]:
    names = ("planned_start", "planned_end", "expected_end", "started_at", "ended_at")
    return {
        "id": leg.pk,
        "kind": leg.kind,
        "name": leg.name,
        "planned_minutes": leg.planned_minutes,
        "note": leg.note,
        **{name: getattr(leg, name) for name in names},
    }
