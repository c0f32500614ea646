"""Every write about a lecture: planned, joined, led, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from jieli.cases.access import need_treating
from jieli.cases.actions.recordings import teaching_consent
from jieli.cases.actions.spine import lock_case, log
from jieli.cases.models import Case
from jieli.cases.queries.recordings import identifying
from jieli.directory.access import alliances_of, today
from jieli.directory.models import Alliance, Organisation, Practitioner
from jieli.lectures.access import role_in
from jieli.lectures.models import Lecture, Shown
from jieli.record.actions import action
from jieli.record.models import Event
from jieli.rooms import actions as rooms
from jieli.rooms.models import Seat
from jieli.rules import lectures as rules
from jieli.rules.recordings import check_title
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
    case: Case | None = None  # whose operation is shown


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
    if plan.case is not None:
        _check_case(plan, plan.case, by, now)
    lecture = Lecture.objects.create(
        room=rooms.open_lecture_room(plan.title, by=by, now=now),
        host=plan.host,
        alliance=plan.alliance,
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
    )
    lecture.speakers.set(plan.speakers)
    if plan.case is not None:
        _show(lecture, plan.case, by, now)
    return lecture


def _check_case(plan: Plan, case: Case, by: Practitioner, now: datetime) -> None:
    """By somebody who treats, with consent to teaching, and under a title that names nobody."""
    need_treating(by, case, now)
    rules.check_consent(teaching_consent(case))
    check_title(plan.title, identifying(case))


def _show(lecture: Lecture, case: Case, by: Practitioner, now: datetime) -> None:
    case = lock_case(case.pk)
    if case.status != Case.Status.OPEN:
        raise Refused("This case is closed.")
    Shown.objects.create(lecture=lecture, case_key=case.key, by=by, at=now)
    log(
        case, "lecture_planned", by=by, now=now,
        lecture=str(lecture.room.key), title=lecture.room.title,
    )  # fmt: skip


def end_shown(now: datetime) -> int:
    """Operations whose patient has taken back the consent to teaching, or whose case is closed:
    the picture goes from every screen at once. For runners."""
    shown = Shown.objects.filter(ended_at=None, lecture__room__closed_at=None)
    cases = {case.key: case for case in Case.objects.filter(key__in=shown.values("case_key"))}
    ended = 0
    for one in shown.select_related("lecture__room")[:50]:
        case = cases.get(one.case_key)
        agreed = case is not None and case.status == Case.Status.OPEN
        if case is not None and not (agreed and teaching_consent(case) is True):
            _end_shown(one, case, now)
            ended += 1
    return ended


@action
def _end_shown(one: Shown, case: Case, now: datetime) -> None:
    case = lock_case(case.pk)
    if not Shown.objects.filter(pk=one.pk, ended_at=None).update(ended_at=now):
        return
    rooms.end_room(one.lecture.room, now=now)
    log(
        case, "lecture_stopped", by=None, now=now, source=Event.Source.RUNNER,
        lecture=str(one.lecture.room.key), title=one.lecture.room.title,
    )  # fmt: skip


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
