"""示教讲座: a room that names no patient, at a time, for the staff of one alliance."""

from django.db import models
from django.db.models import F, Q

from jieli.directory.models import Alliance, Organisation, Practitioner
from jieli.rooms.models import Room


class Lecture(models.Model):
    """What is shown and said is in its room; who was there is in the room's seats."""

    room = models.OneToOneField(Room, on_delete=models.CASCADE, related_name="lecture")
    host = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    alliance = models.ForeignKey(Alliance, on_delete=models.PROTECT, related_name="+")
    speakers = models.ManyToManyField(Practitioner, related_name="lectures")
    starts_at = models.DateTimeField(db_index=True)
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="lecture_ends_after_it_begins"
            )
        ]

    def __str__(self) -> str:
        return self.room.title


class Shown(models.Model):
    """示教手术: the case whose operation a lecture shows. Seen with the case, not the lecture."""

    lecture = models.OneToOneField(Lecture, on_delete=models.CASCADE, related_name="shown")
    case_key = models.UUIDField(db_index=True)
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # the consent was taken back
