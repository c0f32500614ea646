"""Put invented people into the directory: the demo alliance, and whoever a story casts.

This is setup, not care: it writes the directory's rows as an installation's own import would.
Everything that happens in a story goes through the doors (`player`), never through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q

from jieli.directory.models import (
    Account,
    Agreement,
    Alliance,
    Capability,
    Channel,
    Department,
    Duty,
    Membership,
    Organisation,
    Practitioner,
    Presence,
    Privilege,
    Role,
    Specialty,
    Technique,
)
from jieli.rules.names import sort_key
from jieli.stories import script, words

PASSWORD = "jieli-demo-2026"  # noqa: S105 - shown on the demo page; only invented people have it
ROSTER_DAYS, DAYS_BEFORE = 14, 3
HANDOVER_HOUR = 8
PRACTISING_SINCE = date(2012, 7, 1)  # for people whose years a file does not tell
AHEAD, BEHIND = timedelta(days=60), timedelta(days=1)  # a story's own duty lasts this long


@dataclass(frozen=True)
class Player:
    """Somebody who acts in a story, as the doors know them."""

    code: str
    number: str
    key: str
    name: str
    site: str
    specialty: str | None
    kind: str


@dataclass
class Directory:
    """What was put in place, by the codes of the file."""

    organisations: dict[str, Organisation] = field(default_factory=dict)
    specialties: dict[str, Specialty] = field(default_factory=dict)
    techniques: dict[str, Technique] = field(default_factory=dict)
    people: dict[str, Practitioner] = field(default_factory=dict)


@cache
def alliance() -> script.Story:
    """The demo alliance, from its file."""
    return script.load(Path(__file__).with_name("alliance.yaml"))


@cache
def password_hash() -> str:
    """One hash for all: hashing it anew for each person takes longer than all the rest."""
    return make_password(PASSWORD)


# -- the demo alliance -----------------------------------------------------------------------------


@transaction.atomic
def load_alliance(now: datetime) -> Directory:
    """Hospitals, people, agreements and rosters from today on; loading it again mends it."""
    base = alliance()
    first = _day_start(now)
    here = _put(base.moved_to(first), now)
    for turn in base.roster:
        _put_turns(turn, here, first)
    return here


def is_loaded() -> bool:
    return Practitioner.objects.filter(number="SCH-0101").exists()


def _put_turns(turn: script.Turn, here: Directory, first: datetime) -> None:
    """A day each in turn; who already has that line on that day stays."""
    site = here.organisations[turn.site]
    specialty = here.specialties[turn.specialty] if turn.specialty else None
    for day in range(-DAYS_BEFORE, ROSTER_DAYS):
        start = first + timedelta(days=day)
        end = start + timedelta(days=1)
        if day == turn.gap_day:
            end -= timedelta(hours=12)  # nobody for the night: the roster shows the gap
        person = here.people[turn.people[day % len(turn.people)]]
        period = DateTimeTZRange(start, end)
        lines = Duty.objects.filter(organisation=site, specialty=specialty, line=turn.line)
        taken = lines.filter(period__overlap=period).exists()
        if not taken and not _is_booked(person, turn.line, period):
            Duty.objects.create(
                organisation=site,
                specialty=specialty,
                line=turn.line,
                practitioner=person,
                period=period,
            )


def _is_booked(person: Practitioner, line: str, period: DateTimeTZRange) -> bool:
    lines = ("first", "second") if line in ("first", "second") else (line,)
    turns = Duty.objects.filter(practitioner=person, line__in=lines, period__overlap=period)
    return turns.exists()


def _day_start(now: datetime) -> datetime:
    """The last hand-over: 08:00 Beijing time."""
    local = now.astimezone(ZoneInfo("Asia/Shanghai"))
    start = local.replace(hour=HANDOVER_HOUR, minute=0, second=0, microsecond=0)
    return start if start <= local else start - timedelta(days=1)


# -- a story's people ------------------------------------------------------------------------------


@transaction.atomic
def load_cast(story: script.Story, now: datetime, *, alone: bool = True) -> dict[str, Player]:
    """Sites, people and agreements of a story, and whoever plays the parts it does not cast.

    `alone`: the story has the installation to itself, so that its own people take over the
    lines that they stand on. Otherwise they only join the rosters that are there.
    """
    here = _put(story, now)
    for code, site in Organisation.objects.in_bulk(
        list(alliance().sites), field_name="code"
    ).items():
        here.organisations.setdefault(code, site)
    base = _base_people()
    used = [step.by for step in story.steps] + [
        str(step.fields[name])
        for step in story.steps
        for name in ("to", "expert")
        if name in step.fields
    ]
    players = {code: _player(code, person, story) for code, person in here.people.items()}
    if not _has_officer(sides(story)[1]):
        used.append("DUTY")
    for code in dict.fromkeys(filter(None, used)):
        if (said := _family(code, story)) is not None:
            players[code] = said
        elif code not in players:
            person = base.get(code) or _stand_in(code, story, here, now)
            players[code] = _player(code, person, story)
    _put_on_duty(story, here, now, alone=alone)
    return players


def _family(code: str, story: script.Story) -> Player | None:
    """Parents and patients act through whoever treats: they have a name and no number."""
    cast, part = story.cast.get(code), words.stand_in(code)
    role = cast.role if cast else words.role(part.role) if part else None
    if role is None or role.kind != "family" or (cast is None and code in alliance().cast):
        return None
    name = cast.name if cast else part.name if part else code
    return Player(code, "", "", name, cast.site if cast else "", None, "family")


def _has_officer(site: str) -> bool:
    return Role.objects.filter(organisation__code=site, kind=Role.Kind.DUTY_OFFICER).exists()


def _base_people() -> dict[str, Practitioner]:
    numbers = {person.number: code for code, person in alliance().cast.items()}
    found = Practitioner.objects.in_bulk(list(numbers), field_name="number")
    return {numbers[number]: person for number, person in found.items()}


def _player(code: str, person: Practitioner, story: script.Story) -> Player:
    cast = story.cast.get(code) or alliance().cast.get(code)
    role = person.roles.select_related("organisation", "specialty").order_by("id").first()
    return Player(
        code=code,
        number=person.number,
        key=str(person.key),
        name=person.name,
        site=cast.site if cast else (role.organisation.code if role else ""),
        specialty=role.specialty.code if role and role.specialty else None,
        kind=cast.role.kind if cast else (role.kind if role else "doctor"),
    )


def _stand_in(code: str, story: script.Story, here: Directory, now: datetime) -> Practitioner:
    """The demo's person for a part, at the hospital where the story needs one."""
    part = words.stand_in(code)
    if part is None:  # the script reader has refused every other code
        raise LookupError(f"Nobody plays {code}.")
    role = words.role(part.role) or words.Role("doctor")
    asking, asked = sides(story)
    site = {"asking": asking, "asked": asked, "outside": "beiyu"}[part.side]
    if part.side == "outside":
        site = _outside(story)
    taken = {person.pk for person in here.people.values()}
    holders = Practitioner.objects.filter(
        roles__organisation__code=site, roles__kind__in=_kinds(role, answering=True)
    ).exclude(pk__in=taken)
    if role.specialty:
        holders = holders.filter(roles__specialty__code=role.specialty)
    if found := holders.order_by("id").first():
        here.people[code] = found
        return found
    made_up = script.Person(code=code, name=part.name, site=site, role=role)
    _put_person(made_up, here, now, answering={asked})
    return here.people[code]


def sides(story: script.Story) -> tuple[str, str]:
    """The hospital that asks first, and the one that is asked."""
    everybody = {**alliance().cast, **story.cast}
    raisers = [step.by for step in story.steps if step.do == "raise_request"]
    known = [everybody[code].site for code in raisers if code in everybody]
    agreements = [*story.agreements, *alliance().agreements]
    asking = known[0] if known else agreements[0].asking
    asked = [each.answering for each in agreements if each.asking == asking]
    return asking, asked[0] if asked else "sch"


def _outside(story: script.Story) -> str:
    """A hospital that has nothing to do with the story."""
    involved = {person.site for person in story.cast.values()} | set(story.sites)
    return next((code for code in ("beiyu", "baishi", "lanshui") if code not in involved), "beiyu")


def _put_on_duty(story: script.Story, here: Directory, now: datetime, *, alone: bool) -> None:
    """Specialists at hospitals that answer stand on the first line for the whole story."""
    last = max((step.at for step in story.steps), default=0)
    start = min(now, story.t0) - (BEHIND if alone else timedelta())
    end = max(story.instant(last), now) + (AHEAD if alone else timedelta(hours=6))
    period = DateTimeTZRange(start, end)
    turns = [
        (here.people[code], here.organisations[person.site], person, line)
        for code, person in story.cast.items()
        if (line := _line(person, story)) and person.site
    ]
    if alone:
        _clear_lines(turns, period)
    for practitioner, site, person, line in turns:
        specialty = person.role.specialty if line in ("first", "second") else None
        if not _is_booked(practitioner, line, period):
            Duty.objects.create(
                organisation=site,
                specialty=here.specialties[specialty] if specialty else None,
                line=line,
                practitioner=practitioner,
                period=period,
                note=story.name[:120],
            )


def _line(person: script.Person, story: script.Story) -> str | None:
    if person.duty:
        line = None if person.duty == "none" else person.duty
        return line if person.role.specialty or line in (None, "officer", "director") else None
    if person.role.kind == "duty_officer":
        return "officer"
    if person.role.kind == "director":
        return "director"
    answering = _answering(story)
    specialist = person.role.kind == "expert" and person.role.specialty
    return "first" if specialist and person.site in answering else None


def _answering(story: script.Story) -> set[str]:
    """Hospitals that are asked: the others' specialists treat and are not rung."""
    asked = {each.answering for each in (*story.agreements, *alliance().agreements)}
    return asked | {person.home for person in story.cast.values() if person.home}


def _clear_lines(
    turns: Iterable[tuple[Practitioner, Organisation, script.Person, str]],
    period: DateTimeTZRange,
) -> None:
    for practitioner, site, person, line in turns:
        same = Q(organisation=site, specialty=None, line=line)
        if line in ("first", "second"):
            same = Q(organisation=site, specialty__code=person.role.specialty)
        mine = Q(practitioner=practitioner, line__in=("first", "second"))
        Duty.objects.filter(same | mine, period__overlap=period, note="").delete()


# -- rows ------------------------------------------------------------------------------------------


def _put(story: script.Story, now: datetime) -> Directory:
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
    missing = named - set(here.organisations)
    here.organisations |= Organisation.objects.in_bulk(list(missing), field_name="code")
    answering = _answering(story)
    for person in story.cast.values():
        _put_person(person, here, now, answering=answering)
    _put_agreements(story, here)
    return here


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
                code=code, name=technique.name, specialty=specialty
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


def _put_person(
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
    for kind in _kinds(role, answering):
        Role.objects.get_or_create(
            practitioner=practitioner,
            organisation=organisation,
            kind=kind,
            specialty=specialty,
            defaults={"department": row},
        )


def _kinds(role: words.Role, answering: bool) -> list[str]:
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
