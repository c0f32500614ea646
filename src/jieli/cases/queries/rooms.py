"""The room of a case: its page, who is in it, and whose being there makes contact."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from jieli.cases.models import FINDERS, Candidate, Case, Request
from jieli.cases.queries.lists import heading
from jieli.cases.queries.people import active_roles, official_day
from jieli.directory.access import TREATING_KINDS
from jieli.rooms.words import tools, words_of_role

# Who knows of a session that is held in this room: addresses of its parts, by name.
Held = Callable[[Case], dict[str, str]]
_held: list[Held] = []


def use_held(find: Held) -> None:
    _held[:] = [find]


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


def room_page(case: Case, roles: Sequence[str], now: datetime) -> dict[str, Any]:
    """The door of the room and all that stands still in it; no name of the patient."""
    asked = case.requests.order_by("-id").first()
    department = case.department.name if case.department else ""
    return {
        "case": case,
        "heading": heading(case),
        "place": " ".join(filter(None, (str(case.organisation), department, case.number))),
        "roles": [(role, *words_of_role(role)) for role in roles],
        "tools": tools(),
        "seats_url": f"/cases/{case.key}/room/seats/",
        "uploads_url": f"/cases/{case.key}/uploads/",
        "back": f"/cases/{case.key}/",
        "telephone": asked.callback if asked else "",
        **{name: url for find in _held for name, url in find(case).items()},
    }
