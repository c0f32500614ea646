"""A small alliance for tests of the spine: one asking hospital, one that answers, named people."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from jieli.cases import actions
from jieli.cases.actions import Ask
from jieli.cases.models import Case, Request, Ring
from jieli.chart.models import Patient
from jieli.directory.models import (
    Account,
    Agreement,
    Alliance,
    Department,
    Duty,
    Membership,
    Organisation,
    Practitioner,
    Role,
    Specialty,
)

PASSWORD = "correct horse battery"
# 2026-03-01 13:30 in Beijing: a Sunday afternoon.
T0 = datetime(2026, 3, 1, 5, 30, tzinfo=UTC)
NIGHT = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)  # 23:00 in Beijing


def minutes(n: float) -> datetime:
    return T0 + timedelta(minutes=n)


@dataclass
class World:
    """County hospital `county` may ask `hub` for paediatric surgery until the end of 2028."""

    alliance: Alliance = field(init=False)
    county: Organisation = field(init=False)
    hub: Organisation = field(init=False)
    surgery: Specialty = field(init=False)
    people: dict[str, Practitioner] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.alliance = Alliance.objects.create(code="test", name="测试医联体")
        self.county = self.site("county", "河湾县医院", "county")
        self.hub = self.site("hub", "江城中心医院", "province")
        self.surgery = Specialty.objects.create(
            code="paediatric-surgery", name="儿普外", name_en="Paediatric surgery"
        )
        department = Department.objects.create(organisation=self.hub, name="普外科")
        department.specialties.add(self.surgery)
        self.agreement = Agreement.objects.create(
            alliance=self.alliance,
            from_organisation=self.county,
            to_organisation=self.hub,
            modes=["consult"],
            valid_to=date(2028, 12, 31),
        )
        self.person("doctor", self.county, Role.Kind.DOCTOR)
        self.person("second_doctor", self.county, Role.Kind.DOCTOR)
        self.person("outsider", self.site("far", "远山医院", "county"), Role.Kind.DOCTOR)
        for name in ("alice", "bob", "carol"):
            self.on_duty(self.expert(name), "first")
        self.on_duty(self.expert("second"), "second")
        self.person("officer", self.hub, Role.Kind.DUTY_OFFICER)
        self.person("director", self.hub, Role.Kind.DIRECTOR)
        self.person("county_officer", self.county, Role.Kind.DUTY_OFFICER)
        self.person("county_director", self.county, Role.Kind.DIRECTOR)

    def __getattr__(self, name: str) -> Practitioner:
        try:
            return self.__dict__["people"][name]
        except KeyError:
            raise AttributeError(name) from None

    def site(self, code: str, name: str, tier: str) -> Organisation:
        site = Organisation.objects.create(code=code, name=name, tier=tier, telephone="010-5550100")
        Membership.objects.create(alliance=self.alliance, organisation=site)
        return site

    def person(self, name: str, site: Organisation, kind: str, **role: object) -> Practitioner:
        person = Practitioner.objects.create(
            number=name,
            name=name,
            account=Account.objects.create_account(name, PASSWORD),
            telephone="13800000000",
        )
        Role.objects.create(practitioner=person, organisation=site, kind=kind, **role)
        self.people[name] = person
        return person

    def expert(self, name: str) -> Practitioner:
        return self.person(name, self.hub, Role.Kind.EXPERT, specialty=self.surgery)

    def on_duty(self, person: Practitioner, line: str) -> None:
        Duty.objects.create(
            organisation=self.hub,
            specialty=self.surgery,
            line=line,
            practitioner=person,
            period=(T0 - timedelta(days=2), T0 + timedelta(days=30)),
        )

    def patient(self) -> Patient:
        return Patient.objects.create(name="马某之子", unknown=True, organisation=self.county)

    def ask(self, urgency: str = "U1", **more: object) -> Ask:
        return Ask(
            organisation=self.county,
            specialty=self.surgery,
            urgency=urgency,
            problem="疑似肠闭锁",
            callback="0998-5550126",
            **more,
        )

    def raised(self, urgency: str = "U1", now: datetime = T0, **ask: object) -> Request:
        asked = self.ask(urgency, **ask)
        request = actions.raise_request(asked, self.patient(), by=self.doctor, now=now)
        return Request.objects.get(pk=request.pk)


def ringing(request: Request) -> list[str]:
    """Names whose phones ring now, in order."""
    rings = Ring.objects.filter(request=request, answer="", silent=False).order_by("id")
    return [r.practitioner.name for r in rings.select_related("practitioner")]


def run(now: datetime) -> None:
    """What a runner does at `now`, until nothing is owed."""
    while actions.run_due(now):
        pass


def clock(case: Case, name: str):
    return case.clocks.get(name=name)


def verbs(case: Case) -> list[str]:
    return list(case.chain.events.order_by("seq").values_list("verb", flat=True))
