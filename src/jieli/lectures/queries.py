"""What the pages of lectures read."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jieli.directory.models import Practitioner
from jieli.lectures.access import leads, role_in, visible_lectures
from jieli.lectures.models import Lecture
from jieli.rooms.models import LogLine
from jieli.rooms.queries import present
from jieli.rooms.words import tools, words_of_role
from jieli.rules import lectures as rules
from jieli.rules import rooms

SHOWN = 100
PAST = timedelta(days=90)


def lectures_page(person: Practitioner, now: datetime) -> dict[str, Any]:
    rows = visible_lectures(person, now).prefetch_related("speakers")
    coming = rows.filter(ends_at__gt=now - rules.LATE, room__closed_at=None).order_by("starts_at")
    past = rows.exclude(pk__in=coming.values("pk")).filter(ends_at__gt=now - PAST)
    return {"coming": coming[:SHOWN], "past": past.order_by("-starts_at")[:SHOWN]}


def lecture_page(lecture: Lecture, person: Practitioner, now: datetime) -> dict[str, Any]:
    """Before, during and after; who leads it sees the listeners and what they ask."""
    leading = leads(person, lecture)
    seats = present(lecture.room, now)
    people = {seat.practitioner_id for seat in seats}
    context: dict[str, Any] = {
        "lecture": lecture,
        "room": lecture.room,
        "speakers": list(lecture.speakers.all()),
        "leading": leading,
        "people": len(people),
        "over": lecture.room.closed_at is not None or now > lecture.ends_at + rules.LATE,
    }
    if leading:
        up = _hands(lecture)
        listeners = [one for one in seats if one.role in (rooms.LEARNER, rooms.ASKING)]
        context["listeners"] = sorted(
            ((one, one.key in up, one.role == rooms.ASKING) for one in listeners),
            key=lambda row: (not row[2], not row[1]),
        )
    return context


def _hands(lecture: Lecture) -> set[Any]:
    """Seats whose hand is up: the last line of each says so."""
    lines = LogLine.objects.filter(room=lecture.room, kind=rooms.RAISED).order_by("number")
    last = dict(lines.values_list("seat__key", "data"))
    return {key for key, data in last.items() if data.get("up")}


def door(lecture: Lecture, person: Practitioner) -> dict[str, Any]:
    """What the room's page needs of a lecture."""
    key = lecture.room.key
    speakers = "、".join(speaker.name for speaker in lecture.speakers.all())
    return {
        "heading": lecture.room.title,
        "place": " ".join(filter(None, (str(lecture.host), speakers))),
        "roles": [(role, *words_of_role(role)) for role in (role_in(person, lecture),)],
        "tools": tools(),
        "seats_url": f"/rooms/{key}/seats/",
        "back": f"/lectures/{key}/",
        "title": lecture.room.title,
    }


@dataclass(frozen=True, slots=True)
class Row:
    """One person at a lecture, counted once whatever they came with."""

    number: str
    name: str
    site: str
    speaks: bool
    first: datetime
    last: datetime
    minutes: int


def attendance(lecture: Lecture) -> list[Row]:
    """By name of hospital and person. A line says every few seconds that it is open."""
    spans: dict[int, list[rules.Span]] = defaultdict(list)
    seats = lecture.room.seats.exclude(joined_at=None).exclude(seen_at=None)
    people: dict[int, Any] = {}
    for seat in seats.select_related("practitioner", "organisation").order_by("id"):
        people[seat.practitioner_id] = seat
        if seat.joined_at and seat.seen_at:
            spans[seat.practitioner_id].append((seat.joined_at, seat.seen_at))
    speaking = set(lecture.speakers.values_list("pk", flat=True))
    rows = []
    for pk, seat in people.items():
        if found := rules.attended(spans[pk]):
            person, site = seat.practitioner, str(seat.organisation or "")
            rows.append(
                Row(person.number, person.name, site, pk in speaking, found.first, found.last,
                    found.minutes)
            )  # fmt: skip
    return sorted(rows, key=lambda row: (row.site, row.name, row.number))
