"""Who may be asked, and who must be told: read from duty, agreements, privileges and history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import OuterRef, Q, QuerySet

from jieli.cases.models import Case, Request
from jieli.directory.models import (
    Agreement,
    Duty,
    Organisation,
    Practitioner,
    Presence,
    Privilege,
    Role,
    Specialty,
    Technique,
)
from jieli.rules import matching

TREATING_KINDS = (Role.Kind.DOCTOR, Role.Kind.NURSE, Role.Kind.EXPERT, Role.Kind.COORDINATOR)
LINE_OF_DUTY = {
    Duty.Line.FIRST: "expert",
    Duty.Line.OFFICER: "officer",
    Duty.Line.SECOND: "second",
    Duty.Line.DIRECTOR: "director",
}
LINE_OF_ROLE = {Role.Kind.DUTY_OFFICER: "officer", Role.Kind.DIRECTOR: "director"}
LOAD_WINDOW = timedelta(days=28)
OFFICIAL = ZoneInfo("Asia/Shanghai")  # the day on which an agreement or a privilege ends


def official_day(now: datetime) -> date:
    return now.astimezone(OFFICIAL).date()


def active_roles(on: date) -> QuerySet[Role]:
    return Role.objects.filter(
        Q(valid_from=None) | Q(valid_from__lte=on), Q(valid_to=None) | Q(valid_to__gte=on)
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How one agreement stands today for asking a consult."""

    organisation_id: int
    state: str  # valid, expired, mode
    agreement: Agreement


def standings(organisation_id: int, specialty: Specialty | None, on: date) -> dict[int, Standing]:
    """Per hospital that may be asked: the best standing of all agreements with it."""
    found: dict[int, Standing] = {}
    order = {"valid": 0, "mode": 1, "expired": 2}
    named = Agreement.specialties.through.objects.filter(agreement=OuterRef("pk"))
    agreements = (
        Agreement.objects.filter(from_organisation=organisation_id, signed=True)
        .select_related("to_organisation", "alliance")
        .annotate(named=ArraySubquery(named.values("specialty")))
    )
    for agreement in agreements:
        if specialty and agreement.named and specialty.pk not in agreement.named:
            continue
        standing = Standing(agreement.to_organisation_id, _state(agreement, on), agreement)
        held = found.get(standing.organisation_id)
        if held is None or order[standing.state] < order[held.state]:
            found[standing.organisation_id] = standing
    return found


def _state(agreement: Agreement, on: date) -> str:
    if agreement.valid_from and agreement.valid_from > on:
        return "expired"
    if agreement.valid_to and agreement.valid_to < on:
        return "expired"
    return "valid" if Agreement.Mode.CONSULT in agreement.modes else "mode"


@dataclass(frozen=True, slots=True)
class OnDuty:
    """One person who stands on a line now, at which hospital."""

    practitioner: Practitioner
    organisation: Organisation
    line: str
    licensed: bool = True  # the hospital has a department for the specialty; asked of experts


# Matching is the hot path of raising. Django took longer to spell these two than PostgreSQL to
# answer them, so they are spelled here.
ON_DUTY = """
    SELECT part, practitioner_id, organisation_id, line, licensed FROM (
        SELECT 1 AS part, d.id, d.practitioner_id, d.organisation_id, d.line, EXISTS (
                   SELECT FROM directory_department_specialties s
                     JOIN directory_department o ON o.id = s.department_id
                    WHERE s.specialty_id = %(specialty)s AND o.organisation_id = d.organisation_id
               ) AS licensed
          FROM directory_duty d
         WHERE d.organisation_id = ANY(%(sites)s) AND d.period @> %(now)s::timestamptz
           AND (d.specialty_id = %(specialty)s OR d.specialty_id IS NULL)
         UNION ALL
        SELECT 2, r.id, r.practitioner_id, r.organisation_id, r.kind, true
          FROM directory_role r
         WHERE r.organisation_id = ANY(%(sites)s) AND r.kind = ANY(%(kinds)s)
           AND (r.specialty_id = %(specialty)s OR r.specialty_id IS NULL)
           AND (r.valid_from IS NULL OR r.valid_from <= %(day)s)
           AND (r.valid_to IS NULL OR r.valid_to >= %(day)s)
    ) found ORDER BY part, id"""
# Figures over cases that the asker may not see: only the database's own function may count them.
HISTORY = """
    SELECT * FROM jieli_history(
        %(people)s::bigint[], %(specialty)s, %(enough)s, %(site)s, %(since)s)"""


def on_duty(standing: Mapping[int, Standing], specialty: Specialty, now: datetime) -> list[OnDuty]:
    """People on a line of the specialty now; officers and directors also by their standing role."""
    given: dict[str, Any] = {
        "sites": list(standing),
        "kinds": [str(kind) for kind in LINE_OF_ROLE],
        "specialty": specialty.pk,
        "now": now,
        "day": official_day(now),
    }
    with connection.cursor() as cursor:
        cursor.execute(ON_DUTY, given)
        rows = cursor.fetchall()
    known = Practitioner.objects.select_related("presence").in_bulk({row[1] for row in rows})
    people: list[OnDuty] = []
    covered: set[tuple[int, str]] = set()
    for part, person, site, word, licensed in rows:
        turn = part == 1
        line = (LINE_OF_DUTY if turn else LINE_OF_ROLE)[word]
        if turn:
            covered.add((site, line))
        elif (site, line) in covered:
            continue
        organisation = standing[site].agreement.to_organisation
        people.append(OnDuty(known[person], organisation, line, licensed))
    return _once(_where_the_specialty_is(people))


def _where_the_specialty_is(people: list[OnDuty]) -> list[OnDuty]:
    """Officers and directors of hospitals that have the specialty on a line; else of all."""
    sites = {p.organisation.pk for p in people if p.line in ("expert", "second")}
    return [p for p in people if p.organisation.pk in sites] if sites else people


def _once(people: list[OnDuty]) -> list[OnDuty]:
    """Each person on their foremost line only."""
    order = ("expert", "officer", "second", "director")
    seen: dict[int, OnDuty] = {}
    for one in sorted(people, key=lambda p: order.index(p.line)):
        seen.setdefault(one.practitioner.pk, one)
    return list(seen.values())


def facts(
    people: list[OnDuty],
    *,
    case: Case,
    specialty: Specialty,
    technique: Technique | None,
    raised_by: Practitioner,
    standing: dict[int, Standing],
    exception: bool,
    now: datetime,
) -> list[matching.Facts]:
    """What matching needs to know of each person, in a fixed number of queries."""
    ids = [p.practitioner.pk for p in people]
    history = _history(ids, case, specialty, now)
    allowed = _privileged(ids, technique, official_day(now))
    return [
        matching.Facts(
            person=p.practitioner.pk,
            line=p.line,
            zone=p.organisation.zone,
            own_case=p.practitioner.pk == raised_by.pk,
            presence=_presence(p.practitioner, now),
            agreement="valid" if exception else standing[p.organisation.pk].state,
            has_privilege=allowed is None or p.practitioner.pk in allowed,
            licensed=p.licensed,
            practising_since=p.practitioner.practising_since,
            answers=p.practitioner.rings_answered,
            answer_seconds=float(p.practitioner.answer_seconds),
            cases_like_this=history.alike.get(p.practitioner.pk, 0),
            knows_patient_or_site=p.practitioner.pk in history.known,
            speaks_language=case.patient.language in p.practitioner.languages,
            rings_28_days=history.load.get(p.practitioner.pk, 0),
            last_rung=history.last_rung.get(p.practitioner.pk),
        )
        for p in people
    ]


def _presence(person: Practitioner, now: datetime) -> str:
    presence: Presence | None = getattr(person, "presence", None)
    if presence is None or (presence.until and presence.until <= now):
        return "free"
    return presence.state


def _privileged(ids: list[int], technique: Technique | None, on: date) -> set[int] | None:
    if technique is None:
        return None
    return set(
        Privilege.objects.filter(practitioner__in=ids, technique=technique)
        .filter(Q(valid_from=None) | Q(valid_from__lte=on))
        .filter(Q(valid_to=None) | Q(valid_to__gte=on))
        .values_list("practitioner_id", flat=True)
    )


@dataclass(frozen=True, slots=True)
class _History:
    alike: dict[int, int]
    known: set[int]
    load: dict[int, int]
    last_rung: dict[int, datetime]


def _history(ids: list[int], case: Case, specialty: Specialty, now: datetime) -> _History:
    """Read per person through one index each, and no further than it counts."""
    given: dict[str, Any] = {
        "people": ids,
        "specialty": specialty.pk,
        "enough": matching.EXPERIENCED,
        "site": case.organisation_id,
        "since": now - LOAD_WINDOW,
    }
    found = _History({}, set(), {}, {})
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, given)
        for person, alike, at_site, load, last in cursor.fetchall():
            found.alike[person] = alike
            if at_site:
                found.known.add(person)
            if load:
                found.load[person], found.last_rung[person] = load, last
    return found


# ── who must hear of a clock ─────────────────────────────────────────────────


class Desks:
    """Who sits at a hospital's desk now: asked for many hospitals at once, or for one."""

    def __init__(self, now: datetime, organisations: Iterable[int] = ()) -> None:
        self._now = now
        self._held: dict[int, dict[str, list[Practitioner]]] = {}
        self._look(organisations)

    def duty(self, organisation: Organisation) -> list[Practitioner]:
        """The duty officer now, else its coordinators."""
        held = self._of(organisation)
        return next(filter(None, (held[word] for word in DESK_ORDER)), [])

    def director(self, organisation: Organisation) -> list[Practitioner]:
        return self._of(organisation)[Role.Kind.DIRECTOR]

    def _of(self, organisation: Organisation) -> dict[str, list[Practitioner]]:
        if organisation.pk not in self._held:
            self._look([organisation.pk])
        return self._held[organisation.pk]

    def _look(self, organisations: Iterable[int]) -> None:
        sites = list(set(organisations))
        if not sites:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                DESKS, {"sites": sites, "now": self._now, "day": official_day(self._now)}
            )
            rows = cursor.fetchall()
        known = Practitioner.objects.in_bulk({person for _site, _word, person in rows})
        for site in sites:
            self._held[site] = {word: [] for word in (*DESK_ORDER, Role.Kind.DIRECTOR)}
        for site, word, person in rows:
            self._held[site][word].append(known[person])


DESK_ORDER = ("turn", Role.Kind.DUTY_OFFICER, Role.Kind.COORDINATOR)
DESKS = """
    SELECT d.organisation_id, 'turn', d.practitioner_id FROM directory_duty d
     WHERE d.organisation_id = ANY(%(sites)s) AND d.line = 'officer'
       AND d.period @> %(now)s::timestamptz
     UNION
    SELECT r.organisation_id, r.kind, r.practitioner_id FROM directory_role r
     WHERE r.organisation_id = ANY(%(sites)s)
       AND r.kind IN ('duty_officer', 'coordinator', 'director')
       AND (r.valid_from IS NULL OR r.valid_from <= %(day)s)
       AND (r.valid_to IS NULL OR r.valid_to >= %(day)s)
     ORDER BY 1, 2, 3"""


def audience(name: str, case: Case, request: Request | None, desks: Desks) -> list[Practitioner]:
    """The people behind a word of rules.escalation."""
    if name == "treating":
        return [case.in_charge]
    if name == "treating_duty":
        return desks.duty(case.organisation) or [case.in_charge]
    if name == "treating_director":
        return desks.director(case.organisation) or desks.duty(case.organisation)
    if request is None:
        return []
    if name == "expert":
        return [request.accepted_by] if request.accepted_by else []
    if name == "author":
        return [o.author for o in request.opinions.filter(acknowledged_at=None)]
    line = {"list": "expert"}.get(name, name)
    free = request.candidates.filter(line=line, barred="").select_related("practitioner")
    return [candidate.practitioner for candidate in free]
