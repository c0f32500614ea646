"""Demonstrations only: the time that is shown, and stories being played in the browser."""

import uuid

from django.db import models


class DemoTime(models.Model):
    """One row: at the real instant `real_at` it was `shown_at`; it runs `speed` times as fast."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    shown_at = models.DateTimeField()
    real_at = models.DateTimeField()
    speed = models.FloatField(default=1)  # 0: stands still

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="demo_time_one_row"),
            models.CheckConstraint(condition=models.Q(speed__gte=0), name="demo_time_never_back"),
        ]


class StoryRun(models.Model):
    """One story that somebody plays in the browser; `jieli play` carries it out."""

    class State(models.TextChoices):
        WAITING = "waiting"
        PLAYING = "playing"
        DONE = "done"
        STOPPED = "stopped"
        FAILED = "failed"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    story = models.CharField(max_length=60)
    title = models.CharField(max_length=120, blank=True)
    speed = models.FloatField(default=10)  # 0: one step at a time, when asked
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    asked_steps = models.PositiveSmallIntegerField(default=0)  # "next step" pressed so often
    case_path = models.CharField(max_length=80, blank=True)
    message = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at"]


class PlayedStep(models.Model):
    """A step of a run: what will happen, and what did."""

    class State(models.TextChoices):
        AHEAD = "ahead"
        NOW = "now"
        DONE = "done"
        REFUSED = "refused"  # the product said no where the story did not expect it
        ABSENT = "absent"  # not built yet

    run = models.ForeignKey(StoryRun, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=20)
    happens_at = models.DateTimeField()
    person = models.CharField(max_length=80, blank=True)
    staff_number = models.CharField(max_length=40, blank=True)
    verb = models.CharField(max_length=40)
    text = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.AHEAD)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="played_step_in_order")
        ]
