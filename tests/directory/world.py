"""Two hospitals, an agreement between them and a handful of people: the ground of these tests."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from jieli.directory.models import (
    Account,
    Agreement,
    Alliance,
    Channel,
    Department,
    Duty,
    Membership,
    Organisation,
    Practitioner,
    Role,
    Specialty,
)
from jieli.rules.names import sort_key

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 20, 15, tzinfo=ZONE)
TODAY = date(2026, 11, 21)


def at(text: str) -> datetime:
    """`21 08:00` in November 2026, Beijing time."""
    return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


@dataclass
class World:
    alliance: Alliance
    centre: Organisation
    county: Organisation
    surgery: Specialty
    obstetrics: Specialty
    coordinator: Practitioner  # of the centre
    admin: Practitioner  # of the centre
    zhu: Practitioner  # expert, surgery, centre
    ji: Practitioner  # expert, surgery, centre
    county_doctor: Practitioner
    outsider: Practitioner  # a coordinator elsewhere
    nobody: Practitioner  # an account without any role


def build() -> World:
    alliance = Alliance.objects.create(
        code="cangling", name="沧岭区域医联体", telephone="0998-555 0000"
    )
    centre = organisation("centre", "沪江儿童医学中心", "province")
    county = organisation("county", "岚水县人民医院", "county")
    elsewhere = organisation("elsewhere", "别处医院", "city")
    for site in (centre, county):
        Membership.objects.create(alliance=alliance, organisation=site)
    surgery = Specialty.objects.create(
        code="paediatric-surgery", name="儿普外", name_en="Paediatric surgery", order=1
    )
    obstetrics = Specialty.objects.create(
        code="obstetrics", name="产科", name_en="Obstetrics", order=2
    )
    department = Department.objects.create(organisation=centre, name="普外科")
    department.specialties.add(surgery)
    Agreement.objects.create(
        alliance=alliance,
        from_organisation=county,
        to_organisation=centre,
        kind="医联体",
        modes=["consult", "transfer"],
        valid_from=date(2025, 1, 1),
        valid_to=date(2027, 12, 31),
    )
    return World(
        alliance=alliance,
        centre=centre,
        county=county,
        surgery=surgery,
        obstetrics=obstetrics,
        coordinator=person("c1", "林见川", centre, Role.Kind.COORDINATOR),
        admin=person("a1", "单秀兰", centre, Role.Kind.ADMIN),
        zhu=person("e1", "祝南星", centre, Role.Kind.EXPERT, surgery),
        ji=person("e2", "季怀远", centre, Role.Kind.EXPERT, surgery),
        county_doctor=person("d1", "迪丽拜尔·艾力", county, Role.Kind.DOCTOR),
        outsider=person("o1", "曾别处", elsewhere, Role.Kind.COORDINATOR),
        nobody=person("n1", "任无职"),
    )


def organisation(code: str, name: str, tier: str) -> Organisation:
    return Organisation.objects.create(
        code=code,
        name=name,
        tier=tier,
        sort_key=sort_key(name, person=False),
        telephone="0998-555 0100",
    )


def person(
    number: str,
    name: str,
    place: Organisation | None = None,
    kind: str = Role.Kind.DOCTOR,
    specialty: Specialty | None = None,
) -> Practitioner:
    account = Account.objects.create(login=number)
    made = Practitioner.objects.create(
        number=number,
        name=name,
        account=account,
        sort_key=sort_key(name),
        telephone="0998-555 0131",
    )
    if place:
        Role.objects.create(practitioner=made, organisation=place, kind=kind, specialty=specialty)
    return made


def turn(
    who: Practitioner,
    place: Organisation,
    specialty: Specialty | None,
    start: str,
    end: str,
    line: str = "first",
) -> Duty:
    return Duty.objects.create(
        practitioner=who,
        organisation=place,
        specialty=specialty,
        line=line,
        period=DateTimeTZRange(at(start), at(end)),
    )


def night_telephone(who: Practitioner, proven: datetime | None = NOW) -> Channel:
    return Channel.objects.create(
        practitioner=who,
        kind=Channel.Kind.GATEWAY,
        address="09985550131",
        rings=True,
        proven_at=proven - timedelta(hours=1) if proven else None,
    )
