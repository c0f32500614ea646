"""Passkeys: what the browser is asked, and what its answer proves."""

import json
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.core.exceptions import ValidationError

from jieli.directory.models import Account

LONGEST = 20_000
# What a broken or forged answer makes the library say.
_WRONG = (ValidationError, ValueError, TypeError, KeyError, AttributeError)


def to_register(account: Account) -> dict[str, Any]:
    return auth.begin_registration(account, passwordless=True)


def register(account: Account, text: str, name: str) -> Authenticator | None:
    try:
        credential = _parsed(text)
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)
        return auth.WebAuthn.add(account, name, credential).instance
    except _WRONG:
        return None


def to_prove(account: Account | None = None) -> dict[str, Any]:
    """Whoever signs in without a password chooses on the device: nobody is named to it."""
    return auth.begin_authentication(account)


def proven(text: str, account: Account | None = None) -> Authenticator | None:
    """The passkey behind an answer, of this account or of whoever the passkey names."""
    try:
        credential = _parsed(text)
        auth.parse_authentication_response(credential)
        holder = account or auth.extract_user_from_response(credential)
        found = auth.complete_authentication(holder, credential)
    except _WRONG:
        return None
    return found if found.user.is_active else None


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > LONGEST:
        raise ValueError("too long")
    credential = json.loads(text)
    if not isinstance(credential, dict):
        raise TypeError("not an object")
    return credential
