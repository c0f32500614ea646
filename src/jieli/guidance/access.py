"""Who may see a session, run it from the theatre, guide it. Fetching is authorising."""

from datetime import datetime
from uuid import UUID

from django.http import Http404

from jieli.cases.access import get_case_for, standing_of
from jieli.cases.models import Case
from jieli.directory.access import DESK_KINDS, TREATING_KINDS, organisations_of, today
from jieli.directory.models import Practitioner
from jieli.guidance.models import GuidanceSession


def get_session_for(person: Practitioner | None, key: UUID, now: datetime) -> GuidanceSession:
    """A session is seen with its case."""
    session = (
        GuidanceSession.objects.select_related("case", "operator", "guide", "organisation")
        .filter(key=key)
        .first()
    )
    if session is None:
        raise Http404
    session.case = get_case_for(person, session.case.key, now)
    return session


def is_in_theatre(person: Practitioner, session: GuidanceSession, now: datetime) -> bool:
    """Belongs to the hospital where the operation is."""
    return session.organisation_id in organisations_of(person, today(now), TREATING_KINDS)


def get_session_of_theatre(person: Practitioner, key: UUID, now: datetime) -> GuidanceSession:
    session = get_session_for(person, key, now)
    if not is_in_theatre(person, session, now):
        raise Http404
    return session


def get_session_to_guide(person: Practitioner, key: UUID, now: datetime) -> GuidanceSession:
    session = get_session_for(person, key, now)
    if session.guide_id != person.pk:
        raise Http404
    return session


def get_session_to_write(person: Practitioner, key: UUID, now: datetime) -> GuidanceSession:
    """The log is written in the theatre and by who guides."""
    session = get_session_for(person, key, now)
    if session.guide_id != person.pk and not is_in_theatre(person, session, now):
        raise Http404
    return session


def get_session_of_desk(person: Practitioner, key: UUID, now: datetime) -> GuidanceSession:
    """For whoever files what this hospital has to file."""
    session = get_session_for(person, key, now)
    if session.organisation_id not in organisations_of(person, today(now), DESK_KINDS):
        raise Http404
    return session


def get_case_to_guide(person: Practitioner, key: UUID, now: datetime) -> Case:
    """A case whose own hospital this person belongs to."""
    case = get_case_for(person, key, now)
    if not standing_of(person, case, now).treating:
        raise Http404
    return case
