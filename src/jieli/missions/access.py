"""Who may see and correct a sheet, and say what a hospital has. Fetching is authorising."""

from datetime import date, datetime
from typing import Literal, overload
from uuid import UUID

from django.http import Http404

from jieli.cases.access import get_case_for, standing_of
from jieli.cases.models import Case, Decision
from jieli.cases.queries.people import official_day
from jieli.directory.access import DESK_KINDS, TREATING_KINDS, organisations_of, roles_held
from jieli.directory.models import Organisation, Practitioner
from jieli.missions.models import Sheet, Vehicle


@overload
def get_sheet_for(case: Case, version: int | None, *, needed: Literal[True]) -> Sheet: ...
@overload
def get_sheet_for(case: Case, version: int | None, *, needed: bool = False) -> Sheet | None: ...
def get_sheet_for(case: Case, version: int | None, *, needed: bool = False) -> Sheet | None:
    """The latest version, or the named one; None or 404 when there is none. Of a case in hand."""
    sheets = case.sheets.select_related("opinion__author", "made_by")
    if version is not None:
        found = sheets.filter(version=version).first()
        if found is None:
            raise Http404
        return found
    found = sheets.first()
    if found is None and needed:
        raise Http404
    return found


def need_party(person: Practitioner, case: Case, now: datetime) -> None:
    """404 for whoever sees the case without a part in it: by a broken glass, say."""
    standing = standing_of(person, case, now)
    if not (standing.treating or standing.asked or standing.desk):
        raise Http404


def need_desk(person: Practitioner | None, now: datetime) -> None:
    """404 for whoever coordinates for no hospital."""
    if person is None or not any(
        r.kind in DESK_KINDS for r in roles_held(person, official_day(now))
    ):
        raise Http404


def get_decision_of(person: Practitioner, key: UUID, now: datetime) -> Decision:
    """A decision of a case that this person may see."""
    decision = Decision.objects.select_related("case", "author").filter(key=key).first()
    if decision is None:
        raise Http404
    decision.case = get_case_for(person, decision.case.key, now)
    return decision


def get_site_to_count(person: Practitioner, code: str, on: date) -> Organisation:
    """A hospital where this person treats or sits at the desk."""
    mine = organisations_of(person, on, TREATING_KINDS)
    site = Organisation.objects.filter(code=code, pk__in=mine).first()
    if site is None:
        raise Http404
    return site


def get_vehicle_to_count(person: Practitioner, vehicle: int, on: date) -> Vehicle:
    mine = organisations_of(person, on, TREATING_KINDS)
    found = Vehicle.objects.filter(pk=vehicle, organisation__in=mine).first()
    if found is None:
        raise Http404
    return found
