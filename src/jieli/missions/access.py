"""Who may see and correct a sheet, move a team or a patient, and say what a hospital has.

Sheets and missions are seen with their case. Fetching is authorising; nothing is the default.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeVar, overload
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404

from jieli.cases.access import get_case_for, standing_of
from jieli.cases.models import Case, Decision
from jieli.cases.queries.people import official_day
from jieli.chart.models import Checklist, Procedure
from jieli.directory.access import DESK_KINDS, TREATING_KINDS, organisations_of, roles_held
from jieli.directory.models import Organisation, Practitioner
from jieli.missions.models import Mission, Sheet, Slot, Vehicle

M = TypeVar("M", bound=Model)

# ── the decision sheet ───────────────────────────────────────────────────────


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


# ── teams and patients under way ─────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person is to a mission: which buttons they see, which posts they may send."""

    host: bool  # belongs to the hospital that treats
    sending: bool  # belongs to the hospital from which the team or the patient starts
    receiving: bool  # belongs to the hospital to which it leads
    member: bool  # goes along
    sites: frozenset[int]  # hospitals at which this person treats or coordinates

    @property
    def moves(self) -> bool:
        """May say how the journey goes."""
        return self.member or self.sending or self.receiving or self.host


def get_mission_for(person: Practitioner | None, key: UUID, now: datetime) -> Mission:
    """The mission, or 404 for everybody who may not see its case."""
    mission = (
        Mission.objects.select_related("case", "start", "end", "receiver", "vehicle")
        .filter(key=key)
        .first()
    )
    if mission is None:
        raise Http404
    mission.case = get_case_for(person, mission.case.key, now)
    return mission


def standing_in(person: Practitioner, mission: Mission, now: datetime) -> Standing:
    sites = frozenset(organisations_of(person, official_day(now), TREATING_KINDS))
    return Standing(
        host=mission.case.organisation_id in sites,
        sending=mission.start_id in sites,
        receiving=mission.end_id in sites,
        member=mission.members.filter(practitioner=person, left_at=None).exists(),
        sites=sites,
    )


def get_case_to_send_to(person: Practitioner, key: UUID, now: datetime) -> Case:
    """A case for which this person may plan a team: treats, was asked, or sits at a desk of it."""
    case = get_case_for(person, key, now)
    standing = standing_of(person, case, now)
    if not (standing.treating or standing.asked or standing.desk):
        raise Http404
    return case


def where_is(case: Case) -> Organisation:
    """The hospital at which the patient is, as far as journeys tell."""
    went = case.missions.exclude(kind=Mission.Kind.DISPATCH).exclude(arrived_at=None)
    last = went.select_related("end").order_by("-arrived_at").first()
    return last.end if last and last.end else case.organisation


def get_case_to_move(person: Practitioner, key: UUID, now: datetime) -> Case:
    """A case whose patient is at a hospital of this person."""
    case = get_case_for(person, key, now)
    if where_is(case).pk not in organisations_of(person, official_day(now), TREATING_KINDS):
        raise Http404
    return case


def may_operate(person: Practitioner, case: Case, now: datetime) -> bool:
    """The treating side, whoever has the patient now, and whoever is there with a team."""
    here = {case.organisation_id, where_is(case).pk}
    if here & organisations_of(person, official_day(now), TREATING_KINDS):
        return True
    return case.missions.filter(
        members__practitioner=person, members__left_at=None, kind=Mission.Kind.DISPATCH
    ).exists()


def get_case_to_operate(person: Practitioner, key: UUID, now: datetime) -> Case:
    case = get_case_for(person, key, now)
    if not may_operate(person, case, now):
        raise Http404
    return case


def get_procedure_for(person: Practitioner, key: UUID, now: datetime) -> tuple[Procedure, Case]:
    procedure = Procedure.objects.filter(key=key).first()
    if procedure is None:
        raise Http404
    return procedure, get_case_to_operate(person, procedure.case_key, now)


def get_checklist_for(person: Practitioner, key: UUID, now: datetime) -> tuple[Checklist, Case]:
    row = Checklist.objects.filter(key=key).first()
    if row is None:
        raise Http404
    return row, get_case_to_operate(person, row.case_key, now)


# ── what hospitals have ──────────────────────────────────────────────────────


def get_site_to_count(person: Practitioner, code: str, on: date) -> Organisation:
    """A hospital where this person treats or sits at the desk."""
    mine = organisations_of(person, on, TREATING_KINDS)
    return _found(Organisation.objects.filter(code=code, pk__in=mine))


def get_vehicle_to_count(person: Practitioner, vehicle: int, on: date) -> Vehicle:
    mine = organisations_of(person, on, TREATING_KINDS)
    return _found(Vehicle.objects.filter(pk=vehicle, organisation__in=mine))


def get_slot_to_count(person: Practitioner, slot: int, on: date) -> Slot:
    mine = organisations_of(person, on, TREATING_KINDS)
    return _found(Slot.objects.filter(pk=slot, organisation__in=mine))


def _found(rows: "QuerySet[M]") -> M:
    row = rows.first()
    if row is None:
        raise Http404
    return row
