"""What a browser's recorder wrote (WebM, or Matroska with H264), read and written anew. Pure.

A recorder writes a stream: sizes unknown, no length, no index, and now and then a torn end. What
is shown is the same pictures and sounds, byte for byte, behind a head with length and index, so
that a player can seek. Where a piece is missing, reading goes on at the next cluster, and the
picture from its next whole one on; times stay those of the recording, so a gap stays a gap.
A cut is the same with fewer clusters and tracks. Nothing of the source's head is copied but what
a decoder needs: no names, dates, programs or tags.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from jieli.rules.refusal import Refused

EBML, DOCTYPE, SEGMENT = 0x1A45DFA3, 0x4282, 0x18538067
INFO, SCALE, DURATION = 0x1549A966, 0x2AD7B1, 0x4489
TRACKS, TRACK, NUMBER, UID, SORT = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83
CODEC, PRIVATE, DELAY, ROLL = 0x86, 0x63A2, 0x56AA, 0x56BB
VIDEO, AUDIO, MUXER, WRITER = 0xE0, 0xE1, 0x4D80, 0x5741
WIDTH, HEIGHT = 0xB0, 0xBA
CLUSTER, TIME, SIMPLE, GROUP, BLOCK, REFERENCE = 0x1F43B675, 0xE7, 0xA3, 0xA0, 0xA1, 0xFB
CUES, POINT, CUE_TIME, PLACE, CUE_TRACK, CUE_CLUSTER = 0x1C53BB6B, 0xBB, 0xB3, 0xB7, 0xF7, 0xF1

MARK = b"\x1a\x45\xdf\xa3"  # how a recording begins
MILLISECOND = 1_000_000
CODECS = ("V_VP8", "V_VP9", "V_AV1", "V_MPEG4/ISO/AVC", "A_OPUS")
PICTURE, SOUND = 1, 2
BLOCKS = 400_000  # of one run: ten minutes have some 50,000
HEAD = 64_000  # bytes in which everything before the first cluster must stand
LAST = 40  # ms that the last picture is shown

Read = Callable[[int, int], bytes]  # (address, bytes wanted) -> what is there


class Unreadable(Refused):
    """This is no recording that we know."""


UNREADABLE = "This recording cannot be read."


@dataclass(frozen=True, slots=True)
class Track:
    number: int
    sort: int  # PICTURE or SOUND
    codec: str
    entry: bytes  # what a decoder needs, written anew
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    track: int
    ms: int
    key: bool
    at: int  # address of the whole element
    size: int
    stamp: int  # address of its two bytes of time
    told: int  # what they say: ms after the beginning of its cluster


@dataclass(slots=True)
class Cluster:
    ms: int
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Film:
    tracks: list[Track]
    clusters: list[Cluster] = field(default_factory=list)
    ends: int = 0  # ms

    @property
    def picture(self) -> Track | None:
        return next((track for track in self.tracks if track.sort == PICTURE), None)

    @property
    def plain(self) -> bool:
        """Whether it is WebM in the strict sense; H264 is not."""
        return all(t.codec.startswith(("V_VP", "V_AV1", "A_OPUS")) for t in self.tracks)


# ── reading ──────────────────────────────────────────────────────────────────


class _Source:
    """Bytes by address, fetched in pieces."""

    PIECE = 1 << 16

    def __init__(self, read: Read) -> None:
        self._read, self._from, self._held = read, 0, b""

    def take(self, at: int, size: int) -> bytes:
        if not (self._from <= at and at + size <= self._from + len(self._held)):
            self._from, self._held = at, self._read(at, max(size, self.PIECE))
        start = at - self._from
        return self._held[start : start + size]


@dataclass(frozen=True, slots=True)
class _Element:
    id: int
    at: int
    body: int
    end: int | None  # None: as long as it goes on

    @property
    def size(self) -> int:
        assert self.end is not None  # noqa: S101 - asked of complete elements only
        return self.end - self.body


def _element(source: _Source, at: int, limit: int) -> _Element | None:
    """The element that begins here; None where none can."""
    head = source.take(at, min(12, limit - at))
    if len(head) < 2:
        return None
    wide = 9 - head[0].bit_length()
    if wide > 4 or len(head) <= wide:
        return None
    name = int.from_bytes(head[:wide])
    long = 9 - head[wide].bit_length()
    if long > 8 or len(head) < wide + long:
        return None
    mask = (1 << (7 * long)) - 1
    size = int.from_bytes(head[wide : wide + long]) & mask
    body = at + wide + long
    return _Element(name, at, body, None if size == mask else body + size)


def _inside(source: _Source, outer: _Element) -> Iterator[_Element]:
    at, limit = outer.body, outer.end or outer.body
    while at < limit:
        found = _element(source, at, limit)
        if found is None or found.end is None or found.end > limit:
            return
        yield found
        at = found.end


def _number(source: _Source, element: _Element) -> int:
    return int.from_bytes(source.take(element.body, min(element.size, 8)))


def read(take: Read, stretches: Sequence[tuple[int, int]]) -> Film:
    """The film in these stretches of addresses; between two of them something is missing."""
    source = _Source(take)
    if not stretches or stretches[0][0] != 0:
        raise Unreadable(UNREADABLE)
    film, at = _head(source, stretches[0][1])
    left = BLOCKS
    for number, (start, end) in enumerate(stretches):
        begin = at if number == 0 else _next_cluster(source, start, end)
        found = _clusters(source, begin, end, left)
        _drop_until_whole(film, found)
        film.clusters += [cluster for cluster in found if cluster.blocks]
        left = BLOCKS - sum(len(cluster.blocks) for cluster in film.clusters)
    times = [block.ms for cluster in film.clusters[-3:] for block in cluster.blocks]
    film.ends = max(times, default=0) + LAST
    return film


def _head(source: _Source, limit: int) -> tuple[Film, int]:
    """Everything before the first cluster, and where that begins."""
    first = _element(source, 0, limit)
    if first is None or first.id != EBML or first.end is None:
        raise Unreadable(UNREADABLE)
    segment = _element(source, first.end, limit)
    if segment is None or segment.id != SEGMENT:
        raise Unreadable(UNREADABLE)
    film, at = Film([]), segment.body
    while at < min(limit, HEAD):
        element = _element(source, at, limit)
        if element is None or element.id == CLUSTER:
            break
        if element.end is None:
            raise Unreadable(UNREADABLE)
        if element.id == INFO:
            _check_scale(source, element)
        if element.id == TRACKS:
            film.tracks = [_track(source, e) for e in _inside(source, element) if e.id == TRACK]
        at = element.end
    if not film.tracks or len(film.tracks) > 4:
        raise Unreadable(UNREADABLE)
    return film, at


def _check_scale(source: _Source, info: _Element) -> None:
    for element in _inside(source, info):
        if element.id == SCALE and _number(source, element) != MILLISECOND:
            raise Unreadable(UNREADABLE)


def _track(source: _Source, outer: _Element) -> Track:
    number = sort = width = height = 0
    codec, kept = "", []
    for element in _inside(source, outer):
        if element.size > HEAD:
            raise Unreadable(UNREADABLE)
        if element.id == NUMBER:
            number = _number(source, element)
        elif element.id == SORT:
            sort = _number(source, element)
        elif element.id == CODEC:
            codec = source.take(element.body, element.size).decode("ascii", "replace")
        elif element.id == VIDEO:
            sizes = {e.id: _number(source, e) for e in _inside(source, element)}
            width, height = sizes.get(WIDTH, 0), sizes.get(HEIGHT, 0)
        if element.id in (PRIVATE, DELAY, ROLL, VIDEO, AUDIO):
            kept.append(write(element.id, source.take(element.body, element.size)))
    if codec not in CODECS or not 0 < number < 127 or sort not in (PICTURE, SOUND):
        raise Unreadable(UNREADABLE)
    entry = write(TRACK, whole(NUMBER, number) + whole(UID, number) + whole(SORT, sort)
                  + write(CODEC, codec.encode()) + b"".join(kept))  # fmt: skip
    return Track(number, sort, codec, entry, width, height)


def _next_cluster(source: _Source, at: int, end: int) -> int:
    """Where the next cluster begins; it is known by its name, a size and its time."""
    mark = CLUSTER.to_bytes(4)
    while at < end:
        piece = source.take(at, min(_Source.PIECE, end - at))
        found = piece.find(mark)
        if found < 0:
            at += max(1, len(piece) - 3)
            if len(piece) <= 3:
                break
            continue
        cluster = _element(source, at + found, end)
        inner = _element(source, cluster.body, end) if cluster else None
        if inner and inner.id == TIME and inner.end is not None and inner.size <= 8:
            return at + found
        at += found + 4
    return end


def _clusters(source: _Source, at: int, end: int, left: int) -> list[Cluster]:
    """Clusters one after the other; what makes no sense is skipped up to the next one."""
    found: list[Cluster] = []
    while at < end and left > 0:
        element = _element(source, at, end)
        if element is None or (element.end is not None and element.end > end):
            following = _next_cluster(source, at + 1, end)
            at = following if following > at else end
            continue
        if element.id == CLUSTER:
            found.append(Cluster(0))
            at = element.body
            continue
        if element.end is None:
            at = _next_cluster(source, element.body, end)
            continue
        if element.id == TIME and found:
            found[-1].ms = _number(source, element)
        elif found and (block := _block(source, element, found[-1].ms)) is not None:
            found[-1].blocks.append(block)
            left -= 1
        at = element.end
    return found


def _block(source: _Source, element: _Element, base: int) -> Block | None:
    """A picture or a sound; None for whatever else stands in a cluster."""
    body, key = element, True
    if element.id not in (SIMPLE, GROUP):
        return None
    if element.id == GROUP:
        parts = list(_inside(source, element))
        inner = next((part for part in parts if part.id == BLOCK), None)
        if inner is None:
            return None
        body, key = inner, all(part.id != REFERENCE for part in parts)
    head = source.take(body.body, 4)
    if len(head) < 4 or not head[0] & 0x80:
        return None
    if element.id == SIMPLE:
        key = bool(head[3] & 0x80)
    told = int.from_bytes(head[1:3], signed=True)
    size = (element.end or 0) - element.at
    return Block(head[0] & 0x7F, base + told, key, element.at, size, body.body + 1, told)


def _drop_until_whole(film: Film, clusters: list[Cluster]) -> None:
    """A picture that builds upon a missing one shows grey blocks: it waits for a whole one."""
    picture = film.picture
    if picture is None:
        return
    for cluster in clusters:
        at = next((i for i, b in enumerate(cluster.blocks) if b.track == picture.number and b.key),
                  None)  # fmt: skip
        kept = cluster.blocks[at:] if at is not None else []
        before = cluster.blocks[:at] if at is not None else cluster.blocks
        cluster.blocks = [b for b in before if b.track != picture.number] + kept
        if at is not None:
            return


# ── writing ──────────────────────────────────────────────────────────────────


def write(name: int, body: bytes) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8) + _size(len(body)) + body


def _size(number: int, wide: int = 0) -> bytes:
    wide = wide or next(n for n in range(1, 9) if number < (1 << (7 * n)) - 1)
    return (number | 1 << (7 * wide)).to_bytes(wide)


def whole(name: int, number: int, wide: int = 0) -> bytes:
    return write(name, number.to_bytes(wide or max(1, (number.bit_length() + 7) // 8)))


Piece = bytes | tuple[int, int]  # our own bytes, or (address, size) in the source


@dataclass(slots=True)
class Made:
    """A file as pieces: of ours, and of the source as they are."""

    pieces: list[Piece]
    ms: int
    kind: str
    starts: list[int] = field(default_factory=list)
    size: int = 0

    def __post_init__(self) -> None:
        for piece in self.pieces:
            self.starts.append(self.size)
            self.size += len(piece) if isinstance(piece, bytes) else piece[1]

    def slice(self, start: int, end: int) -> Iterator[Piece]:
        """The pieces of bytes `start` to `end`, the last one not included."""
        for i in range(max(0, bisect_right(self.starts, start) - 1), len(self.pieces)):
            piece, at = self.pieces[i], self.starts[i]
            if at >= end:
                return
            size = len(piece) if isinstance(piece, bytes) else piece[1]
            low, high = max(0, start - at), min(size, end - at)
            if low < high:
                yield piece[low:high] if isinstance(piece, bytes) else (piece[0] + low, high - low)


def make(film: Film, *, sound: bool = True, begin: int = 0, end: int | None = None) -> Made:
    """The whole film, or from the last whole picture before `begin` up to `end` (ms)."""
    kept = {track.number for track in film.tracks if sound or track.sort == PICTURE}
    picture = film.picture
    start = _start(film, begin) if begin else 0
    until = film.ends if end is None else min(end, film.ends)
    cut = end is not None or begin > 0
    clusters = []
    for cluster in _split(film, picture.number if picture else 0):
        blocks = [b for b in cluster.blocks if b.track in kept and start <= b.ms < until]
        if blocks:
            clusters.append(Cluster(min(b.ms for b in blocks) if cut else cluster.ms, blocks))
    if not clusters or begin >= film.ends:
        raise Unreadable("There is no picture in this part.")
    tracks = b"".join(track.entry for track in film.tracks if track.number in kept)
    return _write(film, clusters, tracks, start if cut else 0, until - (start if cut else 0))


def _start(film: Film, begin: int) -> int:
    """A film can begin at a whole picture only."""
    picture = film.picture
    number = picture.number if picture else 0
    times = [b.ms for c in film.clusters for b in c.blocks
             if (b.track == number or not number) and b.key]  # fmt: skip
    before = [ms for ms in times if ms <= begin]
    return before[-1] if before else min(times, default=begin)


def _split(film: Film, picture: int) -> Iterator[Cluster]:
    """A new cluster at each whole picture: that is where one can seek to."""
    for cluster in film.clusters:
        now = Cluster(cluster.ms)
        for block in cluster.blocks:
            if block.key and block.track == picture and now.blocks:
                yield now
                now = Cluster(block.ms)
            now.blocks.append(block)
        yield now


def _write(film: Film, clusters: list[Cluster], tracks: bytes, shift: int, ms: int) -> Made:
    picture = film.picture
    number = picture.number if picture else 0
    info = write(INFO, whole(SCALE, MILLISECOND) + write(DURATION, _float(ms))
                 + write(MUXER, b"Jieli") + write(WRITER, b"Jieli"))  # fmt: skip
    bodies = [list(_body(cluster)) for cluster in clusters]
    heads = [_cluster_head(cluster.ms - shift, body) for cluster, body in
             zip(clusters, bodies, strict=True)]  # fmt: skip
    seekable = [any(b.track == number and b.key for b in c.blocks) or not number for c in clusters]
    head = info + write(TRACKS, tracks)
    at = len(head) + len(_cues([(0, number or 1, 0)] * sum(seekable)))
    points: list[tuple[int, int, int]] = []
    pieces: list[Piece] = []
    for cluster, body, first, can in zip(clusters, bodies, heads, seekable, strict=True):
        if can:
            key = next((b.ms for b in cluster.blocks if b.track == number and b.key), cluster.ms)
            points.append((key - shift, number or 1, at))
        pieces += [first, *body]
        at += len(first) + _length(body)
    start = write(EBML, _doctype(film)) + SEGMENT.to_bytes(4) + _size(at, 8) + head + _cues(points)
    kind = "video/webm" if film.plain else "video/x-matroska"
    return Made([start, *pieces], ms, kind)


def _doctype(film: Film) -> bytes:
    name = b"webm" if film.plain else b"matroska"
    return (whole(0x4286, 1) + whole(0x42F7, 1) + whole(0x42F2, 4) + whole(0x42F3, 8)
            + write(DOCTYPE, name) + whole(0x4287, 4) + whole(0x4285, 2))  # fmt: skip


def _float(number: float) -> bytes:
    return struct.pack(">d", number)


def _cluster_head(ms: int, body: Iterable[Piece]) -> bytes:
    time = whole(TIME, ms, 8)
    return CLUSTER.to_bytes(4) + _size(_length(body) + len(time), 8) + time


def _body(cluster: Cluster) -> Iterator[Piece]:
    """Blocks as they are; only where a cluster begins elsewhere their times are written anew."""
    at = size = 0  # of what is copied as it is
    for block in cluster.blocks:
        if at + size != block.at:
            if size:
                yield at, size
            at, size = block.at, 0
        size += block.size
        if (told := block.ms - cluster.ms) != block.told:
            yield at, block.stamp - at
            yield told.to_bytes(2, signed=True)
            at, size = block.stamp + 2, block.at + block.size - block.stamp - 2
    if size:
        yield at, size


def _length(pieces: Iterable[Piece]) -> int:
    return sum(len(piece) if isinstance(piece, bytes) else piece[1] for piece in pieces)


def _cues(points: Iterable[tuple[int, int, int]]) -> bytes:
    """Each of one length, whatever it says, so that their own length is known before."""
    return write(CUES, b"".join(
        write(POINT, whole(CUE_TIME, ms, 8) + write(PLACE, whole(CUE_TRACK, track, 1)
              + whole(CUE_CLUSTER, at, 8)))
        for ms, track, at in points
    ))  # fmt: skip
