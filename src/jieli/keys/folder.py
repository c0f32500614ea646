"""The folder of keys, outside the database: each file is one secret, readable by us alone.

Several processes may want the same file in the same moment; one makes it, all read it. A secret is
on the disk before anything is closed with it: losing it in a power cut would lose what it closed.
"""

import base64
import binascii
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings


class KeyFault(Exception):
    """Why a key cannot be read or made, in one sentence. Never the key."""


def folder() -> Path:
    return Path(settings.KEYS)


def names(pattern: str) -> list[str]:
    """Files of the folder, in the order of their names; none where the folder cannot be read."""
    try:
        return sorted(path.name for path in folder().glob(pattern))
    except OSError:
        return []


def read(name: str) -> bytes:
    """The secret in a file, kept as base64 so that it can be copied by hand."""
    path = folder() / name
    try:
        return base64.b64decode(path.read_bytes().strip(), validate=True)
    except OSError as fault:
        raise KeyFault(f"{path} cannot be read: {fault.strerror}.") from None
    except binascii.Error:
        raise KeyFault(f"{path} holds no key: it was cut or changed.") from None


def secret(name: str, make: Callable[[], bytes]) -> bytes:
    """The secret of this name; made at first use, once, whoever comes first."""
    with locked():
        if not (folder() / name).exists():
            write(name, make())
    return read(name)


@contextmanager
def locked() -> Iterator[None]:
    """While it holds nobody else makes a key."""
    place = folder()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(place / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as fault:
        raise KeyFault(f"No key can be made in {place}: {fault.strerror}.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # and with it the lock


def write(name: str, value: bytes) -> None:
    """A new file, whole or not at all; one that is there is never overwritten."""
    draft = folder() / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(value) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, folder() / name)
        _settle()
    except OSError as fault:
        raise KeyFault(f"No key can be made in {folder()}: {fault.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)


def _settle() -> None:
    """The entry in the folder, and the folder's own."""
    for place in (folder(), folder().parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
