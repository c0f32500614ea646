"""What a room's page and its lines read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from jieli.directory.models import Practitioner
from jieli.rooms.models import LinkMinute, LogLine, Room, Seat
from jieli.rules import rooms as rules

BATCH = 400  # lines in one message to a page that catches up


def present(room: Room, now: datetime) -> list[Seat]:
    """Seats whose line is open, or broke a moment ago."""
    seats = room.seats.filter(left_at=None, seen_at__gt=now - rules.SEEN)
    return list(seats.select_related("practitioner", "organisation").order_by("joined_at", "id"))


def as_seen(seat: Seat) -> dict[str, Any]:
    """One seat as the others know it."""
    return {
        "seat": str(seat.key),
        "name": seat.practitioner.name,
        "site": str(seat.organisation or ""),
        "role": seat.role,
        "d": seat.state,
    }


NAMED = 300  # the last seats of a room whose lines may stand in its log


def names_in(room: Room) -> dict[str, str]:
    """Who sat on which seat, also of those who have left: their ink stays."""
    rows = room.seats.order_by("-id").values_list("key", "practitioner__name")[:NAMED]
    return {str(key): name for key, name in rows}


def lines_after(room: Room, number: int) -> Sequence[tuple[LogLine, UUID | None]]:
    """The next lines of the log with the seat of each."""
    lines = LogLine.objects.filter(room=room, number__gt=number).select_related("seat")
    return [
        (line, line.seat.key if line.seat else None) for line in lines.order_by("number")[:BATCH]
    ]


def room_of(case_key: UUID) -> Room | None:
    return Room.objects.filter(case_key=case_key).first()


def people_in(case_key: UUID, now: datetime) -> list[Seat]:
    """Who is in the room of a case now; one row a person."""
    room = room_of(case_key)
    if room is None or room.closed_at:
        return []
    return list({seat.practitioner_id: seat for seat in present(room, now)}.values())


def seated_in(case_key: UUID) -> list[Practitioner]:
    """Everybody with a seat that was not left, with their roles."""
    taken = Seat.objects.filter(room__case_key=case_key, left_at=None).values("practitioner")
    return list(Practitioner.objects.filter(pk__in=taken).prefetch_related("roles"))


MEASURED = timedelta(hours=2)  # a link that was measured longer ago is another link


@dataclass(frozen=True, slots=True)
class Measurement:
    """The link of a room as one page measured it."""

    seconds: int
    middle_ms: int
    high_ms: int
    lost: int  # packets in a thousand


def measurement(case_key: UUID, now: datetime) -> Measurement | None:
    """Of the page that measured longest: its seconds together, the worst of its 95 %."""
    rows = LinkMinute.objects.filter(room__case_key=case_key, at__gt=now - MEASURED, at__lte=now)
    of_seat: dict[int, list[LinkMinute]] = {}
    for row in rows.order_by("at"):
        of_seat.setdefault(row.seat_id, []).append(row)
    if not of_seat:
        return None
    longest = max(of_seat.values(), key=lambda found: sum(row.seconds for row in found))
    seconds = sum(row.seconds for row in longest)
    return Measurement(
        seconds,
        int(median(row.middle_ms for row in longest)),
        max(row.high_ms for row in longest),
        round(sum(row.lost * row.seconds for row in longest) / seconds),
    )
