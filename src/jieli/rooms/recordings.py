"""Writes and reads of recordings. A run is announced, filled chunk by chunk, and ended.

Whoever recorded may send what they recorded while they could see the case, also afterwards, for
two weeks (`rules.recordings.GRACE`); looking at it is another matter, see `get_recording_for`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.http import Http404

from jieli.directory.access import TREATING_KINDS, alliances_of, organisations_of, today
from jieli.directory.models import Membership, Practitioner
from jieli.record import reading
from jieli.record.actions import action, unhurried
from jieli.rooms import store
from jieli.rooms.access import visible_rooms
from jieli.rooms.models import Chunk, Leftover, Recording, Room, Seat, TeachingClip
from jieli.rules import recordings as rules
from jieli.rules import webm
from jieli.rules.refusal import Refused

LEFT = 20  # folders removed at once

# ── access ───────────────────────────────────────────────────────────────────


def get_seat_to_record(person: Practitioner, key: UUID, at: datetime, now: datetime) -> Seat:
    """One's own seat in a room that one sees, or saw when this was recorded."""
    seats = Seat.objects.filter(key=key, practitioner=person)
    seat = seats.filter(room__in=visible_rooms(person, now)).first()
    if seat is not None:
        return seat
    with connection.cursor() as cursor:
        asked = "SELECT seat_id, room_id, role FROM jieli_recorded(%s, %s)"
        cursor.execute(asked, (str(key), at))
        found = cursor.fetchone()
    if found is None:
        raise Http404
    return Seat(pk=found[0], key=key, room_id=found[1], role=found[2], practitioner=person)


def get_recording_to_fill(person: Practitioner, key: UUID, now: datetime) -> Recording:
    """A run of one's own, to be sent on; nothing of it is shown."""
    found = Recording.objects.filter(key=key, by=person).first()
    if found is None or not _may_send(person, found, now):
        raise Http404
    return found


def _may_send(person: Practitioner, recording: Recording, now: datetime) -> bool:
    if visible_rooms(person, now).filter(pk=recording.room_id).exists():
        return True
    with connection.cursor() as cursor:
        asked = "SELECT jieli_recorded_in(%s, %s)"
        cursor.execute(asked, (recording.room_id, recording.started_at))
        return bool(cursor.fetchone()[0])


def get_recording_for(person: Practitioner | None, key: UUID, now: datetime) -> Recording:
    """A run to look at: for whoever sees the case now. Looking is put on record."""
    rows = Recording.objects.filter(room__in=visible_rooms(person, now)).select_related("room")
    found = rows.filter(key=key, gone_at=None, chunks__gt=0).first()
    if found is None:
        raise Http404
    if found.room.case_key is not None:
        reading.opened(found.room.case_key)
    return found


def visible_clips(person: Practitioner | None, now: datetime) -> QuerySet[TeachingClip]:
    """Clips of hospitals in an alliance with one's own."""
    day = today(now)
    mine = organisations_of(person, day, TREATING_KINDS)
    allied = Membership.objects.filter(
        Q(left_on=None) | Q(left_on__gt=day), alliance__in=alliances_of(person, day)
    ).values("organisation")
    shown = TeachingClip.objects.filter(withdrawn_at=None)
    return (
        shown.filter(Q(organisation__in=mine) | Q(organisation__in=allied))
        if mine
        else (shown.none())
    )


def get_clip_for(person: Practitioner | None, key: UUID, now: datetime) -> TeachingClip:
    clips = visible_clips(person, now).select_related("organisation", "technique", "made_by")
    clip = clips.filter(key=key).first()
    if clip is None:
        raise Http404
    return clip


# ── writes ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Told:
    """What a browser says of a run before it sends it."""

    key: UUID
    feed: str
    source: str
    mime: str
    copy: bool
    started_at: datetime


@action
def announce(seat: Seat, told: Told, *, by: Practitioner, now: datetime) -> Recording:
    """A run that will come in chunks; the same one goes on where it stopped."""
    rules.check_recorder(seat.role, told.source, told.mime, copy=told.copy)
    rules.check_started(told.started_at, now)
    if (begun := Recording.objects.filter(key=told.key).first()) is not None:
        if begun.by_id != by.pk or begun.seat_id != seat.pk:
            raise Http404
        return begun
    if Recording.objects.filter(seat=seat.pk).count() >= rules.RUNS:
        raise Refused("Too much was recorded from this place. Join the room again.")
    recording, _made = Recording.objects.get_or_create(
        key=told.key,
        defaults={
            "room_id": seat.room_id, "seat_id": seat.pk, "by": by, "feed": told.feed[:40],
            "source": told.source, "mime": told.mime, "copy": told.copy,
            "started_at": told.started_at, "ends_at": told.started_at, "announced_at": now,
            "heard_at": now,
        },
    )  # fmt: skip
    return recording


def receive(
    recording: Recording, chunk: rules.Chunk, stream: store.Stream, *, now: datetime
) -> bool:
    """One chunk, in whatever order; False when it was here already. Slow: nothing is locked yet."""
    rules.check_chunk(chunk, recording.started_at)
    if recording.pieces.filter(number=chunk.number, sha256=chunk.sha256).exists():
        return False
    unhurried()
    draft = store.Draft(stream, chunk.size, chunk.sha256)
    try:
        if chunk.number == 0 and not draft.begins_with(webm.MARK):
            raise Refused("This is not a recording that can be kept.")
        return _take(recording, chunk, draft, now=now)
    finally:
        draft.forget()


@action
def _take(recording: Recording, chunk: rules.Chunk, draft: store.Draft, *, now: datetime) -> bool:
    row = Recording.objects.select_for_update(of=("self",)).get(pk=recording.pk)
    if row.gone_at is not None:
        raise Refused("This recording was let go already.")
    near = {c.number: c for c in row.pieces.filter(
        number__range=(chunk.number - 1, chunk.number + 1))}  # fmt: skip
    if (same := near.get(chunk.number)) is not None:
        if same.sha256 != chunk.sha256:
            raise Refused("Another piece with this number is here already.")
        return False
    before, after = near.get(chunk.number - 1), near.get(chunk.number + 1)
    rules.check_neighbours(
        chunk, before.sha256 if before else None, after.previous if after else None
    )
    draft.settle(store.path_of(row.key, chunk.number))
    Chunk.objects.create(
        recording=row, number=chunk.number, size=chunk.size, sha256=chunk.sha256,
        previous=chunk.previous, begins_at=chunk.begins, ends_at=chunk.ends, received_at=now,
    )  # fmt: skip
    row.chunks += 1
    row.size += chunk.size
    row.ends_at, row.heard_at = max(row.ends_at, chunk.ends), now
    row.kept_at = None  # the case's chain gets the new head
    row.save(update_fields=["chunks", "size", "ends_at", "heard_at", "kept_at"])
    return True


@action
def end(recording: Recording, length: int, *, now: datetime) -> list[int]:
    """The browser has sent all it has of this run; which numbers are not here."""
    row = Recording.objects.select_for_update(of=("self",)).get(pk=recording.pk)
    numbers = list(row.pieces.values_list("number", flat=True))
    if not 0 < length <= rules.CHUNKS or length <= max(numbers, default=-1):
        raise Refused("This piece of the recording does not fit to the others.")
    if row.ended_at is None or row.length != length:
        row.length, row.ended_at, row.heard_at, row.kept_at = length, now, now, None
        row.save(update_fields=["length", "ended_at", "heard_at", "kept_at"])
    return rules.missing(numbers, length)


def to_keep(now: datetime) -> QuerySet[Recording]:
    """Runs whose head the case's chain does not have yet: ended, or silent for a day."""
    waiting = Recording.objects.filter(kept_at=None, gone_at=None, chunks__gt=0)
    ended = waiting.exclude(ended_at=None)
    found = ended | waiting.filter(heard_at__lt=now - rules.QUIET)
    return found.select_related("room", "by").order_by("started_at")


def goes_on(room: Room, now: datetime) -> bool:
    """Whether something is still being recorded, so that more runs will end soon."""
    lately = Q(ended_at=None, heard_at__gt=now - rules.PAUSE)
    return Recording.objects.filter(lately, room=room, gone_at=None).exists()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A run as it is now, for the case's chain."""

    head: str
    seconds: int
    missing: int


@action
def seal(recording: Recording, *, now: datetime) -> Sealed:
    """The head over all that came. The case's chain is locked by the caller."""
    row = Recording.objects.select_for_update(of=("self",)).get(pk=recording.pk)
    chunks = said(row)
    length = row.length or max(chunk.number for chunk in chunks) + 1
    row.head = rules.head_of(chunks, length)
    row.kept_at = now
    row.save(update_fields=["head", "kept_at"])
    spans = [rules.Span(chunk.begins, chunk.ends) for chunk in chunks]
    return Sealed(row.head, rules.seconds(spans), length - len(chunks))


def said(recording: Recording) -> list[rules.Chunk]:
    rows = recording.pieces.order_by("number")
    return [
        rules.Chunk(c.number, c.size, c.sha256, c.previous, c.begins_at, c.ends_at) for c in rows
    ]


def remove_leftovers(now: datetime) -> int:
    """Folders of runs that are let go or disposed of, after the commit. For runners."""
    waiting = list(Leftover.objects.order_by("pk")[:LEFT])
    for one in waiting:
        store.forget_run(one.folder)
        one.delete()
    for clip in TeachingClip.objects.exclude(withdrawn_at=None).exclude(size=0)[:LEFT]:
        store.forget_clip(clip.key)
        TeachingClip.objects.filter(pk=clip.pk).update(size=0)
    return len(waiting)


# ── reads ────────────────────────────────────────────────────────────────────


def was_recorded(case_key: UUID) -> bool:
    return Recording.objects.filter(room__case_key=case_key, chunks__gt=0).exists()


def run_of(recording: Recording) -> store.Run:
    rows = recording.pieces.order_by("number").values_list("number", "size")
    return store.Run(recording.key, list(rows))


def held(recording: Recording) -> list[Sequence[int]]:
    """Which chunks are here, as pairs of first and last number."""
    found: list[list[int]] = []
    for number in recording.pieces.order_by("number").values_list("number", flat=True):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [tuple(pair) for pair in found]
