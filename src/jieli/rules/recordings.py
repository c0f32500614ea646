"""录像: what may be recorded and sent, how a run of chunks is sealed, what is missing. Pure.

One run is one start of a browser's recorder: its head stands in the first chunk only, so a run is
short and the next one begins before it ends. Each chunk carries its own SHA-256 and that of the
one before; the head of a run covers them all and stands in the case's own chain.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from jieli.rules import rooms
from jieli.rules.lectures import check_consent
from jieli.rules.refusal import Refused
from jieli.rules.retention import KEPT

CHUNK = 16_000_000  # bytes: some three seconds, or what piled up while a page was asleep
CHUNKS = 1_200  # of one run
RUN = timedelta(minutes=45)  # the recorder begins a new one every five
RUNS = 3_000  # of one seat: four feeds for ten hours are 480
GRACE = timedelta(days=14)  # a browser that was shut down sends later, whoever may see by then
QUIET = timedelta(days=1)  # a run from which nothing comes any more is sealed as far as it came
PAUSE = timedelta(minutes=2)  # without a chunk for so long a recorder has stopped
AHEAD = timedelta(minutes=2)  # a clock of a browser may be so much before ours
HOLE = timedelta(milliseconds=1500)  # between two runs: shorter is no gap that anybody sees
PART = 4_000_000  # bytes of one answer to a player, which asks again by itself
LONGEST_CLIP = timedelta(minutes=20)
SOURCES = ("field", "endoscope", "monitor", "overview", "face", "screen", "voice")
MIME = re.compile(r"^(video|audio)/(webm|x-matroska)(;\s?codecs=[\w.,\" -]{1,60})?$")
SHA = re.compile(r"^[0-9a-f]{64}$")


def check_recorder(role: str, source: str, mime: str, *, copy: bool) -> None:
    """Who shows may record what they show; the second copy is made by whoever may draw."""
    if not rooms.may(role, rooms.DRAW if copy else rooms.SHOW):
        raise Refused("Your role in this room does not allow that.")
    if source not in SOURCES or not MIME.match(mime):
        raise Refused("This browser records in a way that cannot be kept. Use another browser.")


def check_started(started: datetime, now: datetime) -> None:
    if started > now + AHEAD:
        raise Refused("This time lies in the future. Check the clock or the time zone.")
    if started < now - GRACE:
        raise Refused("This was recorded too long ago to be taken.")


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a browser says of one chunk. Times are the server's, as the browser knows them."""

    number: int
    size: int
    sha256: str
    previous: str  # of the chunk before; empty for the first
    begins: datetime
    ends: datetime


def check_chunk(chunk: Chunk, started: datetime) -> None:
    if chunk.size > CHUNK:
        raise Refused("This piece of the recording is too large.")
    fits = chunk.size > 0 and 0 <= chunk.number < CHUNKS and SHA.match(chunk.sha256)
    chained = SHA.match(chunk.previous) if chunk.number else not chunk.previous
    early, late = started - timedelta(seconds=5), started + RUN
    if not fits or not chained or not early <= chunk.begins <= chunk.ends <= late:
        raise Refused("This piece of the recording does not fit to the others.")


def check_neighbours(chunk: Chunk, before: str | None, after: str | None) -> None:
    """`before` is the hash of the chunk before, `after` what the next one says of this one."""
    if (before is not None and before != chunk.previous) or after not in (None, chunk.sha256):
        raise Refused("This piece of the recording does not fit to the others.")


def head_of(chunks: Iterable[Chunk], length: int) -> str:
    """SHA-256 over all chunks in order. Of one that is lost the next one still tells the hash."""
    held = {chunk.number: chunk for chunk in chunks}
    link = b""
    for number in range(length):
        link = hashlib.sha256(link + _said(held, number).encode()).digest()
    return link.hex()


def _said(held: Mapping[int, Chunk], number: int) -> str:
    chunk = held.get(number)
    if chunk is None:
        following = held.get(number + 1)
        return f"{number} lost {following.previous if following else ''}"
    begins, ends = (round(at.timestamp() * 1000) for at in (chunk.begins, chunk.ends))
    return f"{number} {chunk.size} {chunk.sha256} {begins} {ends}"


def told_heads(heads: str) -> dict[str, str]:
    """What an event says of its runs: `run=head run=head`."""
    return dict(one.split("=", 1) for one in heads.split() if "=" in one)


def missing(numbers: Iterable[int], length: int) -> list[int]:
    return sorted(set(range(length)) - set(numbers))


def stretches(chunks: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Addresses that hang together, of (number, size) in order, all laid one after the other."""
    found: list[tuple[int, int]] = []
    at, expected = 0, -1
    for number, size in chunks:
        if number == expected and found:
            found[-1] = (found[-1][0], at + size)
        else:
            found.append((at, at + size))
        at, expected = at + size, number + 1
    return found


# ── what is on the time line ─────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Span:
    begins: datetime
    ends: datetime


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans that touch or overlap as one; what is left between them is a gap."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: one.begins):
        if found and span.begins <= found[-1].ends + HOLE:
            found[-1] = Span(found[-1].begins, max(found[-1].ends, span.ends))
        else:
            found.append(span)
    return found


def gaps(spans: Iterable[Span]) -> list[Span]:
    whole = joined(spans)
    return [Span(one.ends, two.begins) for one, two in pairwise(whole)]


def seconds(spans: Iterable[Span]) -> int:
    total = sum(((one.ends - one.begins) for one in joined(spans)), timedelta())
    return round(total.total_seconds())


# ── how long ─────────────────────────────────────────────────────────────────


def kept_until(last: date) -> date:
    """The first day on which recordings of a case that ended on `last` may go."""
    year = last.year + KEPT["recordings"].years
    try:
        return last.replace(year=year) + timedelta(days=1)
    except ValueError:  # 29 February
        return date(year, 3, 2)


# ── teaching ─────────────────────────────────────────────────────────────────


def check_clip(
    *, consent: bool | None, title: str, seen: bool, begin: timedelta, end: timedelta
) -> None:
    """Consent to teaching is asked for by itself; consent to treatment does not contain it."""
    check_consent(consent)
    if not title.strip():
        raise Refused("Give the clip a title without anything about the patient.")
    if not seen:
        raise Refused("Watch the whole cut and confirm that nobody can be recognised in it.")
    if not timedelta() <= begin < end:
        raise Refused("The cut must end after it begins.")
    if end - begin > LONGEST_CLIP:
        raise Refused("A clip lasts %(minutes)s minutes at most. Make several.",
                      minutes=round(LONGEST_CLIP.total_seconds() / 60))  # fmt: skip


def check_title(title: str, forbidden: Iterable[str]) -> None:
    """Neither name nor number of the patient or the case stands in a title."""
    said = title.casefold().replace(" ", "")
    for word in forbidden:
        if len(word) > 1 and word.casefold().replace(" ", "") in said:
            raise Refused("The title names the patient or the case. Write another one.")
