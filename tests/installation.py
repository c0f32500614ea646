"""Real processes of Jieli against a database given by the test."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import psycopg


class Installation:
    def __init__(self, home: Path, database: dict[str, Any], **environment: str) -> None:
        self.home = home
        self.database = database
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "JIELI_HOME": str(home / "home"),
            "JIELI_KEYS": str(home / "home" / "keys"),
            "DATABASE_URL": _url(database),
            "JIELI_DB_POOL": "8",
            "JIELI_PUBLIC_URL": self.url,
            **environment,
        }
        self.environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # of our own loop, not of theirs

    def jieli(self, *arguments: str) -> str:
        """Run a command to its end and return what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "jieli.web.manage", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"jieli {arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def serve(self, workers: int = 1) -> subprocess.Popen[bytes]:
        process = self.start("serve", f"--port={self.port}", f"--workers={workers}")
        self.until_served(process)
        return process

    def run(self) -> subprocess.Popen[bytes]:
        return self.start("run")

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.home / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "jieli.web.manage", *arguments],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def until_served(self, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert process.poll() is None, self.log("serve")
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{self.url}/healthz", timeout=2)
                return
            time.sleep(0.05)
        raise AssertionError(f"not served after {seconds} s:\n{self.log('serve')}")

    def log(self, command: str) -> str:
        path = self.home / f"{command}.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(**self.database, autocommit=True) as link:
            found = link.execute(statement, parameters)  # type: ignore[arg-type]
            return found.fetchall() if found.description else []

    def kill(self, process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
        """The whole group: a server with workers dies with its workers."""
        if process.poll() is None:
            os.killpg(process.pid, number)
            process.wait(20)

    def close(self) -> None:
        for process in self.processes:
            self.kill(process)


def _url(database: dict[str, Any]) -> str:
    query = {name: database[name] for name in ("host", "port") if database.get(name)}
    login = quote(str(database.get("user", "")))
    if database.get("password"):
        login += ":" + quote(str(database["password"]))
    return f"postgresql://{login}@/{database['dbname']}?{urlencode(query)}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
