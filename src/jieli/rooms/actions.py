"""Every write to a room. Its row is the lock of its log; nothing of a case is written here."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from jieli.chart.store.keep import Kept
from jieli.directory.access import organisations_of, today
from jieli.directory.models import Practitioner
from jieli.live import actions as live
from jieli.live import topics
from jieli.record.actions import action
from jieli.rooms.models import Frame, LinkMinute, LogLine, Room, Seat
from jieli.rooms.telling import tell_room
from jieli.rules import rooms as rules
from jieli.rules.refusal import Refused

# What others do when people see and hear each other, and when somebody has left the room:
# (case, people, now). The front door names them.
Told = Callable[[UUID, Sequence[int], datetime], None]
_met: list[Told] = []
_left: list[Told] = []


def use_met(*told: Told) -> None:
    _met[:] = told


def use_left(*told: Told) -> None:
    _left[:] = told


# ── rooms and seats ──────────────────────────────────────────────────────────


@action
def open_room(case_key: UUID, *, by: Practitioner, now: datetime) -> Room:
    """The room of a case, made when it is first needed; the caller holds the case's lock."""
    room, _made = Room.objects.get_or_create(
        case_key=case_key,
        defaults={
            "kind": Room.Kind.CASE,
            "opened_at": now,
            "opened_by": by,
            "engine": Room.Engine.SFU if settings.SFU_URL else Room.Engine.MESH,
        },
    )
    if room.closed_at is not None:  # the case was opened again
        room.closed_at = None
        room.save(update_fields=["closed_at"])
    return room


@action
def close_room(case_key: UUID, *, now: datetime) -> None:
    """The case is over: everybody is out, at once."""
    for room in Room.objects.filter(case_key=case_key, closed_at=None):
        room.closed_at = now
        room.save(update_fields=["closed_at"])
        end_seats(case_key, None, now=now)


@action
def open_lecture_room(title: str, *, by: Practitioner, now: datetime) -> Room:
    """Always through the media server: a hundred browsers cannot send to each other."""
    return Room.objects.create(
        kind=Room.Kind.LECTURE, title=title, opened_at=now, opened_by=by, engine=Room.Engine.SFU
    )


@action
def end_room(room: Room, *, now: datetime) -> None:
    """A lecture is over: everybody is out, at once."""
    Room.objects.filter(pk=room.pk, closed_at=None).update(closed_at=now)
    for seat in room.seats.filter(left_at=None):
        seat.left_at, seat.ticket = now, b""
        seat.save(update_fields=["left_at", "ticket"])
        tell_room(room.pk, {"t": "out", "seat": str(seat.key)})


@action
def change_role(seat: Seat, role: str) -> None:
    """At once, on the line that is open: a right that ends takes its voice along."""
    Seat.objects.filter(pk=seat.pk, left_at=None).update(role=role)
    tell_room(seat.room_id, {"t": "role", "seat": str(seat.key), "role": role})


@action
def end_seats(case_key: UUID, people: Iterable[int] | None, *, now: datetime) -> None:
    """These people, or all of them, lose their seats in the case's room at once."""
    seats = Seat.objects.filter(room__case_key=case_key, left_at=None)
    if people is not None:
        seats = seats.filter(practitioner__in=list(people))
    for seat in seats.select_related("room"):
        seat.left_at, seat.ticket = now, b""
        seat.save(update_fields=["left_at", "ticket"])
        tell_room(seat.room_id, {"t": "out", "seat": str(seat.key)})


@action
def take_seat(
    room: Room,
    role: str,
    *,
    by: Practitioner,
    now: datetime,
    site: int | None = None,
    before: UUID | None = None,
) -> tuple[Seat, str]:
    """A seat, and the ticket that opens its line once within two minutes.

    `site`: the hospital for which they are here, where they belong to several. `before`: the seat
    that the same page had before it was loaded anew; nobody sits there any more.
    """
    if room.closed_at is not None:
        raise Refused("This room is closed.")
    mine = room.seats.filter(practitioner=by, left_at=None)
    for old in mine.filter(key=before).select_related("room") if before else ():
        leave(old, now=now)
    present = mine.filter(seen_at__gt=now - rules.SEEN)
    if present.count() >= rules.PEERS:
        raise Refused("You are in this room on many devices. Close it on one of them first.")
    # What was asked for and never used, or fell silent, makes room.
    mine.filter(ticket_until__lte=now).exclude(pk__in=present.values("pk")).update(left_at=now)
    ticket = secrets.token_urlsafe(24)
    sites = organisations_of(by, today(now))
    seat = Seat.objects.create(
        room=room,
        practitioner=by,
        organisation_id=site if site in sites else min(sites, default=None),
        role=role,
        ticket=_digest(ticket),
        ticket_until=now + rules.TICKET,
        asked_at=now,
    )
    return seat, ticket


@action
def renew_ticket(seat: Seat, *, now: datetime) -> str:
    """The same seat again after its line broke: what was shown and drawn goes on as it was."""
    if seat.left_at is not None or seat.room.closed_at is not None:
        raise Refused("You have left this room. Join it again.")
    ticket = secrets.token_urlsafe(24)
    seat.ticket, seat.ticket_until = _digest(ticket), now + rules.TICKET
    seat.save(update_fields=["ticket", "ticket_until"])
    return ticket


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()


@action
def use_ticket(ticket: str, *, by: Practitioner, now: datetime) -> Seat | None:
    """Whose line this is; None for a ticket that is not this person's, is old or was used."""
    seats = Seat.objects.select_for_update(of=("self",)).select_related("room", "practitioner")
    seat = seats.filter(ticket=_digest(ticket), practitioner=by, left_at=None).first()
    if seat is None or now >= seat.ticket_until or seat.room.closed_at is not None:
        return None
    seat.ticket, seat.seen_at = b"", now
    seat.joined_at = seat.joined_at or now
    seat.save(update_fields=["ticket", "seen_at", "joined_at"])
    _tell_pages(seat.room, "room_entered")
    return seat


@action
def leave(seat: Seat, *, now: datetime) -> None:
    """By their own will, or because the line stayed broken."""
    if Seat.objects.filter(pk=seat.pk, left_at=None).update(left_at=now, ticket=b""):
        tell_room(seat.room_id, {"t": "left", "seat": str(seat.key)})
        _tell_pages(seat.room, "room_left")


@action
def tell_left(seat: Seat, *, now: datetime) -> None:
    """Others hear that this person is gone, unless they sit here with another device. After
    `leave` and apart from it: whoever hears it locks the case first, and a seat is locked by then.
    """
    others = seat.room.seats.filter(practitioner=seat.practitioner_id, left_at=None)
    if seat.room.case_key is not None and not others.filter(seen_at__gt=now - rules.SEEN).exists():
        for told in _left:
            told(seat.room.case_key, [seat.practitioner_id], now)


def _tell_pages(room: Room, verb: str) -> None:
    """The case page says who is in the room."""
    if room.case_key is not None:
        live.publish([topics.case(str(room.case_key))], None, verb)


@action
def note_seen(seat: Seat, *, now: datetime) -> bool:
    """A sign of life; False when the seat was taken away."""
    return bool(Seat.objects.filter(pk=seat.pk, left_at=None).update(seen_at=now))


@action
def say_state(seat: Seat, state: dict[str, Any], *, now: datetime) -> None:
    """What a page shows and how its link is; kept for whoever comes later."""
    if len(json.dumps(state)) > rules.STATE:
        raise Refused("This is too much to say about a seat.")
    Seat.objects.filter(pk=seat.pk, left_at=None).update(state=state, seen_at=now)
    tell_room(seat.room_id, {"t": "state", "seat": str(seat.key), "d": state})


@action
def met(seat: Seat, others: Sequence[UUID], *, now: datetime) -> None:
    """This page hears or sees the pages of `others`: they are in contact."""
    if seat.room.case_key is None:
        return
    present = seat.room.seats.filter(key__in=others[: rules.PEERS], left_at=None)
    people = {seat.practitioner_id, *present.values_list("practitioner_id", flat=True)}
    if len(people) > 1:
        for told in _met:
            told(seat.room.case_key, sorted(people), now)


@action
def note_minute(seat: Seat, data: dict[str, Any], *, now: datetime) -> None:
    """What a page measured of its link; nonsense is left out. Once in half a minute at most."""
    figures = rules.check_minute(data)
    lately = LinkMinute.objects.filter(seat=seat, at__gt=now - timedelta(seconds=30))
    if figures is not None and not lately.exists():
        LinkMinute.objects.create(room=seat.room, seat=seat, at=now, **figures)


# ── the log ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Said:
    """One line as its writer sent it."""

    ref: UUID
    kind: str
    feed: str
    data: dict[str, Any]


@action
def write(seat: Seat, said: Sequence[Said], *, now: datetime) -> list[LogLine]:
    """Append lines; one that is there already is not written again. The room's row is the lock.

    A line that makes no sense refuses all of them: the sender sends one after the other.
    """
    room = Room.objects.select_for_update().get(pk=seat.room_id)
    if room.closed_at is not None:
        raise Refused("This room is closed.")
    known = {line.ref: line for line in room.lines.filter(ref__in=[one.ref for one in said])}
    lines = []
    for one in said:
        if one.ref in known:
            lines.append(known[one.ref])
            continue
        data = rules.check_line(seat.role, one.kind, one.data)
        lines.append(_append(room, seat, one.ref, one.kind, one.feed[:40], data, now))
        known[one.ref] = lines[-1]
    LogLine.objects.bulk_create([line for line in lines if line.pk is None])
    room.save(update_fields=["length", "head"])
    for line in lines:
        tell_room(room.pk, as_message(line, seat.key))
    return lines


@action
def freeze(seat: Seat, key: UUID, feed: str, kept: Kept, *, now: datetime) -> Frame:
    """A picture of a feed at an instant: everybody sees this one, whatever the link shows."""
    if not rules.may(seat.role, rules.DRAW):
        raise Refused("Your role in this room does not allow that.")
    if (same := Frame.objects.filter(key=key, seat=seat).first()) is not None:
        return same
    room = Room.objects.select_for_update().get(pk=seat.room_id)
    if room.closed_at is not None:
        raise Refused("This room is closed.")
    frame = Frame.objects.create(
        key=key, room=room, seat=seat, feed=feed[:40], at=now, width=kept.width,
        height=kept.height, size=kept.size, sha256=kept.sha256,
    )  # fmt: skip
    data = {"frame": str(key), "w": kept.width, "h": kept.height}
    line = _append(room, seat, key, rules.FREEZE, frame.feed, data, now)
    line.save(force_insert=True)
    room.save(update_fields=["length", "head"])
    tell_room(room.pk, as_message(line, seat.key))
    return frame


def _append(
    room: Room, seat: Seat, ref: UUID, kind: str, feed: str, data: dict[str, Any], now: datetime
) -> LogLine:
    if room.length >= rules.LINES:
        raise Refused("This room's log is full. Close the room and open a new one.")
    room.length += 1
    line = LogLine(
        room=room, number=room.length, ref=ref, seat=seat, kind=kind, feed=feed, at=now, data=data
    )
    line.hash = room.head = link(bytes(room.head), line)
    return line


def link(previous: bytes, line: LogLine) -> bytes:
    """SHA-256 over the line before and this one, as in a case's own chain."""
    said = [line.number, str(line.ref), line.seat_id, line.kind, line.feed, line.at.timestamp()]
    text = json.dumps([*said, line.data], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(previous + text.encode()).digest()


def as_message(line: LogLine, seat: UUID | None) -> dict[str, Any]:
    """As it goes over the line."""
    return {
        "t": "log", "n": line.number, "id": str(line.ref), "seat": str(seat or ""),
        "kind": line.kind, "feed": line.feed, "at": round(line.at.timestamp() * 1000),
        "d": line.data,
    }  # fmt: skip


def forget_seats(now: datetime) -> int:
    """Seats whose line has been silent: nobody is there, whatever their process said last."""
    silent = Q(seen_at__lte=now - 3 * rules.SEEN) | Q(seen_at=None, ticket_until__lte=now)
    gone = Seat.objects.filter(silent, left_at=None).select_related("room", "practitioner")[:200]
    found = list(gone)
    for seat in found:
        leave(seat, now=now)
        tell_left(seat, now=now)
    return len(found)
