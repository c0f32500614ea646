"""Which agreements hold, which run out, and what may be asked of whom."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jieli.directory.access import organisations_of, today, valid_on
from jieli.directory.models import (
    Agreement,
    Department,
    Duty,
    Organisation,
    Practitioner,
    Specialty,
)
from jieli.directory.queries.duty import specialty_name

REMIND = timedelta(days=90)
MODES = {
    "consult": gettext_lazy("consult"),
    "dispatch": gettext_lazy("send a team"),
    "live": gettext_lazy("live guidance"),
    "transfer": gettext_lazy("transfer"),
    "pathway": gettext_lazy("pathway"),
    "mdt": gettext_lazy("MDT"),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One agreement as the table shows it."""

    agreement: Agreement
    state: str  # draft, future, ok, warn, breach
    days: int | None  # left, or since it ran out; none: no end
    elapsed: float  # per cent of the term
    to_do: bool

    @property
    def modes(self) -> list[str]:
        return [str(MODES[mode]) for mode in self.agreement.modes]

    @property
    def specialties(self) -> list[str]:
        named = sorted(self.agreement.specialties.all(), key=lambda s: (s.order, s.pk))
        return [specialty_name(specialty) for specialty in named]

    @property
    def words(self) -> str:
        if self.state == "draft":
            return _("to be signed")
        if self.state == "breach":
            return _("expired %(days)s d ago") % {"days": self.days}
        if self.days is None:
            return _("no end")
        if self.days > 120 and self.state != "future":
            return _("%(months)s months left") % {"months": self.days // 30}
        said = _("begins in %(days)s d") if self.state == "future" else _("%(days)s d left")
        return said % {"days": self.days}

    @property
    def css(self) -> str:
        return {"draft": "ring", "future": "ok"}.get(self.state, self.state)


def agreements_of(person: Practitioner, now: datetime) -> list[Term]:
    """All agreements of the person's hospitals; what has to be done stands first."""
    return agreements_between(organisations_of(person, today(now)), now)


def agreements_between(organisations: Collection[int], now: datetime) -> list[Term]:
    rows = list(
        Agreement.objects.filter(
            Q(from_organisation__in=organisations) | Q(to_organisation__in=organisations)
        )
        .select_related("from_organisation", "to_organisation", "alliance")
        .prefetch_related("specialties")
    )
    on = today(now)
    renewed = {_pair(row) for row in rows if row.signed and _ends_after(row, on + REMIND)}
    terms = [_term(row, on, _pair(row) in renewed) for row in rows]
    order = ["breach", "warn", "draft", "future", "ok"]
    return sorted(terms, key=lambda t: (not t.to_do, order.index(t.state), t.days or 0))


def _term(row: Agreement, on: date, renewed: bool) -> Term:
    if not row.signed:
        return Term(row, "draft", None, 0, to_do=True)
    if row.valid_from and row.valid_from > on:
        return Term(row, "future", (row.valid_from - on).days, 0, to_do=False)
    if row.valid_to is None:
        return Term(row, "ok", None, 0, to_do=False)
    left = (row.valid_to - on).days
    if left < 0:
        return Term(row, "breach", -left, 100, to_do=not renewed and -left <= 365)
    state = "warn" if left <= REMIND.days else "ok"
    return Term(row, state, left, _elapsed(row, on), to_do=state == "warn" and not renewed)


def _elapsed(row: Agreement, on: date) -> float:
    if row.valid_from is None or row.valid_to is None or row.valid_to == row.valid_from:
        return 0
    return round(100 * (on - row.valid_from).days / (row.valid_to - row.valid_from).days, 1)


def _pair(row: Agreement) -> tuple[int, int]:
    return row.from_organisation_id, row.to_organisation_id


def _ends_after(row: Agreement, on: date) -> bool:
    return row.valid_to is None or row.valid_to > on


# -- what may be asked -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    specialty: Specialty
    organisations: list[Organisation]
    on_duty: int  # people on the first line now, over all of them


def answering(organisation_id: int, on: date, mode: str = "consult") -> list[Agreement]:
    return list(
        Agreement.objects.filter(
            valid_on(on), from_organisation=organisation_id, signed=True, modes__contains=[mode]
        )
        .select_related("to_organisation")
        .prefetch_related("specialties")
        .order_by("to_organisation__sort_key", "pk")
    )


def answering_hospitals(organisations: Collection[int], at: datetime) -> set[int]:
    """Hospitals that one of these may ask for a consult today."""
    agreements = Agreement.objects.filter(
        valid_on(today(at)),
        from_organisation__in=organisations,
        signed=True,
        modes__contains=["consult"],
    )
    return set(agreements.values_list("to_organisation_id", flat=True))


def specialties_that_may_be_asked(organisation_id: int, at: datetime) -> list[Asked]:
    """Licensed there, and named by a consult agreement that holds today. Five queries."""
    agreements = answering(organisation_id, today(at))
    sites = {row.to_organisation_id: row.to_organisation for row in agreements}
    allowed: dict[int, set[int] | None] = {}  # none: every specialty
    for row in agreements:
        named = {specialty.pk for specialty in row.specialties.all()}
        known: set[int] | None = allowed.get(row.to_organisation_id, set())
        allowed[row.to_organisation_id] = None if known is None or not named else known | named
    on_duty = _on_first_line(sites, at)
    found: dict[int, Asked] = {}
    for site, specialty in _licensed(sites):
        only = allowed[site]
        if only is not None and specialty.pk not in only:
            continue
        asked = found.get(specialty.pk) or Asked(specialty, [], 0)
        more = on_duty.get((site, specialty.pk), 0)
        found[specialty.pk] = Asked(
            specialty, [*asked.organisations, sites[site]], asked.on_duty + more
        )
    return sorted(found.values(), key=lambda asked: (asked.specialty.order, asked.specialty.pk))


def _licensed(sites: Collection[int]) -> list[tuple[int, Specialty]]:
    """Hospital and specialty, once each, although several departments may hold the licence."""
    departments = Department.objects.filter(organisation__in=sites).prefetch_related("specialties")
    pairs = {
        (department.organisation_id, specialty.pk): specialty
        for department in departments
        for specialty in department.specialties.all()
    }
    return [(site, specialty) for (site, _), specialty in sorted(pairs.items(), key=lambda p: p[0])]


def _on_first_line(sites: Collection[int], at: datetime) -> dict[tuple[int, int], int]:
    counted: dict[tuple[int, int], int] = {}
    turns = Duty.objects.filter(organisation__in=sites, line="first", period__contains=at)
    for site, specialty in turns.values_list("organisation_id", "specialty_id"):
        counted[(site, specialty)] = counted.get((site, specialty), 0) + 1
    return counted
