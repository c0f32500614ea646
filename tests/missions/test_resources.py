"""Who has the bed, the device, the cartridge now: shown to the alliance, confirmed at home."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jieli.cases.forms import ZONES
from jieli.directory.models import Membership
from jieli.missions.actions.resources import confirm_resource, confirm_vehicle
from jieli.missions.models import Resource, Slot, Vehicle
from jieli.missions.queries.resources import counted
from jieli.rules.refusal import Refused
from jieli.rules.resources import FRESH_HOURS
from tests.directory import world as worlds
from tests.directory.world import NOW
from tests.exchange.test_pages import as_

PAGE = "/missions/resources/"


@pytest.fixture
def world(db):
    return worlds.build()


@pytest.fixture(autouse=True)
def at_one_instant(monkeypatch):
    monkeypatch.setattr("jieli.web.middleware.now", lambda: NOW)
    monkeypatch.setattr("jieli.web.context.now", lambda: NOW)


def beds(world, free=2, at=NOW) -> Resource:
    return confirm_resource(world.centre, "icu_bed", free, by=world.zhu, now=at)


def test_confirming_again_renews_the_time_and_keeps_one_row(world):
    beds(world, 2, NOW - timedelta(hours=30))
    again = beds(world, 2)
    assert Resource.objects.get() == again
    assert (again.free, again.confirmed_at, again.confirmed_by) == (2, NOW, world.zhu)


@pytest.mark.parametrize(("kind", "free"), [("dragon", 1), ("icu_bed", -1), ("icu_bed", 1000)])
def test_nonsense_is_refused_and_nothing_stored(world, kind, free):
    with pytest.raises(Refused):
        confirm_resource(world.centre, kind, free, by=world.zhu, now=NOW)
    assert not Resource.objects.exists()


def test_old_counts_are_marked(world):
    beds(world, 2, NOW - timedelta(hours=FRESH_HOURS))
    assert not counted(world.zhu, NOW).things[0].counts[0].old
    assert counted(world.zhu, NOW + timedelta(minutes=1)).things[0].counts[0].old


def test_the_alliance_sees_it_and_only_the_hospital_counts(world):
    beds(world)
    for who, mine in ((world.zhu, True), (world.county_doctor, False)):
        (count,) = counted(who, NOW).things[0].counts
        assert count.mine is mine
    Membership.objects.filter(organisation=world.county).delete()
    assert not counted(world.county_doctor, NOW).things


def test_one_tap(world):
    beds(world, 2, NOW - timedelta(days=1))
    client = as_(world.zhu)
    page = client.get(PAGE).content.decode()
    assert "old" in page
    path = f"{PAGE}{world.centre.code}/icu_bed/"
    answer = client.post(path, {"free": "1"})
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert Resource.objects.get().free == 1
    new = {"organisation": world.centre.code, "kind": "hp_cartridge", "free": "6"}
    assert client.post(f"{PAGE}new/", new).status_code == 303
    assert Resource.objects.get(kind="hp_cartridge").free == 6


@pytest.mark.parametrize("free", ["", "-1", "x", "1.5", "１", "9999"])
def test_what_is_no_count_is_one_sentence(world, free):
    beds(world)
    answer = as_(world.zhu).post(f"{PAGE}{world.centre.code}/icu_bed/", {"free": free})
    assert answer.status_code == 409
    assert "from 0 to 999" in answer.content.decode()
    assert Resource.objects.get().free == 2


def test_the_wrong_person_and_the_wrong_method(world):
    beds(world)
    van = Vehicle.objects.create(organisation=world.centre, name="1", kind="ambulance")
    path, ride = f"{PAGE}{world.centre.code}/icu_bed/", f"/missions/vehicles/{van.pk}/"
    for who in (world.county_doctor, world.outsider, world.nobody):
        client = as_(who)
        assert client.post(path, {"free": "0"}).status_code == 404
        assert client.post(ride, {"state": "away"}).status_code == 404
    client = as_(world.zhu)
    assert client.get(path).status_code == 405
    assert client.post(PAGE).status_code == 405
    assert client.post(ride, {"state": "away"}).status_code == 303
    van.refresh_from_db()
    assert (van.state, van.confirmed_by) == ("away", world.zhu)
    assert client.post(ride, {"state": "flying"}).status_code == 409


def test_a_vehicle_that_is_said_to_be_free_waits_for_nothing(world):
    van = Vehicle.objects.create(
        organisation=world.centre, name="1", kind="ambulance", state="away", free_from=NOW
    )
    said = confirm_vehicle(van, "free", by=world.zhu, now=NOW)
    assert (said.state, said.free_from) == ("free", None)


# ── operating lists ──────────────────────────────────────────────────────────


def test_a_place_on_the_list_is_added_taken_and_free_again(world):
    client = as_(world.zhu)
    tomorrow = (NOW + timedelta(days=1)).astimezone(ZONES["beijing"])
    given = {
        "organisation": world.centre.code,
        "starts_at": f"{tomorrow:%Y-%m-%dT08:30}",
        "zone": "beijing",
        "room": "3",
    }
    for _twice in range(2):
        assert client.post(f"{PAGE}slots/", given).status_code == 303
    slot = Slot.objects.get()
    assert (slot.room, slot.taken, slot.confirmed_by) == ("3", False, world.zhu)
    assert slot.starts_at == tomorrow.replace(hour=8, minute=30, second=0, microsecond=0)
    assert "08:30" in client.get(PAGE).content.decode()
    for state, taken in (("taken", True), ("free", False)):
        assert client.post(f"{PAGE}slots/{slot.pk}/", {"state": state}).status_code == 303
        slot.refresh_from_db()
        assert slot.taken is taken
    assert client.post(f"{PAGE}slots/{slot.pk}/", {"state": "x"}).status_code == 409
    assert as_(world.county_doctor).post(f"{PAGE}slots/{slot.pk}/").status_code == 404


@pytest.mark.parametrize(
    "change",
    [{"starts_at": ""}, {"starts_at": "tomorrow"}, {"starts_at": "2020-01-01T08:30"},
     {"starts_at": "2099-01-01T08:30"}],
)  # fmt: skip
def test_nonsense_on_the_list_is_one_sentence_and_nothing_is_stored(world, change):
    given = {"organisation": world.centre.code, "zone": "beijing"} | change
    answer = as_(world.zhu).post(f"{PAGE}slots/", given)
    assert answer.status_code in (409, 422)
    assert not Slot.objects.exists()


def test_nobody_adds_to_the_list_of_another_hospital(world):
    at = (NOW + timedelta(days=1)).isoformat()
    given = {"organisation": world.centre.code, "starts_at": at}
    assert as_(world.county_doctor).post(f"{PAGE}slots/", given).status_code == 404
