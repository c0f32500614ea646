"""Which hospitals a sheet looks at: the patient's, its partners, and the nearest that can do it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import cos, radians

from django.db.models import ExpressionWrapper, F, FloatField, OrderBy, Q, QuerySet

from jieli.cases.models import Case
from jieli.directory.models import Agreement, Capability, Membership, Organisation, Specialty
from jieli.missions.models import Resource, Slot, Vehicle
from jieli.rules.options import facts
from jieli.rules.options.facts import Carrier, Said, Site, Stock, Treaty
from jieli.rules.options.judging import ABLE
from jieli.rules.pathways import LIST, Pathway

ABLE_SITES = 12  # nearest hospitals with the technique, whose alliance does not matter
NEIGHBOURS = 8  # nearest of the own alliances: places to meet
PARTNERS = 20
BASES = 4
LISTED = timedelta(days=15)  # of operating lists; a window of content is 14 days at the longest


@dataclass(frozen=True, slots=True)
class Around:
    """Hospitals by code, the agreements among them, and how many able ones were left out."""

    sites: dict[str, Site]
    ids: dict[str, int]
    treaties: dict[tuple[str, str], Treaty]
    farther: int


def around(
    case: Case, pathway: Pathway, specialty: Specialty | None, on: date, now: datetime
) -> Around:
    here = case.organisation
    able = _able(here, pathway)
    nearest = list(able.values_list("organisation_id", flat=True)[:ABLE_SITES])
    allied = set(
        Membership.objects.filter(
            alliance__membership__organisation=here, left_on=None
        ).values_list("organisation_id", flat=True)
    )
    partners = _partners(here)
    ids = {here.pk, *nearest, *_neighbours(here, allied), *partners, *_bases(here, allied)}
    rows = Organisation.objects.in_bulk(ids)
    levels = _levels(ids, pathway)
    stocks = _stocks(ids, pathway)
    lists = _lists(ids, now) if pathway.theatre == LIST else {}
    bound = allied | partners | {here.pk}
    sites = {
        row.code: _site(
            row, levels.get(pk, {}), stocks.get(pk, {}), lists.get(pk), pathway, pk in bound
        )
        for pk, row in rows.items()
    }
    return Around(
        sites,
        {row.code: pk for pk, row in rows.items()},
        _treaties(rows, specialty, on),
        max(0, able.count() - len(nearest)) if len(nearest) == ABLE_SITES else 0,
    )


def _able(here: Organisation, pathway: Pathway) -> "QuerySet[Capability]":
    """Ids of hospitals with the technique, nearest first (as on a flat map, good enough to cut)."""
    rows = Capability.objects.filter(
        technique__code=pathway.operator, level__gte=ABLE, department=None
    ).exclude(organisation=here)
    return rows.order_by(*_near(here, "organisation__"))


def _neighbours(here: Organisation, allied: Collection[int]) -> list[int]:
    rows = Organisation.objects.filter(pk__in=allied).exclude(pk=here.pk)
    return list(rows.order_by(*_near(here, "")).values_list("pk", flat=True)[:NEIGHBOURS])


def _near(here: Organisation, path: str) -> list[OrderBy | str]:
    """An order by distance as on a flat map: good enough to cut."""
    if here.latitude is None or here.longitude is None:
        return ["pk"]
    north = F(f"{path}latitude") - here.latitude
    east = (F(f"{path}longitude") - here.longitude) * cos(radians(here.latitude))
    far = ExpressionWrapper(north * north + east * east, output_field=FloatField())
    return [far.asc(nulls_last=True), "pk"]


def _bases(here: Organisation, allied: Collection[int]) -> list[int]:
    """Where retrieval teams and aircraft stand, the nearest of the own alliances."""
    kinds = (Vehicle.Kind.RETRIEVAL, Vehicle.Kind.HELICOPTER, Vehicle.Kind.AIRCRAFT)
    rows = Organisation.objects.filter(pk__in=allied, vehicles__kind__in=kinds)
    near = rows.order_by(*_near(here, "")).values_list("pk", flat=True)
    return list(dict.fromkeys(near[: 4 * BASES]))[:BASES]


def _partners(here: Organisation) -> set[int]:
    pairs = Agreement.objects.filter(from_organisation=here).order_by("-valid_to", "id")
    return set(pairs.values_list("to_organisation_id", flat=True)[:PARTNERS])


def _levels(ids: Collection[int], pathway: Pathway) -> dict[int, dict[str, int]]:
    codes = [code for code in (pathway.operator, pathway.anaesthesia) if code]
    found: dict[int, dict[str, int]] = {}
    rows = Capability.objects.filter(organisation__in=ids, technique__code__in=codes)
    for site, code, level in rows.values_list("organisation_id", "technique__code", "level"):
        known = found.setdefault(site, {})
        known[code] = max(known.get(code, 0), level)
    return found


def _stocks(ids: Collection[int], pathway: Pathway) -> dict[int, dict[str, Stock]]:
    found: dict[int, dict[str, Stock]] = {}
    rows = Resource.objects.filter(organisation__in=ids, kind__in=pathway.needs)
    for row in rows.select_related("confirmed_by"):
        by = row.confirmed_by.name if row.confirmed_by else ""
        stock = Stock(row.free, Said("resources", row.confirmed_at, by))
        found.setdefault(row.organisation_id, {})[row.kind] = stock
    return found


def _lists(ids: Collection[int], now: datetime) -> dict[int, list[facts.Slot]]:
    """Of hospitals that keep one: the free places ahead, none when all are taken."""
    rows = Slot.objects.filter(
        organisation__in=ids, starts_at__gte=now - LISTED, starts_at__lte=now + LISTED
    ).select_related("confirmed_by")
    found: dict[int, list[facts.Slot]] = {}
    for row in rows.order_by("starts_at", "id"):
        free = found.setdefault(row.organisation_id, [])
        if row.starts_at >= now and not row.taken:
            by = row.confirmed_by.name if row.confirmed_by else ""
            free.append(facts.Slot(row.pk, row.starts_at, Said("list", row.confirmed_at, by)))
    return found


def _site(
    row: Organisation,
    levels: Mapping[str, int],
    stocks: Mapping[str, Stock],
    listing: Sequence[facts.Slot] | None,
    pathway: Pathway,
    allied: bool,
) -> Site:
    known = row.latitude is not None and row.longitude is not None
    return Site(
        row.code,
        row.name,
        (row.latitude, row.longitude) if known else None,  # type: ignore[arg-type]
        row.zone,
        levels.get(pathway.operator),
        levels.get(pathway.anaesthesia),
        allied,
        stocks,
        tuple(listing) if listing is not None else None,
    )


def _treaties(
    rows: Mapping[int, Organisation], specialty: Specialty | None, on: date
) -> dict[tuple[str, str], Treaty]:
    """Of several agreements of one pair, the one that holds, and holds longest."""
    wanted = Q(specialties=None) | (Q(specialties=specialty) if specialty else Q())
    found: dict[tuple[str, str], Treaty] = {}
    agreements = Agreement.objects.filter(
        wanted, from_organisation__in=list(rows), to_organisation__in=list(rows)
    ).distinct()
    for each in agreements.order_by("id"):
        pair = (rows[each.from_organisation_id].code, rows[each.to_organisation_id].code)
        treaty = Treaty(
            frozenset(each.modes),
            each.emergency_privilege_hours,
            each.valid_to,
            each.valid_from,
            each.signed,
        )
        found[pair] = max([found.get(pair, treaty), treaty], key=lambda t: _worth(t, on))
    return found


def _worth(treaty: Treaty, on: date) -> tuple[bool, bool, int, date]:
    dispatch = "dispatch" in treaty.modes
    return treaty.holds_on(on), dispatch, len(treaty.modes), treaty.until or date.max


def carriers(ids: Collection[int]) -> tuple[Carrier, ...]:
    rows = Vehicle.objects.filter(organisation__in=ids).select_related(
        "organisation", "confirmed_by"
    )
    return tuple(
        Carrier(
            row.pk,
            row.name,
            row.organisation.code,
            row.kind,
            row.carries,
            row.incubator,
            row.crew,
            row.ready_minutes,
            row.speed,
            row.state,
            row.free_from,
            Said("vehicles", row.confirmed_at, row.confirmed_by.name if row.confirmed_by else ""),
        )
        for row in rows.order_by("id")
    )
