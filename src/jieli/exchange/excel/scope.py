"""What the person who imports may touch, and what the directory already knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from jieli.directory.access import (
    COORDINATING,
    active_roles,
    alliances_of,
    organisations_of,
    today,
)
from jieli.directory.models import Organisation, Practitioner, Role, Specialty
from jieli.exchange.excel.columns import plain


@dataclass(slots=True)
class Scope:
    person: Practitioner
    now: datetime
    on: date
    mine: dict[str, str]  # code of a hospital that this person coordinates → its zone
    admin: set[str]  # codes of hospitals that this person administers
    alliances: set[str]
    specialties: dict[str, str]  # any spelling → code
    created: set[str] = field(default_factory=set)  # hospitals that this workbook adds

    @classmethod
    def of(cls, person: Practitioner, now: datetime) -> Scope:
        on = today(now)
        mine = Organisation.objects.filter(pk__in=organisations_of(person, on, COORDINATING))
        admin = active_roles(person, on).filter(kind=Role.Kind.ADMIN)
        alliances = alliances_of(person, on)
        return cls(
            person=person,
            now=now,
            on=on,
            mine=dict(mine.values_list("code", "zone")),
            admin=set(admin.values_list("organisation__code", flat=True)),
            alliances=set(alliances.values_list("code", flat=True)),
            specialties=_spellings(),
        )

    def specialty(self, written: str) -> str | None:
        return self.specialties.get(plain(written))

    def add(self, code: str, zone: str) -> None:
        """A hospital that this workbook adds belongs to whoever adds it."""
        self.created.add(code)
        self.mine[code] = zone
        self.admin.add(code)


def _spellings() -> dict[str, str]:
    return {
        plain(spelling): specialty.code
        for specialty in Specialty.objects.all()
        for spelling in (specialty.code, specialty.name, specialty.name_en)
        if spelling
    }


def known_people(numbers: Collection[str]) -> dict[str, Practitioner]:
    return {p.number: p for p in Practitioner.objects.filter(number__in=numbers)}


def homes(people: Iterable[Practitioner]) -> dict[int, str]:
    """Each person's home: the hospital of their oldest post."""
    roles = Role.objects.filter(practitioner__in=[p.pk for p in people]).order_by("pk")
    found: dict[int, str] = {}
    for person, code in roles.values_list("practitioner_id", "organisation__code"):
        found.setdefault(person, code)
    return found
