"""A disk of a few megabytes that can be filled to the last byte: a file system of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A tmpfs, mounted. Where we may not mount, the test is named as not run."""
    place = Path(tempfile.mkdtemp(prefix="jieli-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True) if shutil.which("mount") else None
    if done is None or done.returncode:
        place.rmdir()
        pytest.skip("NOT RUN: no file system may be mounted here, so none can be filled")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


def fill(disk: Path, leave: int = 0) -> Path:
    """Take all the room but `leave` bytes; the file to delete afterwards."""
    place = disk / "filler"
    room = shutil.disk_usage(disk).free - leave
    file = os.open(place, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        with contextlib.suppress(OSError):  # others write meanwhile: there may be less by now
            os.posix_fallocate(file, 0, max(room - (0 if leave else 1_000_000), 1))
        with contextlib.suppress(OSError):
            while not leave and os.write(file, b"\0" * 4096):  # what was kept back till now
                pass
    finally:
        os.close(file)
    return place
