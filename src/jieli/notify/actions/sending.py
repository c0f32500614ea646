"""Sending what is due. No transaction is open while a transport talks.

A message is claimed by pushing its due time ahead: a lease. Then each of the person's channels is
tried in turn, by threads of the channel's lane, until one takes it. A process that is killed
leaves its lease to lapse and another tries again, under the same id: tried at least once, one
effect. All that decides the next step is in the rows.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import Case, When
from django.utils.translation import gettext as _

from jieli.directory.models import Channel, Practitioner, Role
from jieli.keys.seals import Unreadable
from jieli.notify.actions import attempts
from jieli.notify.models import Attempt, Message
from jieli.notify.transports import TRANSPORTS, lanes, loopback
from jieli.notify.transports.letter import Letter, Result, TransportError
from jieli.record.actions import acting, action
from jieli.rules import ring_time
from jieli.rules.nights import is_night
from jieli.rules.numbers import masked
from jieli.rules.refusal import Refused

log = logging.getLogger(__name__)

# A ring lost with its process is tried again well within its 20 s. `_renew` comes several times
# a second, so a process that lives keeps what it holds.
LEASE = timedelta(seconds=6)
DEADLINE = 8.0  # seconds for one try, whatever the transport does
CIVIL = timedelta(minutes=15)  # a test call that is later than this might come at night
TOO_OLD = timedelta(minutes=10)  # a report that moves no ring any more
LINGER = 0.3  # seconds for which `send_due` waits for quick answers
HOME_ZONE = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Report:
    """What a transport said about a ring."""

    ring_key: UUID | None
    state: str  # accepted | ringing
    at: datetime
    attempt: int


class Held:
    """The messages that this process is sending."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._guard = threading.Condition()

    def take(self, ids: list[int]) -> None:
        with self._guard:
            self._ids.update(ids)

    def release(self, message_id: int) -> None:
        with self._guard:
            self._ids.discard(message_id)
            self._guard.notify_all()

    def all(self) -> list[int]:
        with self._guard:
            return list(self._ids)

    def wait_empty(self, seconds: float) -> bool:
        with self._guard:
            return self._guard.wait_for(lambda: not self._ids, seconds)


held = Held()


def send_due(now: datetime, limit: int = 50) -> list[Report]:
    """Start sending what is due; return what transports have reported and nobody has noted yet."""
    clock = _clock_from(now)
    _renew(now)
    claimed = _claim(now, limit)
    held.take(claimed)
    for message_id in claimed:
        _begin(message_id, clock)
    if claimed:
        held.wait_empty(LINGER)
    return _reports(now)


def _clock_from(now: datetime) -> Callable[[], datetime]:
    """The instant later on, from one given instant: nobody below the front door reads a clock."""
    began = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - began)


@action
def _claim(now: datetime, limit: int) -> list[int]:
    due = (
        Message.objects.select_for_update(skip_locked=True)
        .filter(due_at__lte=now, withdrawn_at=None, read_at=None)
        .exclude(pk__in=held.all())
        .exclude(purpose=Message.Purpose.PROOF, created_at__lt=now - CIVIL)
    )
    rings_first = due.order_by(Case(When(manner=Message.Manner.RING, then=0), default=1), "due_at")
    claimed = list(rings_first.values_list("pk", flat=True)[:limit])
    Message.objects.filter(pk__in=claimed).update(due_at=now + LEASE)
    return claimed


def _renew(now: datetime) -> None:
    """A message that waits for a place in its lane keeps its lease."""
    if ours := held.all():
        Message.objects.filter(pk__in=ours, due_at__lt=now + LEASE / 2).exclude(due_at=None).update(
            due_at=now + LEASE
        )


# ── one message, channel by channel ──────────────────────────────────────────


def _begin(message_id: int, clock: Callable[[], datetime]) -> None:
    """One message that cannot even be read must not stop the others; its lease brings it back."""
    try:
        _step(message_id, clock)
    except Exception:
        log.exception("a message could not be begun")


def _step(message_id: int, clock: Callable[[], datetime]) -> None:
    """Hand the message to the lane of the next channel, or settle it."""
    handed_over = False
    try:
        with acting():
            message = _wanted(message_id)
            if message is None:
                return
            channel = _next_channel(message, clock())
            if channel is None:
                _settle(message, clock())
                return
            attempt = attempts.begin(message, channel, clock())
        job = partial(_try, message_id, attempt.pk, clock)
        lanes.lane(channel.kind).submit(message.manner, job)
        handed_over = True
    finally:
        if not handed_over:
            held.release(message_id)


def _wanted(message_id: int) -> Message | None:
    return (
        Message.objects.select_for_update(of=("self",))
        .select_related("practitioner", "event__chain")
        .filter(pk=message_id, withdrawn_at=None, read_at=None)
        .exclude(due_at=None)
        .first()
    )


def _try(message_id: int, attempt_id: int, clock: Callable[[], datetime]) -> None:
    """In a thread of the lane: send, note the outcome, go on."""
    try:
        attempt = Attempt.objects.select_related("message", "channel").get(pk=attempt_id)
        if attempt.channel is None or attempt.message.is_over:
            attempt.delete()  # answered or withdrawn while it waited: never tried
            held.release(message_id)
            return
        if _better_elsewhere(attempt, attempt.channel, clock()):
            attempt.delete()
            settled = False
        else:
            settled = _send(attempt, attempt.channel, clock)
    except Exception:
        held.release(message_id)
        raise
    if settled:
        held.release(message_id)
    else:
        _step(message_id, clock)


def _better_elsewhere(attempt: Attempt, channel: Channel, now: datetime) -> bool:
    """While it waited its lane fell ill, and the person has another channel that is well."""
    if not lanes.lane(channel.kind).ill:
        return False
    other = _next_channel(attempt.message, now)
    return other is not None and not lanes.lane(other.kind).ill


def _send(attempt: Attempt, channel: Channel, clock: Callable[[], datetime]) -> bool:
    """Whether this channel is enough."""
    letter = _letter(attempt.message, channel, str(attempt.key), clock())
    try:
        result = _talk(channel.kind, letter)
    except TransportError as fault:
        attempts.note_failed(attempt.pk, str(fault), permanent=fault.permanent, now=clock())
        return False
    # An open page proves no ear beside it: a ring goes on to the telephone as well.
    enough = not (attempt.message.manner == Message.Manner.RING and channel.kind == "in_app")
    return attempts.note_taken(attempt.pk, ringing=result.ringing, enough=enough, now=clock())


def _talk(kind: str, letter: Letter) -> Result:
    send = TRANSPORTS.get(kind)
    if send is None:
        raise TransportError("This way to reach people does not exist here.", permanent=True)
    if isinstance(letter.address, Unreadable):  # not for good: the key may come back
        raise TransportError("The number cannot be opened: its key is missing.")
    try:
        return lanes.lane(kind).within(DEADLINE, lambda: send(letter, timeout=DEADLINE - 1))
    except TransportError:
        raise
    except Exception as fault:
        log.exception("transport broke", extra={"transport": kind})
        raise TransportError(f"The transport broke: {type(fault).__name__}.") from fault


def _letter(message: Message, channel: Channel, attempt_key: str, now: datetime) -> Letter:
    site = str(getattr(settings, "JIELI_PUBLIC_URL", "")).rstrip("/")
    return Letter(
        id=f"{message.key}.{channel.pk}",
        attempt=attempt_key,
        practitioner=channel.practitioner_id,
        address=channel.address,
        rings=channel.rings,
        manner=message.manner,
        title=message.title,
        text=message.text,
        link=site + message.path if site else "",
        at=now,
        loopback=message.purpose == Message.Purpose.PROBE and loopback.is_ours(channel.address),
    )


def _next_channel(message: Message, now: datetime) -> Channel | None:
    """The first channel of the order that this round has not tried; an ill lane comes last."""
    usable = Channel.objects.filter(practitioner=message.practitioner_id, disabled_at=None)
    if message.only_id:
        usable = usable.filter(pk=message.only_id)
    channels = {channel.pk: channel for channel in usable}
    lines = [ring_time.Line(c.pk, c.order, c.rings) for c in channels.values()]
    night = is_night(now, _zone(message.practitioner_id))
    order = ring_time.order(lines, message.manner, urgency=message.urgency, night=night)
    tried = set(
        message.attempts.filter(round=message.rounds)
        .exclude(state=Attempt.State.SENDING)
        .values_list("channel_id", flat=True)
    )
    left = [channels[pk] for pk in order if pk not in tried]
    left.sort(key=lambda channel: lanes.lane(channel.kind).ill)
    return left[0] if left else None


def _zone(practitioner_id: int) -> str:
    zones = Role.objects.filter(practitioner=practitioner_id, valid_to=None).order_by("pk")
    return zones.values_list("organisation__zone", flat=True).first() or HOME_ZONE


def _settle(message: Message, now: datetime) -> None:
    """Every channel of this round was tried. Nothing took it: later again, and it is shown."""
    answers = list(message.attempts.values_list("state", flat=True))
    quiet = not answers and message.manner != Message.Manner.RING
    if message.purpose == Message.Purpose.PROOF:
        message.due_at = None  # tried once: the next reminder tries again
    elif quiet or any(state in Attempt.ALIVE for state in answers):
        message.due_at = None  # somebody has it, or the inbox alone is enough
    else:
        message.rounds += 1
        message.failed_at = message.failed_at or now
        message.due_at = ring_time.retry_at(message.rounds, now, message.created_at, message.manner)
        attempts.publish(message, "message_failed")
    message.save(update_fields=["due_at", "rounds", "failed_at"])


def _reports(now: datetime) -> list[Report]:
    """Each comes again until `reported` says that it was noted: whoever reads it may be killed."""
    fresh = Attempt.objects.filter(report_due=True, started_at__gt=now - TOO_OLD)
    return [_report(attempt) for attempt in fresh.select_related("message").order_by("pk")[:200]]


def _report(attempt: Attempt) -> Report:
    key = attempt.message.ring_key
    if attempt.ringing_at:
        return Report(key, "ringing", attempt.ringing_at, attempt.pk)
    return Report(key, "accepted", attempt.accepted_at or attempt.started_at, attempt.pk)


def reported(report: Report) -> None:
    """It was noted, in the caller's transaction. What came meanwhile is still to be noted."""
    attempt = Attempt.objects.filter(pk=report.attempt)
    if report.state == "accepted":
        attempt = attempt.filter(ringing_at=None)
    attempt.update(report_due=False)


# ── a test ring ──────────────────────────────────────────────────────────────


def send_test(channel: Channel, *, by: Practitioner, now: datetime) -> Result:
    """Ring one's own channel once, outside any case; a refusal says why it did not go."""
    if channel.practitioner_id != by.pk:
        raise Refused("Only your own channel can be tested.")
    letter = Letter(
        id=str(uuid4()),
        attempt=str(uuid4()),
        practitioner=by.pk,
        address=channel.address,
        rings=channel.rings,
        manner=Message.Manner.RING,
        title=_("Jieli test ring"),
        text=_("This is a test. No patient is waiting."),
        link="",
        at=now,
    )
    try:
        return _talk(channel.kind, letter)
    except TransportError as fault:
        said = masked(str(fault))
        Channel.objects.filter(pk=channel.pk).update(last_error=said)
        raise Refused("The test did not go out: %(why)s", why=_(said)) from None


# ── an alarm about the pager itself ──────────────────────────────────────────


def send_directly(
    kind: str, address: str, *, rings: bool, title: str, text: str, link: str, now: datetime
) -> Result:
    """Past the outbox, which may be what is ill. Raises TransportError."""
    letter = Letter(
        id=str(uuid4()),
        attempt=str(uuid4()),
        practitioner=0,
        address=address,
        rings=rings,
        manner=Message.Manner.RING if rings else Message.Manner.PUSH,
        title=title[:120],
        text=text[:300],
        link=link,
        at=now,
    )
    return _talk(kind, letter)
