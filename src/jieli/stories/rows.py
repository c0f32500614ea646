"""The directory's rows of a story file: hospitals, people, roles, agreements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache

from django.contrib.auth.hashers import make_password

from jieli.directory.models import (
    Account,
    Agreement,
    Alliance,
    Approval,
    Capability,
    Channel,
    Department,
    Membership,
    Organisation,
    Practitioner,
    Presence,
    Privilege,
    Role,
    Specialty,
    Technique,
)
from jieli.guidance.queries.content import precheck
from jieli.missions.queries.content import pathways
from jieli.rules.names import sort_key
from jieli.stories import moving, script, words

PASSWORD = "jieli-demo-2026"  # noqa: S105 - shown on the demo page; only invented people have it
PRACTISING_SINCE = date(2012, 7, 1)  # for people whose years a file does not tell


@dataclass
class Directory:
    """What was put in place, by the codes of the file."""

    organisations: dict[str, Organisation] = field(default_factory=dict)
    specialties: dict[str, Specialty] = field(default_factory=dict)
    techniques: dict[str, Technique] = field(default_factory=dict)
    people: dict[str, Practitioner] = field(default_factory=dict)


@cache
def password_hash() -> str:
    """One hash for all: hashing it anew for each person takes longer than all the rest."""
    return make_password(PASSWORD)


MADE_UP = "演示用，非真实批准（for the demonstration, by nobody）"
AROUND = timedelta(days=370)


def put(story: script.Story, now: datetime, *, answering: set[str]) -> Directory:
    """Everything a file names; `answering` are the hospitals whose specialists also advise."""
    here = Directory()
    here.specialties = put_specialties()
    here.techniques = _put_techniques(story, here)
    alliances = _put_alliances(story)
    for site in story.sites.values():
        _put_site(site, here, alliances)
    named = {agreement.asking for agreement in story.agreements}
    named |= {agreement.answering for agreement in story.agreements}
    named |= {person.site for person in story.cast.values() if person.site}
    named |= {person.home for person in story.cast.values() if person.home}
    named |= {p.site for person in story.cast.values() for p in person.privileges}
    named |= {site for person in story.cast.values() for _role, site in person.also}
    named |= moving.sites_named(story)
    missing = named - set(here.organisations)
    here.organisations |= Organisation.objects.in_bulk(list(missing), field_name="code")
    for person in story.cast.values():
        put_person(person, here, now, answering=answering)
    _put_agreements(story, here)
    moving.put(story, here.organisations)
    _approve_content(now)
    return here


def _approve_content(now: datetime) -> None:
    """An approval for each alliance that says of itself that it was made up."""
    day = now.date()
    for alliance in Alliance.objects.all():
        for content in (pathways().version, precheck().version):
            held, _created = Approval.objects.get_or_create(
                alliance=alliance,
                content=content,
                synthetic=True,
                defaults={"by": MADE_UP, "approved_on": day - AROUND, "expires_on": day + AROUND},
            )
            held.approved_on = min(held.approved_on, day - AROUND)
            held.expires_on = max(held.expires_on, day + AROUND)
            held.save(update_fields=["approved_on", "expires_on"])


def put_specialties() -> dict[str, Specialty]:
    known = Specialty.objects.in_bulk(field_name="code")
    Specialty.objects.bulk_create(
        [
            Specialty(code=code, name=name, name_en=name_en, order=10 + order)
            for order, (code, (name, name_en)) in enumerate(words.SPECIALTIES.items())
            if code not in known
        ]
    )
    return Specialty.objects.in_bulk(field_name="code")


def _put_techniques(story: script.Story, here: Directory) -> dict[str, Technique]:
    wanted: dict[str, script.Technique] = {}
    for person in story.cast.values():
        for privilege in person.privileges:
            wanted[privilege.technique] = script.Technique(
                privilege.technique, person.role.specialty
            )
    for site in story.sites.values():
        wanted |= {c: wanted.get(c, script.Technique(c)) for c in site.capability}
    wanted |= story.techniques
    known = Technique.objects.in_bulk(field_name="code")
    for code, technique in wanted.items():
        if code not in known:
            specialty = here.specialties.get(technique.specialty or "")
            known[code] = Technique.objects.create(
                code=code, name=technique.name, specialty=specialty, level=technique.level
            )
    return known


def _put_alliances(story: script.Story) -> dict[str, Alliance]:
    for code, each in story.alliances.items():
        Alliance.objects.update_or_create(
            code=code,
            defaults={"name": each.get("name", code), "telephone": each.get("telephone", "")},
        )
    for site in story.sites.values():
        for code in site.alliances:
            Alliance.objects.get_or_create(code=code, defaults={"name": code})
    return Alliance.objects.in_bulk(field_name="code")


def _put_site(site: script.Site, here: Directory, alliances: Mapping[str, Alliance]) -> None:
    said = {
        "name": site.name,
        "name_en": site.name_en,
        "sort_key": sort_key(site.name, person=False),
        "tier": site.tier,
        "division_code": site.division,
        "latitude": site.place[0] if site.place else None,
        "longitude": site.place[1] if site.place else None,
        "zone": site.zone,
        "telephone": site.telephone or "0990-555 0000",
    }
    organisation = Organisation.objects.filter(code=site.code).first()
    if organisation is None:
        organisation = Organisation.objects.create(code=site.code, **said)
    else:  # a file adds to what the demo says of a hospital: what it leaves out stays
        for name, value in said.items():
            if value and not (name == "telephone" and not site.telephone):
                setattr(organisation, name, value)
        organisation.save()
    here.organisations[site.code] = organisation
    for code in site.alliances:
        Membership.objects.get_or_create(alliance=alliances[code], organisation=organisation)
    for department in site.departments:
        row = _department(organisation, department.name, department.telephone)
        row.specialties.set(here.specialties[code] for code in department.specialties)
    for code, level in site.capability.items():
        Capability.objects.update_or_create(
            organisation=organisation,
            department=None,
            technique=here.techniques[code],
            defaults={"level": level},
        )


def _department(organisation: Organisation, name: str, telephone: str = "") -> Department:
    row, _created = Department.objects.get_or_create(organisation=organisation, name=name[:80])
    if telephone:
        row.telephone = telephone
        row.save(update_fields=["telephone"])
    return row


def put_person(
    person: script.Person, here: Directory, now: datetime, *, answering: set[str]
) -> None:
    if person.role.kind == "family":
        return  # the family has no account; what they say is written down by the treating side
    practitioner = _practitioner(person, here)
    here.people[person.code] = practitioner
    posts = [(person.role, person.site), *person.also]
    if person.home:
        posts.append((person.role, person.home))
    for role, site in posts:
        if site:
            _put_roles(practitioner, role, site, here, person.department, site in answering)
    Privilege.objects.filter(practitioner=practitioner).delete()
    for each in person.privileges:
        Privilege.objects.create(
            practitioner=practitioner,
            organisation=here.organisations[each.site],
            technique=here.techniques[each.technique],
            level=each.level,
            entrustment=each.entrustment,
            valid_from=each.since,
            valid_to=each.until,
        )
    Presence.objects.update_or_create(
        practitioner=practitioner,
        defaults={
            "state": person.presence,
            "away_minutes": person.away_minutes,
            "last_seen_at": now,
            "until": None,
        },
    )
    _put_channels(practitioner, person, now)


def _practitioner(person: script.Person, here: Directory) -> Practitioner:
    """Found again by number, or by name at the same hospital; otherwise new."""
    found = None
    if person.number:
        found = Practitioner.objects.filter(number=person.number).first()
    elif person.site in here.organisations:
        same = Practitioner.objects.filter(
            name=person.name, roles__organisation=here.organisations[person.site]
        )
        found = same.exclude(pk__in=[p.pk for p in here.people.values()]).order_by("id").first()
    practitioner = found or Practitioner(number=person.number or _number(person))
    said = {
        "name": person.name,
        "name_en": person.name_en,
        "sort_key": sort_key(person.name),
        "title": person.title,
        "telephone": person.telephone,
        "languages": list(person.languages),
        "practising_since": person.since,
    }
    for name, value in said.items():
        if value:
            setattr(practitioner, name, value)
    practitioner.practising_since = practitioner.practising_since or PRACTISING_SINCE
    practitioner.telephone = practitioner.telephone or "138 0055 0000"
    practitioner.languages = practitioner.languages or ["zh"]
    if practitioner.account is None:
        practitioner.account, _created = Account.objects.get_or_create(
            login=practitioner.number, defaults={"password": password_hash()}
        )
    practitioner.save()
    return practitioner


def _number(person: script.Person) -> str:
    stem = f"{person.site or 'out'}-{person.code}".upper()[:32]
    taken = set(
        Practitioner.objects.filter(number__startswith=stem).values_list("number", flat=True)
    )
    return next(n for n in (stem, *(f"{stem}-{i}" for i in range(2, 10_000))) if n not in taken)


def _put_roles(
    practitioner: Practitioner,
    role: words.Role,
    site: str,
    here: Directory,
    department: str,
    answering: bool,
) -> None:
    """A specialist treats wherever they are; where the hospital is asked, they also advise."""
    organisation = here.organisations[site]
    specialty = here.specialties[role.specialty] if role.specialty else None
    row = None
    if department:
        row = _department(organisation, department)
    elif specialty:
        row = Department.objects.filter(organisation=organisation, specialties=specialty).first()
        if row is None:
            row = _department(organisation, specialty.name)
            row.specialties.add(specialty)
    for kind in kinds_of(role, answering):
        Role.objects.get_or_create(
            practitioner=practitioner,
            organisation=organisation,
            kind=kind,
            specialty=specialty,
            defaults={"department": row},
        )


def kinds_of(role: words.Role, answering: bool) -> list[str]:
    if role.kind != "expert":
        return [role.kind]
    return ["expert", "doctor"] if answering else ["doctor"]


def _put_channels(practitioner: Practitioner, person: script.Person, now: datetime) -> None:
    """In-app first; and a telephone call that rings at night, proven yesterday."""
    Channel.objects.get_or_create(
        practitioner=practitioner, kind=Channel.Kind.IN_APP, defaults={"order": 1, "proven_at": now}
    )
    if person.channel != "gateway":
        return
    Channel.objects.update_or_create(
        practitioner=practitioner,
        kind=Channel.Kind.GATEWAY,
        defaults={
            "address": "".join(c for c in practitioner.telephone if c.isdigit()) or "13800550000",
            "rings": True,
            "order": 2,
            "proven_at": now - timedelta(days=1),
            "disabled_at": None,
        },
    )


def _put_agreements(story: script.Story, here: Directory) -> None:
    """What a file says of a hospital that asks replaces what the demo says of it."""
    asking = {here.organisations[each.asking].pk for each in story.agreements}
    Agreement.objects.filter(from_organisation__in=asking).delete()
    for each in story.agreements:
        until = each.until
        if each.until_day is not None:
            until = story.t0.date() + timedelta(days=each.until_day)
        first, second = here.organisations[each.asking], here.organisations[each.answering]
        agreement = Agreement.objects.create(
            alliance=_shared_alliance(first, second, story),
            from_organisation=first,
            to_organisation=second,
            kind=each.kind,
            modes=list(each.modes),
            emergency_privilege_hours=each.emergency_hours,
            valid_from=each.since,
            valid_to=until,
            signed=each.signed,
        )
        agreement.specialties.set(here.specialties[code] for code in each.specialties)


def _shared_alliance(first: Organisation, second: Organisation, story: script.Story) -> Alliance:
    """An agreement belongs to an alliance of both; a story's new hospitals get one of their own."""
    shared = Alliance.objects.filter(organisations=first).filter(organisations=second)
    if found := shared.order_by("id").first():
        return found
    made, _created = Alliance.objects.get_or_create(
        code=f"story-{story.name}"[:40].lower(), defaults={"name": story.title or story.name}
    )
    for organisation in (first, second):
        Membership.objects.get_or_create(alliance=made, organisation=organisation)
    return made
