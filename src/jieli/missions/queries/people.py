"""Who could go along, who could take a turn at home, and where a patient could go."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from jieli.cases.models import Case
from jieli.cases.queries.people import official_day
from jieli.directory.access import valid_on
from jieli.directory.models import (
    Duty,
    Membership,
    Organisation,
    Practitioner,
    Role,
)
from jieli.missions.models import Cover
from jieli.missions.queries.away import away
from jieli.rules import missions as rules

SHOWN = 80
GOING = (Role.Kind.EXPERT, Role.Kind.DOCTOR, Role.Kind.NURSE)
AWAY_FOR = timedelta(hours=24)  # looked ahead when somebody is to be chosen


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a hospital as a choice: what they would do, and whether they are away."""

    person: Practitioner
    part: str
    away: bool


def of_hospital(
    site: Organisation, case: Case, now: datetime, kinds: Collection[str] = GOING
) -> list[Person]:
    """Those of the specialties that were asked first, then the others by their sound."""
    asked = set(case.requests.values_list("specialty", flat=True))
    held = (
        Role.objects.filter(valid_on(official_day(now)), organisation=site, kind__in=kinds)
        .select_related("practitioner", "specialty")
        .order_by("practitioner__sort_key", "pk")
    )
    roles = sorted(held, key=lambda role: role.specialty_id not in asked)
    first: dict[int, Role] = {}
    for role in roles:
        first.setdefault(role.practitioner_id, role)
    chosen = list(first.values())[:SHOWN]
    gone = away([role.practitioner_id for role in chosen], now, now + AWAY_FOR)
    return [
        Person(role.practitioner, part_of(role), role.practitioner_id in gone) for role in chosen
    ]


def part_of(role: Role) -> str:
    code = role.specialty.code if role.specialty else ""
    return rules.part_of(code, nurse=role.kind == Role.Kind.NURSE)


def for_cover(cover: Cover, now: datetime) -> list[Practitioner]:
    """Same hospital, same specialty, not on duty then, not away with a team."""
    if cover.duty is None:
        return []
    held = Role.objects.filter(
        valid_on(official_day(now)), organisation=cover.duty.organisation_id
    ).exclude(practitioner=cover.away_id)
    if cover.duty.specialty_id:
        held = held.filter(specialty=cover.duty.specialty_id)
    else:
        held = held.filter(kind=Role.Kind.DUTY_OFFICER)
    busy = Duty.objects.filter(period__overlap=cover.period).values("practitioner")
    found = Practitioner.objects.filter(pk__in=held.values("practitioner")).exclude(pk__in=busy)
    people = list(found.order_by("sort_key", "pk")[:SHOWN])
    gone = away([p.pk for p in people], cover.period.lower, cover.period.upper)
    return [person for person in people if person.pk not in gone]


def hospitals(start: Organisation, now: datetime) -> list[Organisation]:
    """Other hospitals of the alliances of one, by their sound."""
    alliances = Membership.objects.filter(organisation=start, left_on=None).values("alliance")
    members = Membership.objects.filter(alliance__in=alliances, left_on=None)
    found = Organisation.objects.filter(pk__in=members.values("organisation")).exclude(pk=start.pk)
    return list(found.order_by("sort_key", "name")[:400])
