"""The key under which a browser keeps drafts and unsent messages (docs/decisions/0006).

Derived, not stored: the same for one account wherever it signs in, another one as soon as its
password or the installation's secret changes. A browser holds it only in memory.
"""

from __future__ import annotations

import base64
import secrets

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.crypto import salted_hmac

LENGTH = 32


def seal_of(account: AbstractBaseUser) -> bytes:
    words = f"{account.pk}:{account.get_session_auth_hash()}"
    return salted_hmac("jieli.device", words, algorithm="sha256").digest()


def masked(key: bytes) -> str:
    """Another text in each answer, so that compression tells nothing of the key (BREACH)."""
    mask = secrets.token_bytes(LENGTH)
    hidden = bytes(one ^ other for one, other in zip(key, mask, strict=True))
    return base64.b64encode(hidden + mask).decode()
