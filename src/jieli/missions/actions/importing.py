"""Timetables and what hospitals have, many rows at once: the same file twice changes nothing.

The rows have been checked by whoever read the file; the caller holds the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model

from jieli.directory.actions.importing import Tally
from jieli.directory.models import Organisation, Practitioner
from jieli.missions.models import Departure, Hub, Resource, Road, Vehicle


@dataclass(frozen=True, slots=True)
class Row:
    """What it is found again by, and what is said of it. Places and hospitals are codes."""

    found_by: Mapping[str, Any]
    says: Mapping[str, Any]


def import_hubs(rows: Sequence[Row], *, by: Practitioner, now: datetime) -> Tally:
    return _put(Hub, rows)


def import_timetable(rows: Sequence[Row], *, by: Practitioner, now: datetime) -> Tally:
    hubs = Hub.objects.in_bulk(field_name="code")
    return _put(Departure, [_with(row, start=hubs, end=hubs) for row in rows])


def import_roads(rows: Sequence[Row], *, by: Practitioner, now: datetime) -> Tally:
    """A start that is a hub's code is that hub; every other one is a hospital's."""
    hubs = Hub.objects.in_bulk(field_name="code")
    sites = _sites(rows)
    placed = []
    for row in rows:
        start, end = str(row.found_by["start"]), sites[row.found_by["end"]]
        hub = hubs.get(start)
        key = {"start_hub": hub, "start": None if hub else sites[start], "end": end}
        placed.append(Row(key, row.says))
    return _put(Road, placed)


def import_vehicles(rows: Sequence[Row], *, by: Practitioner, now: datetime) -> Tally:
    """A file says what there is, and with a state also how it is now."""
    sites = _sites(rows)
    said = [_confirmed(_with(row, organisation=sites), "state", by, now) for row in rows]
    return _put(Vehicle, said)


def import_resources(rows: Sequence[Row], *, by: Practitioner, now: datetime) -> Tally:
    sites = _sites(rows)
    said = [_confirmed(_with(row, organisation=sites), "free", by, now) for row in rows]
    return _put(Resource, said)


def _confirmed(row: Row, name: str, by: Practitioner, now: datetime) -> Row:
    if name not in row.says:
        return row
    return Row(row.found_by, {**row.says, "confirmed_by": by, "confirmed_at": now})


def _sites(rows: Sequence[Row]) -> dict[str, Organisation]:
    codes = {value for row in rows for value in row.found_by.values() if isinstance(value, str)}
    return Organisation.objects.in_bulk(list(codes), field_name="code")


def _with(row: Row, **places: Mapping[str, Model]) -> Row:
    named = {name: known[row.found_by[name]] for name, known in places.items()}
    return Row({**row.found_by, **named}, row.says)


def _put(model: type[Model], rows: Sequence[Row]) -> Tally:
    tally = Tally()
    for row in rows:
        standing = model._default_manager.select_for_update().filter(**_where(row)).first()
        thing = standing or model(**row.found_by)
        changed = [name for name, value in row.says.items() if getattr(thing, name) != value]
        news = [name for name in changed if name != "confirmed_at"]
        for name, value in row.says.items():
            setattr(thing, name, value)
        if standing is None or changed:
            thing.save()
        tally.count(added=standing is None, changed=bool(news))
    return tally


def _where(row: Row) -> dict[str, Any]:
    return {
        (f"{name}__isnull" if value is None else name): (True if value is None else value)
        for name, value in row.found_by.items()
    }
