"""Sheets and missions in the JSON of a case. Instants are ISO 8601 in UTC, lengths minutes."""

from typing import Any

from jieli.cases.models import Case
from jieli.chart.models import Checklist
from jieli.directory.models import Practitioner
from jieli.missions.models import Choice, Leg, Mission, Sheet


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
            {"id": p.pk, "kind": p.kind, "due_at": p.due_at, "done_at": p.done_at, "note": p.note}
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


# ── the decision sheet ───────────────────────────────────────────────────────


def sheets_of(case: Case) -> list[dict[str, Any]]:
    """Every version: what it was made from, what it said, what was chosen from it."""
    chosen = {
        choice.sheet_id: choice
        for choice in Choice.objects.filter(sheet__case=case).select_related("decision__author")
    }
    versions = case.sheets.select_related("made_by").order_by("version")
    return [_sheet(sheet, chosen.get(sheet.pk)) for sheet in versions]


def temporised_of(case: Case) -> list[dict[str, Any]]:
    """What was done at once, ticks that were taken back among them."""
    rows = case.temporised.select_related("by").order_by("occurred_at", "id")
    return [
        {
            "item": row.item,
            "by": row.by.number,
            "occurred_at": row.occurred_at,
            "recorded_at": row.recorded_at,
            "undone_at": row.undone_at,
        }
        for row in rows
    ]


def _sheet(sheet: Sheet, choice: Choice | None) -> dict[str, Any]:
    return {
        "version": sheet.version,
        "t0": sheet.t0,
        "made_at": sheet.made_at,
        "made_by": sheet.made_by.number if sheet.made_by else None,
        "trigger": sheet.trigger,
        "pathway": sheet.pathway,
        "content": sheet.content,
        "approved": sheet.approved,
        "best": sheet.best or None,
        "best_option": str(sheet.words[sheet.best]["template"]) if sheet.best else "NONE",
        "templates": {
            option: str(sheet.words[option]["template"]) for option in sheet.answer["options"]
        },
        "instance": sheet.instance,
        "answer": sheet.answer,
        "inputs": sheet.inputs,
        "choice": choice
        and {
            "decision": choice.decision.version,
            "by": choice.decision.author.number,
            "option": choice.option,
            "place": choice.place,
            "against": choice.against,
            "exception": choice.exception,
            "assents": [
                {"by": one.by.number, "agrees": one.agrees, "note": one.note, "at": one.at}
                for one in choice.decision.assents.select_related("by").order_by("at")
            ],
        },
    }


def checklists_of(case: Case) -> list[dict[str, Any]]:
    """Gates of operations, those that were struck out too. Answers: item to answer and note."""
    rows = Checklist.objects.filter(case_key=case.key).select_related("by", "wrong_by")
    return [
        {
            "key": str(row.key),
            "gate": row.gate,
            "operation": row.operation,
            "content": row.content,
            "answers": row.answers,
            "by": _person(row.by),
            "occurred_at": row.occurred_at,
            "recorded_at": row.recorded_at,
            "wrong_at": row.wrong_at,
            "wrong_by": _person(row.wrong_by),
            "wrong_why": row.wrong_why,
        }
        for row in rows.order_by("id")
    ]
