"""Who listens, and to what: asked when a stream opens and again while it is open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from importlib import import_module
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import HttpRequest, parse_cookie

# Given an account, the topics it asks for and the instant: those it may hear. A mapping may say
# under which name the browser knows a topic, e.g. {"person:17": "me"}.
AllowedTopics = Callable[[Any, set[str], datetime], "Collection[str] | Mapping[str, str]"]


class Granted(NamedTuple):
    signed_in: bool
    names: dict[str, str]  # topic in the database -> name in the browser
    account: int = 0


def granted(
    cookies: str, wanted: Collection[str], allowed: AllowedTopics, now: Callable[[], datetime]
) -> Granted:
    """Called in a thread: reads session, account and rights anew, never from memory."""
    try:
        account = _account(cookies)
        if account is None:
            return Granted(False, {})
        topics = allowed(account, set(wanted), now())
        names = dict(topics) if isinstance(topics, Mapping) else {topic: topic for topic in topics}
        return Granted(True, names, account.pk)
    finally:
        connections.close_all()


def _account(cookies: str) -> Any | None:
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    account = get_user(request)
    return account if account.is_authenticated and account.is_active else None
