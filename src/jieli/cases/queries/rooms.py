"""The room of a case: who is in it, and whose being there makes contact."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jieli.cases.models import Candidate, Case, Request
from jieli.cases.queries.people import active_roles, official_day
from jieli.directory.access import TREATING_KINDS
from jieli.rooms.queries import people_in

FINDERS = (Candidate.Line.OFFICER, Candidate.Line.DIRECTOR)  # they find somebody, do not advise


def treats(case: Case, people: Sequence[int], now: datetime) -> bool:
    """Whether somebody of the treating hospital is among them."""
    here = active_roles(official_day(now)).filter(organisation=case.organisation_id)
    return here.filter(practitioner__in=people, kind__in=TREATING_KINDS).exists()


def specialist_among(request: Request, people: Sequence[int]) -> Candidate | None:
    """Who was asked and advises, among these people; the one who accepted, if they are there."""
    asked = Candidate.objects.filter(request=request, practitioner__in=people).exclude(
        line__in=FINDERS
    )
    found = list(asked.exclude(barred="own_case").select_related("practitioner").order_by("id"))
    mine = [one for one in found if one.practitioner_id == request.accepted_by_id]
    return next(iter([*mine, *found]), None)


def room_part(case: Case, now: datetime) -> dict[str, Any]:
    """What the case page says of its room."""
    return {"in_room": people_in(case.key, now)}
