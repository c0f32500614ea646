"""The pager watches itself: what it tried, which processes live, what was ill and who was told.

Every instant here is the database's own: one clock, however wrong those of the machines are.
Nothing here is about a patient.
"""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from jieli.directory.models import Channel
from jieli.notify.models import Message


class Probe(models.Model):
    """One test ring through one transport, once a minute; it reaches nobody."""

    class Transport(models.TextChoices):
        CLOCK = "clock"  # a probe clock, fired by the thread that fires all clocks
        IN_APP = "in_app"
        VOICE = "voice"
        SMS = "sms"
        APPRISE = "apprise"
        EMAIL = "email"

    class Way(models.TextChoices):
        WHOLE = "whole"  # there and back: the other side reported the ring
        HANDED = "handed"  # the other side took it
        LOOPBACK = "loopback"  # our half: to our own receiver

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    transport = models.CharField(max_length=10, choices=Transport.choices)
    minute = models.DateTimeField()
    way = models.CharField(max_length=10, choices=Way.choices)
    message = models.ForeignKey(
        Message, on_delete=models.SET_NULL, null=True, blank=True, related_name="probes"
    )
    due_at = models.DateTimeField(db_default=Now())  # from here on it is late
    sent_at = models.DateTimeField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)  # arrived, failed or given up
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            # Several runners: whoever writes the row first sends the ring.
            models.UniqueConstraint(fields=["transport", "minute"], name="probe_once_a_minute")
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(finished_at=None), name="probe_open"),
            models.Index(fields=["minute"], name="probe_minute"),
        ]

    @property
    def arrived(self) -> bool:
        return self.arrived_at is not None and not self.error

    @property
    def seconds(self) -> float | None:
        if self.arrived_at is None:
            return None
        return max(0.0, (self.arrived_at - self.due_at).total_seconds())


class Heartbeat(models.Model):
    """One process of the installation: when it was last heard of, and how its machine is."""

    class Kind(models.TextChoices):
        RUNNER = "runner"
        WEB = "web"

    process = models.UUIDField(unique=True)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    machine = models.CharField(max_length=80)
    pid = models.PositiveIntegerField()
    began_at = models.DateTimeField(db_default=Now())
    beat_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)  # it was stopped and said so
    skew_ms = models.BigIntegerField(default=0)  # the machine's clock ahead of the database's
    hanging = models.CharField(max_length=200, blank=True)  # work that does not come back
    disk_free = models.BigIntegerField(default=0)  # bytes, where files are kept
    disk_total = models.BigIntegerField(default=0)
    streams = models.PositiveIntegerField(default=0)
    pool_size = models.PositiveIntegerField(default=0)
    pool_waiting = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["beat_at"], name="heartbeat_age")]


class Illness(models.Model):
    """Something of the pager that is not well, from when until when, and who was told of it."""

    class Grade(models.TextChoices):
        ILL = "ill"  # rings may be late or lost
        WARN = "warn"  # not yet

    cause = models.CharField(max_length=120)  # "transport.voice", "runner", "disk.<machine>"
    grade = models.CharField(max_length=4, choices=Grade.choices)
    detail = models.CharField(max_length=300, blank=True)
    began_at = models.DateTimeField(db_default=Now())
    well_since = models.DateTimeField(null=True, blank=True)  # over, if it stays so
    ended_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)  # somebody is telling it now
    told_at = models.DateTimeField(null=True, blank=True)
    told = models.CharField(max_length=200, blank=True)  # how many, by which ways
    clear_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cause"], condition=Q(ended_at=None), name="illness_open_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")),
                name="illness_ends_after_it_began",
            ),
        ]
        indexes = [models.Index(fields=["-began_at"], name="illness_age")]


class Gauge(models.Model):
    """The newest figures about rings and clocks, read by a runner: it alone sees every case's."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    taken_at = models.DateTimeField(db_default=Now())
    data = models.JSONField(default=dict)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="gauge_is_one")]


class ProofAsk(models.Model):
    """A person was asked to prove that a night telephone rings: a test call at a civil hour."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="asks")
    asked_at = models.DateTimeField()
    reminder = models.PositiveSmallIntegerField(default=0)
    message = models.ForeignKey(
        Message, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["channel", "-asked_at"], name="proof_ask_of_channel")]
