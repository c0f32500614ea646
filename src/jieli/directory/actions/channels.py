"""How a person is reached, in which order, and whether it really rings."""

import re
from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Max

from jieli.directory.models import Channel, Practitioner
from jieli.rules.refusal import Refused
from jieli.rules.rostering import TEST_HOLDS

MOST = 8  # channels of one person
CAN_RING = (Channel.Kind.GATEWAY, Channel.Kind.APPRISE)
# Only services with a fixed host: what a person types never chooses where we connect to.
APPRISE_SCHEMES = ("wecombot", "dingtalk", "feishu", "lark")

TestRing = Callable[[Channel, datetime], None]
_test_ring: list[TestRing] = []


def use_test_ring(send: TestRing) -> None:
    """The front door names who sends a test ring; the directory knows no transport."""
    _test_ring[:] = [send]


def add_channel(
    person: Practitioner,
    kind: str,
    address: str = "",
    *,
    rings: bool = False,
    by: Practitioner,
    now: datetime,
) -> Channel:
    address = _address(kind, address.strip())
    if rings and kind not in CAN_RING:
        raise Refused("Only a telephone call or a WeCom, DingTalk or Feishu message can wake you.")
    with transaction.atomic():
        _lock(person)
        mine = Channel.objects.filter(practitioner=person)
        if mine.count() >= MOST:
            raise Refused("You have %(most)s channels; remove one first.", most=MOST)
        if any(one.address == address for one in mine.filter(kind=kind)):
            raise Refused("You already have this channel.")
        last = mine.aggregate(last=Max("order"))["last"] or 0
        return Channel.objects.create(
            practitioner=person, kind=kind, address=address, rings=rings, order=last + 1
        )


def move_channel(channel: Channel, *, up: bool, by: Practitioner, now: datetime) -> None:
    """One place up or down in the person's own order."""
    with transaction.atomic():
        _lock(channel.practitioner)
        mine = list(
            Channel.objects.filter(practitioner=channel.practitioner).order_by("order", "pk")
        )
        place = mine.index(channel)
        other = max(place - 1, 0) if up else min(place + 1, len(mine) - 1)
        mine[place], mine[other] = mine[other], mine[place]
        for order, one in enumerate(mine, start=1):
            one.order = order
        Channel.objects.bulk_update(mine, ["order"])


def remove_channel(channel: Channel, *, by: Practitioner, now: datetime) -> None:
    channel.delete()


def test_channel(channel: Channel, *, by: Practitioner, now: datetime) -> None:
    """Send a test ring. Nothing is proven until the person says that it rang."""
    if not _test_ring:
        raise Refused("No test ring can be sent from this installation.")
    channel.tested_at = now
    channel.save(update_fields=["tested_at"])
    _test_ring[0](channel, now)


def prove_channel(channel: Channel, *, by: Practitioner, now: datetime) -> None:
    """The person says: it rang. Only believed shortly after a test ring."""
    if channel.disabled_at:
        raise Refused("This channel is switched off after a failure; add it again.")
    if channel.tested_at is None or now - channel.tested_at > TEST_HOLDS:
        raise Refused("Send a test ring first; say within 15 minutes that it rang.")
    channel.proven_at = now
    channel.proven_by = by
    channel.last_error = ""
    channel.save(update_fields=["proven_at", "proven_by", "last_error"])


def _lock(person: Practitioner) -> None:
    """Two windows of one person change the order one after the other."""
    Practitioner.objects.select_for_update(no_key=True).only("pk").get(pk=person.pk)


def _address(kind: str, address: str) -> str:
    if kind == Channel.Kind.IN_APP:
        return ""
    if kind == Channel.Kind.GATEWAY:
        return _telephone(address)
    if kind == Channel.Kind.EMAIL:
        return _email(address)
    if kind == Channel.Kind.APPRISE:
        return _apprise(address)
    raise Refused("There is no such kind of channel.")


def _telephone(text: str) -> str:
    digits = re.sub(r"[\s\-()（）]", "", text)  # a full-width bracket is a bracket
    if not re.fullmatch(r"\+?[0-9]{5,20}", digits):
        raise Refused("Write the telephone number with digits only.")
    return digits


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise Refused("Write the whole mail address, such as name@hospital.cn.") from None
    return text


def _apprise(text: str) -> str:
    scheme, found, rest = text.partition("://")
    if not found or scheme.lower() not in APPRISE_SCHEMES or not rest:
        raise Refused("Write an address that begins with wecombot, dingtalk, feishu or lark.")
    if len(text) > 400 or not text.isprintable() or " " in text:
        raise Refused("Write an address that begins with wecombot, dingtalk, feishu or lark.")
    return text
