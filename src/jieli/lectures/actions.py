"""Every write about a lecture: planned, joined, led, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from jieli.directory.access import alliances_of, today
from jieli.directory.models import Alliance, Organisation, Practitioner
from jieli.lectures.access import role_in
from jieli.lectures.models import Lecture
from jieli.record.actions import action
from jieli.rooms import actions as rooms
from jieli.rooms.models import Seat
from jieli.rules import lectures as rules
from jieli.rules.refusal import Refused
from jieli.rules.rooms import ASKING, LEARNER


@dataclass(frozen=True, slots=True)
class Plan:
    """A lecture as it was filled in."""

    title: str
    host: Organisation
    alliance: Alliance
    speakers: Sequence[Practitioner]
    starts_at: datetime
    ends_at: datetime


@action
def plan_lecture(plan: Plan, *, by: Practitioner, now: datetime) -> Lecture:
    if not settings.SFU_URL:
        raise Refused("A lecture needs a media server. Ask whoever runs this system to set one up.")
    rules.check_times(plan.starts_at, plan.ends_at, now)
    for speaker in plan.speakers:
        if plan.alliance not in alliances_of(speaker, today(now)):
            raise Refused(
                "%(person)s is at no hospital of this alliance today.", person=speaker.name
            )
    lecture = Lecture.objects.create(
        room=rooms.open_lecture_room(plan.title, by=by, now=now),
        host=plan.host,
        alliance=plan.alliance,
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
    )
    lecture.speakers.set(plan.speakers)
    return lecture


@action
def join_lecture(lecture: Lecture, *, by: Practitioner, now: datetime) -> tuple[Seat, str]:
    """A seat; who leads it speaks, everybody else listens."""
    role = role_in(by, lecture)
    rules.check_doors(lecture.starts_at, lecture.ends_at, now, speaks=role != LEARNER)
    if role == LEARNER and lecture.room.seats.filter(left_at=None).count() >= rules.SEATS:
        raise Refused("Every place in this lecture is taken.")
    return rooms.take_seat(lecture.room, role, by=by, now=now)


@action
def let_speak(lecture: Lecture, seat: UUID, *, on: bool) -> None:
    """A listener's turn to speak begins or ends; speakers stay what they are."""
    listener = lecture.room.seats.filter(key=seat, left_at=None, role__in=(LEARNER, ASKING)).first()
    if listener is None:
        raise Refused("This person is not in the lecture any more.")
    rooms.change_role(listener, ASKING if on else LEARNER)


@action
def end_lecture(lecture: Lecture, *, now: datetime) -> None:
    """For everybody, at once."""
    rooms.end_room(lecture.room, now=now)


@action
def end_old(now: datetime) -> int:
    """Lectures that nobody ended, some time after they were to be over."""
    old = Lecture.objects.filter(ends_at__lte=now - rules.LATE, room__closed_at=None)
    ended = list(old.select_related("room")[:50])
    for lecture in ended:
        rooms.end_room(lecture.room, now=now)
    return len(ended)
