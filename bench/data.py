"""The data that is measured on: generated once, kept, and copied for each run.

A PostgreSQL of its own in JIELI_HOME/bench, with fsync on as in a real installation.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from jieli.web import postgres

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = (
    "track_commit_timestamp=on",  # when a row really became visible, not when it was written
    "max_wal_size=4GB",
)
KEPT_SECONDS = 7 * 86_400  # generated rosters begin on the day they were made
WORK = "bench_work"
COMMAND = [sys.executable, "-m", "jieli.web.manage"]


@dataclass(frozen=True)
class Size:
    hospitals: int
    practitioners: int
    cases: int
    seed: int

    @property
    def database(self) -> str:
        return f"bench_{self.hospitals}_{self.practitioners}_{self.cases}_{self.seed}"

    def __str__(self) -> str:
        return (
            f"{self.hospitals:,} hospitals, {self.practitioners:,} practitioners, "
            f"{self.cases:,} cases, seed {self.seed}"
        )


class Place:
    """The cluster, the generated database, and the copy that a run may change."""

    def __init__(self, size: Size) -> None:
        home = Path(os.environ.get("JIELI_HOME", ROOT / "var")).absolute()
        self.home = home / "bench"
        self.size = size
        self._parameters: dict[str, str] = {}

    # -- where ---------------------------------------------------------------------------------

    def connect(self, database: str) -> psycopg.Connection[Any]:
        given = self._parameters
        return psycopg.connect(
            host=given["HOST"],
            port=given["PORT"],
            user=given["USER"],
            dbname=database,
            autocommit=True,
        )

    def environment(self, database: str = WORK) -> dict[str, str]:
        given = self._parameters
        query = urlencode({"host": given["HOST"], "port": given["PORT"]})
        return {
            **os.environ,
            "JIELI_HOME": str(self.home),
            "JIELI_DEMO": "0",
            "JIELI_LOG_LEVEL": "WARNING",
            "DATABASE_URL": f"postgresql://{given['USER']}@/{database}?{query}",
        }

    # -- making --------------------------------------------------------------------------------

    def alone(self) -> None:
        """Two measurements on one machine measure each other: the second waits for the first."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._lock = (self.home / "bench.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another bench runs here: waiting for it ...", flush=True)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def prepare(self) -> None:
        self._parameters = postgres.ensure(self.home, options=OPTIONS)
        with self.connect("postgres") as link:
            if _show(link, "track_commit_timestamp") != "on":  # started by something else
                link.close()
                postgres.stop(self.home)
                self._parameters = postgres.ensure(self.home, options=OPTIONS)
        if not self._usable():
            self._generate()

    def _usable(self) -> bool:
        made = self._made()
        now = _migrations()
        if not made or time.time() - made["at"] > KEPT_SECONDS:
            return False
        if any(now.get(name) != digest for name, digest in made["migrations"].items()):
            return False  # the past was rewritten
        if now != made["migrations"]:
            self._jieli("migrate", "--verbosity=0")
            self._sign(made["at"])
        return True

    def _made(self) -> dict[str, Any]:
        with self.connect("postgres") as link:
            row = link.execute(
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
                [self.size.database],
            ).fetchone()
        found: dict[str, Any] = json.loads(row[0]) if row and row[0] else {}
        return found

    def _generate(self) -> None:
        print(f"Generating {self.size} ...", flush=True)
        began = time.monotonic()
        self._again(self.size.database)
        self._jieli("migrate", "--verbosity=0")
        size = self.size
        self._jieli(
            "generate",
            f"--hospitals={size.hospitals}",
            f"--practitioners={size.practitioners}",
            f"--cases={size.cases}",
            f"--seed={size.seed}",
        )
        self._sign(time.time())
        print(f"Generated in {time.monotonic() - began:.0f} s", flush=True)

    def _sign(self, at: float) -> None:
        """Say in the database itself what is in it: only complete data carry the note."""
        note = json.dumps({"at": at, "migrations": _migrations()})
        with self.connect("postgres") as link:
            link.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(self.size.database), sql.Literal(note)
                )
            )

    def copy(self) -> None:
        """A fresh copy to work on: what a run changes is gone before the next."""
        self._again(WORK, template=self.size.database)
        with self.connect(WORK) as link:
            link.execute("CHECKPOINT")

    def drop(self) -> None:
        with self.connect("postgres") as link:
            link.execute(f"DROP DATABASE IF EXISTS {WORK} WITH (FORCE)")

    def _again(self, database: str, template: str = "template1") -> None:
        with self.connect("postgres") as link:
            name = sql.Identifier(database)
            link.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            link.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    name, sql.Identifier(template)
                )
            )

    def _jieli(self, *arguments: str) -> None:
        subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment(self.size.database),
            cwd=ROOT,
            check=True,
        )

    def room(self) -> float:
        """Free gigabytes."""
        self.home.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self.home).free / 1e9


def _show(link: psycopg.Connection[Any], setting: str) -> str:
    row = link.execute("SELECT current_setting(%s)", [setting]).fetchone()
    return str(row[0]) if row else ""


def _migrations() -> dict[str, str]:
    files = sorted((ROOT / "src/jieli").glob("*/migrations/0*.py"))
    return {
        f"{path.parents[1].name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in files
    }
