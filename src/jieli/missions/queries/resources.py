"""Who has what now, over the hospitals of one's alliances; what was said long ago is marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from jieli.directory.access import TREATING_KINDS, alliances_of, organisations_of, today
from jieli.directory.models import Membership, Organisation, Practitioner
from jieli.missions.models import Resource, Slot, Vehicle
from jieli.missions.queries.words import thing
from jieli.rules.resources import FRESH_HOURS, KINDS

SHOWN = 500


@dataclass(frozen=True, slots=True)
class Count:
    """One thing at one hospital."""

    row: Resource
    old: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class Thing:
    kind: str
    name: str
    counts: Sequence[Count]
    free: int


@dataclass(frozen=True, slots=True)
class Ride:
    row: Vehicle
    old: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A place on an operating list; `at` is local time there."""

    row: Slot
    at: datetime
    mine: bool


@dataclass(frozen=True, slots=True)
class Counted:
    things: Sequence[Thing]
    vehicles: Sequence[Ride]
    places: Sequence[Place]
    mine: Sequence[Organisation]  # where this person may count
    kinds: Sequence[tuple[str, str]]


def counted(person: Practitioner, now: datetime) -> Counted:
    on = today(now)
    members = Membership.objects.filter(alliance__in=alliances_of(person, on))
    sites = {*members.values_list("organisation_id", flat=True), *organisations_of(person, on)}
    own = organisations_of(person, on, TREATING_KINDS)
    rows = Resource.objects.filter(organisation__in=sites).select_related(
        "organisation", "confirmed_by"
    )
    found: dict[str, list[Count]] = {}
    for row in rows.order_by("-free", "organisation__sort_key")[:SHOWN]:
        old = _is_old(row.confirmed_at, now)
        found.setdefault(row.kind, []).append(Count(row, old, row.organisation_id in own))
    return Counted(
        [
            Thing(kind, thing(kind), found[kind], sum(c.row.free for c in found[kind]))
            for kind in KINDS
            if kind in found
        ],
        _vehicles(sites, own, now),
        _places(sites, own, now),
        list(Organisation.objects.filter(pk__in=own).order_by("sort_key", "pk")),
        [(kind, thing(kind)) for kind in KINDS],
    )


def _vehicles(sites: set[int], own: set[int], now: datetime) -> list[Ride]:
    rows = Vehicle.objects.filter(organisation__in=sites).select_related(
        "organisation", "confirmed_by"
    )
    return [
        Ride(row, _is_old(row.confirmed_at, now), row.organisation_id in own)
        for row in rows.order_by("organisation__sort_key", "name")[:SHOWN]
    ]


def _places(sites: set[int], own: set[int], now: datetime) -> list[Place]:
    rows = Slot.objects.filter(organisation__in=sites, starts_at__gte=now).select_related(
        "organisation", "confirmed_by"
    )
    return [
        Place(
            row,
            row.starts_at.astimezone(ZoneInfo(row.organisation.zone)),
            row.organisation_id in own,
        )
        for row in rows.order_by("starts_at", "organisation__sort_key", "room")[:SHOWN]
    ]


def _is_old(at: datetime | None, now: datetime) -> bool:
    return at is None or now - at > timedelta(hours=FRESH_HOURS)
