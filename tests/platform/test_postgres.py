"""The launcher of the embedded database, on every PostgreSQL of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from jieli.web import postgres

SYSTEM = sorted(str(p.parent) for p in Path("/usr/lib/postgresql").glob("*/bin/postgres"))
START = "import sys; from pathlib import Path; from jieli.web import postgres; "
START += "postgres.ensure(Path(sys.argv[1]))"


@pytest.fixture(params=["wheel", *SYSTEM], ids=lambda p: p.replace("/", "_"))
def home(
    request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    monkeypatch.delenv("JIELI_PG_BINDIR", raising=False)
    if request.param != "wheel":
        monkeypatch.setenv("JIELI_PG_BINDIR", request.param)
    yield folder / "home"
    postgres.stop(folder / "home")


def connect(home: Path) -> psycopg.Connection:
    named = postgres.params(home)
    return psycopg.connect(
        host=named["HOST"], user=named["USER"], dbname=named["NAME"], autocommit=True
    )


def server_pid(home: Path) -> int:
    with connect(home) as link:
        folder = link.execute("show data_directory").fetchone()
    assert folder
    return int((Path(folder[0]) / "postmaster.pid").read_text().split()[0])


def test_starts_keeps_data_and_starts_again(home: Path) -> None:
    named = postgres.ensure(home)
    assert named == postgres.params(home)
    with connect(home) as link:
        link.execute("create table kept (n int); insert into kept values (1)")
        link.execute("create extension btree_gist; create extension pg_trgm")
        settings = link.execute(
            "select current_setting('fsync'), current_setting('wal_level'),"
            " current_setting('listen_addresses'), current_setting('server_encoding')"
        ).fetchone()
    assert settings == ("on", "logical", "", "UTF8")
    assert postgres.stop(home)
    postgres.ensure(home)
    with connect(home) as link:
        assert link.execute("select n from kept").fetchall() == [(1,)]


def test_no_other_account_reaches_it(home: Path) -> None:
    postgres.ensure(home)
    assert Path(postgres.params(home)["HOST"]).stat().st_mode & 0o077 == 0


def test_four_processes_race_the_first_start(home: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", START, str(home)], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [process.communicate(timeout=60)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0], said
    with connect(home) as link:
        assert link.execute("select 1").fetchone() == (1,)


def test_comes_back_after_sigkill_with_a_session_open(home: Path) -> None:
    postgres.ensure(home)
    link = connect(home)
    link.execute("create table kept (n int); insert into kept values (7)")
    os.kill(server_pid(home), signal.SIGKILL)
    postgres.ensure(home)  # its orphans may still hold the shared memory
    with connect(home) as link:
        assert link.execute("select n from kept").fetchall() == [(7,)]


def test_a_pid_file_that_names_a_stranger_does_not_stop_it(home: Path) -> None:
    """After a container restart the number belongs to some other program of the same account."""
    postgres.ensure(home)
    with connect(home) as link:
        row = link.execute("show data_directory").fetchone()
    assert row
    data = Path(row[0])
    postgres.stop(home)
    owner = data.stat()
    as_owner = {"user": owner.st_uid} if os.geteuid() == 0 else {}
    stranger = subprocess.Popen(["sleep", "60"], cwd="/", **as_owner)
    try:
        lock = data / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{data}\n{int(time.time())}\n5432\n\n\n  0  0\nready\n")
        os.chown(lock, owner.st_uid, owner.st_gid)
        lock.chmod(0o600)
        postgres.ensure(home)
        assert server_pid(home) != stranger.pid
    finally:
        stranger.kill()
        stranger.wait()


def test_idle_stop_leaves_it_to_others(home: Path) -> None:
    postgres.ensure(home)
    other = subprocess.Popen(
        [sys.executable, "-c", f"{START}; print('up', flush=True); sys.stdin.read()", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout
    assert other.stdout.readline() == b"up\n"
    assert not postgres.stop(home, only_if_idle=True)
    other.communicate()
    assert postgres.stop(home, only_if_idle=True)


def test_binaries_of_another_version_are_refused(home: Path) -> None:
    (home / "postgres-12").mkdir(parents=True)
    (home / "postgres-12" / "PG_VERSION").write_text("12\n")
    with pytest.raises(postgres.PostgresUnavailable, match="postgres-12"):
        postgres.ensure(home)


def test_a_folder_without_binaries_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIELI_PG_BINDIR", str(tmp_path))
    with pytest.raises(postgres.PostgresUnavailable, match="JIELI_PG_BINDIR"):
        postgres.ensure(tmp_path / "home")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hide a folder from PostgreSQL")
def test_a_home_that_root_hides_has_its_data_elsewhere(folder: Path) -> None:
    folder.chmod(0o700)
    home = folder / "home"
    data = Path(postgres.ensure(home)["HOST"]).parent
    try:
        assert folder not in data.parents
        with connect(home) as link:
            assert link.execute("select 1").fetchone() == (1,)
    finally:
        postgres.stop(home)
        shutil.rmtree(data)
