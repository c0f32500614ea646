"""Real processes of Jieli on the copied data."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx

from bench.data import COMMAND, ROOT, Place


def start(place: Place, *arguments: str) -> subprocess.Popen[bytes]:
    with (place.home / f"{arguments[0]}.log").open("ab") as log:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=place.environment(),
            cwd=ROOT,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
        return
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


@contextlib.contextmanager
def served(place: Place) -> Iterator[str]:
    """The address of a `jieli serve`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = start(place, "serve", f"--port={port}")
    url = f"http://127.0.0.1:{port}"
    try:
        _until_up(process, url)
        yield url
    finally:
        end(process)


def _until_up(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("`jieli serve` ended by itself; see serve.log in the bench home.")
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/healthz", timeout=2)
            return
        time.sleep(0.1)
    raise RuntimeError("`jieli serve` does not answer.")


def cookie_of(account: Any) -> dict[str, str]:
    """A session, as after a sign-in, without the deliberately slow password hash."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session.save()
    return {"sessionid": str(session.session_key)}
