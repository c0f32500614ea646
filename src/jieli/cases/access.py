"""Who may see a case and what they are to it. Fetching is authorising; nothing is the default."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404

from jieli.cases.models import (
    FINDERS,
    BreakGlass,
    Candidate,
    Case,
    Clock,
    Decision,
    Disposal,
    Handover,
    Hold,
    Opinion,
    PatientCopy,
    Request,
    Ring,
)
from jieli.cases.queries.people import official_day
from jieli.directory.access import (
    DESK_KINDS,
    OFFICE_KINDS,
    TREATING_KINDS,
    grants_of,
    organisations_of,
    roles_held,
)
from jieli.directory.models import Practitioner, Role
from jieli.record import reading
from jieli.rooms.models import ClipSource, TeachingClip
from jieli.rules import rooms

M = TypeVar("M", bound=Model)
S = TypeVar("S", Opinion, Decision)

DECIDING_KINDS = frozenset({Role.Kind.DOCTOR, Role.Kind.EXPERT, Role.Kind.DIRECTOR})


def visible_cases(person: Practitioner | None, now: datetime) -> QuerySet[Case]:
    return Case.objects.filter(key__in=grants_of(person, now).values("case_key"))


def get_case_for(person: Practitioner | None, key: UUID, now: datetime) -> Case:
    """The case, or 404 for everybody who has no grant that holds."""
    if person is None:
        raise Http404
    case = _first(
        visible_cases(person, now)
        .select_related("patient", "organisation", "department", "in_charge", "chain")
        .filter(key=key)
    )
    reading.opened(case.key)
    return case


def case_of_clip(person: Practitioner, clip: TeachingClip, now: datetime) -> Case | None:
    """Whence a clip was cut: told to nobody but those who may see that case."""
    source = ClipSource.objects.filter(clip=clip).first()
    if source is None:
        return None
    case = visible_cases(person, now).filter(key=source.case_key).first()
    if case is not None:
        reading.opened(case.key)
    return case


def get_request_for(person: Practitioner | None, key: UUID, now: datetime) -> Request:
    request = _first(
        Request.objects.select_related("case__organisation", "specialty", "accepted_by").filter(
            key=key
        )
    )
    get_case_for(person, request.case.key, now)
    return request


def get_ring_for(person: Practitioner | None, key: UUID, now: datetime) -> Ring:
    """A ring belongs to the person whom it called, and to nobody else."""
    if person is None:
        raise Http404
    ring = _first(
        Ring.objects.select_related(
            "request__case__patient",
            "request__case__organisation",
            "request__case__department",
            "request__specialty",
        ).filter(key=key, practitioner=person)
    )
    get_case_for(person, ring.request.case.key, now)
    return ring


def get_opinion_for(person: Practitioner | None, key: UUID, now: datetime) -> Opinion:
    """An opinion is read by whoever may see the case, and always by its author."""
    if person is None:
        raise Http404
    opinion = _first(
        Opinion.objects.select_related(
            "case__organisation", "author", "signature", "request__specialty"
        ).filter(key=key)
    )
    if opinion.author_id != person.pk:
        get_case_for(person, opinion.case.key, now)
    reading.opened(opinion.case.key)
    return opinion


def get_clock_for(person: Practitioner | None, case_key: UUID, pk: int, now: datetime) -> Clock:
    case = get_case_for(person, case_key, now)
    return _first(Clock.objects.filter(case=case, pk=pk))


def case_with_number(person: Practitioner | None, number: str, now: datetime) -> Case | None:
    """The case of that number, if this person may see it anyway."""
    return visible_cases(person, now).filter(number=number.strip().upper()).first()


def need_treating_somewhere(person: Practitioner | None, now: datetime) -> None:
    """404 for whoever treats or coordinates nowhere."""
    if not organisations_of(person, official_day(now), TREATING_KINDS):
        raise Http404


def get_glass_to_review(person: Practitioner, pk: int, now: datetime) -> BreakGlass:
    """What was opened at a hospital whose desk this person sits at."""
    mine = organisations_of(person, official_day(now), DESK_KINDS)
    return _first(BreakGlass.objects.select_related("case").filter(pk=pk, organisation__in=mine))


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person is to a case, and so which buttons they see and which posts they may send."""

    treating: bool  # belongs to the treating hospital
    decides: bool  # may sign the decision there
    asked: bool  # stands on the list of a request, or was rung
    desk: bool  # coordinates for one of the hospitals
    office: bool = False  # keeps the records of the treating hospital


def standing_of(person: Practitioner, case: Case, now: datetime) -> Standing:
    roles = roles_held(person, official_day(now))
    here = {role.kind for role in roles if role.organisation_id == case.organisation_id}
    asked = Candidate.objects.filter(request__case=case, practitioner=person)
    return Standing(
        treating=bool(here & TREATING_KINDS),
        decides=bool(here & DECIDING_KINDS),
        asked=asked.exclude(barred="own_case").exists(),
        desk=any(role.kind in DESK_KINDS for role in roles),
        office=bool(here & OFFICE_KINDS),
    )


def roles_in_room(person: Practitioner, case: Case, now: datetime) -> tuple[str, ...]:
    """As what this person may sit in the case's room."""
    standing = standing_of(person, case, now)
    asked = Candidate.objects.filter(request__case=case, practitioner=person)
    advises = asked.exclude(barred="own_case").exclude(line__in=FINDERS).exists()
    return rooms.roles_of(treating=standing.treating, asked=advises, desk=standing.desk)


def need_treating(person: Practitioner, case: Case, now: datetime) -> None:
    """404 for whoever does not belong to the treating hospital."""
    if not standing_of(person, case, now).treating:
        raise Http404


def need_deciding(person: Practitioner, case: Case, now: datetime) -> None:
    if not standing_of(person, case, now).decides:
        raise Http404


def need_asked(person: Practitioner, case: Case, now: datetime) -> None:
    if not standing_of(person, case, now).asked:
        raise Http404


def was_consulted(person: Practitioner, case: Case) -> bool:
    """Whether this person is the specialist who took a request of the case."""
    return Request.objects.filter(case=case, accepted_by=person).exists()


def request_to_advise(person: Practitioner, case: Case, key: UUID | None) -> Request:
    """The request on which this person advises: the one named, else the latest that asked them."""
    asked = Request.objects.select_related("specialty").filter(
        case=case, candidates__practitioner=person
    )
    if key is not None:
        asked = asked.filter(key=key)
    mine = asked.filter(accepted_by=person)
    return mine.order_by("-id").first() or _first(asked.order_by("-id"))


def need_office_somewhere(person: Practitioner | None, now: datetime) -> None:
    """404 for whoever is coordinator or director nowhere."""
    if not organisations_of(person, official_day(now), OFFICE_KINDS):
        raise Http404


def get_case_of_office(person: Practitioner, key: UUID, now: datetime) -> Case:
    """A case of a hospital whose records office this person is; not one that was disposed of."""
    case = get_case_for(person, key, now)
    if case.organisation_id not in _offices(person, now) or case.disposed_at:
        raise Http404
    return case


def get_hold_to_end(person: Practitioner, pk: int, now: datetime) -> Hold:
    rows = Hold.objects.select_related("case").filter(organisation__in=_offices(person, now))
    return _first(rows.filter(pk=pk))


def get_disposal_of_office(person: Practitioner, pk: int, now: datetime) -> Disposal:
    rows = Disposal.objects.select_related("case", "proposed_by")
    return _first(rows.filter(pk=pk, organisation__in=_offices(person, now)))


def get_copy(person: Practitioner, key: UUID, now: datetime) -> PatientCopy:
    """A copy that this office made lately: every reading of it is one of each case in it."""
    rows = PatientCopy.objects.select_related("patient", "organisation", "by")
    copy = _first(rows.filter(key=key, organisation__in=_offices(person, now)))
    if now >= copy.until:
        raise Http404
    alike = Case.objects.filter(patient=copy.patient, organisation=copy.organisation)
    for case_key in alike.values_list("key", flat=True):
        reading.opened(case_key)
    return copy


def _offices(person: Practitioner | None, now: datetime) -> set[int]:
    return organisations_of(person, official_day(now), OFFICE_KINDS)


def signed_to_correct(case: Case, key: UUID | None, kind: type[S]) -> S | None:
    """The version that an addendum belongs to, if one was named; of this case only."""
    if key is None:
        return None
    return _first(kind._default_manager.select_related("signature").filter(case=case, key=key))


def need_treating_or_own(person: Practitioner, case: Case, by_id: int, now: datetime) -> None:
    """404 for whoever neither belongs to the treating hospital nor entered it themselves."""
    if by_id != person.pk:
        need_treating(person, case, now)


def get_handover_for(person: Practitioner, key: UUID, version: int, now: datetime) -> Handover:
    case = get_case_for(person, key, now)
    rows = Handover.objects.select_related("by", "wrong_by")
    handover = _first(rows.filter(case=case, version=version))
    handover.case = case
    return handover


def _first(rows: QuerySet[M]) -> M:
    row = rows.first()
    if row is None:
        raise Http404
    return row
