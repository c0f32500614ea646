"""What may be uploaded: sizes, and the kind of a file judged by its bytes, never by its name."""

import re
import unicodedata
import zlib

from jieli.rules.refusal import Refused

MEGABYTE = 1_000_000
FILE_LIMIT = 50 * MEGABYTE
ENVELOPE = 64_000  # form fields and boundaries around one file
PIXEL_LIMIT = 60 * MEGABYTE
SCREEN_EDGE = 1600
THUMB_EDGE = 240
THUMB_BYTES = 10 * 1024
TITLE_LENGTH = 120
PART_LIMIT = 2 * MEGABYTE  # bytes of one piece of a file that comes in pieces
OPEN_LIMIT = 20  # files of one person that may be under way
HEAD = 1024  # bytes that `sniff` needs
INFLATE_LIMIT = 20 * MEGABYTE

TOO_LARGE = "The file is larger than 50 MB. Send a smaller one, or a picture of the screen."

_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe")
_HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"heif")
_DECEITFUL = (*_PROGRAMS, b"PK", b"%PDF", b"<")

MEDIA_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "dicom": "application/dicom",
}
PICTURES = ("jpeg", "png", "webp", "heic")


def check_size(size: int | None) -> None:
    """Refuse by the announced or the counted size."""
    if size is not None and size > FILE_LIMIT:
        raise Refused(TOO_LARGE)


def body_too_large(content_length: int) -> bool:
    """Whether a request's announced length cannot hold an allowed file: refused before reading."""
    return content_length > FILE_LIMIT + ENVELOPE


def check_announced(size: int) -> None:
    """What a device says before it sends a file in pieces."""
    check_size(size)
    if size < 1:
        raise Refused("The file is empty. Choose it again.")


def sniff(head: bytes) -> str:
    """The kind of a file from its first bytes, or a refusal."""
    if not head:
        raise Refused("The file is empty. Choose it again.")
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF:
        return "heic"
    if head.startswith(b"%PDF-"):
        return "pdf"
    if head[128:132] == b"DICM" and not head.startswith(_DECEITFUL):
        return "dicom"
    if head.startswith(_PROGRAMS):
        raise Refused("This is a program, not a picture, whatever its name says. It was not kept.")
    raise Refused("Only photos (JPEG, PNG, WebP), PDF and DICOM images can be sent.")


def check_pixels(width: int, height: int) -> None:
    """Before anything is decoded: a small file may unfold into gigabytes."""
    if width < 1 or height < 1:
        raise Refused("The picture has no size. Send it again.")
    if width * height > PIXEL_LIMIT:
        raise Refused(
            "The picture has %(width)s × %(height)s points, too many to open safely. "
            "Send a smaller one.",
            width=width,
            height=height,
        )


# ── PDF ──────────────────────────────────────────────────────────────────────


def _name(word: str) -> bytes:
    """A PDF name whose letters may each be written as #xx, and that ends there."""
    letters = "".join(f"(?:{c}|#{ord(c):02x})" for c in word)
    return rf"/{letters}(?![A-Za-z0-9])".encode()


_ENCRYPTED = re.compile(_name("Encrypt"), re.IGNORECASE)
_ACTIVE = re.compile(
    b"|".join(_name(word) for word in ("JavaScript", "Launch", "EmbeddedFile", "EmbeddedFiles"))
)
_SHORT_ACTIVE = re.compile(_name("JS"))
_STREAM = re.compile(rb"(?s)stream\r?\n.*?endstream")
_OBJECT_STREAM = re.compile(rb"(?s)/ObjStm\b[^>]{0,400}>>\s*stream\r?\n(.*?)endstream")


def check_pdf(raw: bytes) -> None:
    """Refuse what runs, hides or opens other files. The rest is still only served in a sandbox."""
    if _ENCRYPTED.search(raw):
        raise Refused("The PDF is locked with a password. Save it without one and send it again.")
    if _active(raw) or any(_active(part) for part in _object_streams(raw)):
        raise Refused(
            "The PDF holds a script or another file. Print it to a new PDF and send that."
        )


def _active(raw: bytes) -> bool:
    # The two letters of /JS occur by chance in compressed pictures, so streams are left out.
    return bool(_ACTIVE.search(raw)) or bool(_SHORT_ACTIVE.search(_STREAM.sub(b"", raw)))


def _object_streams(raw: bytes) -> list[bytes]:
    parts, room = [], INFLATE_LIMIT
    for found in _OBJECT_STREAM.finditer(raw):
        try:
            part = zlib.decompressobj().decompress(found[1], room)
        except zlib.error:
            continue  # not deflated: its bytes were looked at as they stand
        room -= len(part)
        if room <= 0:
            raise Refused("The PDF unfolds into too much data. Print it to a new PDF.")
        parts.append(part)
    return parts


# ── names ────────────────────────────────────────────────────────────────────

_KEPT_FORMATS = "\u200c\u200d"  # joiners that Uyghur and emoji need


_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # unassigned ones stay: newer rare characters of names


def plain(text: str, length: int) -> str:
    """One line as typed, without control and direction characters."""
    kept = (c for c in text if c in _KEPT_FORMATS or unicodedata.category(c) not in _UNSEEN)
    return "".join(kept).strip()[:length]


def title_of(name: str) -> str:
    """A file's name as a title to read: no folders, nothing that hides or turns letters."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    return plain(last, TITLE_LENGTH).strip(" .")
