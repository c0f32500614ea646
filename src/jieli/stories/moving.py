"""Rows of what moves people and patients: hubs, timetables, roads, vehicles, things."""

from __future__ import annotations

from collections.abc import Mapping

from jieli.directory.models import Organisation
from jieli.missions.models import Departure, Hub, Resource, Road, Slot, Vehicle
from jieli.stories import script

SOURCE = "demonstration"


def sites_named(story: script.Story) -> set[str]:
    """Hospitals that the story's roads, vehicles and resources need."""
    hubs = {*story.hubs}
    ends = {end for road in story.roads for end in (road.start, road.end)} - hubs
    return ends | {vehicle.site for vehicle in story.vehicles} | {*story.resources, *story.slots}


def put(story: script.Story, sites: Mapping[str, Organisation]) -> None:
    """Found again by code, number or name: loading twice changes nothing."""
    for hub in story.hubs.values():
        _put_hub(hub)
    hubs = {hub.code: hub for hub in Hub.objects.all()}
    for line in story.timetables:
        _put_line(line, hubs)
    for road in story.roads:
        _put_road(road, sites, hubs)
    for vehicle in story.vehicles:
        _put_vehicle(vehicle, sites)
    for site, stocks in story.resources.items():
        for kind, free in stocks.items():
            Resource.objects.update_or_create(
                organisation=sites[site], kind=kind, defaults={"free": free}
            )
    for site, places in story.slots.items():
        for minutes in places:
            Slot.objects.get_or_create(
                organisation=sites[site], starts_at=story.instant(minutes), room=""
            )


def _put_hub(hub: script.Hub) -> None:
    Hub.objects.update_or_create(
        code=hub.code,
        defaults={
            "name": hub.name,
            "kind": hub.kind,
            "latitude": hub.place[0],
            "longitude": hub.place[1],
            "zone": hub.zone,
            "cutoff": hub.cutoff,
            "connection": hub.connection,
            "closed_from": hub.closed_from,
            "closed_to": hub.closed_to,
        },
    )


def _put_line(line: script.Departure, hubs: Mapping[str, Hub]) -> None:
    Departure.objects.update_or_create(
        mode=line.mode,
        number=line.number,
        start=hubs[line.start],
        end=hubs[line.end],
        departs=line.departs,
        defaults={
            "minutes": line.minutes,
            "weekdays": list(line.weekdays),
            "valid_from": line.since,
            "valid_to": line.until,
            "source": SOURCE,
        },
    )


def _put_road(
    road: script.Road, sites: Mapping[str, Organisation], hubs: Mapping[str, Hub]
) -> None:
    hub = hubs.get(road.start)
    Road.objects.update_or_create(
        start=None if hub else sites[road.start],
        start_hub=hub,
        end=sites[road.end],
        defaults={"minutes": road.minutes, "km": road.km, "source": SOURCE},
    )


def _put_vehicle(vehicle: script.Vehicle, sites: Mapping[str, Organisation]) -> None:
    Vehicle.objects.update_or_create(
        organisation=sites[vehicle.site],
        name=vehicle.name,
        defaults={
            "kind": vehicle.kind,
            "carries": vehicle.carries,
            "incubator": vehicle.incubator,
            "crew": vehicle.crew,
            "ready_minutes": vehicle.ready,
            "speed": vehicle.speed,
            "state": vehicle.state,
        },
    )
