"""From the signed choice to the team: one step of a person, never by itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jieli.cases.models import Case, Template
from jieli.directory.models import Organisation, Practitioner
from jieli.missions.actions.dispatch import plan_dispatch
from jieli.missions.actions.under_way import Crew, Stretch
from jieli.missions.models import Choice, Mission
from jieli.missions.queries import saying
from jieli.missions.queries.content import pathways
from jieli.record.actions import action
from jieli.rules.refusal import Refused

BY_A_TEAM = (Template.DISPATCH, Template.RENDEZVOUS)
TRAVEL = ("preparation", "road", "flight", "train", "ferry", "air")  # until they arrive


@action
def plan_chosen(case: Case, *, by: Practitioner, now: datetime) -> Mission:
    """Plan the team, the legs and the kit of the option that was signed last."""
    choice = (
        Choice.objects.filter(decision__case=case)
        .select_related("decision", "sheet")
        .order_by("-decision__version")
        .first()
    )
    if choice is None or choice.decision.chosen not in BY_A_TEAM:
        raise Refused("No option with a team was signed: plan the team by hand.")
    if case.missions.filter(decision=choice.decision).exclude(status="cancelled").exists():
        raise Refused("This team is planned already.")
    words: Mapping[str, Any] = choice.sheet.words[choice.option]
    start = Organisation.objects.filter(code=words["start_organisation"]).first()
    if start is None:
        raise Refused("The hospital of the team is not in the directory any more.")
    pathway = pathways().pathways.get(choice.sheet.pathway)
    return plan_dispatch(
        case,
        choice.decision,
        start=start,
        crew=_crew(words),
        legs=[_stretch(leg) for leg in words["legs"] if leg["kind"] in TRAVEL],
        kit=pathway.kit if pathway else (),
        template=choice.decision.chosen,
        by=by,
        now=now,
    )


def _crew(words: Mapping[str, Any]) -> list[Crew]:
    known = {
        str(person.key): person
        for person in Practitioner.objects.filter(key__in=[p["key"] for p in words["people"]])
    }
    return [
        Crew(known[one["key"]], one["part"], leads=n == 0)
        for n, one in enumerate(words["people"])
        if one["key"] in known
    ]


def _stretch(leg: Mapping[str, Any]) -> Stretch:
    return Stretch(
        kind=str(leg["kind"]),
        name=str(saying.leg(leg)["name"])[:120],
        minutes=float(leg["median"]),
        route=str(leg["route"]),
        start=str(leg["start"]),
        end=str(leg["end"]),
        sigma=float(leg["sigma"]),
        departure=leg["departure"],
        departs=datetime.fromisoformat(leg["departs"]) if leg["departs"] else None,
    )
