"""Sealing one number, opening it again, and finding it without opening.

A sealed text is `s1.<id of the key>.<nonce, cipher text and tag in base64>`, AES-256-GCM with a
random nonce. The name of table and column goes into the tag: a sealed text that is moved to another
column cannot be opened there. What is not of this form was written before numbers were sealed.
"""

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from django.utils.translation import gettext as _

from jieli.keys import ring
from jieli.keys.phase import sealing
from jieli.keys.ring import Key
from jieli.rules import numbers

NONCE = 12
SEALED = re.compile(r"s1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{39,})")
SEALED_BYTES = re.compile(rb"s1\.([0-9a-f]{8})\.(.{29,})", re.DOTALL)


class Unreadable(str):
    """Stands for a number whose key is missing or whose sealed text was changed.

    Shown, it says so. Saved again, it leaves in the column what was there.
    """

    sealed: str
    place: str

    def __new__(cls, sealed: str, place: str) -> "Unreadable":
        made = super().__new__(cls, _("number cannot be opened"))
        made.sealed, made.place = sealed, place
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return self.sealed, self.place


class UnreadableBytes(bytes):
    """The same for bytes: empty, and saved as it was."""

    sealed: bytes
    place: str

    def __new__(cls, sealed: bytes, place: str) -> "UnreadableBytes":
        made = super().__new__(cls)
        made.sealed, made.place = sealed, place
        return made

    def __getnewargs__(self) -> tuple[bytes, str]:  # type: ignore[override]
        return self.sealed, self.place


# ── text ─────────────────────────────────────────────────────────────────────


def seal(text: str, place: str) -> str:
    if isinstance(text, Unreadable):
        return text.sealed if text.place == place else ""
    key = _writing()
    if not text or key is None:
        return text
    return (
        f"s1.{key.id}.{urlsafe_b64encode(_close(key, text.encode(), place)).decode().rstrip('=')}"
    )


def opened(text: str, place: str) -> str:
    found = SEALED.fullmatch(text)
    if found is None:
        return text
    packed = found[2]
    plain = _open(found[1], urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), place)
    return Unreadable(text, place) if plain is None else plain.decode()


# ── bytes ────────────────────────────────────────────────────────────────────


def seal_bytes(content: bytes, place: str) -> bytes:
    if isinstance(content, UnreadableBytes):
        return content.sealed if content.place == place else b""
    key = _writing()
    if not content or key is None:
        return content
    return f"s1.{key.id}.".encode() + _close(key, content, place)


def opened_bytes(content: bytes, place: str) -> bytes:
    found = SEALED_BYTES.fullmatch(content)
    if found is None:
        return content
    plain = _open(found[1].decode(), found[2], place)
    return UnreadableBytes(content, place) if plain is None else plain


# ── both ─────────────────────────────────────────────────────────────────────


def _writing() -> Key | None:
    return ring.current() if sealing() else None


def _close(key: Key, content: bytes, place: str) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + key.box.encrypt(nonce, content, place.encode())


def _open(identity: str, packed: bytes, place: str) -> bytes | None:
    key = ring.key(identity)
    if key is None:
        return None
    try:
        return key.box.decrypt(packed[:NONCE], packed[NONCE:], place.encode())
    except InvalidTag:
        return None


# ── the blind index ──────────────────────────────────────────────────────────


def mark(kind: str, text: str) -> bytes | None:
    """What is stored beside a sealed number. None while numbers are not sealed."""
    key = _writing()
    value = numbers.normal(kind, text)
    if key is None or not value or isinstance(text, Unreadable):
        return None
    return key.mark(kind, value)


def marks(kind: str, text: str) -> list[bytes]:
    """What a number may be found under: one for each key, while rows are being sealed anew."""
    _writing()  # before the first number there is no key yet
    value = numbers.normal(kind, text)
    return [key.mark(kind, value) for key in ring.ring().keys.values()] if value else []
