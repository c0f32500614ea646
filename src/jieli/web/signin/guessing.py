"""Looking at a secret that somebody sent, counted by where it comes from."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.http import HttpRequest

from jieli.directory import actions
from jieli.directory.models import Account, WrongSecret
from jieli.rules.refusal import Refused
from jieli.web.now import wall
from jieli.web.signin import device

T = TypeVar("T")


def guess(
    request: HttpRequest, name: str, account: Account | None, look: Callable[[], T | None]
) -> T | None:
    """What `look` finds behind the secret; refused unlooked when it comes too often from here."""
    tried = begin(request, name, account)
    found = look()
    if found:
        actions.right_secret(tried)
    return found


def begin(request: HttpRequest, name: str, account: Account | None) -> WrongSecret:
    tried, wait = actions.try_secret(
        name=name,
        address=address(request),
        device=device.known(request, account.pk if account else None),
        account=account,
        now=wall(),
    )
    if wait:
        raise too_often(wait)
    return tried


def too_often(wait: timedelta) -> Refused:
    return Refused(
        "Too many wrong tries from here. Wait %(minutes)s min, or sign in with a passkey.",
        minutes=-(-int(wait.total_seconds()) // 60),
    )


def address(request: HttpRequest) -> str:
    """Whoever speaks to us; behind a proxy the server has already put the browser's there."""
    return request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 no address is bound here
