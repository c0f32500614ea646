"""THE SPINE: a case, what it asks, who was rung, what they answered, what was decided, by when."""

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from jieli.chart.models import Erring, Patient
from jieli.directory.models import (
    Alliance,
    Department,
    Organisation,
    Practitioner,
    Specialty,
    Technique,
)
from jieli.keys.fields import SealedField
from jieli.record.models import Chain, Signature
from jieli.rules.retention import kept_for


class Urgency(models.TextChoices):
    U0 = "U0"
    U1 = "U1"
    U2 = "U2"
    U3 = "U3"
    U4 = "U4"


class Case(models.Model):
    """病例: one patient's urgent problem at one treating hospital, until the outcome is back."""

    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    class Setting(models.TextChoices):  # kinds of rules.retention; empty: kept the longer period
        INPATIENT = "inpatient"
        OUTPATIENT = "outpatient"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.CharField(max_length=24, unique=True)
    chain = models.OneToOneField(Chain, on_delete=models.PROTECT, related_name="case")
    alliance = models.ForeignKey(Alliance, on_delete=models.PROTECT, null=True, blank=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="cases")
    department = models.ForeignKey(Department, on_delete=models.PROTECT, null=True, blank=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="cases")
    problem = models.CharField(max_length=200)
    urgency = models.CharField(max_length=2, choices=Urgency.choices)
    anchor_at = models.DateTimeField()  # T0 of the case: arrival or onset, else the request
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.OPEN)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    in_charge = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=200, blank=True)
    setting = models.CharField(
        max_length=10, choices=Setting.choices, blank=True, default="", db_default=""
    )
    disposed_at = models.DateTimeField(null=True, blank=True)  # from then on a row without content
    # What boards sort and count by, kept by every action (see actions.spine), so that they read
    # one row a case and not its clocks, rings, opinions and decisions.
    next_limit_at = models.DateTimeField(null=True, blank=True)  # the limit that runs out next
    late_at = models.DateTimeField(null=True, blank=True)  # when a running clock is out of time
    ringing = models.BooleanField(default=False, db_default=False)
    unread = models.BooleanField(default=False, db_default=False)  # an opinion nobody has read
    undecided = models.BooleanField(default=False, db_default=False)  # an opinion, no decision yet

    class Meta:
        indexes = [
            models.Index(
                fields=["next_limit_at", "id"], condition=Q(status="open"), name="case_board"
            ),
            models.Index(fields=["organisation", "-opened_at"], name="case_site"),
            models.Index(fields=["closed_at"], condition=~Q(closed_at=None), name="case_closed"),
            models.Index(
                fields=["patient"], condition=Q(status="open"), name="case_open_of_patient"
            ),
        ]


class Request(models.Model):
    """求助: one hospital asking others for one specialty. FHIR: ServiceRequest + Task."""

    class Status(models.TextChoices):  # words of FHIR Task.status
        REQUESTED = "requested"
        RECEIVED = "received"  # a duty officer has it; the search for an expert goes on
        ACCEPTED = "accepted"
        IN_PROGRESS = "in-progress"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="requests")
    specialty = models.ForeignKey(Specialty, on_delete=models.PROTECT)
    technique = models.ForeignKey(Technique, on_delete=models.PROTECT, null=True, blank=True)
    urgency = models.CharField(max_length=2, choices=Urgency.choices)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.REQUESTED)
    callback = SealedField(max_length=60)
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    exception_reason = models.CharField(max_length=200, blank=True)  # no valid agreement, named why
    appointment_at = models.DateTimeField(null=True, blank=True)  # U3, U4: when they meet
    accepted_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    round = models.PositiveSmallIntegerField(default=1)  # a reminder starts the list again
    exhausted_at = models.DateTimeField(null=True, blank=True)
    fallback_at = models.DateTimeField(null=True, blank=True)  # from then: telephone first
    fallback_told_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)  # the relay's next move
    lapses = models.PositiveSmallIntegerField(default=0)  # times the move failed and was pushed on

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=~Q(due_at=None), name="request_due"),
        ]


class Candidate(models.Model):
    """One person who may be asked, or why not, as ranked when the request was raised."""

    class Line(models.TextChoices):
        EXPERT = "expert"
        OFFICER = "officer"
        SECOND = "second"
        DIRECTOR = "director"

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="candidates")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    line = models.CharField(max_length=10, choices=Line.choices)
    position = models.PositiveSmallIntegerField()
    score = models.DecimalField(max_digits=6, decimal_places=2, default=0)
    barred = models.CharField(max_length=40, blank=True)  # reason code of rules.matching

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["request", "practitioner"], name="candidate_once"),
            models.UniqueConstraint(fields=["request", "position"], name="candidate_order"),
        ]


# They find somebody, and do not advise.
FINDERS = (Candidate.Line.OFFICER, Candidate.Line.DIRECTOR)


class Ring(models.Model):
    """呼叫: one attempt to reach one person for one request."""

    class Answer(models.TextChoices):
        ACCEPTED = "accepted"
        DECLINED = "declined"
        PASSED = "passed"
        NO_ANSWER = "no_answer"
        WITHDRAWN = "withdrawn"  # another accepted, or the request ended

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="rings")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="rings")
    line = models.CharField(max_length=10, choices=Candidate.Line.choices)
    round = models.PositiveSmallIntegerField(default=1)
    silent = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    ringing_at = models.DateTimeField(null=True, blank=True)  # a transport's own report
    ends_at = models.DateTimeField(null=True, blank=True)  # then roll on; empty for silent
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    passed_to = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "practitioner", "round", "silent"], name="ring_once_a_round"
            )
        ]
        indexes = [
            models.Index(
                fields=["practitioner"], condition=Q(answer=""), name="ring_open_of_person"
            ),
            models.Index(fields=["practitioner", "started_at"], name="ring_load"),
        ]


class Contact(models.Model):
    """A specialist in voice or video contact, or the attempt that failed; stops C1b."""

    class By(models.TextChoices):
        VIDEO = "video"
        TELEPHONE = "telephone"
        ON_SITE = "on_site"

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="contacts")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=10, choices=By.choices)
    failed = models.BooleanField(default=False)
    note = models.CharField(max_length=200, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")


class Clock(models.Model):
    """时钟: one promise of one case, from start to target and hard limit; never restarted."""

    class Name(models.TextChoices):
        ACCEPT = "accept"  # C1a
        EXPERT_LIVE = "expert_live"  # C1b
        OPINION = "opinion"
        READ = "read_and_understood"
        DECISION = "decision"
        CONSENT_CONSULT = "consent_to_remote_consult"
        CONSENT_OPERATION = "consent_to_operation"
        SCHEDULE = "schedule"
        TEMPORISE = "temporise"  # what is done at once while the way is chosen
        DEFINITIVE_CARE = "definitive_care"  # C2: from the signed indication to the incision

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="clocks")
    request = models.ForeignKey(
        Request, on_delete=models.CASCADE, null=True, blank=True, related_name="clocks"
    )
    name = models.CharField(max_length=28, choices=Name.choices)
    # Which promise it measures when there may be several of one name: the opinion's key, say.
    about = models.UUIDField(null=True, blank=True)
    started_at = models.DateTimeField()
    target_at = models.DateTimeField(null=True, blank=True)  # empty: measured only
    hard_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    cancelled_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    pause_code = models.CharField(max_length=40, blank=True)
    stage = models.CharField(max_length=8, default="", blank=True)  # last that fired
    due_at = models.DateTimeField(null=True, blank=True)  # when the next stage fires
    # Stages that fired and whose people are not told yet: survives a crash between the two.
    owes = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    tell_after = models.DateTimeField(null=True, blank=True)  # telling failed: not before this
    late_reason = models.CharField(max_length=200, blank=True)
    lapses = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "request", "name", "about"],
                name="clock_once",
                nulls_distinct=False,
            ),
            # A stopped clock owes nothing: the runner must not find it.
            models.CheckConstraint(
                condition=Q(due_at=None) | Q(stopped_at=None, cancelled_at=None),
                name="clock_stopped_is_not_due",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=~Q(due_at=None), name="clock_due"),
            models.Index(fields=["id"], condition=~Q(owes=[]), name="clock_owes"),
        ]


class Handover(Erring):
    """One version of the ISBAR, written while it rings; a new row each time it is saved."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="handovers")
    version = models.PositiveSmallIntegerField()
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    # S
    situation = models.TextField(blank=True)
    onset_at = models.DateTimeField(null=True, blank=True)
    onset_text = models.CharField(max_length=80, blank=True)
    airway = models.CharField(max_length=120, blank=True)
    # B
    gestation_and_weight = models.CharField(max_length=80, blank=True)
    diagnoses = models.TextField(blank=True)
    history = models.TextField(blank=True)
    allergies = models.CharField(max_length=200, blank=True)
    pregnancy = models.CharField(max_length=120, blank=True)
    medicines = models.TextField(blank=True)
    results = models.TextField(blank=True)
    infection = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=80, blank=True)
    guardian = models.CharField(max_length=120, blank=True)
    resuscitation = models.CharField(max_length=120, blank=True)
    # A
    assessment = models.TextField(blank=True)
    differential = models.TextField(blank=True)
    danger_signs = models.CharField(max_length=300, blank=True)
    worry = models.TextField(blank=True)
    done = models.TextField(blank=True)
    risks = models.TextField(blank=True)
    # R
    ask = models.TextField(blank=True)
    by_when = models.CharField(max_length=120, blank=True)
    watch = models.TextField(blank=True)
    read_back = models.BooleanField(default=False)

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["case", "version"], name="handover_version")]


class BreakGlass(models.Model):
    """破例查看: somebody without a grant opened a case, for a reason; its hospital reviews it."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="broken")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=12)  # of rules.glass.REASONS
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()
    until = models.DateTimeField()
    verdict = models.CharField(max_length=14, blank=True)  # of rules.glass.VERDICTS
    note = models.CharField(max_length=300, blank=True)
    reviewed_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["organisation", "at"], condition=Q(reviewed_at=None), name="glass_to_review"
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(reviewed_at=None) | ~Q(reviewed_by=models.F("by")),
                name="glass_reviewed_by_another",
            )
        ]


class Note(models.Model):
    """One line of the live thread between the bedside and the expert."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=2000)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()


class Addendum(models.Model):
    """补充或更正: what is signed is never edited; a later one adds to it or replaces it."""

    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="addenda"
    )
    replaces = models.BooleanField(default=False, db_default=False)
    why = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(replaces=False) | Q(corrects__isnull=False) & ~Q(why=""),
                name="%(class)s_replaces_which_and_why",
            )
        ]


class Opinion(Addendum):
    """会诊意见: signed by the expert, never edited; a later version is an addendum."""

    class Indication(models.TextChoices):
        CONFIRMED = "confirmed"
        NOT_INDICATED = "not_indicated"
        UNDETERMINED = "undetermined"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="opinions")
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="opinions")
    version = models.PositiveSmallIntegerField()
    author = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="opinions")
    indication = models.CharField(max_length=14, choices=Indication.choices)
    assessment = models.TextField()
    recommendation = models.TextField(blank=True)
    by_when = models.CharField(max_length=120, blank=True)
    looked_at = models.CharField(max_length=300, blank=True)  # what was seen, what was not
    signature = models.OneToOneField(Signature, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    disagreement = models.TextField(blank=True)

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["case", "version"], name="opinion_version"),
            *Addendum.Meta.constraints,
        ]
        indexes = [
            models.Index(fields=["case"], condition=Q(acknowledged_at=None), name="opinion_unread")
        ]


class Watch(models.Model):
    """What to watch after an opinion, and at which point to call again."""

    opinion = models.ForeignKey(Opinion, on_delete=models.CASCADE, related_name="watches")
    position = models.PositiveSmallIntegerField()
    what = models.CharField(max_length=120)
    limit = models.CharField(max_length=200)

    class Meta:
        ordering = ["position"]


class Template(models.TextChoices):
    """The six ways to definitive care (planner)."""

    LOCAL = "LOCAL"
    LIVE = "LIVE"
    DISPATCH = "DISPATCH"
    TRANSFER = "TRANSFER"
    RENDEZVOUS = "RENDEZVOUS"
    STAGED = "STAGED"
    OBSERVE = "OBSERVE"  # no intervention now


class Decision(Addendum):
    """决策: the treating hospital's own signed record, beside the opinion and by another person."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="decisions")
    opinion = models.ForeignKey(
        Opinion, on_delete=models.PROTECT, null=True, blank=True, related_name="decisions"
    )
    version = models.PositiveSmallIntegerField()
    author = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    chosen = models.CharField(max_length=12, choices=Template.choices)
    text = models.TextField()
    reason = models.TextField(blank=True)
    signature = models.OneToOneField(Signature, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["case", "version"], name="decision_version"),
            *Addendum.Meta.constraints,
        ]


class Alternative(models.Model):
    """An option that was considered and not chosen, and why not."""

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="alternatives")
    option = models.CharField(max_length=12, choices=Template.choices)
    why_not = models.CharField(max_length=300)


class Outcome(models.Model):
    """One tap on day 1, 7 and 21, shown to every expert who advised."""

    class State(models.TextChoices):
        BETTER = "better"
        SAME = "same"
        WORSE = "worse"
        TRANSFERRED = "transferred"
        DISCHARGED = "discharged"
        DIED = "died"
        LOST = "lost"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="outcomes")
    day = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, choices=State.choices)
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["day", "recorded_at"]


class OutcomeDue(models.Model):
    """A day on which the outcome is asked for; the sweep reminds once."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="outcomes_due")
    day = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "day"], name="outcome_due_once")]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(asked_at=None, answered_at=None),
                name="outcome_due_open",
            )
        ]


class Hold(models.Model):
    """保全: while it lasts nobody may dispose of the case, however old it is."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="holds")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=300)
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    end_why = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organisation"], condition=Q(ended_at=None), name="hold_open")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="hold_ended_by_somebody",
            )
        ]


class Disposal(models.Model):
    """销毁: proposed by one person of the records office, confirmed by another; never changed."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="disposals")
    number = models.CharField(max_length=24)  # of the case, whose row nobody sees afterwards
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    proposed_by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    refused_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    refused_at = models.DateTimeField(null=True, blank=True)
    # SHA-256 of files that no row names any more; emptied when a runner has removed them.
    files = ArrayField(models.CharField(max_length=64), default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(refused_at=None), name="disposal_once"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=models.F("proposed_by")),
                name="disposal_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at=None) | Q(refused_at=None), name="disposal_has_one_end"
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=~Q(files=[]), name="disposal_files")]


class PatientCopy(models.Model):
    """患者副本: the records office gave the patient a copy over all cases at the hospital."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="copies")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    given_to = models.CharField(max_length=80)
    relation = models.CharField(max_length=10)  # of cases.queries.words.RELATIONS
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["patient", "-at"], name="copy_of_patient")]

    @property
    def until(self) -> datetime:
        """Then it is made anew, and put on record again."""
        return self.at + kept_for("copies")
