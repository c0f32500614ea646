"""Who listens, and to what: asked when a stream opens and again while it is open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user
from django.core import signing
from django.db import connections
from django.http import HttpRequest, parse_cookie

# Given an account, the topics it asks for and the instant: those it may hear. A mapping may say
# under which name the browser knows a topic, e.g. {"person:17": "me"}.
AllowedTopics = Callable[[Any, set[str], datetime], "Collection[str] | Mapping[str, str]"]


# A process of ours that listens as a browser does, to try the way of a ring from row to page.
LISTENER_COOKIE = "jieli_listener"
LISTENER_SALT = "jieli.live.listener"
LISTENER_SECONDS = 120


def listener_token(topics: Collection[str], now: datetime) -> str:
    """Lets its holder hear these topics, for two minutes. Made only by whoever has the secret.

    By our own time: two machines whose clocks differ would not believe each other.
    """
    until = (now + timedelta(seconds=LISTENER_SECONDS)).timestamp()
    return signing.dumps([until, *sorted(topics)], salt=LISTENER_SALT)


class Granted(NamedTuple):
    signed_in: bool
    names: dict[str, str]  # topic in the database -> name in the browser
    account: int = 0


def granted(
    cookies: str, wanted: Collection[str], allowed: AllowedTopics, now: Callable[[], datetime]
) -> Granted:
    """Called in a thread: reads session, account and rights anew, never from memory."""
    try:
        if names := _listener(cookies, now):
            return Granted(True, names)
        account = account_of(cookies)
        if account is None:
            return Granted(False, {})
        topics = allowed(account, set(wanted), now())
        names = dict(topics) if isinstance(topics, Mapping) else {topic: topic for topic in topics}
        return Granted(True, names, account.pk)
    finally:
        connections.close_all()


def _listener(cookies: str, now: Callable[[], datetime]) -> dict[str, str]:
    token = parse_cookie(cookies).get(LISTENER_COOKIE, "")
    try:
        held = signing.loads(token, salt=LISTENER_SALT) if token else [0.0]
    except signing.BadSignature:
        return {}
    until, topics = float(held[0]), list(map(str, held[1:]))
    return {topic: topic for topic in topics} if now().timestamp() < until else {}


def account_of(cookies: str) -> Any | None:
    """Whoever is signed in with these cookies now."""
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    account = get_user(request)
    return account if account.is_authenticated and account.is_active else None
