"""Reads for the case page, the inbox and the status page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.utils.translation import gettext as _

from jieli.directory.models import Practitioner
from jieli.notify.models import Attempt, Message

INBOX = 100
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
    due = Message.objects.filter(due_at__lte=now, withdrawn_at=None, read_at=None)
    waiting = due.aggregate(n=Count("pk"), oldest=Min("due_at"))
    recent = Message.objects.filter(created_at__gte=hour).aggregate(
        failed=Count("pk", filter=Q(failed_at__isnull=False, sent_at=None)), last=Max("sent_at")
    )
    failing = (
        Attempt.objects.filter(state=Attempt.State.FAILED, started_at__gte=hour)
        .order_by()
        .values_list("kind")
        .annotate(n=Count("pk"))
    )
    return Backlog(waiting["n"], waiting["oldest"], recent["failed"], recent["last"], dict(failing))
