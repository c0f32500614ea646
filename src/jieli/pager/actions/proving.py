"""The weekly proof: people with a night ahead are called by day, to see whether it rings.

One key on the telephone proves it (the gateway reports `answered`), or one tap on the page about
oneself. Nobody is called at night, at siesta, while operating, or more often than three times a
week; who stays unproven is shown to the coordinator.
"""

import logging
from datetime import datetime

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from jieli.directory.models import Channel, Presence
from jieli.directory.queries.proofs import NightsAhead, to_be_called
from jieli.notify import actions as notify
from jieli.notify.models import Message
from jieli.pager.models import ProofAsk
from jieli.record.actions import action
from jieli.rules import proofs

log = logging.getLogger(__name__)

NOT_NOW = (
    Presence.State.OPERATING,
    Presence.State.TALKING,
    Presence.State.RESTING,
    Presence.State.ABROAD,
)
MOST = 20  # calls in one round: a gateway is not flooded
PATH = "/me/"


def ask_proofs(now: datetime) -> int:
    """Call who is due. How many were called."""
    called = 0
    for ahead in to_be_called(now):
        if called >= MOST:
            break
        if _busy(ahead, now):
            continue
        try:
            called += _ask(ahead, now)
        except Exception:
            log.exception("a person could not be asked to prove a telephone")
    return called


def _busy(ahead: NightsAhead, now: datetime) -> bool:
    presence: Presence | None = getattr(ahead.person, "presence", None)
    if presence is None or presence.state not in NOT_NOW:
        return False
    return presence.until is None or presence.until > now


@action
def _ask(ahead: NightsAhead, now: datetime) -> int:
    """The channel's row is locked: of two runners one calls."""
    locked = Channel.objects.select_for_update(skip_locked=True)
    channel = locked.filter(pk=ahead.channel.pk).first() if ahead.channel else None
    if channel is None:
        return 0
    asked = list(ProofAsk.objects.filter(channel=channel).values_list("asked_at", flat=True))
    if not proofs.is_due(channel.proven_at, ahead.nights, asked, zone=ahead.zone, now=now):
        return 0
    ProofAsk.objects.create(
        channel=channel,
        asked_at=now,
        reminder=sum(now - at < proofs.WEEK for at in asked),
        message=_call(channel, now),
    )
    channel.tested_at = now
    channel.save(update_fields=["tested_at"])
    return 1


def _call(channel: Channel, now: datetime) -> Message:
    with translation.override(settings.LANGUAGE_CODE):
        title = _("Jieli test call")
        text = _("Your test before a night on duty. Press any key, or tap “It rang” in Jieli.")
    return notify.owe(
        channel.practitioner,
        only=channel,
        purpose=Message.Purpose.PROOF,
        title=title,
        text=text,
        path=PATH,
        now=now,
        verb="proof_asked",
    )
