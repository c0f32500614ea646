"""Who may be in a room. A room of a case is open to whoever may see the case, as long as they may;
the room of a lecture, which names no patient, to the staff of its alliance.

Fetching is authorising; nothing is the default.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404

from jieli.directory.access import alliances_of, grants_of, today
from jieli.directory.models import Practitioner
from jieli.rooms.models import Frame, Room, Seat


def visible_rooms(person: Practitioner | None, now: datetime) -> QuerySet[Room]:
    of_cases = Q(case_key__in=grants_of(person, now).values("case_key"))
    lectures = Q(lecture__alliance__in=alliances_of(person, today(now)))
    return Room.objects.filter(of_cases | lectures)


def get_room_for(person: Practitioner | None, key: UUID, now: datetime) -> Room:
    room = visible_rooms(person, now).filter(key=key).first()
    if room is None:
        raise Http404
    return room


def get_seat_of(person: Practitioner, key: UUID, now: datetime) -> Seat:
    """One's own seat, in a room where one may still be."""
    seat = Seat.objects.select_related("room").filter(key=key, practitioner=person).first()
    if seat is None:
        raise Http404
    get_room_for(person, seat.room.key, now)
    return seat


def may_stay(person: Practitioner, room: Room, now: datetime) -> bool:
    """Asked again while a line is open: who loses the case loses the room."""
    return visible_rooms(person, now).filter(pk=room.pk, closed_at=None).exists()


def get_frame_for(person: Practitioner, key: UUID, now: datetime) -> Frame:
    frame = Frame.objects.select_related("room").filter(key=key).first()
    if frame is None:
        raise Http404
    get_room_for(person, frame.room.key, now)
    return frame
