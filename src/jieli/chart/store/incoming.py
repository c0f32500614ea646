"""Files that arrive in pieces, over links that break: one growing file each, in `incoming`.

Its length is how far it has come; nothing else counts, so a process that is killed leaves nothing
to repair. After a power cut the end may be torn: the hash of the whole is checked at the end.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

PIECE = 64 * 1024


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def path_of(key: UUID) -> Path:
    return _folder() / key.hex


def _folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "incoming"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def reached(key: UUID) -> int:
    try:
        return path_of(key).stat().st_size
    except FileNotFoundError:
        return 0


def append(key: UUID, at: int, stream: Stream, *, limit: int, now: datetime) -> int:
    """Write what comes from `at` on, as far as it comes; how far the file has come now.

    Locked for each piece and not while waiting for the network: a connection that died silently
    must not shut out the one that follows it. Whoever finds the file elsewhere writes nothing.
    """
    with _open(key) as file:
        began = at
        while at < limit:
            piece = stream.read(min(PIECE, limit - at))
            try:
                if not piece or not _add(file, at, piece):
                    break
            except OSError:  # the disk is full: said when nothing at all could be kept
                if at == began:
                    raise
                break
            at += len(piece)
        os.utime(file, (now.timestamp(), now.timestamp()))
        os.fsync(file)
    return reached(key)


@contextmanager
def _open(key: UUID) -> Iterator[int]:
    path = path_of(key)
    is_new = not path.exists()
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    if is_new:
        _sync_folder(path.parent)  # else the whole file may be gone after a power cut
    try:
        yield file
    finally:
        os.close(file)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _add(file: int, at: int, piece: bytes) -> bool:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        if os.fstat(file).st_size != at:
            return False
        # Less is written when the disk is full: what is there is kept, the rest comes again.
        return os.write(file, piece) == len(piece)
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def digest(key: UUID) -> str:
    with path_of(key).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def opened(key: UUID, name: str) -> Iterator[UploadedFile]:
    """The whole file, as a form would have brought it."""
    with path_of(key).open("rb") as file:
        yield UploadedFile(file, name, size=reached(key))


def forget(key: UUID) -> None:
    path_of(key).unlink(missing_ok=True)


def sweep(before: datetime) -> int:
    """Files that nobody has continued since; their rows go with them or are gone."""
    old = [path for path in _folder().iterdir() if path.stat().st_mtime < before.timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
