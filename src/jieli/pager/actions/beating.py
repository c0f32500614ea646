"""A process says that it lives, by the database's clock, and how its machine is."""

import os
import shutil
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from jieli.pager.models import Heartbeat

FORGOTTEN = timedelta(days=1)

BEAT = """
    INSERT INTO pager_heartbeat (process, kind, machine, pid, skew_ms, hanging, disk_free,
                                 disk_total, streams, pool_size, pool_waiting)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (process) DO UPDATE
       SET beat_at = statement_timestamp(), ended_at = NULL, skew_ms = excluded.skew_ms,
           hanging = excluded.hanging, disk_free = excluded.disk_free,
           disk_total = excluded.disk_total, streams = excluded.streams,
           pool_size = excluded.pool_size, pool_waiting = excluded.pool_waiting
"""


@dataclass
class Pulse:
    """This process. `measure`: the seconds by which its machine's clock is ahead."""

    kind: str
    measure: Callable[[], float]
    streams: Callable[[], int] = lambda: 0
    process: UUID = field(default_factory=uuid4)

    def beat(self, hanging: list[str] | None = None) -> None:
        free, total = _disk()
        size, waiting = _pool()
        stuck = ",".join(hanging or [])[:200]
        skew = round(self.measure() * 1000)
        with connection.cursor() as cursor:
            cursor.execute(
                BEAT,
                [self.process, self.kind, machine(), os.getpid(), skew, stuck, free, total,
                 self.streams(), size, waiting],
            )  # fmt: skip

    def end(self) -> None:
        """Stopped on purpose: its silence is no illness of its own."""
        Heartbeat.objects.filter(process=self.process).update(ended_at=Now())


def machine() -> str:
    return socket.gethostname()[:80]


def _disk() -> tuple[int, int]:
    """Where files are kept; the folder may not be there yet."""
    place = Path(settings.FILES)
    while not place.exists() and place != place.parent:
        place = place.parent
    usage = shutil.disk_usage(place)
    return usage.free, usage.total


def _pool() -> tuple[int, int]:
    pool = getattr(connection, "pool", None)
    stats = pool.get_stats() if pool is not None else {}
    return int(stats.get("pool_size", 0)), int(stats.get("requests_waiting", 0))


def forget_processes(now: datetime) -> int:
    return Heartbeat.objects.filter(beat_at__lt=Now() - FORGOTTEN).delete()[0]


class Ticking:
    """Does something again and again in a thread of its own, until it is stopped."""

    def __init__(
        self, name: str, do: Callable[[], None], seconds: float, *, first: float = 0.0
    ) -> None:
        self._do, self._seconds, self._first = do, seconds, first
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _loop(self) -> None:
        self._stopping.wait(self._first)
        while not self._stopping.is_set():
            self._do()
            self._stopping.wait(self._seconds)
