"""One whole Jieli on one PostgreSQL with fsync: servers and runners that die and stand up again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg

from jieli.web import postgres
from tests.faults.gateway import Gateway
from tests.faults.proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]
DOOMED = [sys.executable, "-m", "tests.faults.doomed"]
SECRET = "for the processes of one test only"
SETTLED = "template_of_faults"


def until(condition: Callable[[], Any], seconds: float = 10, why: str = "") -> Any:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, why or "it did not happen in time"
        time.sleep(0.02)
    return found


class Cluster:
    """PostgreSQL as an installation has it: fsync on, on a disk, killed and brought back."""

    def __init__(
        self, home: Path | None = None, options: tuple[str, ...] = (), keys: Path | None = None
    ) -> None:
        self.home = home or Path(tempfile.mkdtemp(prefix="jieli-faults-"))
        self.home.chmod(0o755)  # the database's own account must get in
        self.options = options
        self.keys = keys or self.home / "keys"
        self.start()

    def start(self) -> None:
        self.where = postgres.ensure(self.home, options=self.options)

    @property
    def socket(self) -> str:
        return f"{self.where['HOST']}/.s.PGSQL.{self.where['PORT']}"

    @property
    def pid(self) -> int:
        lock = next(self.home.glob("postgres-*/postmaster.pid"))
        return int(lock.read_text().split()[0])

    def kill(self) -> None:
        """As when its machine dies: the server and all its processes, at once."""
        server = self.pid
        family = [server, *_children(server)]
        for one in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(server, 0)

    def pause(self) -> None:
        for one in (self.pid, *_children(self.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGSTOP)

    def resume(self) -> None:
        for one in (*_children(self.pid), self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)

    def moved_to(self, disk: Path) -> Cluster:
        """A copy of it on another disk, with little write-ahead log; this one runs on."""
        postgres.stop(self.home)
        data = next(self.home.glob("postgres-*/PG_VERSION")).parent
        target = disk / "home"
        target.mkdir(mode=0o755)
        subprocess.run(["cp", "-a", str(data), str(target / data.name)], check=True)
        self.start()
        return Cluster(target, ("max_wal_size=64MB", "min_wal_size=32MB"), self.keys)

    def connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=self.where["HOST"],
            port=self.where["PORT"],
            user="jieli",
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def close(self) -> None:
        postgres.stop(self.home)
        shutil.rmtree(self.home, ignore_errors=True)


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


@dataclass
class Process:
    """A server or runner; `pid` leads its group."""

    kind: str
    label: str
    pid: int
    port: int = 0
    over_proxy: bool = False
    more: dict[str, str] = field(default_factory=dict)  # its own environment
    popen: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lives(self) -> bool:
        if self.popen is not None:
            return self.popen.poll() is None
        with contextlib.suppress(OSError):
            return "Z" not in Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2][:3]
        return False

    @property
    def workers(self) -> list[int]:
        """Those of a `serve` with several, as far as they stand."""
        return [pid for pid in _children(self.pid) if b"spawn_main" in _command(pid)]

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        until(lambda: not self.lives, 10, f"{self.label} does not die")


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@dataclass
class House:
    """A database of its own in a cluster, a gateway, and what runs on them."""

    cluster: Cluster
    folder: Path
    name: str = "house"
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.faults = self.folder / "faults"
        self.faults.mkdir(exist_ok=True)
        self.gateway = Gateway()
        self.proxy = Proxy(self.cluster.socket)
        self.processes: list[Process] = []
        self._nurseries: dict[tuple[str, bool], subprocess.Popen[str]] = {}
        _settle_once(self.cluster, self.folder)
        self.renew()

    def renew(self) -> None:
        """Nothing runs, nothing is broken, nothing has happened yet."""
        self.end()
        for place in self.faults.iterdir():
            place.unlink()
        self.proxy.mend()
        self.gateway.begin_anew()
        self.cluster.start()
        with self.cluster.connect("postgres") as link:
            link.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')  # type: ignore[arg-type]
            link.execute(f'CREATE DATABASE "{self.name}" TEMPLATE {SETTLED}')  # type: ignore[arg-type]

    def end(self) -> None:
        for process in self.processes:
            process.signal(signal.SIGCONT)
            process.kill()
        self.processes.clear()

    # -- environment ------------------------------------------------------------------------------

    def environment(self, *, over_proxy: bool = False) -> dict[str, str]:
        return {
            **os.environ,
            "JIELI_HOME": str(self.folder / "home"),
            "DATABASE_URL": _address(self.cluster, self.name, self.proxy if over_proxy else None),
            "DJANGO_SETTINGS_MODULE": "jieli.web.settings",
            "SECRET_KEY": SECRET,
            "JIELI_KEYS": str(self.cluster.keys),
            "JIELI_DB_POOL": "8",
            "JIELI_LOG_LEVEL": "WARNING",
            "JIELI_GATEWAY_URL": self.gateway.url,
            "JIELI_GATEWAY_TOKEN": "token",
            "FAULTS": str(self.faults),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
            **self.settings,
        }

    # -- processes --------------------------------------------------------------------------------

    def serve(
        self, label: str = "web", *, workers: int = 1, over_proxy: bool = False, **more: str
    ) -> Process:
        """A `jieli serve` that answers."""
        port = _free_port()
        arguments = [f"--port={port}", f"--workers={workers}"]
        if workers > 1:
            process = self._started("serve", label, arguments, over_proxy, more)
        else:
            process = self._forked("serve", label, arguments, over_proxy, more)
        process.port = port
        self.until_served(process)
        return process

    def until_served(self, process: Process) -> None:
        until(lambda: not process.lives or _answers(process), 40, self.log(process.label))
        assert process.lives, self.log(process.label)

    def run(self, label: str = "runner", *, over_proxy: bool = False, **more: str) -> Process:
        return self._forked("run", label, [], over_proxy, more)

    def again(self, process: Process) -> Process:
        """The same once more, on the same port, after it was killed."""
        self.processes.remove(process)
        if process.kind == "run":
            return self.run(process.label, over_proxy=process.over_proxy, **process.more)
        over_proxy = process.over_proxy
        arguments = [f"--port={process.port}", "--workers=1"]
        fresh = self._forked("serve", process.label, arguments, over_proxy, process.more)
        fresh.port = process.port
        return fresh

    def _forked(
        self, kind: str, label: str, arguments: list[str], over_proxy: bool, more: dict[str, str]
    ) -> Process:
        nursery = self._nursery(kind, over_proxy)
        assert nursery.stdin
        assert nursery.stdout
        asked = {
            "arguments": arguments,
            "log": str(self.folder / f"{label}.log"),
            "environment": {"FAULTS_LABEL": label, **more},
        }
        nursery.stdin.write(json.dumps(asked) + "\n")
        nursery.stdin.flush()
        child = int(nursery.stdout.readline())
        process = Process(kind, label, child, over_proxy=over_proxy, more=more)
        self.processes.append(process)
        return process

    def _nursery(self, kind: str, over_proxy: bool) -> subprocess.Popen[str]:
        key = (kind, over_proxy)
        if key not in self._nurseries:
            with (self.folder / "nursery.log").open("ab") as log:
                made = subprocess.Popen(
                    [*DOOMED, "nursery", kind],
                    env=self.environment(over_proxy=over_proxy),
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    start_new_session=True,
                )
            assert made.stdout
            assert made.stdout.readline() == "ready\n", (self.folder / "nursery.log").read_text()
            self._nurseries[key] = made
        return self._nurseries[key]

    def _started(
        self, kind: str, label: str, arguments: list[str], over_proxy: bool, more: dict[str, str]
    ) -> Process:
        environment = {**self.environment(over_proxy=over_proxy), "FAULTS_LABEL": label, **more}
        with (self.folder / f"{label}.log").open("ab") as log:
            popen = subprocess.Popen(
                [*DOOMED, kind, *arguments],
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        process = Process(kind, label, popen.pid, over_proxy=over_proxy, popen=popen)
        self.processes.append(process)
        return process

    def jieli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command to its end, with the rights of the owner."""
        return subprocess.run(
            [*DOOMED, *arguments],
            env=self.environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def log(self, label: str) -> str:
        path = self.folder / f"{label}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else "(no log)"

    # -- faults -----------------------------------------------------------------------------------

    def arm(self, point: str, what: str = "kill", label: str = "") -> Path:
        """Whoever comes there next (of this label, if one is given) does `what`."""
        place = self.faults / (point.replace(" ", "-") + (f"@{label}" if label else ""))
        draft = self.faults / "draft"
        draft.write_text(what)
        draft.rename(place)
        return place

    def disarm(self) -> None:
        for place in self.faults.iterdir():
            if not place.name.startswith("done-"):
                place.unlink(missing_ok=True)

    def struck(self, place: Path, seconds: float = 15) -> None:
        """Wait until somebody came to the armed point."""
        until(lambda: not place.exists(), seconds, f"nobody came to {place.name}")

    # -- the database -----------------------------------------------------------------------------

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.cluster.connect(self.name) as link:
            found = link.execute(statement, parameters)  # type: ignore[arg-type]
            return found.fetchall() if found.description else []

    def one(self, statement: str, *parameters: Any) -> Any:
        [[value]] = self.sql(statement, *parameters)
        return value

    def close(self) -> None:
        self.end()
        for nursery in self._nurseries.values():
            os.killpg(nursery.pid, signal.SIGKILL)
            nursery.wait(10)
        self.proxy.close()
        self.gateway.close()
        with contextlib.suppress(psycopg.Error), self.cluster.connect("postgres") as link:
            link.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')  # type: ignore[arg-type]


@contextlib.contextmanager
def house(cluster: Cluster, folder: Path, name: str = "house", **settings: str) -> Iterator[House]:
    made = House(cluster, folder, name, settings)
    try:
        yield made
    finally:
        made.close()


def _address(cluster: Cluster, name: str, proxy: Proxy | None) -> str:
    if proxy:
        return f"postgresql://jieli@127.0.0.1:{proxy.port}/{name}"
    where = urlencode({"host": cluster.where["HOST"], "port": cluster.where["PORT"]})
    return f"postgresql://jieli@/{name}?{where}"


def _settle_once(cluster: Cluster, folder: Path) -> None:
    """All migrations and a small alliance, made once for a cluster and copied."""
    with cluster.connect("postgres") as link:
        if link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [SETTLED]).fetchone():
            return
        link.execute(f"CREATE DATABASE {SETTLED}")  # type: ignore[arg-type]
    environment = {
        **os.environ,
        "JIELI_HOME": str(folder / "home"),
        "DATABASE_URL": _address(cluster, SETTLED, None),
        "SECRET_KEY": SECRET,
        "JIELI_KEYS": str(cluster.keys),
        "FAULTS": str(folder),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
        "DJANGO_SETTINGS_MODULE": "jieli.web.settings",
    }
    for command in (
        [*DOOMED, "migrate", "--verbosity=0"],
        [sys.executable, "-m", "tests.faults.settle"],
    ):
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def _answers(process: Process) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{process.url}/healthz", timeout=2, trust_env=False).status_code == 200
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
