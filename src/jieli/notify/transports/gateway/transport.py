"""A generic HTTP gateway for voice calls and SMS.

POST {id, to, kind: voice|sms, title, text, link, callback} with a bearer token. The gateway
answers 2xx {"accepted": true, "ringing": bool}, and acts once for one `id` however often it
comes. Later it may POST {"attempt", "state": ringing|answered|failed, "error"} to `callback`,
signed (see `signature`).
"""

import hashlib
import hmac
import re
import socket
import ssl
from functools import cache
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from jieli.notify.transports import loopback
from jieli.notify.transports.letter import Letter, Result, TransportError

NUMBER = re.compile(r"\+?[0-9][0-9 -]{2,20}")
GONE = (410, 422)


def send(letter: Letter, *, timeout: float) -> Result:
    url = _address(letter)
    if not NUMBER.fullmatch(letter.address):
        raise TransportError("This is not a telephone number.", permanent=True)
    try:
        response = httpx.post(
            url,
            json=_body(letter),
            headers=_headers(letter),
            timeout=timeout,
            follow_redirects=False,
            verify=_certificates(),
        )
    except httpx.TimeoutException:
        raise TransportError("The telephone gateway did not answer in time.") from None
    except httpx.HTTPError:
        raise TransportError("The telephone gateway cannot be reached.") from None
    return _result(response)


def knock(*, timeout: float) -> None:
    """Whether somebody is behind the gateway's address; nothing is sent."""
    parts = urlsplit(str(settings.JIELI_GATEWAY_URL))
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=timeout) as door:
            if parts.scheme == "https":
                context = ssl.create_default_context()
                context.wrap_socket(door, server_hostname=parts.hostname).close()
    except OSError:
        raise TransportError("The telephone gateway cannot be reached.") from None


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: reading them for each letter took 60 ms, forty times as long as the letter."""
    return httpx.create_ssl_context()


def _address(letter: Letter) -> str:
    if letter.loopback:
        return f"http://{loopback.HOST}:{loopback.receiver().http_port}/"
    url = str(getattr(settings, "JIELI_GATEWAY_URL", ""))
    if not url:
        raise TransportError("No telephone gateway is set up.")
    return url


def signature(body: bytes) -> str:
    """HMAC-SHA256 of a body under the shared token, as hexadecimal digits."""
    return hmac.new(_secret().encode(), body, hashlib.sha256).hexdigest()


def is_signed(body: bytes, given: str) -> bool:
    return bool(_secret()) and hmac.compare_digest(signature(body), given.lower())


def _headers(letter: Letter) -> dict[str, str]:
    """A gateway on the same machine may have no token: an empty one would be no header at all."""
    headers = {"Idempotency-Key": letter.id}
    return {"Authorization": f"Bearer {_secret()}", **headers} if _secret() else headers


def _secret() -> str:
    return str(getattr(settings, "JIELI_GATEWAY_TOKEN", ""))


def _body(letter: Letter) -> dict[str, str]:
    return {
        "id": letter.id,
        "to": letter.address,
        "kind": "voice" if letter.rings else "sms",
        "title": letter.title,
        "text": letter.text,
        "link": letter.link,
        "callback": _public(f"/notify/attempts/{letter.attempt}/"),
    }


def _public(path: str) -> str:
    return str(getattr(settings, "JIELI_PUBLIC_URL", "")).rstrip("/") + path


def _result(response: httpx.Response) -> Result:
    said = _json(response)
    if response.is_success and said.get("accepted") is True:
        return Result(ringing=said.get("ringing") is True)
    why = str(said.get("error") or f"status {response.status_code}")
    permanent = response.status_code in GONE or said.get("permanent") is True
    raise TransportError(f"The telephone gateway refused: {why}", permanent=permanent)


def _json(response: httpx.Response) -> dict[str, object]:
    try:
        said = response.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
