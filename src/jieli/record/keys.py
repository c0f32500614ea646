"""The key that signs the daily roots, and the copy of them that is kept beside it.

Both lie in a folder apart from the database, so that whoever owns the database alone can neither
sign a root nor take one away unseen. The key is made at first use and never leaves its file.
"""

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings

from jieli.rules import roots as rules
from jieli.rules.roots import Signed

log = logging.getLogger(__name__)

PRIVATE, KEPT = "root.key", "roots.txt"


class KeyTrouble(RuntimeError):
    """The key cannot be used; the text says what to do and never holds anything of the key."""


# ── signing ──────────────────────────────────────────────────────────────────


def signing_key() -> Ed25519PrivateKey:
    """Made once; of several processes that make it at the same moment the first one's counts."""
    path = folder() / PRIVATE
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        log.warning("the key of the roots can be read by others", extra={"mode": "0600 is right"})
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyTrouble(f"{path} is no Ed25519 key. Put the right file back.")
    _publish(public_of(key))
    return key


def _make(path: Path) -> None:
    made = Ed25519PrivateKey.generate()
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _put_first(path, pem, 0o600)


def _publish(key: str) -> None:
    """The public half beside it: it stays when the private one is replaced by another."""
    path = folder() / f"root-{key[:16]}.pub"
    if not path.exists():
        _put_first(path, key.encode() + b"\n", 0o644)


def _put_first(path: Path, content: bytes, mode: int) -> None:
    """Written and synced beside, then linked: never half there, and never over another's."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    _sync(path.parent)


def public_of(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def proves(key: str, content: bytes, signature: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(
            bytes.fromhex(signature), content
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def known_keys() -> set[str]:
    """Public keys that lie in the folder: the one in use and those before it."""
    place: Path = settings.KEYS
    return {path.read_text().strip() for path in place.glob("root-*.pub")}


# ── the copy beside the key ──────────────────────────────────────────────────


def kept_roots() -> list[Signed]:
    """Roots as they were when they were made; empty where none was ever made."""
    return rules.read_text(text) if (text := _whole_lines()) else []


def _whole_lines() -> str:
    """Without a last line that a crash cut off: it is written anew."""
    path: Path = settings.KEYS / KEPT
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text[: text.rfind("\n") + 1]


def last_kept() -> int:
    """Number of the last root that lies here."""
    kept = kept_roots()
    return kept[-1].root.number if kept else 0


def keep(roots: Iterable[Signed]) -> None:
    """Add what is not there yet. Nothing that stands there is changed."""
    with _alone():
        last = last_kept()
        new = [signed for signed in roots if signed.root.number > last]
        if new:
            text = "".join(rules.as_line(signed) + "\n" for signed in new)
            _append(folder() / KEPT, text if _whole_lines() else rules.as_text(new))


def _append(path: Path, text: str) -> None:
    begun = len(_whole_lines().encode())
    with path.open("ab") as file:
        file.truncate(begun)
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    _sync(path.parent)


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time."""
    with (folder() / f".{KEPT}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def folder() -> Path:
    place: Path = settings.KEYS
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
