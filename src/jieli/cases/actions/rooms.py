"""视频: joining the room of a case, and contact that is made in it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from jieli.cases.access import roles_in_room
from jieli.cases.actions.requests import record_contact
from jieli.cases.actions.spine import lock_case, log
from jieli.cases.models import Case, Contact, Request
from jieli.cases.queries.rooms import specialist_among, treats
from jieli.directory.models import Practitioner
from jieli.record.actions import action
from jieli.rooms import actions as rooms
from jieli.rooms.models import Seat
from jieli.rules import rooms as rules
from jieli.rules.refusal import Refused
from jieli.rules.relay import MOVES

AGAIN = timedelta(minutes=10)  # who comes back sooner has not joined anew


@action
def join_room(case: Case, role: str, *, by: Practitioner, now: datetime) -> tuple[Seat, str]:
    """A seat in the case's room and the ticket for its line; the record says who came as what."""
    case = lock_case(case.pk)
    if case.status != Case.Status.OPEN:
        raise Refused("This case is closed.")
    rules.check_role(role, roles_in_room(by, case, now))
    room = rooms.open_room(case.key, by=by, now=now)
    back = room.seats.filter(practitioner=by, role=role, seen_at__gt=now - AGAIN).exists()
    seat, ticket = rooms.take_seat(room, role, by=by, now=now, site=case.organisation_id)
    if not back:
        log(case, "room_joined", by=by, now=now, person=by.name, role=role, room=str(room.key))
    return seat, ticket


@action
def note_met(case_key: UUID, people: Sequence[int], now: datetime) -> None:
    """People hear each other in the room: a specialist who was asked is in contact (C1b).

    The page that hears tells it, so that a camera which nobody watches is no contact.
    """
    case = Case.objects.filter(key=case_key, status=Case.Status.OPEN).first()
    if case is None or not treats(case, people, now):
        return
    case = lock_case(case.pk)
    for request in Request.objects.filter(case=case).select_related("specialty"):
        asked = specialist_among(request, people)
        if asked is None or request.contacts.filter(failed=False).exists():
            continue
        if (request.status, "join") not in MOVES:
            continue  # withdrawn meanwhile
        person = asked.practitioner
        record_contact(request, by=person, practitioner=person, channel=Contact.By.VIDEO, now=now)
