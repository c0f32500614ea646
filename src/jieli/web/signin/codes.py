"""Six digits of an authenticator app, and recovery codes: each opens once, on any process."""

import hmac
import unicodedata
from datetime import datetime

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.db import transaction

from jieli.directory.models import Account

PERIOD = 30  # seconds
DIGITS = 6
EITHER_SIDE = 1  # clocks of telephones are off


def right_code(account: Account, text: str, now: datetime) -> Authenticator | None:
    """The authenticator that a code belongs to. The code is used up by this."""
    code = plain(text)
    if len(code) == DIGITS:
        return app_code(account, code, now)
    return _of_recovery(account, code) if code else None


def plain(text: str) -> str:
    """Digits as typed on any keyboard, without the gaps that people make."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isascii() and c.isalnum())


def matching_counter(secret: str, code: str, now: datetime) -> int | None:
    """The half minute that a code is of, if it is one of the last, this one or the next."""
    current = int(now.timestamp()) // PERIOD
    found = None
    for counter in range(current - EITHER_SIDE, current + EITHER_SIDE + 1):
        expected = format_hotp_value(hotp_value(secret, counter))
        if hmac.compare_digest(expected, code):
            found = counter
    return found


@transaction.atomic
def app_code(account: Account, text: str, now: datetime) -> Authenticator | None:
    """The authenticator app that shows this code now, or did half a minute ago."""
    app = (
        Authenticator.objects.select_for_update()
        .filter(user=account, type=Authenticator.Type.TOTP)
        .first()
    )
    if app is None:
        return None
    counter = matching_counter(get_adapter().decrypt(app.data["secret"]), plain(text), now)
    if counter is None or counter <= app.data.get("counter", -1):
        return None
    app.data["counter"] = counter
    app.save(update_fields=["data"])
    return app


def _of_recovery(account: Account, code: str) -> Authenticator | None:
    held = Authenticator.objects.filter(
        user=account, type=Authenticator.Type.RECOVERY_CODES
    ).first()
    return held if held is not None and held.wrap().validate_code(code) else None
