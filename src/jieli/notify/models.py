"""What people are owed to be told, and every attempt to tell them: written first, sent after."""

import uuid

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from jieli.directory.models import Channel, Practitioner
from jieli.record.models import Event


class Message(models.Model):
    """One thing to tell one person, mostly because of one event. The row survives a crash.

    `text` names no patient: what it is, how urgent, where to look.
    """

    class Manner(models.TextChoices):
        RING = "ring"  # makes noise until answered or rolled on
        PUSH = "push"  # one message, may make one sound
        SILENT = "silent"  # inbox and a soundless push; never wakes anybody

    class Purpose(models.TextChoices):
        CASE = "case"  # because of an event of a case
        PROBE = "probe"  # the pager tries itself; reaches nobody
        PROOF = "proof"  # does this person's own telephone ring?

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    purpose = models.CharField(
        max_length=8, choices=Purpose.choices, default=Purpose.CASE, db_default=Purpose.CASE
    )
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, null=True, blank=True, related_name="messages"
    )
    practitioner = models.ForeignKey(
        Practitioner, on_delete=models.CASCADE, related_name="messages"
    )
    # Through this channel alone, whatever the person's order is.
    only = models.ForeignKey(
        Channel, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    manner = models.CharField(max_length=8, choices=Manner.choices)
    title = models.CharField(max_length=120)
    text = models.CharField(max_length=300)
    path = models.CharField(max_length=200)  # where to look, inside the product
    ring_key = models.UUIDField(null=True, blank=True)
    urgency = models.CharField(max_length=2, blank=True)  # U0 rings loudly by day, too
    rounds = models.PositiveSmallIntegerField(default=0)  # times that every channel refused
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)  # next try; empty when settled
    sent_at = models.DateTimeField(null=True, blank=True)  # first channel that took it
    read_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)  # every channel refused
    withdrawn_at = models.DateTimeField(null=True, blank=True)  # no longer worth sending

    class Meta:
        constraints = [
            # At least once in trying, once in effect: the same event tells the same person once.
            models.UniqueConstraint(
                fields=["event", "practitioner", "manner"], name="message_once"
            ),
            models.CheckConstraint(
                condition=Q(event__isnull=False) | ~Q(purpose="case"), name="message_has_its_event"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=~Q(due_at=None), name="message_due"),
            models.Index(fields=["practitioner", "-created_at"], name="message_inbox"),
            BrinIndex(fields=["created_at"], name="message_age", autosummarize=True),
        ]

    @property
    def is_over(self) -> bool:
        """Nobody needs to be reached with it any more."""
        return self.read_at is not None or self.withdrawn_at is not None


class Attempt(models.Model):
    """One try to send one message through one channel, with what the other side said."""

    class State(models.TextChoices):
        SENDING = "sending"
        ACCEPTED = "accepted"
        RINGING = "ringing"  # the transport itself reports that it rings
        ANSWERED = "answered"
        FAILED = "failed"

    ALIVE = (State.ACCEPTED, State.RINGING, State.ANSWERED)  # the other side has it

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts")
    channel = models.ForeignKey(Channel, on_delete=models.SET_NULL, null=True, blank=True)
    kind = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=State.choices, default=State.SENDING)
    error = models.CharField(max_length=300, blank=True)
    round = models.PositiveSmallIntegerField(default=0)  # of the message, when it was tried
    report_due = models.BooleanField(default=False)  # the ring is not yet told of it
    started_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    ringing_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(report_due=True), name="attempt_report_due"),
            BrinIndex(fields=["started_at"], name="attempt_age", autosummarize=True),
        ]
