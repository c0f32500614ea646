"""Who has the bed, the device, the cartridge now: said by somebody who works there, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from jieli.directory.models import Organisation, Practitioner
from jieli.missions.models import Resource, Slot, Vehicle
from jieli.record.actions import action
from jieli.rules.refusal import Refused
from jieli.rules.resources import KINDS

MOST = 999
AHEAD = timedelta(days=60)


@action
def confirm_resource(
    site: Organisation, kind: str, free: int, *, by: Practitioner, now: datetime, note: str = ""
) -> Resource:
    """So many are free now. The same count again is a confirmation, and the time is new."""
    if kind not in KINDS:
        raise Refused("There is no such thing.")
    if not 0 <= free <= MOST:
        raise Refused("Write how many are free, from 0 to 999.")
    resource, _created = Resource.objects.update_or_create(
        organisation=site,
        kind=kind,
        defaults={"free": free, "note": note[:120], "confirmed_by": by, "confirmed_at": now},
    )
    return resource


@action
def confirm_vehicle(vehicle: Vehicle, state: str, *, by: Practitioner, now: datetime) -> Vehicle:
    """Free, away or broken now."""
    if state not in Vehicle.State.values:
        raise Refused("A vehicle is free, away or broken.")
    vehicle = Vehicle.objects.select_for_update().get(pk=vehicle.pk)
    vehicle.state, vehicle.free_from = state, None
    vehicle.confirmed_by, vehicle.confirmed_at = by, now
    vehicle.save(update_fields=["state", "free_from", "confirmed_by", "confirmed_at"])
    return vehicle


@action
def add_slot(
    site: Organisation, starts_at: datetime, room: str, *, by: Practitioner, now: datetime
) -> Slot:
    """A free place on the operating list. The same place again is free again."""
    if not now <= starts_at <= now + AHEAD:
        raise Refused("A place on the list lies within the next 60 days.")
    slot, _created = Slot.objects.update_or_create(
        organisation=site,
        starts_at=starts_at,
        room=room[:40],
        defaults={"taken": False, "confirmed_by": by, "confirmed_at": now},
    )
    return slot


@action
def confirm_slot(slot: Slot, state: str, *, by: Practitioner, now: datetime) -> None:
    """Free or taken now."""
    if state not in ("free", "taken"):
        raise Refused("A place on the list is taken or free.")
    Slot.objects.filter(pk=slot.pk).update(
        taken=state == "taken", confirmed_by=by, confirmed_at=now
    )
