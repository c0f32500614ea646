"""Reads for the case page, the inbox and the status page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from jieli.directory.models import Channel, Practitioner
from jieli.notify.models import Attempt, Message
from jieli.rules.watching import Lateness

INBOX = 100
REAL = Q(purpose=Message.Purpose.CASE)  # not what the pager sends to itself
STATE_WORDS = {
    Attempt.State.SENDING.value: "being sent",
    Attempt.State.ACCEPTED.value: "taken",
    Attempt.State.RINGING.value: "ringing",
    Attempt.State.ANSWERED.value: "answered",
    Attempt.State.FAILED.value: "failed",
}
KIND_WORDS = {
    "in_app": "open page",
    "gateway": "telephone",
    "apprise": "messenger",
    "email": "mail",
    "none": "no way to reach this person",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One try as a waiting person reads it. The labels are msgids."""

    kind: str
    state: str
    error: str
    at: datetime

    @property
    def kind_label(self) -> str:
        return KIND_WORDS.get(self.kind, self.kind)

    @property
    def state_label(self) -> str:
        return STATE_WORDS.get(self.state, self.state)

    @property
    def why(self) -> str:
        """The error in the reader's language; what the other side said stays as it said it."""
        sentence, colon, detail = self.error.partition(": ")
        return _(sentence) + colon + detail if sentence else ""


def what_was_tried(ring_keys: Iterable[UUID]) -> dict[UUID, list[Tried]]:
    """For each ring every try, oldest first; two queries however many rings."""
    messages = Message.objects.filter(ring_key__in=list(ring_keys)).prefetch_related("attempts")
    found: dict[UUID, list[Tried]] = {}
    for message in messages.order_by("pk"):
        if message.ring_key is None:
            continue
        attempts = sorted(message.attempts.all(), key=lambda attempt: attempt.pk)
        tried = [_tried(attempt) for attempt in attempts]
        if not tried and message.failed_at:
            tried = [Tried("none", Attempt.State.FAILED.value, "", message.failed_at)]
        found.setdefault(message.ring_key, []).extend(tried)
    return found


def untried(ring_keys: Iterable[UUID]) -> set[UUID]:
    """Rings whose message no channel has answered for yet, of people who can be reached at all.

    A try under way may be one of a process that was killed before it sent anything.
    """
    usable = Channel.objects.filter(practitioner=OuterRef("practitioner"), disabled_at=None)
    answered = Attempt.objects.filter(message=OuterRef("pk")).exclude(state=Attempt.State.SENDING)
    waiting = Message.objects.filter(Exists(usable), ~Exists(answered))
    waiting = waiting.filter(ring_key__in=list(ring_keys), withdrawn_at=None, failed_at=None)
    return set(filter(None, waiting.exclude(due_at=None).values_list("ring_key", flat=True)))


def unheard(ring_keys: Iterable[UUID]) -> set[UUID]:
    """Rings that no channel of their person ever took, and that nobody has read."""
    taken = Attempt.objects.filter(message=OuterRef("pk"), state__in=Attempt.ALIVE)
    messages = Message.objects.filter(~Exists(taken), ring_key__in=list(ring_keys), read_at=None)
    return set(filter(None, messages.values_list("ring_key", flat=True)))


def _tried(attempt: Attempt) -> Tried:
    at = attempt.ringing_at or attempt.accepted_at or attempt.started_at
    return Tried(attempt.kind, attempt.state, attempt.error, at)


def inbox_of(person: Practitioner) -> QuerySet[Message]:
    """Unread first, then the newest."""
    return Message.objects.filter(practitioner=person).order_by(
        F("read_at").desc(nulls_first=True), "-created_at"
    )


def unread_count(person: Practitioner) -> int:
    return Message.objects.filter(practitioner=person, read_at=None, withdrawn_at=None).count()


@dataclass(frozen=True, slots=True)
class Backlog:
    """How well the sending keeps up."""

    waiting: int  # due now and not settled
    oldest_due_at: datetime | None
    failed: int  # every channel refused, in the last hour
    last_sent_at: datetime | None
    failing: dict[str, int]  # failed tries of the last hour by kind


def backlog(now: datetime) -> Backlog:
    hour = now - timedelta(hours=1)
    due = Message.objects.filter(REAL, due_at__lte=now, withdrawn_at=None, read_at=None)
    waiting = due.aggregate(n=Count("pk"), oldest=Min("due_at"))
    recent = Message.objects.filter(REAL, created_at__gte=hour).aggregate(
        failed=Count("pk", filter=Q(failed_at__isnull=False, sent_at=None)), last=Max("sent_at")
    )
    failing = (
        Attempt.objects.filter(state=Attempt.State.FAILED, started_at__gte=hour)
        .filter(message__purpose=Message.Purpose.CASE)
        .order_by()
        .values_list("kind")
        .annotate(n=Count("pk"))
    )
    return Backlog(waiting["n"], waiting["oldest"], recent["failed"], recent["last"], dict(failing))


# ── for whoever watches the pager ────────────────────────────────────────────


def oldest_untried(now: datetime) -> datetime | None:
    """Since when a ring waits that no channel was tried for; None when none does."""
    waiting = Message.objects.filter(
        REAL, manner=Message.Manner.RING, due_at__lte=now, withdrawn_at=None, read_at=None
    )
    return waiting.filter(attempts=None).aggregate(at=Min("created_at"))["at"]


def real_sends(now: datetime) -> dict[str, tuple[int, int]]:
    """By kind, of the last ten minutes: how many real sends went, through how many channels none.

    Not by an open page, which is often not there, nor what a person mistyped.
    """
    recent = Attempt.objects.filter(
        started_at__gte=now - timedelta(minutes=10), message__purpose=Message.Purpose.CASE
    )
    counted = (
        recent.exclude(kind="in_app")
        .exclude(state=Attempt.State.SENDING)
        .exclude(channel__disabled_at__isnull=False)
        .order_by()
        .values_list("kind")
        .annotate(
            sent=Count("pk", filter=~Q(state=Attempt.State.FAILED)),
            failed=Count("channel", filter=Q(state=Attempt.State.FAILED), distinct=True),
        )
    )
    return {kind: (sent, failed) for kind, sent, failed in counted}


LATENESS = """
    SELECT count(late), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY late),
           max(late), count(*) FILTER (WHERE late IS NULL AND failed_at IS NOT NULL)
      FROM (SELECT extract(epoch FROM sent_at - created_at)::float8 AS late, failed_at
              FROM notify_message
             WHERE manner = 'ring' AND purpose = 'case' AND created_at > %s AND created_at <= %s)
           AS rings
"""


def ring_lateness(since: datetime, now: datetime) -> Lateness:
    """How long after it was owed each ring was first taken by a channel."""
    with connection.cursor() as cursor:
        cursor.execute(LATENESS, [since, now])
        count, percentiles, worst, never = cursor.fetchone()
    p50, p95, p99 = percentiles or (None, None, None)
    return Lateness(count, p50, p95, p99, worst, never)
