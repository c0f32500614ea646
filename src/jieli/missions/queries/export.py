"""Sheets as the exported record of a case says them; the signed choice with its version."""

from typing import Any

from jieli.cases.models import Case
from jieli.missions.models import Choice, Sheet


def sheets_of(case: Case) -> list[dict[str, Any]]:
    """Every version: what it was made from, what it said, what was chosen from it."""
    chosen = {
        choice.sheet_id: choice
        for choice in Choice.objects.filter(sheet__case=case).select_related("decision__author")
    }
    versions = case.sheets.select_related("made_by").order_by("version")
    return [_sheet(sheet, chosen.get(sheet.pk)) for sheet in versions]


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
