"""The keys with which numbers are sealed: which there are, and which one writes.

One file is one generation: `numbers-001-1a2b3c4d.key`. The last one writes, all of them read. From
each come two keys that tell nothing of each other: one seals, the other makes the blind index.
What a process has once read it keeps, so that a folder that goes away stops nothing.
"""

import hashlib
import hmac
import logging
import re
import secrets
import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from jieli.keys import folder
from jieli.keys.folder import KeyFault

log = logging.getLogger(__name__)

LENGTH = 32
FILES = "numbers-*.key"
NAMED = re.compile(r"numbers-(\d+)-")
LOOK_SECONDS = 1.0
UNKNOWN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    box: AESGCM
    index: bytes

    def mark(self, kind: str, number: str) -> bytes:
        """The blind index of a number: 16 bytes, different for each kind."""
        text = f"{kind}\x00{number}".encode()
        return hmac.digest(self.index, text, "sha256")[:16]


def key_of(secret: bytes) -> Key:
    if len(secret) != LENGTH:
        raise KeyFault(f"A key of the numbers has {LENGTH} bytes, this one {len(secret)}.")
    identity = hashlib.sha256(b"jieli numbers id" + secret).hexdigest()[:8]
    return Key(identity, AESGCM(_derive(secret, b"seal")), _derive(secret, b"index"))


def _derive(secret: bytes, purpose: bytes) -> bytes:
    info = b"jieli numbers " + purpose
    return HKDF(algorithm=SHA256(), length=LENGTH, salt=None, info=info).derive(secret)


@dataclass(slots=True)
class Ring:
    """All keys that this process knows, the one that writes last."""

    keys: dict[str, Key] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # id -> file
    writes: Key | None = None
    faults: list[str] = field(default_factory=list)
    seen: object = None
    looked_at: float = 0.0

    def look(self) -> None:
        """Again at the folder, when it has changed or something was wrong with it."""
        self.looked_at = time.monotonic()
        seen = _state()
        if seen == self.seen and not self.faults:
            return
        self.seen, self.faults = seen, []
        given = [key_of(secret) for secret in reversed(settings.NUMBER_KEYS)]
        found = [*self._files(), *given]  # what the operator gives goes before our own files
        for key in found:
            self.keys.setdefault(key.id, key)
        if found:
            self.writes = self.keys[found[-1].id]

    def _files(self) -> list[Key]:
        found = []
        for name in folder.names(FILES):
            try:
                key = key_of(folder.read(name))
            except KeyFault as fault:
                self.faults.append(str(fault))
            else:
                self.files[key.id] = str(folder.folder() / name)
                found.append(key)
        return found


def _state() -> object:
    """By listing, not by date: on a shared folder the date may be seconds old."""
    return (folder.folder(), folder.names(FILES), settings.NUMBER_KEYS)


_ring = Ring()


def forget() -> None:
    """As after a start."""
    global _ring
    _ring = Ring()


def ring() -> Ring:
    if time.monotonic() - _ring.looked_at > LOOK_SECONDS or _ring.seen is None:
        _ring.look()
    return _ring


def key(identity: str) -> Key | None:
    """The key of this id, also one that another process has just made."""
    held = ring()
    if identity not in held.keys and time.monotonic() - held.looked_at > UNKNOWN_SECONDS:
        held.look()
    return held.keys.get(identity)


def current() -> Key | None:
    """The key that writes, made at first use; None when none can be made, which is said."""
    held = ring()
    if held.writes is None:
        try:
            make(only_first=True)
        except KeyFault as fault:
            log.error("a number is written in plain: no key", extra={"why": str(fault)})  # noqa: TRY400
    return held.writes


def make(*, only_first: bool = False) -> Key | None:
    """A new key, which writes from now on in every process that shares the folder."""
    with folder.locked():
        held = ring()
        held.seen = None
        held.look()
        if not (only_first and held.writes):
            secret = secrets.token_bytes(LENGTH)
            folder.write(f"numbers-{_next():03d}-{key_of(secret).id}.key", secret)
            held.look()
    return held.writes


def _next() -> int:
    taken = [int(found[1]) for name in folder.names(FILES) if (found := NAMED.match(name))]
    return max(taken, default=0) + 1
