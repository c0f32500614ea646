"""Put invented people into the directory: the demo alliance, and whoever a story casts.

This is setup, not care: it writes the directory's rows as an installation's own import would.
Everything that happens in a story goes through the doors (`player`), never through here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q

from jieli.directory.models import (
    Duty,
    Organisation,
    Practitioner,
    Role,
)
from jieli.stories import reading, rows, script, words

ROSTER_DAYS, DAYS_BEFORE = 14, 3
HANDOVER_HOUR = 8
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


@cache
def alliance() -> script.Story:
    """The demo alliance, from its file."""
    return reading.load(Path(__file__).with_name("alliance.yaml"))


# -- the demo alliance -----------------------------------------------------------------------------


@transaction.atomic
def load_alliance(now: datetime) -> rows.Directory:
    """Hospitals, people, agreements and rosters from today on; loading it again mends it."""
    base = alliance()
    first = _day_start(now)
    here = rows.put(base.moved_to(first), now, answering=_answering(base))
    for turn in base.roster:
        _put_turns(turn, here, first)
    return here


def is_loaded() -> bool:
    return Practitioner.objects.filter(number="SCH-0101").exists()


def _put_turns(turn: script.Turn, here: rows.Directory, first: datetime) -> None:
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
    here = rows.put(story, now, answering=_answering(story))
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


def _stand_in(code: str, story: script.Story, here: rows.Directory, now: datetime) -> Practitioner:
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
        roles__organisation__code=site, roles__kind__in=rows.kinds_of(role, answering=True)
    ).exclude(pk__in=taken)
    if role.specialty:
        holders = holders.filter(roles__specialty__code=role.specialty)
    if found := holders.order_by("id").first():
        here.people[code] = found
        return found
    made_up = script.Person(code=code, name=part.name, site=site, role=role)
    rows.put_person(made_up, here, now, answering={asked})
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


def _put_on_duty(story: script.Story, here: rows.Directory, now: datetime, *, alone: bool) -> None:
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
