"""Many rows at once, found again by code or number: importing the same file twice changes nothing.

The rows have been checked by whoever read the file; the caller holds the transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from jieli.directory.actions.rosters import lock_people
from jieli.directory.models import (
    Alliance,
    Department,
    Duty,
    Membership,
    Organisation,
    Practitioner,
    Role,
    Specialty,
)
from jieli.rules.names import sort_key
from jieli.rules.refusal import Refused


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    code: str
    name: str
    tier: str
    name_en: str = ""
    division_code: str = ""
    latitude: float | None = None
    longitude: float | None = None
    zone: str = ""
    telephone: str = ""
    alliances: tuple[str, ...] = ()  # codes


@dataclass(frozen=True, slots=True)
class RoleRow:
    organisation: str  # code
    kind: str
    department: str = ""
    specialty: str = ""  # code
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class PersonRow:
    number: str
    name: str
    name_en: str = ""
    title: str = ""
    telephone: str = ""
    languages: tuple[str, ...] = ()
    practising_since: date | None = None
    roles: tuple[RoleRow, ...] = ()
    only_roles: bool = False  # somebody else's staff: their own data stay as they are


@dataclass(frozen=True, slots=True)
class TurnRow:
    organisation: str
    specialty: str  # code, "" for the duty officer and a director of the whole hospital
    line: str
    number: str
    start: datetime
    end: datetime
    note: str = ""


@dataclass(slots=True)
class Tally:
    added: int = 0
    changed: int = 0
    same: int = 0
    removed: int = 0

    def count(self, *, added: bool, changed: bool) -> None:
        self.added += added
        self.changed += changed and not added
        self.same += not added and not changed


BATCH = 1000
PERSON_FIELDS = [
    "name", "name_en", "sort_key", "title", "telephone", "languages", "practising_since"
]  # fmt: skip
FILLED = ("name_en", "division_code", "latitude", "longitude", "zone", "telephone")

# -- hospitals ---------------------------------------------------------------------------------


def import_organisations(
    rows: Sequence[OrganisationRow], *, by: Practitioner, now: datetime
) -> Tally:
    """Whoever adds a hospital becomes its administrator until somebody else is named."""
    tally = Tally()
    known = {o.code: o for o in Organisation.objects.filter(code__in={row.code for row in rows})}
    alliances = {a.code: a for a in Alliance.objects.all()}
    for row in rows:
        organisation = known.get(row.code)
        added = organisation is None
        organisation = organisation or Organisation(code=row.code)
        values = _filled(row, FILLED)
        key = sort_key(row.name, person=False, length=240)
        values |= {"name": row.name, "tier": row.tier, "sort_key": key}
        changed = _set(organisation, values)
        if added or changed:
            organisation.save()
        if added:
            known[row.code] = organisation
            Role.objects.create(practitioner=by, organisation=organisation, kind=Role.Kind.ADMIN)
        for code in row.alliances:
            _, joined = Membership.objects.get_or_create(
                alliance=alliances[code], organisation=organisation
            )
            changed = changed or joined
        tally.count(added=added, changed=changed)
    return tally


# -- people ------------------------------------------------------------------------------------


def import_people(rows: Sequence[PersonRow], *, by: Practitioner, now: datetime) -> Tally:
    tally = Tally()
    numbers = {row.number for row in rows}
    known = {p.number: p for p in Practitioner.objects.filter(number__in=numbers)}
    new = [_new_person(row) for row in rows if row.number not in known]
    Practitioner.objects.bulk_create(new, batch_size=BATCH)
    added = {person.number for person in new}
    known |= {person.number: person for person in new}
    touched = {
        row.number
        for row in rows
        if not row.only_roles and _set(known[row.number], _person_values(row))
    }
    Practitioner.objects.bulk_update(
        [known[number] for number in touched], PERSON_FIELDS, batch_size=BATCH
    )
    touched |= _import_roles(rows, known)
    for row in rows:
        tally.count(added=row.number in added, changed=row.number in touched)
    return tally


def _import_roles(rows: Sequence[PersonRow], known: Mapping[str, Practitioner]) -> set[str]:
    """The staff numbers of those whose posts have changed."""
    places = _Places.of(role for row in rows for role in row.roles)
    held: dict[int, list[Role]] = {}
    for role in Role.objects.filter(practitioner__number__in=known):
        held.setdefault(role.practitioner_id, []).append(role)
    new: list[Role] = []
    touched = set()
    for row in rows:
        person = known[row.number]
        for post in row.roles:
            found = places.role(person, post)
            standing = next((r for r in held.get(person.pk, []) if _same_post(r, found)), None)
            if standing is None:
                new.append(found)
                touched.add(row.number)
            elif _set(standing, {"valid_from": post.valid_from, "valid_to": post.valid_to}):
                standing.save(update_fields=["valid_from", "valid_to"])
                touched.add(row.number)
    Role.objects.bulk_create(new, batch_size=BATCH)
    return touched


def _same_post(one: Role, other: Role) -> bool:
    names = ("organisation_id", "kind", "specialty_id", "department_id")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _new_person(row: PersonRow) -> Practitioner:
    return Practitioner(number=row.number, **_person_values(row))


def _person_values(row: PersonRow) -> dict[str, Any]:
    values = _filled(row, ("name_en", "title", "telephone", "practising_since"))
    if row.languages:
        values["languages"] = list(row.languages)
    return values | {"name": row.name, "sort_key": sort_key(row.name)}


@dataclass(slots=True)
class _Places:
    organisations: dict[str, Organisation]
    specialties: dict[str, Specialty]
    departments: dict[tuple[int, str], Department]

    @classmethod
    def of(cls, roles: Iterable[RoleRow]) -> "_Places":
        codes = {role.organisation for role in roles}
        organisations = {o.code: o for o in Organisation.objects.filter(code__in=codes)}
        found = Department.objects.filter(organisation__code__in=codes)
        return cls(
            organisations=organisations,
            specialties={s.code: s for s in Specialty.objects.all()},
            departments={(d.organisation_id, d.name): d for d in found},
        )

    def role(self, person: Practitioner, row: RoleRow) -> Role:
        place = self.organisations[row.organisation]
        return Role(
            practitioner=person,
            organisation=place,
            department=self.department(place, row.department),
            specialty=self.specialties[row.specialty] if row.specialty else None,
            kind=row.kind,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )

    def department(self, place: Organisation, name: str) -> Department | None:
        """A department that nobody has named before is made; its licences are not."""
        if not name:
            return None
        key = (place.pk, name)
        if key not in self.departments:
            self.departments[key] = Department.objects.create(organisation=place, name=name)
        return self.departments[key]


# -- turns -------------------------------------------------------------------------------------

Slot = tuple[str, str, str, datetime, datetime]


def slots(rows: Sequence[TurnRow]) -> dict[Slot, list[TurnRow]]:
    """Rows by hospital, specialty, line and time."""
    found: dict[Slot, list[TurnRow]] = {}
    for row in rows:
        key = (row.organisation, row.specialty, row.line, row.start, row.end)
        found.setdefault(key, []).append(row)
    return found


def import_roster(rows: Sequence[TurnRow], *, by: Practitioner, now: datetime) -> Tally:
    """Each time named in the file gets exactly the people of the file; other times stay."""
    tally = Tally()
    people = {
        p.number: p for p in Practitioner.objects.filter(number__in={row.number for row in rows})
    }
    lock_people(person.pk for person in people.values())
    codes = {row.organisation for row in rows}
    sites = {o.code: o for o in Organisation.objects.filter(code__in=codes)}
    specialties = {s.code: s for s in Specialty.objects.all()}
    standing = turns_in(rows)
    make: list[Duty] = []
    for slot, wanted in slots(rows).items():
        there = {duty.practitioner_id: duty for duty in standing.get(slot, [])}
        for row in wanted:
            person = people[row.number]
            duty = there.pop(person.pk, None)
            if duty is None:
                make.append(_turn(row, person, sites, specialties))
                tally.added += 1
            else:
                changed = _set(duty, {"note": row.note})
                if changed:
                    duty.save(update_fields=["note"])
                tally.count(added=False, changed=changed)
        tally.removed += len(there)
        Duty.objects.filter(pk__in=[duty.pk for duty in there.values()]).delete()
    _create(make)
    return tally


def turns_in(rows: Sequence[TurnRow]) -> dict[Slot, list[Duty]]:
    """The turns that already stand at exactly the times of these rows."""
    if not rows:
        return {}
    span = DateTimeTZRange(min(row.start for row in rows), max(row.end for row in rows))
    standing = Duty.objects.filter(
        organisation__code__in={row.organisation for row in rows}, period__overlap=span
    ).select_related("organisation", "specialty", "practitioner")
    found: dict[Slot, list[Duty]] = {}
    for duty in standing:
        code = duty.specialty.code if duty.specialty else ""
        key = (duty.organisation.code, code, duty.line, duty.period.lower, duty.period.upper)
        found.setdefault(key, []).append(duty)
    return found


def _turn(
    row: TurnRow,
    person: Practitioner,
    sites: Mapping[str, Organisation],
    specialties: Mapping[str, Specialty],
) -> Duty:
    return Duty(
        organisation=sites[row.organisation],
        specialty=specialties[row.specialty] if row.specialty else None,
        line=row.line,
        practitioner=person,
        period=DateTimeTZRange(row.start, row.end),
        note=row.note,
    )


def _create(turns: list[Duty]) -> None:
    try:
        with transaction.atomic():
            Duty.objects.bulk_create(turns, batch_size=BATCH)
    except IntegrityError as fault:
        if "duty_not_double_booked" not in str(fault):
            raise
        raise Refused("Somebody has just put one of these people on duty; import again.") from None


# -- both --------------------------------------------------------------------------------------


def _filled(row: object, names: Sequence[str]) -> dict[str, Any]:
    """An empty cell leaves what is known as it is."""
    return {name: value for name in names if (value := getattr(row, name)) not in ("", None)}


def _set(thing: object, values: Mapping[str, object]) -> bool:
    changed = False
    for name, value in values.items():
        if getattr(thing, name) != value:
            setattr(thing, name, value)
            changed = True
    return changed
