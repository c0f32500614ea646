"""The small alliance of `world`, on duty now, for tests with real processes and real time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from jieli.directory.models import Duty, Practitioner
from jieli.stories.doors import Person
from tests.cases.world import World

PAGE = {
    "specialty": "paediatric-surgery",
    "urgency": "U1",
    "problem": "疑似肠闭锁",
    "callback": "0998-5550126",
    "patient_name": "马某之子",
    "patient_unknown": "on",
}


def present() -> datetime:
    return datetime.now(UTC)


class RealWorld(World):
    """Everybody stands on duty around the real present instead of around T0."""

    def on_duty(self, person: Practitioner, line: str) -> None:
        now = present()
        Duty.objects.create(
            organisation=self.hub,
            specialty=self.surgery,
            line=line,
            practitioner=person,
            period=(now - timedelta(days=2), now + timedelta(days=2)),
        )


def browser_of(person: Practitioner, url: str) -> Person:
    """A signed-in browser without pages: the doors of the stories, with a session of its own."""
    account = person.account
    assert account is not None
    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session.save()
    door = Person(url, person.number)
    assert session.session_key is not None
    door.client.cookies.set(settings.SESSION_COOKIE_NAME, session.session_key, domain="127.0.0.1")
    door.client.headers["Accept-Language"] = "en"
    door.get("/me/")  # brings the token
    return door


def until(condition: Callable[[], Any], seconds: float = 10, why: str = "") -> Any:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, why or "it did not happen in time"
        time.sleep(0.03)
    return found
