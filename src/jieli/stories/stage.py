"""A stage for one story: a throw-away database and a server of its own on a loopback port."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import psycopg
from django.db import connection
from psycopg import sql

PREFIX = "jieli_story_"
START_SECONDS = 60.0


class StageError(Exception):
    """No stage can be set; the text says why."""


@contextmanager
def blank_database() -> Iterator[str]:
    """A migrated, empty database, to be copied for each story."""
    _sweep()
    with _throw_away(None) as name:
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            [*JIELI, "migrate", "--verbosity=0"],
            env=_environment(name, "."),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StageError(f"The database cannot be prepared: {done.stderr[-800:]}")
        yield name


@contextmanager
def served(template: str, port: int = 0) -> Iterator[str]:
    """The address of a server on a fresh copy of the database."""
    with _throw_away(template) as name, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "serve.log"
        port = port or _free_port()
        with log.open("ab") as file:
            process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [*JIELI, "serve", f"--port={port}"],
                env=_environment(name, folder),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, url, log)
            yield url
        finally:
            _stop(process)


JIELI = [sys.executable, "-m", "jieli.web.manage"]


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(httpx.TransportError):
            httpx.get(f"{url}/demo/time/", timeout=5, trust_env=False)
            return
        time.sleep(0.05)
    raise StageError(f"The server does not start:\n{log.read_text(errors='replace')[-1500:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- databases -------------------------------------------------------------------------------------


@contextmanager
def _throw_away(template: str | None) -> Iterator[str]:
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(3)}"
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    with _admin() as link:
        try:
            link.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            raise StageError(
                "The database user may not create databases: play without DATABASE_URL."
            ) from None
    try:
        yield name
    finally:
        _drop(name)


def _sweep() -> None:
    """Drop what a killed player left: its number belongs to no living process."""
    with _admin() as link:
        rows = link.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]
        ).fetchall()
    for (name,) in rows:
        owner = name.removeprefix(PREFIX).split("_")[0]
        if owner.isdigit() and not _alive(int(owner)):
            _drop(name)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _drop(name: str) -> None:
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with _admin() as link:
        link.execute(statement)


def _server() -> dict[str, Any]:
    given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "sslmode", "sslrootcert")
    return {name: given[name] for name in names if given.get(name)}


def _admin() -> psycopg.Connection[Any]:
    return psycopg.connect(**_server(), dbname="postgres", autocommit=True, connect_timeout=10)


def _environment(database: str, folder: str) -> dict[str, str]:
    """The installation's own settings, on another database and with files of its own."""
    return {
        **os.environ,
        "DATABASE_URL": _url(database),
        "JIELI_DEMO": "1",
        "JIELI_FILES": folder,
        "JIELI_LOG_LEVEL": "WARNING",
        "JIELI_DB_POOL": "6",
    }


def _url(database: str) -> str:
    server = _server()
    login = quote(str(server.pop("user", "")), safe="")
    if password := server.pop("password", ""):
        login += ":" + quote(str(password), safe="")
    return f"postgresql://{login}@/{database}?{urlencode(server)}"
