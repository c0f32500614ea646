"""From an upload to files on disk, named by their content: <2>/<sha256>, .screen and .thumb.

Written beside, synced, then renamed: after a power cut a file is there whole or not at all. A
file whose database row was rolled back stays as an orphan under its own hash and harms nothing.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from PIL import Image

from jieli.chart.store import dicom, pictures
from jieli.rules import uploads

SIZES = ("original", "screen", "thumb")


@dataclass(frozen=True, slots=True)
class Kept:
    """What lies on disk now and waits for its row."""

    kind: str  # Document.Kind
    media_type: str
    size: int
    sha256: str
    has_picture: bool = False
    width: int = 0
    height: int = 0
    name: str = ""  # of the file as sent, made fit to read


def path_of(sha256: str, size: str = "original") -> Path:
    ending = "" if size == "original" else f".{size}"
    return Path(settings.MEDIA_ROOT) / sha256[:2] / f"{sha256}{ending}"


def keep(upload: UploadedFile) -> Kept:
    """Judge by content, make pictures safe, store. Call it before any lock is taken."""
    uploads.check_size(upload.size)
    return replace(_store(upload), name=uploads.title_of(upload.name or ""))


def _store(upload: UploadedFile) -> Kept:
    with _draft(upload) as draft:
        with draft.open("rb") as file:
            kind = uploads.sniff(file.read(uploads.HEAD))
        if kind == "pdf":
            uploads.check_pdf(draft.read_bytes())
            return _as_it_is(draft, "pdf")
        with pictures.DECODING:
            if kind == "dicom":
                return _as_it_is(draft, "dicom", dicom.picture(draft))
            return _photo(pictures.open_photo(draft, kind))


def _photo(picture: Image.Image) -> Kept:
    """Only the re-encoded picture is kept: the camera's file names place and device."""
    whole = pictures.jpeg(picture)
    sha256 = hashlib.sha256(whole).hexdigest()
    _derive(sha256, picture)
    _place(whole, path_of(sha256))
    return Kept("photo", "image/jpeg", len(whole), sha256, True, picture.width, picture.height)


def _as_it_is(draft: Path, kind: str, picture: Image.Image | None = None) -> Kept:
    with draft.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if picture:
        _derive(sha256, picture)
    size = draft.stat().st_size
    _settle(draft, path_of(sha256))
    width, height = picture.size if picture else (0, 0)
    media_type = uploads.MEDIA_TYPES[kind]
    return Kept(kind, media_type, size, sha256, picture is not None, width, height)


def _derive(sha256: str, picture: Image.Image) -> None:
    screen = pictures.jpeg(picture, edge=uploads.SCREEN_EDGE, quality=82)
    _place(screen, path_of(sha256, "screen"))
    _place(pictures.thumbnail(picture), path_of(sha256, "thumb"))


# -- the disk ----------------------------------------------------------------------------------


@contextmanager
def _draft(upload: UploadedFile) -> Iterator[Path]:
    """The upload in a file of our own, gone when anything is refused."""
    path = _new_draft()
    try:
        with path.open("xb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
                uploads.check_size(file.tell())
        yield path
    finally:
        path.unlink(missing_ok=True)


def _new_draft() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "drafts"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / secrets.token_hex(16)


def _place(content: bytes, path: Path) -> None:
    draft = _new_draft()
    try:
        draft.write_bytes(content)
        _settle(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _settle(draft: Path, path: Path) -> None:
    _sync(draft)
    if not path.parent.exists():
        path.parent.mkdir(exist_ok=True, mode=0o700)
        _sync(path.parent.parent)
    draft.chmod(0o600)
    draft.rename(path)
    _sync(path.parent)


def forget(sha256: str) -> None:
    """Take a file and the pictures made of it away for good."""
    for size in SIZES:
        path_of(sha256, size).unlink(missing_ok=True)
    folder = path_of(sha256, "original").parent
    if folder.exists():
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
