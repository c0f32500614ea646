"""What all tests share: a database of their own, real processes, a real Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.utils import translation

from jieli.web import postgres
from tests.chromium import chromium
from tests.installation import Installation

ROOT = Path(__file__).resolve().parents[1]

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop and Django share a thread
_not_run: list[str] = []
_impossible: list[tuple[str, str]] = []  # on this machine, whatever one installs


# -- database ----------------------------------------------------------------------------------


def _test_home() -> Path:
    """A cluster for tests only, without fsync; one for each version, shared by parallel runs."""
    named = os.environ.get("JIELI_TEST_HOME")
    folder = Path(named) if named else ROOT / "var" / "tests"
    return folder / f"pg{postgres.major_of(postgres.find_binaries())}"


def _use_test_cluster() -> dict[str, Any]:
    """Changed in place: pytest-django has read the settings before this file."""
    database = settings.DATABASES["default"]
    if settings.EMBEDDED_DATABASE:
        database |= postgres.ensure(_test_home(), options=postgres.TEST_OPTIONS)
    database["OPTIONS"].pop("pool", None)  # one thread, and databases that come and go
    database.setdefault("TEST", {})["NAME"] = f"test_jieli_{os.getpid()}"
    return database


DATABASE = _use_test_cluster()
settings.KEYS = _test_home() / "keys"
os.environ["JIELI_KEYS"] = str(settings.KEYS)  # for processes that share our database
# The real hash is slow on purpose; tests that sign in with one are in tests/platform.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database of this run cannot be dropped while a thread of ours still talks to it."""
    from jieli.keys.phase import sealing
    from jieli.live.relay import relay

    with django_db_blocker.unblock():
        assert sealing()  # asked once by a process, so not in a test that counts queries
    yield
    relay.close()


def admin() -> psycopg.Connection[Any]:
    return psycopg.connect(**_server(), dbname="postgres", autocommit=True)


def _server() -> dict[str, Any]:
    named = {name: DATABASE.get(name.upper()) for name in ("host", "port", "user", "password")}
    return {name: value for name, value in named.items() if value}


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with all migrations, to be copied by tests that start real processes."""
    name = f"migrated_{os.getpid()}"
    with admin() as link:
        link.execute(f'create database "{name}"')
    place = Installation(tmp_path_factory.mktemp("migrated"), {**_server(), "dbname": name})
    try:
        place.jieli("migrate", "--verbosity=0")
        yield name
    finally:
        with admin() as link:
            link.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def installation(migrated: str, tmp_path: Path) -> Iterator[Installation]:
    """A whole Jieli of its own: database, home, and processes that the test starts and kills."""
    name = f"place_{os.getpid()}_{abs(hash(tmp_path))}"
    with admin() as link:
        link.execute(f'create database "{name}" template "{migrated}"')
    place = Installation(tmp_path, {**_server(), "dbname": name})
    try:
        yield place
    finally:
        place.close()
        with admin() as link:
            link.execute(f'drop database "{name}" with (force)')


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """A language that a test switches on ends with it."""
    yield
    translation.deactivate()


# -- browser -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium; each person of a journey gets a context of it: `browser.new_context()`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        launched = playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield launched
        launched.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if chromium():
        return
    for item in items:
        if item.get_closest_marker("journey"):
            _not_run.append(item.nodeid)
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


# -- report ------------------------------------------------------------------------------------


def pytest_report_header() -> str:
    with admin() as link:
        row = link.execute("select current_setting('server_version')").fetchone()
    return f"PostgreSQL {row[0] if row else '?'}, Chromium: {chromium() or 'none'}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test that skips itself with “NOT RUN: why” is named at the end, also in a quiet run."""
    said = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    if "NOT RUN: " in said:
        _impossible.append((report.nodeid, said.partition("NOT RUN: ")[2]))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for name in _not_run:
        terminalreporter.write_line(f"NOT RUN: {name} (no Chromium)", red=True)
    for name, why in _impossible:
        terminalreporter.write_line(f"NOT RUN: {name} ({why})", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (_not_run or _impossible) and os.environ.get("CI"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure() -> None:
    if settings.EMBEDDED_DATABASE:
        from django.db import connections

        connections.close_all()
        postgres.stop(_test_home(), only_if_idle=True)
