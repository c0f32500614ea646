"""视频房间: a room, the seats in it, and its log. What is shown and said is not here."""

import uuid

from django.db import models
from django.db.models import Q

from jieli.directory.models import Organisation, Practitioner, Technique


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


class Recording(models.Model):
    """录像: one run of one feed, by one seat: from one start of a browser's recorder to its end."""

    key = models.UUIDField(unique=True)  # given by the browser, which may be off line then
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="recordings")
    seat = models.ForeignKey(Seat, on_delete=models.PROTECT, related_name="recordings")
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    feed = models.CharField(max_length=40)
    source = models.CharField(max_length=12)  # of rules.recordings.SOURCES
    mime = models.CharField(max_length=80)
    copy = models.BooleanField(default=False)  # of what somebody else sent: the second copy
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField()  # of the last chunk that came
    announced_at = models.DateTimeField()
    heard_at = models.DateTimeField()  # when anything last came
    chunks = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)  # bytes
    # Said by the browser when it has ended; until then the run may grow.
    length = models.PositiveIntegerField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    head = models.CharField(max_length=64, blank=True)  # covers all chunks, once it has ended
    kept_at = models.DateTimeField(null=True, blank=True)  # when the case's chain got the head
    gone_at = models.DateTimeField(null=True, blank=True)  # let go: its row stays, no picture

    class Meta:
        indexes = [
            models.Index(fields=["room", "started_at"], name="recording_in_time"),
            models.Index(
                fields=["heard_at"], condition=Q(kept_at=None, gone_at=None), name="recording_open"
            ),
        ]


class Chunk(models.Model):
    """Some seconds of a run; the bytes lie in the run's folder under their number."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    size = models.PositiveIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)  # hash of the chunk before
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recording", "number"], name="chunk_once"),
        ]


class Leftover(models.Model):
    """A run whose rows are gone or let go, and whose folder a runner still has to remove."""

    folder = models.UUIDField(unique=True)


class TeachingClip(models.Model):
    """教学片段: cut from a recording, with nothing of the patient in it. Seen by the alliance."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    title = models.CharField(max_length=120)
    technique = models.ForeignKey(
        Technique, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ms = models.PositiveIntegerField()
    sound = models.BooleanField(default=False)
    mime = models.CharField(max_length=40)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_why = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["-made_at"], condition=Q(withdrawn_at=None), name="clip_shown")
        ]


class ClipSource(models.Model):
    """From which case a clip was cut: for those alone who may see the case."""

    clip = models.OneToOneField(TeachingClip, on_delete=models.CASCADE, related_name="source")
    case_key = models.UUIDField(db_index=True)
    recording = models.ForeignKey(
        Recording, on_delete=models.SET_NULL, null=True, blank=True, related_name="clips"
    )
    begin_ms = models.PositiveIntegerField()
    end_ms = models.PositiveIntegerField()
