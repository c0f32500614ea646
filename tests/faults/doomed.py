"""The ordinary entry point, in a process that can be made to die at a named point.

    python -m tests.faults.doomed serve --port 8000 --workers 2
    python -m tests.faults.doomed nursery run

Nothing in the product knows of this: named functions are wrapped as soon as their module has been
imported, also in the workers that `serve` starts anew. A point does nothing until a test arms it:
a file of its name in FAULTS, which one process takes away and obeys. `nursery` imports everything
once and forks, so that a process that was killed stands again within a tenth of a second.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Point:
    """Where: before or after a call of a function; `where` it had something to do."""

    module: str
    function: str
    after: bool = False
    where: Callable[[tuple[Any, ...], Any], object] = lambda given, result: True


def did_something(given: tuple[Any, ...], result: Any) -> object:
    return result


def of_a_case(given: tuple[Any, ...], result: Any) -> object:
    """A letter to somebody, not a test ring to our own receiver."""
    return not given[1].loopback


POINTS = {
    # a write through HTTP
    "inside the transaction": Point("jieli.record.actions", "Ledger.write", after=True),
    "after the commit, before the telling": Point("jieli.live.relay", "Relay.tell"),
    "before the answer": Point("django.core.handlers.base", "BaseHandler.get_response", after=True),
    # the runner
    "due is recorded": Point(
        "jieli.cases.actions.clocks", "_fire_batch", after=True, where=did_something
    ),
    "people are told": Point(
        "jieli.cases.actions.clocks", "_escalate_batch", after=True, where=did_something
    ),
    "locks are held": Point("jieli.record.actions", "lock_free", after=True, where=did_something),
    "rings rolled on": Point(
        "jieli.cases.actions.clocks", "_advance_batch", after=True, where=did_something
    ),
    "messages are claimed": Point(
        "jieli.notify.actions.sending", "_claim", after=True, where=did_something
    ),
    "before it is sent": Point("jieli.notify.actions.sending", "_talk", where=of_a_case),
    "sent, not noted": Point("jieli.notify.actions.sending", "_talk", after=True, where=of_a_case),
    "reports are read": Point(
        "jieli.notify.actions.sending", "send_due", after=True, where=did_something
    ),
    "a ring is noted": Point("jieli.cases.actions.requests", "note_ringing"),
    "a test ring is begun": Point("jieli.pager.actions.probing", "_claim", after=True),
    # files
    "a piece is written": Point(
        "jieli.chart.store.incoming", "_add", after=True, where=did_something
    ),
    "a file is synced": Point("jieli.chart.store.keep", "_sync"),
    "a file is kept": Point("jieli.chart.actions", "keep_incoming", after=True),
    "a file is a document": Point("jieli.chart.actions", "forget_incoming", after=True),
    "pieces are forgotten": Point("jieli.chart.store.incoming", "forget"),
}


def armed() -> Path:
    return Path(os.environ["FAULTS"])


def obey(point: str) -> None:
    """Do what a test has asked for at this point; one process does it, once."""
    name = point.replace(" ", "-")
    for place in (armed() / f"{name}@{os.environ.get('FAULTS_LABEL', '')}", armed() / name):
        taken = place.with_name(f"done-{place.name}.{os.getpid()}.{time.monotonic_ns()}")
        try:
            place.rename(taken)
        except FileNotFoundError:
            continue
        return _do(*taken.read_text().split())
    return None


def _do(what: str, seconds: str = "0") -> None:
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.05)  # the signal takes the whole process; this thread, too
    elif what == "slow":
        time.sleep(float(seconds))
    elif what == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    else:
        raise ValueError(what)


def _wrapped(name: str, point: Point, work: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(work)
    def doomed(*args: Any, **kwargs: Any) -> Any:
        if not point.after and point.where(args, None):
            obey(name)
        result = work(*args, **kwargs)
        if point.after and point.where(args, result):
            obey(name)
        return result

    return doomed


def _settings(module: ModuleType) -> None:
    """The real hash is slow on purpose and would be most of the load."""
    module.PASSWORD_HASHERS = [  # type: ignore[attr-defined]
        "django.contrib.auth.hashers.MD5PasswordHasher"
    ]


def _mend(module: ModuleType) -> None:
    """Wrap what this module holds of the points."""
    if module.__name__ == "jieli.web.settings":
        _settings(module)
    for name, point in POINTS.items():
        if point.module != module.__name__:
            continue
        *path, last = point.function.split(".")
        holder = functools.reduce(getattr, path, module)
        setattr(holder, last, _wrapped(name, point, getattr(holder, last)))


class _Finder(importlib.abc.MetaPathFinder):
    wanted = {point.module for point in POINTS.values()} | {"jieli.web.settings"}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self.wanted:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            raise ImportError(f"{name} is not there any more: mend tests/faults/doomed.py")
        load = spec.loader.exec_module

        def loads(module: ModuleType) -> None:
            load(module)
            _mend(module)

        spec.loader.exec_module = loads  # type: ignore[method-assign]
        return spec


def skew(seconds: float) -> None:
    """This process's machine shows another time: as after a bad battery or a wrong time server."""
    from django.utils import timezone

    from jieli.web import now

    real_time, by = time.time, timedelta(seconds=seconds)

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + by

    time.time = lambda: real_time() + seconds
    now.datetime = timezone.datetime = Shifted  # type: ignore[attr-defined,misc]


def scale(constants: str) -> None:
    """What takes 20 seconds takes 4, so that a test need not wait: `jieli.rules.relay.RING=4`.

    `idle=3s` is for how long the database lets a process sleep in a transaction.
    """
    for one in filter(None, constants.split()):
        place, value = one.split("=")
        module, _, name = place.rpartition(".")
        if place == "idle":
            _let_sleep(value)
            continue
        was = getattr(sys.modules[module], name)
        seconds = float(value)
        scaled = timedelta(seconds=seconds) if isinstance(was, timedelta) else seconds
        setattr(sys.modules[module], name, scaled)


def _let_sleep(idle: str) -> None:
    from django.conf import settings

    options = settings.DATABASES["default"]["OPTIONS"]
    assert "idle_in_transaction_session_timeout=15s" in options["options"]
    options["options"] = options["options"].replace("timeout=15s", f"timeout={idle}")


# -- a nursery --------------------------------------------------------------------------------


DIES_WITH_ITS_PARENT = 1  # PR_SET_PDEATHSIG
# Not asgi: what that makes is made after `scale`.
WARM = ("jieli.web.wsgi", "jieli.web.watchman", "jieli.web.runner", "jieli.web.recurring")


def nursery(command: str) -> None:
    """Read {"arguments", "environment", "log"} a line, fork, answer with the child's number."""
    import django

    os.environ["JIELI_PROCESS"] = {"serve": "web", "run": "runner"}[command]
    django.setup()
    for name in WARM:
        importlib.import_module(name)

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)  # noqa: T201 - the answer to whoever started it
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _grow_up(command, asked)
        print(child, flush=True)  # noqa: T201


def _grow_up(command: str, asked: dict[str, Any]) -> None:
    from django.core.management import call_command

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(DIES_WITH_ITS_PARENT, signal.SIGKILL)  # also when the tests are killed
    os.setsid()
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for stream, target in enumerate((nothing, log, log)):
        os.dup2(target, stream)
    os.environ.update(asked["environment"])
    if seconds := float(os.environ.get("FAULTS_SKEW", "0")):
        skew(seconds)
    scale(os.environ.get("FAULTS_SCALE", ""))
    call_command(command, *asked["arguments"])
    sys.stdout.flush()
    os._exit(0)


sys.meta_path.insert(0, _Finder())  # here, and so in the workers that `serve` spawns

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jieli.web.settings")
    if sys.argv[1] == "nursery":
        nursery(sys.argv[2])
    else:
        from jieli.web.manage import main

        main()
