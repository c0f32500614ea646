"""What a web process does beside serving: it says that it lives, and looks whether others do.

A dead runner cannot say that it is dead; a dead database cannot keep that it is. Both are noticed
here, and by `jieli watch` from outside.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, connections

from jieli.pager import actions as pager
from jieli.pager.actions import alarming
from jieli.rules.watching import BEAT_SECONDS, SILENT_SECONDS

log = logging.getLogger(__name__)

DATABASE_AWAY_SECONDS = 60.0


class Watchman:
    """A thread each: a long telling must not keep the heart from beating, nor a dead database."""

    def __init__(
        self, now: Callable[[], datetime], measure: Callable[[], float], streams: Callable[[], int]
    ) -> None:
        self._now = now
        self._pulse = pager.Pulse("web", measure, streams)
        self._away_since: float | None = None
        self._told_away = False
        self._looking_since: float | None = None
        self._tasks = [
            pager.Ticking("web-heart", self._quietly(self._pulse.beat), BEAT_SECONDS),
            # Later: a runner that is started beside us is not silent, it is not yet there.
            pager.Ticking("web-watch", self.look, BEAT_SECONDS, first=SILENT_SECONDS),
            pager.Ticking("web-guard", self.look_at_the_watch, BEAT_SECONDS),
        ]

    def start(self) -> None:
        for task in self._tasks:
            task.start()

    def stop(self) -> None:
        for task in self._tasks:
            task.stop()
        self._quietly(self._pulse.end)()

    def look(self) -> None:
        self._looking_since = time.monotonic()
        try:
            pager.watch(self._now(), of_cases=False)
            self._database_answers()
            pager.tell(self._now())
        except DatabaseError as fault:
            log.warning("the watch is blind", extra={"kind": type(fault).__name__})
            self._database_is_away()
        except Exception:
            log.exception("the watch failed")
        finally:
            connections.close_all()
            self._looking_since = None

    def look_at_the_watch(self) -> None:
        """A database that neither answers nor refuses keeps the watch itself waiting."""
        began = self._looking_since
        if began is not None and time.monotonic() - began > DATABASE_AWAY_SECONDS:
            self._away_since = self._away_since or began
            self._database_is_away()

    def _database_is_away(self) -> None:
        """Nothing can be written down: told once by this process, to the named addresses."""
        began = self._away_since = self._away_since or time.monotonic()
        if not self._told_away and time.monotonic() - began > DATABASE_AWAY_SECONDS:
            self._told_away = True
            alarming.tell_without_database("database", over=False, now=self._now())

    def _database_answers(self) -> None:
        if self._told_away:
            alarming.tell_without_database("database", over=True, now=self._now())
        self._away_since, self._told_away = None, False

    def _quietly(self, do: Callable[[], None]) -> Callable[[], None]:
        def done() -> None:
            try:
                do()
            except Exception as fault:  # noqa: BLE001 - silence is what others notice
                log.warning("no heartbeat", extra={"kind": type(fault).__name__})
            finally:
                connections.close_all()

        return done
