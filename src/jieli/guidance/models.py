"""术中指导: an operation guided from afar; what was asked before, its link, its timed log."""

import uuid

from django.db import models
from django.db.models import F, Q

from jieli.cases.models import Case
from jieli.chart.models import Document, Erring
from jieli.directory.models import Organisation, Practitioner, Technique
from jieli.rules import guidance as rules


class GuidanceSession(models.Model):
    """One operation that a remote expert guides: who, which state, how the link is."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="guidance")
    number = models.PositiveSmallIntegerField()  # the how manieth of the case, from 1
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    techniques = models.ManyToManyField(Technique, related_name="+")
    level = models.PositiveSmallIntegerField(null=True, blank=True)  # as planned, then at the start
    operator = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    guide = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=12, default=rules.PLANNED)  # of rules.guidance.STATES
    planned_by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    planned_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # In a suspension the local lead has said "continue"; empty again when the link guides anew.
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # The link: the last instant at which it was up, when the theatre's browser was last heard,
    # which step of the ladder it reported, and when the next stage falls due.
    up_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    delay_ms = models.PositiveIntegerField(null=True, blank=True)
    step = models.CharField(max_length=16, blank=True)  # of rules.guidance.STEPS
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="guidance_number"),
            models.UniqueConstraint(
                fields=["case"], condition=Q(status__in=rules.GOING), name="guidance_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(operator=F("guide")), name="guidance_by_somebody_else"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=~Q(due_at=None), name="guidance_due")]


class PreCheck(models.Model):
    """术前预检: one answer to one item. Never changed; the last one counts."""

    session = models.ForeignKey(GuidanceSession, on_delete=models.CASCADE, related_name="checks")
    item = models.CharField(max_length=16)  # of rules.guidance.ANSWERED
    answer = models.CharField(max_length=4)  # yes, no
    text = models.CharField(max_length=200, blank=True)  # number, reason, who gave the consent
    person = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )  # who is responsible, who declares
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class MdtPaper(models.Model):
    """术前多学科讨论: the signed document of an operation of level 4, as chosen for it."""

    session = models.ForeignKey(GuidanceSession, on_delete=models.CASCADE, related_name="mdts")
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="+")
    signed_by = models.CharField(max_length=200)  # names and specialties
    signed_at = models.DateTimeField()
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class LifeException(models.Model):
    """救命例外: a named person decides that it begins all the same; filed afterwards."""

    session = models.OneToOneField(
        GuidanceSession, on_delete=models.CASCADE, related_name="exception"
    )
    decider = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    filed_at = models.DateTimeField(null=True, blank=True)
    filed_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )


class GuideStay(models.Model):
    """指导专家在线: from when to when the guide says to be there, from their own side."""

    session = models.ForeignKey(GuidanceSession, on_delete=models.CASCADE, related_name="stays")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(until=None), name="guide_there_once"
            )
        ]


class LinkGap(models.Model):
    """断线: from when to when the link was not known to be up. Corrected by new rows, kept."""

    session = models.ForeignKey(GuidanceSession, on_delete=models.CASCADE, related_name="gaps")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    silent = models.BooleanField(default=False)  # nothing was heard, rather than "down" reported
    later = models.BooleanField(default=False)  # what a late report left of another gap
    corrected_at = models.DateTimeField(null=True, blank=True)  # known later: it was not (all) so

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(until=None, corrected_at=None),
                name="link_gap_open_once",
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="link_gap_ends_later"
            ),
        ]


class GuidanceEntry(Erring):
    """指导记录: one line of the timed log. Numbered, never edited, struck out with a reason."""

    session = models.ForeignKey(GuidanceSession, on_delete=models.CASCADE, related_name="entries")
    number = models.PositiveIntegerField()  # of the session, from 1
    kind = models.CharField(max_length=12)  # of rules.guidance.ENTRIES
    text = models.CharField(max_length=300, blank=True)
    amount = models.PositiveIntegerField(null=True, blank=True)  # ml
    client_key = models.UUIDField()  # of the device: the same tap twice is one entry
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    late_reason = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="guidance_entry_number"),
            models.UniqueConstraint(fields=["session", "client_key"], name="guidance_entry_once"),
        ]
