"""The record: a hash chain per case, append-only events, keys that make writes idempotent."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q

from jieli.directory.models import Account, Practitioner
from jieli.keys.fields import SealedBytes

INTERNAL = frozenset({"password", "passkey", "totp"})


class Chain(models.Model):
    """One row per case: the lock that every action takes first, and the head of the hash chain."""

    subject = models.UUIDField(unique=True, default=uuid.uuid4)
    length = models.PositiveIntegerField(default=0)
    head = models.BinaryField(default=b"")


class Event(models.Model):
    """What happened, once, in order. Append-only: the database refuses an update or a delete."""

    class Source(models.TextChoices):
        SCREEN = "screen"
        RUNNER = "runner"
        TRANSPORT = "transport"
        SYSTEM = "system"  # another system through exchange
        OFFLINE = "offline"  # queued on a device without network

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    verb = models.CharField(max_length=40)
    actor = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # A flat note of the facts, text, whole numbers and booleans only, so that its hash is stable.
    data = models.JSONField(default=dict)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.SCREEN)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    hash = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="event_in_order")]
        # Events come in the order of time: this finds a day's among all for almost nothing.
        indexes = [BrinIndex(fields=["recorded_at"], name="event_age", autosummarize=True)]


class Root(models.Model):
    """日根: one signed hash over all chains, of one day. Append-only, as its leaves are."""

    number = models.PositiveIntegerField(primary_key=True)  # 1, 2, 3 without a gap
    day = models.DateField(unique=True)
    made_at = models.DateTimeField()
    days = models.PositiveIntegerField(default=1)  # more than one: it caught up after a standstill
    previous = models.CharField(max_length=64, blank=True, unique=True)
    leaves_count = models.PositiveIntegerField()
    leaves_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    key = models.CharField(max_length=64)  # the public one, in hex


class Leaf(models.Model):
    """叶: one chain as it was in a root; only for chains that changed since the root before."""

    root = models.ForeignKey(
        Root, on_delete=models.PROTECT, db_index=False, related_name="leaf_rows"
    )
    # Without a constraint: a leaf outlives a chain that somebody takes away, and so names it.
    chain = models.ForeignKey(
        Chain, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    subject = models.UUIDField()
    name = models.CharField(max_length=40, blank=True)  # the number of the case
    length = models.PositiveIntegerField()
    head = models.BinaryField()
    marks = models.BinaryField()  # first bytes of each hash since the leaf before (rules.roots)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "length"], name="leaf_once")]
        indexes = [models.Index(fields=["root", "chain"], name="leaf_of_root")]


class IdempotencyKey(models.Model):
    """The answer once given to a client's write, so that sending it again changes nothing."""

    key = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, blank=True)
    path = models.CharField(max_length=300)
    digest = models.BinaryField()  # HMAC of the body: another body under the same key is refused
    created_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    location = models.CharField(max_length=300, blank=True)
    body = SealedBytes(default=b"")  # a page may hold telephone numbers
    content_type = models.CharField(max_length=80, blank=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status=None) | Q(status__lt=400), name="only_success"
            )
        ]


class Reading(models.Model):
    """阅读记录: who opened a case or saw it on a list, and when. Never changed."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    minute = models.DateTimeField()  # a page that refreshes its parts is one reading a minute
    what = models.CharField(max_length=60)  # name of the address, e.g. "cases:case"
    case_key = models.UUIDField(null=True)
    listed = ArrayField(models.UUIDField(), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case_key", "practitioner", "minute"],
                condition=Q(case_key__isnull=False),
                name="reading_once_a_minute",
            ),
            models.CheckConstraint(
                condition=Q(case_key__isnull=False, listed=None)
                | Q(case_key=None, listed__isnull=False),
                name="reading_of_one_or_of_a_list",
            ),
        ]
        indexes = [
            models.Index(fields=["practitioner", "-at"], name="reading_by_person"),
            GinIndex(fields=["listed"], name="reading_listed"),
        ]


class Signature(models.Model):
    """Who signed which content, and how. A re-entered password is an internal signature."""

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=40)  # how it was proven, or a certified provider
    content_hash = models.BinaryField()  # SHA-256 of the signed text
    content = models.TextField()  # exactly what was signed, canonical
    signed_at = models.DateTimeField()

    @property
    def is_internal(self) -> bool:
        """内部签名: proven to us, not to a certified provider."""
        return self.provider in INTERNAL
