"""A device that signed in before, known by a signed cookie: it says who it is, and lets nobody in.

It only keeps wrong passwords from elsewhere from counting against whoever uses this device.
"""

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "jieli_device"
AGE = 180 * 24 * 60 * 60
MOST = 12  # accounts of one device: a ward's tablet
_SALT = "jieli.device"


def known(request: HttpRequest, account_id: int | None) -> str:
    """The device's own number, if this account was signed in on it; else nothing."""
    number, accounts = _read(request)
    return number if account_id is not None and account_id in accounts else ""


def remember(request: HttpRequest, response: HttpResponse, account_id: int) -> None:
    number, accounts = _read(request)
    held = [account_id, *(pk for pk in accounts if pk != account_id)][:MOST]
    response.set_cookie(
        COOKIE,
        signing.dumps([number or secrets.token_hex(16), held], salt=_SALT),
        max_age=AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.TLS,
    )


def _read(request: HttpRequest) -> tuple[str, list[int]]:
    try:
        number, accounts = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=AGE)
    except (signing.BadSignature, ValueError, TypeError):
        return "", []
    return str(number), [pk for pk in accounts if isinstance(pk, int)]
