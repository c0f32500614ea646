"""The duty telephone list: the roster's whole day, the same as JSON, with an ETag, no patient."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from jieli.directory.models import Duty, Practitioner
from jieli.directory.queries import telephone_list
from tests.directory.world import NOW, World, at, build, turn

pytestmark = pytest.mark.django_db
ADDRESS = "/duty/telephones.json"


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jieli.web.middleware.now", lambda: NOW)


@pytest.fixture
def world() -> World:
    made = build()
    turn(made.zhu, made.centre, made.surgery, "21 08:00", "21 18:00")
    turn(made.ji, made.centre, made.surgery, "21 18:00", "22 08:00")
    turn(made.coordinator, made.centre, None, "21 08:00", "22 08:00", line="officer")
    return made


def as_(person: Practitioner) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person.account)  # type: ignore[arg-type]
    return client


def test_the_whole_day_with_hours_where_a_turn_is_shorter(world: World) -> None:
    for instant in ("21 08:00", "21 20:15", "22 07:59"):
        [table] = telephone_list([world.centre.pk], at(instant))
        officer, surgery = table.rows
        assert [(n.name, n.hours) for n in surgery.first] == [
            ("祝南星", "08–18"),
            ("季怀远", "18–08"),
        ]
        assert officer.first[0].hours == ""
        assert (table.window.start, table.window.end) == (at("21 08:00"), at("22 08:00"))
    [tomorrow] = telephone_list([world.centre.pk], at("22 08:00"))
    assert tomorrow.rows == []


def test_two_queries_however_many_hospitals(world: World, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        telephone_list([world.centre.pk, world.county.pk], NOW)


def test_the_same_list_for_a_machine(world: World) -> None:
    told = as_(world.county_doctor).get(ADDRESS).json()
    centre = next(h for h in told["hospitals"] if h["code"] == "centre")
    assert centre["rows"][1]["first"][0] == {
        "name": "祝南星", "telephone": "0998-555 0131", "hours": "08–18",
    }  # fmt: skip
    assert centre["officer"]["name"] == "林见川"
    assert told["alliances"][0]["telephone"] == "0998-555 0000"
    assert told["version"] in as_(world.county_doctor).get("/duty/telephones/").content.decode()


def test_asked_again_it_costs_nothing_until_a_number_changes(world: World) -> None:
    client = as_(world.zhu)
    first = client.get(ADDRESS)
    assert first["Cache-Control"] == "private, no-cache"
    again = client.get(ADDRESS, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    page = client.get("/duty/telephones/", headers={"If-None-Match": first["ETag"]})
    assert page.status_code == 304
    Practitioner.objects.filter(pk=world.ji.pk).update(telephone="0998-555 0199")
    changed = client.get(ADDRESS, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert "0998-555 0199" in changed.content.decode()


def test_the_page_itself_is_kept_by_no_browser(world: World) -> None:
    assert "no-store" in as_(world.zhu).get("/duty/telephones/")["Cache-Control"]


def test_one_hospital_for_the_wall(world: World) -> None:
    client = as_(world.county_doctor)
    page = client.get("/duty/telephones/?organisation=centre").content.decode()
    assert page.count("telpage") == 1
    assert client.get("/duty/telephones/?organisation=elsewhere").status_code == 404


def test_wrong_person_wrong_method_anonymous(world: World) -> None:
    assert as_(world.nobody).get(ADDRESS).status_code == 404
    assert as_(world.zhu).post(ADDRESS).status_code == 405
    assert Client().get(ADDRESS).status_code == 302
    assert "祝南星" not in as_(world.outsider).get(ADDRESS).content.decode()


def test_an_empty_line_says_whom_to_call(world: World) -> None:
    Duty.objects.filter(specialty=world.surgery).update(line="second")
    page = as_(world.zhu).get("/duty/telephones/").content.decode()
    assert "nobody; call the duty officer" in page
