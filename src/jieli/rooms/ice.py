"""Where browsers learn how they are reached, and a relay's password that ends by itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

LASTS = 12 * 3600  # seconds: longer than any operation; the relay also asks the room's name


def servers(room: UUID, seat: UUID, now: datetime) -> list[dict[str, Any]]:
    """As RTCPeerConnection takes them. The relay (coturn, `use-auth-secret`) knows no account:
    `expiry:user` and its hash are the login, and the user is one seat of one room."""
    found: list[dict[str, Any]] = []
    if settings.STUN_URLS:
        found.append({"urls": settings.STUN_URLS})
    if settings.TURN_URLS and settings.TURN_SECRET:
        user = f"{int(now.timestamp()) + LASTS}:{room}/{seat}"
        secret = settings.TURN_SECRET.encode()
        password = base64.b64encode(hmac.digest(secret, user.encode(), hashlib.sha1)).decode()
        found.append({"urls": settings.TURN_URLS, "username": user, "credential": password})
    return found
