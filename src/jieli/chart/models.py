"""The patient's record as far as one case needs it."""

import uuid

from django.db import models
from django.db.models import Q

from jieli.directory.models import Organisation, Practitioner, Technique
from jieli.keys.fields import SealedField


class Patient(models.Model):
    """A person who is treated. Two identifiers, or "unknown newborn of …"."""

    class Sex(models.TextChoices):
        MALE = "male"
        FEMALE = "female"
        UNKNOWN = "unknown"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    unknown = models.BooleanField(default=False)  # named after the mother or the place found
    sex = models.CharField(max_length=8, choices=Sex.choices, default=Sex.UNKNOWN)
    born_at = models.DateTimeField(null=True, blank=True)
    age_text = models.CharField(max_length=40, blank=True)  # as typed: 10 小时, 约 60 岁
    language = models.CharField(max_length=8, blank=True)  # ISO 639-1
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")


class Identifier(models.Model):
    """A number that names a patient: identity card, hospital number, insurance, mother's number."""

    class Kind(models.TextChoices):
        NATIONAL = "national_id"
        HOSPITAL = "hospital_number"
        INSURANCE = "insurance"
        MOTHER = "mother"
        TELEPHONE = "telephone"

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    value = SealedField(max_length=60, marked=("mark", "kind"))
    # Finds the number without opening it; empty while it lies in plain text, see keys.phase.
    mark = models.BinaryField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["mark"], condition=~Q(mark=None), name="identifier_mark"),
            models.Index(fields=["value"], condition=Q(mark=None), name="identifier_unmarked"),
        ]


class Erring(models.Model):
    """What may turn out to be entered in error: it is kept and struck out, with who, when, why."""

    wrong_at = models.DateTimeField(null=True, blank=True)
    wrong_by = models.ForeignKey(
        Practitioner,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
    )
    wrong_why = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        abstract = True


class Observation(Erring):
    """One measured value. FHIR: Observation."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="observations")
    case_key = models.UUIDField()
    code = models.CharField(max_length=24)  # key of rules.vitals.VITALS
    value = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    text = models.CharField(max_length=120, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["case_key", "code", "occurred_at"], name="obs_trend")]


class Document(Erring):
    """A photo, PDF or DICOM image that belongs to a case; the bytes lie in the file store."""

    class Kind(models.TextChoices):
        PHOTO = "photo"
        PDF = "pdf"
        DICOM = "dicom"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="documents")
    case_key = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    title = models.CharField(max_length=120)
    title_was = models.CharField(
        max_length=120, blank=True, default="", db_default=""
    )  # the wrong one before
    media_type = models.CharField(max_length=60)
    size = models.PositiveBigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    has_picture = models.BooleanField(default=False)  # a JPEG to show, beside the original
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    # A picture made small comes first; its original follows when there is room on the link.
    awaits = models.CharField(max_length=64, blank=True, db_default="")  # sha256 as announced
    original_sha256 = models.CharField(max_length=64, blank=True, db_default="")
    original_size = models.PositiveBigIntegerField(db_default=0)
    original_width = models.PositiveIntegerField(db_default=0)
    original_height = models.PositiveIntegerField(db_default=0)
    original_at = models.DateTimeField(null=True, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")

    @property
    def full_sha256(self) -> str:
        """Of the best file there is."""
        return self.original_sha256 or self.sha256

    @property
    def full_size(self) -> int:
        return self.original_size or self.size


class Incoming(models.Model):
    """A file that arrives in pieces; how far it has come is the length of its file."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case_key = models.UUIDField(db_index=True)
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()  # bytes, as announced
    sha256 = models.CharField(max_length=64)  # as announced; checked when all is there
    follows = models.CharField(max_length=64, blank=True)  # sha256 of the original to come after
    original_of = models.ForeignKey(
        Document, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["by", "at"], name="incoming_of")]


class Consent(models.Model):
    """What the patient or family agreed to; the interpreter is named."""

    class Kind(models.TextChoices):
        REMOTE_CONSULT = "remote_consult"
        OPERATION = "operation"

    class Answer(models.TextChoices):
        GIVEN = "given"
        REFUSED = "refused"

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="consents")
    case_key = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    answer = models.CharField(max_length=8, choices=Answer.choices, default=Answer.GIVEN)
    given_by = models.CharField(max_length=80)  # patient, father, mother, guardian
    remotely = models.BooleanField(default=False)
    interpreter = models.CharField(max_length=80, blank=True)
    language = models.CharField(max_length=8, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(given_by=""), name="consent_names_who_gave_it")
        ]


class Procedure(Erring):
    """手术记录: what was done by whom, from when to when. FHIR: Procedure."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="procedures")
    case_key = models.UUIDField(db_index=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    techniques = models.ManyToManyField(Technique, related_name="+", blank=True)
    operator = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    assistant = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    guide = models.ForeignKey(  # stands beside, advises, and does not operate
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # As it was on the day: people change hospitals, and techniques their level.
    mode = models.CharField(max_length=20, blank=True, default="", db_default="")
    level = models.PositiveSmallIntegerField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    findings = models.TextField(blank=True)
    blood_loss_ml = models.PositiveIntegerField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)  # whether it has ended
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=models.F("started_at")),
                name="procedure_ends_later",
            )
        ]


class Checklist(Erring):
    """安全核查: one gate of an operation, as the team said it aloud. Kept; struck out if wrong."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="checklists")
    case_key = models.UUIDField(db_index=True)
    gate = models.CharField(max_length=8)  # key of rules.checklists.GATES
    operation = models.PositiveSmallIntegerField()  # the how manieth of the case, from 1
    content = models.CharField(max_length=60)  # version of content/checklists.yaml
    answers = models.JSONField()  # code of the item: [answer, note]
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case_key", "operation", "gate"],
                condition=Q(wrong_at=None),
                name="checklist_gate_once",
            )
        ]
