"""One try through one channel: begun, taken, ringing, answered, failed. Locks the message first."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from jieli.directory.models import Channel
from jieli.live import actions as live
from jieli.live import topics
from jieli.notify.models import Attempt, Message
from jieli.record.actions import action
from jieli.rules.numbers import masked

Progress = Callable[[Message, Attempt], None]
_progress: list[Progress] = []

LEFT_AFTER, LEFT_DAY = timedelta(seconds=30), timedelta(days=1)
INTERRUPTED = "It was interrupted before an answer came."


def use_progress(note: Progress) -> None:
    """The front door names who follows what the pager sends to itself."""
    _progress[:] = [note]


def begin(message: Message, channel: Channel, now: datetime) -> Attempt:
    """The row is there before the other side hears of it; one left by a killed process goes on."""
    attempt, made = Attempt.objects.get_or_create(
        message=message,
        channel=channel,
        round=message.rounds,
        state=Attempt.State.SENDING,
        defaults={"kind": channel.kind, "started_at": now},
    )
    if not made:
        Attempt.objects.filter(pk=attempt.pk).update(started_at=now)
    return attempt


@action
def note_taken(attempt_id: int, *, ringing: bool, enough: bool, now: datetime) -> bool:
    """The transport took it. True: no other channel is needed, the message is settled."""
    message, attempt = _locked(Q(pk=attempt_id))
    if attempt.state == Attempt.State.FAILED:
        return False  # the gateway's report of failure overtook its answer
    if attempt.state == Attempt.State.SENDING:
        attempt.state = Attempt.State.ACCEPTED
    attempt.accepted_at = attempt.accepted_at or now
    _alive(message, attempt, ringing=ringing, now=now)
    if enough:
        Message.objects.filter(pk=message.pk).update(due_at=None)
    return enough


@action
def note_failed(attempt_id: int, error: str, *, permanent: bool, now: datetime) -> None:
    """It did not go; the reason is shown to whoever waits, and kept with the channel."""
    message, attempt = _locked(Q(pk=attempt_id))
    if attempt.state in Attempt.ALIVE:
        return
    attempt.state, attempt.error = Attempt.State.FAILED, masked(error)[:300]
    attempt.save(update_fields=["state", "error"])
    _blame(attempt, permanent=permanent, now=now)
    _tell_progress(message, attempt)
    publish(message, "message_attempt_failed")


@action
def note_attempt(key: UUID, state: str, *, error: str = "", now: datetime) -> None:
    """What a gateway reports later, as often and in whatever order it likes."""
    message, attempt = _locked(Q(key=key))
    if state == "failed":
        _fails_after_all(message, attempt, error, now)
        return
    if state == "answered":
        attempt.state = Attempt.State.ANSWERED
        Channel.objects.filter(attempt=attempt).update(
            proven_at=now, proven_by=message.practitioner
        )
    attempt.accepted_at = attempt.accepted_at or now
    _alive(message, attempt, ringing=True, now=now)


def end_left(now: datetime) -> int:
    """Tries of a killed process that no other will go on with, since nobody waits for them."""
    left = Attempt.objects.filter(state=Attempt.State.SENDING, message__due_at=None)
    left = left.filter(started_at__gt=now - LEFT_DAY, started_at__lt=now - LEFT_AFTER)
    return left.update(state=Attempt.State.FAILED, error=INTERRUPTED)


def _alive(message: Message, attempt: Attempt, *, ringing: bool, now: datetime) -> None:
    if ringing and attempt.state != Attempt.State.ANSWERED:
        attempt.state = Attempt.State.RINGING
    if ringing:
        attempt.ringing_at = attempt.ringing_at or now
    attempt.report_due = message.ring_key is not None
    attempt.save()
    Message.objects.filter(pk=message.pk, sent_at=None).update(sent_at=now)
    Channel.objects.filter(attempt=attempt).exclude(last_error="").update(last_error="")
    _tell_progress(message, attempt)
    publish(message, "message_sent")


def _tell_progress(message: Message, attempt: Attempt) -> None:
    if message.purpose == Message.Purpose.PROBE:
        for note in _progress:
            note(message, attempt)


def _fails_after_all(message: Message, attempt: Attempt, error: str, now: datetime) -> None:
    if attempt.state in (Attempt.State.ANSWERED, Attempt.State.FAILED):
        return
    attempt.state, attempt.error = Attempt.State.FAILED, masked(error)[:300]
    attempt.report_due = False
    attempt.save(update_fields=["state", "error", "report_due"])
    _blame(attempt, permanent=False, now=now)
    _tell_progress(message, attempt)
    others = Attempt.objects.filter(message=message, state__in=Attempt.ALIVE)
    if message.due_at is None and not message.is_over and not others.exists():
        Message.objects.filter(pk=message.pk).update(due_at=now)  # the next channel, at once
    publish(message, "message_attempt_failed")


def _locked(which: Q) -> tuple[Message, Attempt]:
    message_id = Attempt.objects.values_list("message_id", flat=True).get(which)
    message = (
        Message.objects.select_for_update(of=("self",))
        .select_related("event__chain", "practitioner")
        .get(pk=message_id)
    )
    return message, Attempt.objects.get(which)


def _blame(attempt: Attempt, *, permanent: bool, now: datetime) -> None:
    channel = Channel.objects.filter(attempt=attempt)
    channel.update(last_error=attempt.error)
    if permanent:
        channel.update(disabled_at=now)


def publish(message: Message, verb: str) -> None:
    """The person's own pages, and the case on which "what was tried" is shown."""
    told = [topics.person(message.practitioner_id)]
    if message.event is not None:
        told.append(topics.case(str(message.event.chain.subject)))
    live.publish(told, message.event_id, verb)
