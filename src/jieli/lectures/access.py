"""Who may come to a lecture, and who leads it.

Everybody with a role at a hospital that is a member of the lecture's alliance may come, whatever
the role: a lecture names no patient. Whoever planned it and its speakers lead it: they let others
speak, end it and see who was there, as does the office of the host. Fetching is authorising.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from jieli.cases.access import visible_cases
from jieli.cases.actions.recordings import teaching_consent
from jieli.cases.models import Case
from jieli.directory.access import (
    OFFICE_KINDS,
    TREATING_KINDS,
    alliances_of,
    organisations_of,
    today,
)
from jieli.directory.models import Alliance, Organisation, Practitioner
from jieli.lectures.models import Lecture
from jieli.rules import rooms


def visible_lectures(person: Practitioner | None, now: datetime) -> QuerySet[Lecture]:
    rows = Lecture.objects.select_related("room", "host", "alliance")
    return rows.filter(alliance__in=alliances_of(person, today(now)))


def get_lecture_for(person: Practitioner | None, key: UUID, now: datetime) -> Lecture:
    lecture = visible_lectures(person, now).filter(room__key=key).first()
    if lecture is None:
        raise Http404
    return lecture


def leads(person: Practitioner, lecture: Lecture) -> bool:
    mine = lecture.room.opened_by_id == person.pk
    return mine or lecture.speakers.filter(pk=person.pk).exists()


def get_lecture_to_lead(person: Practitioner, key: UUID, now: datetime) -> Lecture:
    lecture = get_lecture_for(person, key, now)
    if not leads(person, lecture):
        raise Http404
    return lecture


def get_lecture_to_count(person: Practitioner, key: UUID, now: datetime) -> Lecture:
    """Whose attendance this person may see."""
    lecture = get_lecture_for(person, key, now)
    office = organisations_of(person, today(now), OFFICE_KINDS)
    if not leads(person, lecture) and lecture.host_id not in office:
        raise Http404
    return lecture


def role_in(person: Practitioner, lecture: Lecture) -> str:
    return rooms.SPEAKER if leads(person, lecture) else rooms.LEARNER


def hosts_of(person: Practitioner, now: datetime) -> QuerySet[Organisation]:
    """In whose name this person may plan a lecture."""
    mine = organisations_of(person, today(now), TREATING_KINDS)
    return Organisation.objects.filter(pk__in=mine)


def audiences_of(person: Practitioner, now: datetime) -> QuerySet[Alliance]:
    return alliances_of(person, today(now))


def get_hosts(person: Practitioner, now: datetime) -> QuerySet[Organisation]:
    found = hosts_of(person, now)
    if not found.exists():
        raise Http404
    return found


def cases_to_show(person: Practitioner, now: datetime) -> list[Case]:
    """Open cases of this person's own hospitals whose patients agreed to teaching."""
    mine = organisations_of(person, today(now), TREATING_KINDS)
    rows = visible_cases(person, now).filter(organisation__in=mine, status=Case.Status.OPEN)
    return [case for case in rows.order_by("-opened_at")[:60] if teaching_consent(case) is True]
