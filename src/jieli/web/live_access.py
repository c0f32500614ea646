"""Which topics an account may follow: its own, boards if it has a desk, and cases it may see."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.http.request import validate_host

from jieli.cases.access import visible_cases
from jieli.directory.access import person_of
from jieli.directory.models import Account, Practitioner
from jieli.live import topics
from jieli.live.access import account_of
from jieli.record.reading import entered


def allowed_topics(account: Account, wanted: set[str], now: datetime) -> dict[str, str]:
    """Topic in the database → the name under which the browser asked for it."""
    person = person_of(account)
    if person is None:
        return {}
    allowed: dict[str, str] = {}
    if "me" in wanted:
        allowed[topics.person(person.pk)] = "me"
    if topics.BOARD in wanted:
        allowed[topics.BOARD] = topics.BOARD
    if keys := {key for key in map(_case_key, wanted) if key}:
        with entered(account, person, now):
            seen = visible_cases(person, now).filter(key__in=keys).values_list("key", flat=True)
            allowed |= {topics.case(str(key)): topics.case(str(key)) for key in seen}
    return allowed


def _case_key(topic: str) -> UUID | None:
    kind, _, text = topic.partition(":")
    if kind != "case":
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def who(cookies: str) -> tuple[Any, Practitioner] | None:
    """Account and person behind a browser's cookies; called in a thread."""
    try:
        account = account_of(cookies)
        person = person_of(account) if account else None
        return (account, person) if account and person else None
    finally:
        connections.close_all()


def is_ours(origin: str, host: str) -> bool:
    """A page of another site must not open a line in the name of whoever is signed in here."""
    name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
    if not validate_host(name.lower(), settings.ALLOWED_HOSTS or ["localhost", "127.0.0.1"]):
        return False
    return urlsplit(origin).netloc.lower() == host.lower()
