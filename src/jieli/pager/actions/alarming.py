"""The alarm about the alarm: people hear once that the pager is ill, and once that it is well.

Not by way of the outbox, which may be what is ill, and not by the way that fails, as long as
there is another. Addresses come from JIELI_ALARM_TO; directors, coordinators and administrators
are told by mail or messenger, which wake nobody: at night the operator's own addresses ring.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import translation

from jieli.directory.access import today, valid_on
from jieli.directory.models import Channel, Role
from jieli.notify import actions as notify
from jieli.notify.transports.letter import TransportError
from jieli.pager.models import Illness
from jieli.pager.queries.words import alarm_words, sentence
from jieli.rules.watching import ILL

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # who tells may take so long; then another tries
AGAIN = timedelta(minutes=1)  # nobody could be told: tried again so soon
BUDGET = 200.0  # seconds for one telling, within the lease
MOST = 200  # people
MOST_FAILURES = 3  # in a row: this way is left
TOLD_ROLES = (Role.Kind.DIRECTOR, Role.Kind.COORDINATOR, Role.Kind.ADMIN)
MESSENGERS = ("wecombot://", "dingtalk://", "feishu://", "lark://")


@dataclass(frozen=True, slots=True)
class Address:
    kind: str
    address: str
    rings: bool


def tell(now: datetime) -> int:
    """Tell what is not told yet: all that is new in one letter, all that is over in another."""
    begun = Q(told_at=None, ended_at=None, well_since=None, grade=ILL)
    over = Q(told_at__isnull=False, ended_at__isnull=False, clear_told_at=None)
    return _tell(_claim(begun), now) + _tell(_claim(over), now)


def _claim(wanted: Q) -> list[Illness]:
    """Under a lease: a process that dies while telling leaves it to others."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    return [
        illness
        for illness in Illness.objects.filter(wanted, free).order_by("pk")
        if Illness.objects.filter(wanted, free, pk=illness.pk).update(lease_until=Now() + LEASE)
    ]


def _tell(illnesses: list[Illness], now: datetime) -> int:
    if not illnesses:
        return 0
    over = illnesses[0].ended_at is not None
    avoid = set() if over else failing_kinds([illness.cause for illness in illnesses])
    with translation.override(settings.LANGUAGE_CODE):
        what = " ".join(sentence(one.cause, one.grade, one.detail) for one in illnesses)
        title, text = alarm_words(what, over=over)
    told = send_all(title, text, avoid=avoid, now=now)
    rows = Illness.objects.filter(pk__in=[illness.pk for illness in illnesses])
    if not told and anybody(now):
        rows.update(lease_until=Now() + AGAIN)
        return 0
    if over:
        return rows.update(clear_told_at=Now(), lease_until=None)
    summary = ", ".join(f"{kind} {count}" for kind, count in sorted(told.items()))
    return rows.update(told_at=Now(), told=summary, lease_until=None)


def failing_kinds(causes: Iterable[str]) -> set[str]:
    """Kinds of channel by which there is no use in telling of this."""
    kinds = {"voice": "gateway", "sms": "gateway"}
    names = [
        cause.partition(".")[2] for cause in causes if cause.startswith(("transport.", "sends."))
    ]
    return {kinds.get(name, name) for name in names}


def send_all(title: str, text: str, *, avoid: set[str], now: datetime) -> Counter[str]:
    """To every address and person; by how many of each kind it went.

    A way that fails again and again is left: what hangs must not outlast the lease.
    """
    told: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    until = time.monotonic() + BUDGET
    for choices in [*([one] for one in named_addresses()), *_people(now)]:
        left = [one for one in _ordered(choices, avoid) if failed[one.kind] < MOST_FAILURES]
        if time.monotonic() > until:
            log.error("not everybody could be told in time")
            break
        if kind := _first_that_takes(left, title, text, now, failed):
            told[kind] += 1
    if not told:
        log.error("the pager is ill and nobody could be told of it")
    return told


def tell_without_database(cause: str, *, over: bool, now: datetime) -> None:
    """To the named addresses alone: who else is to be told stands in the database."""
    with translation.override(settings.LANGUAGE_CODE):
        title, text = alarm_words(sentence(cause, ILL, ""), over=over)
    for one in named_addresses():
        _first_that_takes([one], title, text, now, Counter())


def _ordered(choices: list[Address], avoid: set[str]) -> list[Address]:
    """Ways that are well first; one that fails is better than none."""
    return sorted(choices, key=lambda one: one.kind in avoid)


def _first_that_takes(
    choices: list[Address], title: str, text: str, now: datetime, failed: Counter[str]
) -> str:
    link = settings.JIELI_PUBLIC_URL.rstrip("/") + "/pager/"
    for one in choices:
        try:
            notify.send_directly(
                one.kind, one.address, rings=one.rings, title=title, text=text, link=link, now=now
            )
        except TransportError as fault:
            failed[one.kind] += 1
            log.warning("an alarm did not go", extra={"kind": one.kind, "why": str(fault)})
        else:
            failed[one.kind] = 0
            return one.kind
    return ""


def named_addresses() -> list[Address]:
    """From the setting: a mail address, a telephone (a call), sms:number, or a messenger."""
    return [address_of(text) for text in settings.ALARM_TO]


def address_of(text: str) -> Address:
    if text.startswith(MESSENGERS):
        return Address("apprise", text, False)
    if text.startswith("sms:"):
        return Address("gateway", text.removeprefix("sms:"), False)
    if "@" in text:
        return Address("email", text, False)
    return Address("gateway", text.removeprefix("tel:"), True)


def _people(now: datetime) -> list[list[Address]]:
    """For each person their ways that wake nobody, in their own order."""
    roles = Role.objects.filter(valid_on(today(now)), kind__in=TOLD_ROLES)
    channels = (
        Channel.objects.filter(practitioner__in=roles.values("practitioner"), disabled_at=None)
        .filter(rings=False)
        .exclude(kind=Channel.Kind.IN_APP)
        .order_by("practitioner", F("order"), "pk")
    )
    found: dict[int, list[Address]] = {}
    for channel in channels[: MOST * 4]:
        found.setdefault(channel.practitioner_id, []).append(
            Address(channel.kind, channel.address, False)
        )
    return list(found.values())[:MOST]


def anybody(now: datetime) -> bool:
    return bool(settings.ALARM_TO) or bool(_people(now))
