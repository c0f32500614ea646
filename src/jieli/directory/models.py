"""Where, who, may: hospitals in tiers, people with several roles, agreements, duty and grants."""

import uuid
from datetime import date

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language

from jieli.keys.fields import SealedField


class AccountManager(BaseUserManager["Account"]):
    def create_account(self, login: str, password: str | None = None) -> "Account":
        account = self.model(login=login)
        account.set_password(password)
        account.save(using=self._db)
        return account


class Account(AbstractBaseUser):
    """What a person signs in with. Accounts are people; nothing is shared."""

    login = models.CharField(max_length=64, unique=True)  # staff number
    is_active = models.BooleanField(default=True)  # a column here, a constant in the base

    objects = AccountManager()
    USERNAME_FIELD = "login"
    REQUIRED_FIELDS = []


class Alliance(models.Model):
    """A tiered medical alliance 医联体. One installation serves many."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    telephone = models.CharField(max_length=40, blank=True)  # duty telephone, always answered
    last_case_at = models.DateTimeField(null=True, blank=True)


class Organisation(models.Model):
    """A hospital or health centre, with its place and tier. FHIR: Organization."""

    class Tier(models.TextChoices):
        NATIONAL = "national"
        PROVINCE = "province"
        CITY = "city"
        COUNTY = "county"
        TOWNSHIP = "township"

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    name_en = models.CharField(max_length=160, blank=True)
    sort_key = models.CharField(max_length=240, blank=True, db_index=True)  # pinyin
    tier = models.CharField(max_length=12, choices=Tier.choices)
    division_code = models.CharField(max_length=12, blank=True)  # GB/T 2260
    latitude = models.FloatField(null=True, blank=True)  # degrees, WGS 84
    longitude = models.FloatField(null=True, blank=True)
    zone = models.CharField(max_length=40, default="Asia/Shanghai")  # where night is judged
    telephone = models.CharField(max_length=40, blank=True)
    alliances = models.ManyToManyField(Alliance, through="Membership", related_name="organisations")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A hospital's place in one alliance; it may belong to several."""

    alliance = models.ForeignKey(Alliance, on_delete=models.CASCADE)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    joined_on = models.DateField(null=True, blank=True)
    left_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["alliance", "organisation"], name="membership_once")
        ]


class Specialty(models.Model):
    """A clinical specialty 专科, licensed per department (诊疗科目)."""

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80)
    order = models.PositiveSmallIntegerField(default=100)

    def __str__(self) -> str:
        return self.name_en if get_language() == "en" else self.name


class Department(models.Model):
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="departments"
    )
    name = models.CharField(max_length=80)
    telephone = models.CharField(max_length=40, blank=True)
    specialties = models.ManyToManyField(Specialty, related_name="departments", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="department_once")
        ]


class Technique(models.Model):
    """A named technique 技术 that a site can or cannot do."""

    code = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    specialty = models.ForeignKey(Specialty, on_delete=models.PROTECT, null=True, blank=True)
    level = models.PositiveSmallIntegerField(null=True, blank=True)  # 手术分级, 1 to 4

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(level=None) | Q(level__range=(1, 4)), name="technique_level"
            )
        ]


class Capability(models.Model):
    """Level of one technique at one department, L0 (absent) to L5 (trains others)."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, null=True, blank=True)
    technique = models.ForeignKey(Technique, on_delete=models.PROTECT)
    level = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "department", "technique"],
                name="capability_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(level__lte=5), name="capability_level_0_to_5"),
        ]


class Practitioner(models.Model):
    """A person who treats, advises or coordinates. FHIR: Practitioner."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.OneToOneField(
        Account, on_delete=models.SET_NULL, null=True, blank=True, related_name="practitioner"
    )
    number = models.CharField(max_length=40, unique=True)  # staff number
    name = models.CharField(max_length=80)
    name_en = models.CharField(max_length=120, blank=True)
    sort_key = models.CharField(max_length=160, blank=True, db_index=True)  # pinyin
    title = models.CharField(max_length=40, blank=True)  # 副主任医师
    telephone = SealedField(max_length=40, blank=True)
    languages = ArrayField(models.CharField(max_length=8), default=list, blank=True)  # ISO 639-1
    practising_since = models.DateField(null=True, blank=True)
    # Response history, kept with every answered ring, so that matching reads one row.
    rings_answered = models.PositiveIntegerField(default=0)
    answer_seconds = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Role(models.Model):
    """One post of a person at one institution; people hold several. FHIR: PractitionerRole."""

    class Kind(models.TextChoices):
        DOCTOR = "doctor"
        NURSE = "nurse"
        EXPERT = "expert"
        DUTY_OFFICER = "duty_officer"  # 总值班 of medical affairs, not a specialty's line
        COORDINATOR = "coordinator"  # 医务部
        DIRECTOR = "director"
        QUALITY = "quality_officer"
        PROGRAMME = "programme_manager"
        ADMIN = "admin"

    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="roles")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="roles")
    department = models.ForeignKey(Department, on_delete=models.SET_NULL, null=True, blank=True)
    specialty = models.ForeignKey(Specialty, on_delete=models.PROTECT, null=True, blank=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "kind"], name="role_site_kind"),
            models.Index(fields=["organisation", "specialty"], name="role_site_specialty"),
        ]

    def holds_on(self, day: date) -> bool:
        """Both ends are included."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_to is None or self.valid_to >= day)


class Privilege(models.Model):
    """What a person may do at a site, at which level and entrustment, from when to when."""

    practitioner = models.ForeignKey(
        Practitioner, on_delete=models.CASCADE, related_name="privileges"
    )
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    technique = models.ForeignKey(Technique, on_delete=models.PROTECT)
    level = models.PositiveSmallIntegerField(default=4)  # surgery level 1 to 4
    entrustment = models.PositiveSmallIntegerField(default=3)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(entrustment__gte=1, entrustment__lte=5), name="entrustment_1_to_5"
            ),
            models.CheckConstraint(
                condition=Q(level__gte=1, level__lte=4), name="surgery_level_1_to_4"
            ),
        ]
        indexes = [models.Index(fields=["practitioner", "technique"], name="privilege_person")]


class Agreement(models.Model):
    """协议: switches on what one hospital may ask of another, and until when."""

    class Mode(models.TextChoices):
        CONSULT = "consult"
        DISPATCH = "dispatch"
        LIVE = "live"
        TRANSFER = "transfer"
        PATHWAY = "pathway"
        MDT = "mdt"

    alliance = models.ForeignKey(
        Alliance, on_delete=models.CASCADE, related_name="agreements", null=True, blank=True
    )
    from_organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="agreements_asking"
    )
    to_organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="agreements_answering"
    )
    kind = models.CharField(max_length=60, blank=True)  # 专家工作站, 以院包科 …
    modes = ArrayField(models.CharField(max_length=12, choices=Mode.choices), default=list)
    specialties = models.ManyToManyField(Specialty, blank=True)  # none named: all
    emergency_privilege_hours = models.PositiveSmallIntegerField(default=0)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    signed = models.BooleanField(default=True)

    class Meta:
        indexes = [models.Index(fields=["from_organisation"], name="agreement_from")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(from_organisation=models.F("to_organisation")),
                name="agreement_between_two",
            )
        ]


class Duty(models.Model):
    """One person's turn on one line of a specialty's roster."""

    class Line(models.TextChoices):
        FIRST = "first"
        SECOND = "second"
        DIRECTOR = "director"
        OFFICER = "officer"  # 总值班: specialty is empty

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="duties")
    specialty = models.ForeignKey(Specialty, on_delete=models.PROTECT, null=True, blank=True)
    line = models.CharField(max_length=10, choices=Line.choices)
    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="duties")
    period = DateTimeRangeField()  # [from, to)
    note = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            # A person cannot be double-booked: the database says so, not a check in Python.
            ExclusionConstraint(
                name="duty_not_double_booked",
                expressions=[
                    ("practitioner", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=Q(line__in=["first", "second"]),
            ),
            models.CheckConstraint(
                condition=Q(line="officer", specialty=None)
                | Q(line="director")
                | Q(line__in=["first", "second"], specialty__isnull=False),
                name="duty_line_has_specialty",
            ),
        ]
        indexes = [models.Index(fields=["organisation", "specialty", "line"], name="duty_line")]


class DutySwap(models.Model):
    """换班: one person asks another to take a turn; a coordinator approves."""

    duty = models.ForeignKey(Duty, on_delete=models.CASCADE, related_name="swaps")
    to = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="+")
    asked_by = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    approved_by = models.ForeignKey(
        Practitioner, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)


class Presence(models.Model):
    """Who is online, busy or away; said by the person or by a system event, never guessed."""

    class State(models.TextChoices):
        FREE = "free"
        OPERATING = "operating"
        TALKING = "talking"
        RESTING = "resting"  # protected rest after a night
        AWAY = "away"
        ABROAD = "abroad"

    practitioner = models.OneToOneField(
        Practitioner, on_delete=models.CASCADE, primary_key=True, related_name="presence"
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.FREE)
    until = models.DateTimeField(null=True, blank=True)
    away_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)


class Channel(models.Model):
    """One way to reach one person, in the person's own order."""

    class Kind(models.TextChoices):
        IN_APP = "in_app"
        GATEWAY = "gateway"  # generic HTTP: SMS, voice call
        APPRISE = "apprise"  # WeCom, DingTalk, Feishu …
        EMAIL = "email"

    practitioner = models.ForeignKey(
        Practitioner, on_delete=models.CASCADE, related_name="channels"
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    address = SealedField(max_length=400, blank=True)  # number, apprise URL, mail address
    rings = models.BooleanField(default=False)  # makes noise at night: a voice call
    order = models.PositiveSmallIntegerField(default=1)
    tested_at = models.DateTimeField(null=True, blank=True)  # the last test ring was sent
    proven_at = models.DateTimeField(null=True, blank=True)  # a test ring was answered
    proven_by = models.ForeignKey(  # who said that it rang
        Practitioner, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    disabled_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["practitioner", "order"], name="channel_person")]


class Grant(models.Model):
    """Who may see which case, why and until when. Written by `cases`, read by every access check.

    Either a person or a hospital's coordination desk holds it. `until` is empty while the case
    is open; closing sets it to the end plus the period of grace.
    """

    class Why(models.TextChoices):
        TREATING = "treating"
        RUNG = "rung"
        DUTY = "duty"
        INVITED = "invited"
        ADVISED = "advised"
        DESK = "desk"
        GLASS = "glass"  # opened without a grant, for some hours (see cases.BreakGlass)

    case_key = models.UUIDField()
    patient_key = models.UUIDField()
    practitioner = models.ForeignKey(
        Practitioner, on_delete=models.CASCADE, null=True, blank=True, related_name="grants"
    )
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, null=True, blank=True, related_name="grants"
    )
    why = models.CharField(max_length=10, choices=Why.choices)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(practitioner=None, organisation__isnull=False)
                | Q(practitioner__isnull=False, organisation=None),
                name="grant_to_one_holder",
            ),
            models.UniqueConstraint(
                fields=["case_key", "practitioner", "why"],
                condition=Q(practitioner__isnull=False),
                name="grant_person_once",
            ),
            models.UniqueConstraint(
                fields=["case_key", "organisation", "why"],
                condition=Q(organisation__isnull=False),
                name="grant_site_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["practitioner"], condition=Q(until=None), name="grant_person_open"
            ),
            models.Index(fields=["organisation"], condition=Q(until=None), name="grant_site_open"),
            models.Index(
                fields=["organisation", "until"],
                condition=~Q(until=None),
                name="grant_site_grace",
            ),
        ]


class Approval(models.Model):
    """Named local clinicians approve one version of clinical content, until a date.

    Without one, urgency limits run and are shown as 默认，未批准; all other content is inert.
    """

    alliance = models.ForeignKey(Alliance, on_delete=models.CASCADE, related_name="approvals")
    content = models.CharField(max_length=60)  # "urgency-1": a version of rules.clocks
    by = models.CharField(max_length=200)  # names and offices
    approved_on = models.DateField()
    expires_on = models.DateField()
    synthetic = models.BooleanField(default=False)  # made for the demo, not by clinicians

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_on__gt=models.F("approved_on")), name="approval_expires_later"
            )
        ]


class Invitation(models.Model):
    """A one-time link with which a person joins, or sets a new password."""

    practitioner = models.ForeignKey(
        Practitioner, on_delete=models.CASCADE, related_name="invitations"
    )
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    token_hash = models.BinaryField(unique=True)  # SHA-256; the link itself is kept nowhere
    made_by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)  # taken back, or a newer one was made


class AccountEvent(models.Model):
    """Who let whom in or out, when and why. The database refuses an update or a delete."""

    class Kind(models.TextChoices):
        INVITED = "invited"
        OPENED = "opened"  # for the hospital's single sign-on only
        JOINED = "joined"
        RENEWED = "renewed"  # a new password by an invitation
        LEFT = "left"
        LINKED = "linked"  # the hospital's single sign-on
        PASSWORD = "password"  # noqa: S105 a kind of event
        PASSKEY_ADDED = "passkey_added"
        PASSKEY_REMOVED = "passkey_removed"
        APP_ADDED = "app_added"  # authenticator app
        APP_REMOVED = "app_removed"
        CODES_MADE = "codes_made"  # recovery codes
        SESSIONS_ENDED = "sessions_ended"

    practitioner = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, related_name="account_events"
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["practitioner", "-at"], name="account_event_person")]


class WrongSecret(models.Model):
    """One wrong password or code. Names are hashed: people type passwords into the wrong field."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, blank=True)
    at = models.DateTimeField()
    device = models.CharField(max_length=64, blank=True)  # a device that signed in before
    pair = models.CharField(max_length=64, blank=True)  # an address and a name together
    address = models.CharField(max_length=64, blank=True)
    everywhere = models.CharField(max_length=64, blank=True)  # one account's codes

    class Meta:
        indexes = [
            models.Index(
                fields=["everywhere", "at"], condition=~Q(everywhere=""), name="wrong_everywhere"
            ),
            models.Index(fields=["device", "at"], condition=~Q(device=""), name="wrong_device"),
            models.Index(fields=["pair", "at"], condition=~Q(pair=""), name="wrong_pair"),
            models.Index(fields=["address", "at"], condition=~Q(address=""), name="wrong_address"),
            models.Index(fields=["account", "at"], name="wrong_account"),
            models.Index(fields=["at"], name="wrong_age"),
        ]


class ServiceAccount(models.Model):
    """Another system that acts for one hospital, within its scopes, with a token of its own."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    scopes = ArrayField(models.CharField(max_length=40))
    token_hash = models.BinaryField(unique=True)  # SHA-256; the token is shown once
    hint = models.CharField(max_length=12)  # how the token begins, to tell two apart
    made_by = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(scopes=[]), name="service_has_scopes"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("made_at")), name="service_expires_later"
            ),
        ]
