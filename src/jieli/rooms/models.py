"""视频房间: a room, the seats in it, and its log. What is shown and said is not here."""

import uuid

from django.db import models
from django.db.models import Q

from jieli.directory.models import Organisation, Practitioner


class Room(models.Model):
    """One for a case, made when somebody first joins; or a lecture, which names no patient."""

    class Kind(models.TextChoices):
        CASE = "case"
        LECTURE = "lecture"

    class Engine(models.TextChoices):
        MESH = "mesh"  # browser to browser
        SFU = "sfu"  # through a media server

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    case_key = models.UUIDField(null=True, blank=True, unique=True)
    title = models.CharField(max_length=120, blank=True)  # of a lecture
    engine = models.CharField(max_length=5, choices=Engine.choices, default=Engine.MESH)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    # The log's last number and the hash that covers all of it; its row is the lock of the log.
    length = models.PositiveIntegerField(default=0)
    head = models.BinaryField(default=b"")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="case", case_key__isnull=False)
                | Q(kind="lecture", case_key__isnull=True),
                name="room_of_a_case_or_a_lecture",
            )
        ]


class Seat(models.Model):
    """One person in a room with one device, in one role. A ticket opens its line, once."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="seats")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    role = models.CharField(max_length=12)  # of rules.rooms.ROLES
    ticket = models.BinaryField(default=b"")  # SHA-256; empty once it was used
    ticket_until = models.DateTimeField()
    asked_at = models.DateTimeField()
    joined_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    # What the page says of itself: microphone, feeds, state of its link.
    state = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(
                fields=["room", "practitioner"], condition=Q(left_at=None), name="seat_taken"
            )
        ]


class LogLine(models.Model):
    """One line of a room's log, numbered by the server. Append-only; what ink replays from."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    ref = models.UUIDField()  # the writer's own name for it: a line that comes twice is one line
    seat = models.ForeignKey(Seat, on_delete=models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=8)
    feed = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)
    hash = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "number"], name="line_in_order"),
            models.UniqueConstraint(fields=["room", "ref"], name="line_once"),
        ]


class Frame(models.Model):
    """冻结画面: one frozen picture of a feed; the bytes lie in the file store."""

    key = models.UUIDField(unique=True)  # given by the page that froze it
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="frames")
    seat = models.ForeignKey(Seat, on_delete=models.PROTECT, related_name="+")
    feed = models.CharField(max_length=40)
    at = models.DateTimeField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)


class LinkMinute(models.Model):
    """链路实测: what one page measured of its link to the others in about a minute."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="minutes")
    seat = models.ForeignKey(Seat, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()  # its end
    seconds = models.PositiveSmallIntegerField()  # in which there was contact
    middle_ms = models.PositiveIntegerField()  # of the picture, from camera to screen
    high_ms = models.PositiveIntegerField()  # 95 % of the pictures were no older
    lost = models.PositiveSmallIntegerField()  # packets in a thousand

    class Meta:
        indexes = [models.Index(fields=["room", "-at"], name="link_minute_last")]
