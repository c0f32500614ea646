"""Teams and patients under way, what moves them, and the sheet that compares the ways."""

import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q

from jieli.cases.models import Case, Decision, Opinion, Template
from jieli.chart.models import Patient
from jieli.directory.models import Duty, Organisation, Practitioner, Technique
from jieli.record.models import Signature

# ── what is there: places, timetables, roads, vehicles, things ───────────────


class Hub(models.Model):
    """Where timetabled legs begin and end: an airport, a station, a pier."""

    class Kind(models.TextChoices):
        AIRPORT = "airport"
        STATION = "station"
        PIER = "pier"

    code = models.CharField(max_length=12, unique=True)  # IATA, telegraph code, or a name of ours
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    latitude = models.FloatField()  # degrees, WGS 84
    longitude = models.FloatField()
    zone = models.CharField(max_length=40, default="Asia/Shanghai")
    cutoff = models.PositiveSmallIntegerField(default=45)  # minutes before a departure
    connection = models.PositiveSmallIntegerField(default=40)  # minutes from one to the next
    closed_from = models.TimeField(null=True, blank=True)  # curfew: no departure from …
    closed_to = models.TimeField(null=True, blank=True)  # … until, in `zone`


class Departure(models.Model):
    """One line of a timetable: leaves at this local time on these days."""

    class Mode(models.TextChoices):
        FLIGHT = "flight"
        TRAIN = "train"
        FERRY = "ferry"

    mode = models.CharField(max_length=8, choices=Mode.choices)
    number = models.CharField(max_length=20)
    start = models.ForeignKey(Hub, on_delete=models.CASCADE, related_name="departures")
    end = models.ForeignKey(Hub, on_delete=models.CASCADE, related_name="arrivals")
    departs = models.TimeField()  # in the zone of `start`
    minutes = models.PositiveSmallIntegerField()  # from departure to arrival
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)  # 1 Monday
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["mode", "number", "start", "end", "departs"], name="departure_once"
            ),
            models.CheckConstraint(
                condition=~Q(start=models.F("end")), name="departure_leads_away"
            ),
        ]


class Road(models.Model):
    """Minutes by road between two places that somebody has measured; used in both directions."""

    start = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    start_hub = models.ForeignKey(
        Hub, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    end = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="roads")
    minutes = models.PositiveSmallIntegerField()
    km = models.PositiveSmallIntegerField(null=True, blank=True)
    source = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(start=None, start_hub__isnull=False)
                | Q(start__isnull=False, start_hub=None),
                name="road_from_one_place",
            ),
            models.UniqueConstraint(
                fields=["start", "start_hub", "end"], name="road_once", nulls_distinct=False
            ),
        ]


class Vehicle(models.Model):
    """What may carry a patient, with its crew, as its hospital last said."""

    class Kind(models.TextChoices):
        AMBULANCE = "ambulance"
        RETRIEVAL = "retrieval"  # with a retrieval team
        HELICOPTER = "helicopter"
        AIRCRAFT = "aircraft"

    class State(models.TextChoices):
        FREE = "free"
        AWAY = "away"
        BROKEN = "broken"

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="vehicles"
    )
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    carries = models.CharField(max_length=2, default="S1")  # the least stable patient it may carry
    incubator = models.BooleanField(default=False)
    crew = models.CharField(max_length=120, blank=True)
    ready_minutes = models.PositiveSmallIntegerField(default=30)
    speed = models.PositiveSmallIntegerField(default=70)  # km/h, door to door
    state = models.CharField(max_length=8, choices=State.choices, default=State.FREE)
    free_from = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(
        Practitioner, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="vehicle_once")
        ]


class Resource(models.Model):
    """Who has the device, the cartridge, the bed now: confirmed by whom and when."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="resources"
    )
    kind = models.CharField(max_length=40)  # key of rules.resources.KINDS
    free = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=120, blank=True)
    confirmed_by = models.ForeignKey(
        Practitioner, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "kind"], name="resource_once")
        ]


class Slot(models.Model):
    """A place on the operating list of a hospital: what can wait begins at one."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="slots")
    starts_at = models.DateTimeField()
    room = models.CharField(max_length=40, blank=True)
    taken = models.BooleanField(default=False)
    confirmed_by = models.ForeignKey(
        Practitioner, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "starts_at", "room"], name="slot_once")
        ]


class LinkTest(models.Model):
    """A test of the link for live guidance from one site."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="link_tests"
    )
    at = models.DateTimeField()
    passed = models.BooleanField()
    failure_share = models.FloatField(default=0.0)  # of minutes in which the link would have failed
    by = models.ForeignKey(
        Practitioner, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["organisation", "-at"], name="link_test_last")]


# ── the decision sheet ───────────────────────────────────────────────────────


class Sheet(models.Model):
    """决定单: one version. The instance, the answer and what they were made from; never changed."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="sheets")
    version = models.PositiveSmallIntegerField()
    opinion = models.ForeignKey(
        Opinion, on_delete=models.PROTECT, null=True, blank=True, related_name="sheets"
    )
    t0 = models.DateTimeField()  # minute 0 of the instance: the indication, where one was signed
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(  # empty: the system, at an event
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    trigger = models.CharField(max_length=40)  # verb of the event, or "correction"
    pathway = models.CharField(max_length=60, blank=True)  # code in content/pathways
    content = models.CharField(max_length=60, blank=True)  # version of that content
    approved = models.BooleanField(default=False)  # that content was approved then
    instance = models.JSONField()  # the instance file
    answer = models.JSONField()  # the planner's answer
    words = models.JSONField()  # per option: who, from where, which legs, the facts shown
    inputs = models.JSONField()  # each input that was used: key, value, source, when, by whom
    best = models.CharField(max_length=60, blank=True)  # id of the option that ranks first

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["case", "version"], name="sheet_version")]


class Correction(models.Model):
    """An input corrected in place: "the 15:30 flight is full". The last one of a key counts."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="corrections")
    name = models.CharField(max_length=120)  # key of an input
    value = models.CharField(max_length=200)
    was = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["case", "name", "-at"], name="correction_of_case")]


class Temporised(models.Model):
    """先稳住: one item of the set that is done at once while the way is chosen."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="temporised")
    item = models.CharField(max_length=80)  # code in the pathway's set
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "item"], condition=Q(undone_at=None), name="temporised_once"
            )
        ]


class Choice(models.Model):
    """Which option of which version the signed decision is about."""

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="choice")
    sheet = models.ForeignKey(Sheet, on_delete=models.PROTECT, related_name="choices")
    option = models.CharField(max_length=60)
    place = models.PositiveSmallIntegerField(null=True, blank=True)  # empty: it was barred
    against = models.BooleanField(default=False)  # not the first of the ranking
    exception = models.BooleanField(default=False)  # barred, signed as life-saving exception


class Assent(models.Model):
    """An expert agrees with the decision, or dissents and says why. It changes nothing."""

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="assents")
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    agrees = models.BooleanField()
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["decision", "by"], name="assent_once"),
            models.CheckConstraint(condition=Q(agrees=True) | ~Q(note=""), name="dissent_says_why"),
        ]


# ── under way ────────────────────────────────────────────────────────────────


class Mission(models.Model):
    """任务: one team or one patient under way, from the decision to the papers afterwards."""

    class Kind(models.TextChoices):
        DISPATCH = "dispatch"
        TRANSFER = "transfer"
        RETURN = "return"  # 下转: the way back to the county hospital

    class Status(models.TextChoices):  # moves: rules.missions.MOVES
        PLANNED = "planned"
        APPROVED = "approved"  # a transfer: accepted by the receiving physician
        UNDER_WAY = "under_way"
        ON_SITE = "on_site"
        RETURNING = "returning"
        CLOSED = "closed"
        CANCELLED = "cancelled"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.CharField(max_length=24, unique=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="missions")
    # Of the case; here so that the database refuses a second transfer of the same patient.
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, null=True, related_name="+")
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, null=True, blank=True, related_name="missions"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    template = models.CharField(max_length=12, choices=Template.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLANNED)
    start = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    end = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    end_outside = models.CharField(max_length=120, blank=True)  # a hospital outside the network
    vehicle = models.ForeignKey(
        Vehicle, on_delete=models.PROTECT, null=True, blank=True, related_name="missions"
    )
    planned_by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    planned_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    back_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_why = models.CharField(max_length=200, blank=True)
    # A transfer
    stability = models.CharField(max_length=2, blank=True)  # when it was graded
    escort = models.CharField(max_length=40, blank=True)  # key of rules.transport.ESCORTS
    receiver = models.ForeignKey(  # who accepted the patient
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    receiver_outside = models.CharField(max_length=120, blank=True)  # name and telephone
    plan = models.TextField(blank=True)  # a return: the plan that goes with the patient

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(kind__in=["transfer", "return"])
                & ~Q(status__in=["closed", "cancelled"]),
                name="one_open_transfer_of_patient",
            ),
            models.CheckConstraint(
                condition=Q(end__isnull=False) | ~Q(end_outside=""), name="mission_leads_somewhere"
            ),
        ]


class Member(models.Model):
    """One person of a team. Nobody is in two teams at once: the database says so."""

    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="members")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    part = models.CharField(max_length=20)  # key of rules.missions.PARTS
    leads = models.BooleanField(default=False)
    period = DateTimeRangeField()  # [from, to); cut when they leave the team
    replaced_why = models.CharField(max_length=200, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="member_not_in_two_teams",
                expressions=[
                    ("practitioner", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=Q(left_at=None),
            )
        ]


class Leg(models.Model):
    """One stretch of the way: planned, then as it went. Its history teaches the next plan."""

    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="legs")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20)  # key of rules.legs.KINDS
    route = models.CharField(max_length=80, blank=True, db_index=True)  # what is learned together
    name = models.CharField(max_length=120)
    start = models.CharField(max_length=120, blank=True)
    end = models.CharField(max_length=120, blank=True)
    departure = models.ForeignKey(
        Departure, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    planned_start = models.DateTimeField(null=True, blank=True)
    planned_end = models.DateTimeField(null=True, blank=True)  # the median
    planned_minutes = models.FloatField(default=0)  # median
    sigma = models.FloatField(default=0)
    expected_end = models.DateTimeField(null=True, blank=True)  # said on the way: a delay
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["mission", "position"], name="leg_order")]
        indexes = [
            models.Index(
                fields=["kind", "route"], condition=~Q(ended_at=None), name="leg_that_went"
            )
        ]


class Paper(models.Model):
    """手续: go now, the papers by a deadline that escalates."""

    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="papers")
    kind = models.CharField(max_length=24)  # key of rules.missions.PAPERS
    organisation = models.ForeignKey(  # who owes it
        Organisation, on_delete=models.PROTECT, related_name="+"
    )
    due_at = models.DateTimeField(null=True, blank=True)  # empty: not owed yet
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mission", "kind"], name="paper_once")]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(done_at=None) & ~Q(due_at=None), name="paper_due"
            )
        ]


class KitItem(models.Model):
    """器械与物品: packed, provided by the other side, or missing and said so."""

    class State(models.TextChoices):
        OPEN = "open"
        PACKED = "packed"
        HOST = "host"  # the host hospital provides it
        MISSING = "missing"

    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="kit")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    note = models.CharField(max_length=120, blank=True)
    by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["mission", "position"], name="kit_order")]


class Cover(models.Model):
    """家里的班: a turn at home that somebody else takes while the team is away."""

    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="covers")
    duty = models.ForeignKey(Duty, on_delete=models.SET_NULL, null=True, blank=True)
    away = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=120)
    period = DateTimeRangeField()
    substitute = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)


class EmergencyPrivilege(models.Model):
    """紧急授权: for this case only, and it ends by itself."""

    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="privileges")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    technique = models.ForeignKey(Technique, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    until = models.DateTimeField()
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    signature = models.ForeignKey(
        Signature, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["mission", "practitioner", "technique"], name="emergency_privilege_once"
            ),
            models.CheckConstraint(
                condition=Q(until__gt=models.F("since")), name="emergency_privilege_ends"
            ),
        ]


class Entry(models.Model):
    """One line written under way: what was seen, what was done, where one is."""

    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=20)  # key of rules.missions.ENTRIES
    text = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
