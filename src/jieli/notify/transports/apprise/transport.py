"""WeCom, DingTalk and Feishu through apprise.

A person types the address, so only services with a fixed host are allowed: an address that could
name any host would let them reach into the hospital's network from inside.
"""

import logging
from urllib.parse import urlsplit

import apprise

from jieli.notify.transports import loopback
from jieli.notify.transports.letter import Letter, Result, TransportError

# It writes addresses with their secrets into its log; what went wrong is in the attempt's row.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

SERVICES = frozenset({"wecombot", "dingtalk", "feishu", "lark"})


def send(letter: Letter, *, timeout: float) -> Result:
    service = _ourselves() if letter.loopback else _service(letter.address)
    service.socket_connect_timeout = service.socket_read_timeout = timeout / 2
    service.verify_certificate = True
    body = "\n".join(filter(None, (letter.text, letter.link)))
    title = f"{letter.title} [{letter.id}]" if letter.loopback else letter.title
    if not service.notify(title=title, body=body):
        raise TransportError("The messenger refused the message or cannot be reached.")
    return Result()


def _service(address: str) -> apprise.NotifyBase:
    if urlsplit(address.strip()).scheme.lower() not in SERVICES:
        raise TransportError("This messenger is not allowed here.", permanent=True)
    service = apprise.Apprise.instantiate(address.strip(), suppress_exceptions=True)
    if service is None:
        raise TransportError("The messenger's address is not complete.", permanent=True)
    return service


def _ourselves() -> apprise.NotifyBase:
    """The same library, to our own receiver: never from an address that a person typed."""
    service = apprise.Apprise.instantiate(
        f"json://{loopback.HOST}:{loopback.receiver().http_port}/", suppress_exceptions=False
    )
    assert service is not None  # noqa: S101 - an address of our own making
    return service
