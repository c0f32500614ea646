"""Recordings on disk: a folder for each run, in it a file for each chunk under its number.

Written beside, synced, then renamed: after a power cut a chunk is there whole or not at all. What
a player gets is put together from these files and a head of our own while it is read; nothing is
stored twice. (A media server's own copy would be read here as well: `read_at` is all it needs.)
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol
from uuid import UUID

from django.conf import settings

from jieli.rules import webm
from jieli.rules.recordings import stretches
from jieli.rules.refusal import Refused

PIECE = 256 * 1024
FILMS = 24  # runs whose index is held in memory


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _root(name: str) -> Path:
    folder = Path(settings.MEDIA_ROOT) / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def folder_of(run: UUID) -> Path:
    return _root("recordings") / run.hex[:2] / run.hex


def path_of(run: UUID, number: int) -> Path:
    return folder_of(run) / f"{number:05}"


def clip_path(clip: UUID) -> Path:
    return _root("clips") / f"{clip.hex}.webm"


# ── writing ──────────────────────────────────────────────────────────────────


class Draft:
    """A chunk that has arrived and waits for its row; gone unless it is settled."""

    def __init__(self, stream: Stream, size: int, sha256: str) -> None:
        self.path = _root("drafts") / secrets.token_hex(16)
        arrived = ""
        try:
            arrived = self._fill(stream, size)
        finally:
            if arrived != sha256:
                self.forget()
        if arrived != sha256:
            raise Refused("The piece arrived damaged. It is sent again.")

    def _fill(self, stream: Stream, size: int) -> str:
        digest, left = hashlib.sha256(), size
        with self.path.open("xb") as file:
            while left > 0 and (piece := stream.read(min(PIECE, left))):
                file.write(piece)
                digest.update(piece)
                left -= len(piece)
            file.flush()
            os.fsync(file.fileno())
        self.path.chmod(0o600)
        return "" if left else digest.hexdigest()

    def begins_with(self, mark: bytes) -> bool:
        with self.path.open("rb") as file:
            return file.read(len(mark)) == mark

    def settle(self, path: Path) -> None:
        _made(path.parent)
        self.path.rename(path)
        _sync(path.parent)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def _made(folder: Path) -> None:
    if not folder.exists():
        _made(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)
        _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def forget_run(run: UUID) -> None:
    shutil.rmtree(folder_of(run), ignore_errors=True)


def place_clip(clip: UUID, content: Iterable[bytes]) -> tuple[int, str]:
    """The cut as a file of its own: it outlives the recording. Its size and SHA-256."""
    draft = _root("drafts") / secrets.token_hex(16)
    digest = hashlib.sha256()
    try:
        with draft.open("xb") as file:
            for piece in content:
                file.write(piece)
                digest.update(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o600)
        size = draft.stat().st_size
        path = clip_path(clip)
        draft.rename(path)
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)
    return size, digest.hexdigest()


def forget_clip(clip: UUID) -> None:
    clip_path(clip).unlink(missing_ok=True)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ── reading ──────────────────────────────────────────────────────────────────


class Run:
    """The chunks of a run that are here, as if they were one file."""

    def __init__(self, run: UUID, chunks: Sequence[tuple[int, int]]) -> None:
        self.run, self.chunks = run, list(chunks)
        self.starts: list[int] = []
        self.size = 0
        for _number, size in self.chunks:
            self.starts.append(self.size)
            self.size += size

    def read_at(self, at: int, size: int) -> bytes:
        found = bytearray()
        i = max(0, bisect_right(self.starts, at) - 1)
        while size > 0 and i < len(self.chunks):
            number, whole = self.chunks[i]
            offset = at - self.starts[i]
            with path_of(self.run, number).open("rb") as file:
                file.seek(offset)
                piece = file.read(min(size, whole - offset))
            if len(piece) < min(size, whole - offset):
                break  # a file that is shorter than its row says: `jieli verify` names it
            found += piece
            at, size, i = at + len(piece), size - len(piece), i + 1
        return bytes(found)

    def film(self) -> webm.Film:
        return webm.read(self.read_at, stretches(self.chunks))

    def content(self, pieces: Iterable[webm.Piece]) -> Iterator[bytes]:
        for piece in pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            at, left = piece
            while left > 0:
                part = self.read_at(at, min(PIECE, left))
                if not part:
                    return
                yield part
                at, left = at + len(part), left - len(part)


_films: OrderedDict[tuple[UUID, int, int], webm.Made] = OrderedDict()
_guard = threading.Lock()


def shown(run: Run) -> webm.Made:
    """A run with length and index, ready for a player; held while it is being looked at."""
    name = (run.run, len(run.chunks), run.size)
    with _guard:
        if name in _films:
            _films.move_to_end(name)
            return _films[name]
    made = webm.make(run.film())
    with _guard:
        _films[name] = made
        while len(_films) > FILMS:
            _films.popitem(last=False)
    return made
