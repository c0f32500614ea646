"""The real server and runner as processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from jieli.web import postgres
from tests.installation import Installation


def test_pages_streams_and_files_on_one_port(installation: Installation) -> None:
    installation.serve(workers=2)
    health = httpx.get(f"{installation.url}/healthz")
    assert health.status_code == 200
    assert "default-src 'self'" in health.headers["content-security-policy"]
    assert "no-store" in health.headers["cache-control"]
    assert len(health.headers["x-request-id"]) == 32
    style = httpx.get(f"{installation.url}/static/web/jieli.css")
    assert style.status_code == 200
    assert style.headers["content-encoding"] == "gzip"
    assert httpx.get(f"{installation.url}/live/", params={"topic": "me"}).status_code == 401


def test_no_query_string_reaches_the_log(installation: Installation) -> None:
    process = installation.serve()
    httpx.get(f"{installation.url}/healthz", params={"patient": "zhang-wei"})
    installation.kill(process, signal.SIGTERM)
    log = installation.log("serve")
    assert "/healthz" in log
    assert "zhang-wei" not in log


@pytest.mark.parametrize("command", ["serve", "run"])
def test_stops_when_told(installation: Installation, command: str) -> None:
    process = installation.serve() if command == "serve" else installation.run()
    if command == "run":
        deadline = time.monotonic() + 20
        while "runner started" not in installation.log("run"):
            assert time.monotonic() < deadline, installation.log("run")
            time.sleep(0.05)
    installation.kill(process, signal.SIGTERM)
    assert process.returncode in {0, -signal.SIGTERM}, installation.log(command)


def test_the_runner_brings_a_killed_embedded_database_back(folder: Path) -> None:
    place = Installation(folder, {"dbname": "-"}, DATABASE_URL="")
    home = folder / "home"
    try:
        place.jieli("migrate", "--verbosity=0")
        place.run()
        lock = next(home.glob("postgres-*/postmaster.pid"))
        killed = int(lock.read_text().split()[0])
        os.kill(killed, signal.SIGKILL)
        named = postgres.params(home)
        deadline = time.monotonic() + 40
        while True:
            assert time.monotonic() < deadline, place.log("run")
            time.sleep(0.1)
            try:
                psycopg.connect(host=named["HOST"], user="jieli", dbname="jieli").close()
            except psycopg.OperationalError:
                continue
            if lock.exists() and int(lock.read_text().split()[0]) != killed:
                break
        assert all(process.poll() is None for process in place.processes), place.log("run")
    finally:
        place.close()
        postgres.stop(home)
