"""The pager's pages: who may see them, and what they show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from jieli.directory.models import Account, Practitioner
from jieli.pager import actions
from jieli.pager.actions import watching
from jieli.pager.models import Probe
from jieli.rules.watching import Finding
from tests.directory.world import World, build
from tests.pager.conftest import beating

pytestmark = pytest.mark.django_db
PAGES = ["/pager/", "/pager/live/", "/pager/probes/voice/", "/pager/banner/"]


@pytest.fixture
def world() -> World:
    return build()


def as_(person: Practitioner) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person.account)  # type: ignore[arg-type]
    return client


@pytest.mark.parametrize("page", PAGES)
def test_works_wrong_person_wrong_method_anonymous(world: World, page: str) -> None:
    assert as_(world.coordinator).get(page).status_code == 200
    assert as_(world.admin).get(page).status_code == 200
    assert as_(world.nobody).get(page).status_code == 404
    assert as_(world.coordinator).post(page).status_code == 405
    assert Client().get(page).status_code == 302


@pytest.mark.parametrize("page", PAGES[:3])
def test_an_expert_does_not_see_the_machines(world: World, page: str) -> None:
    assert as_(world.zhu).get(page).status_code == 404


def test_an_unknown_way_is_not_found(world: World) -> None:
    assert as_(world.coordinator).get("/pager/probes/pigeon/").status_code == 404


def test_empty_it_says_what_will_come(world: World) -> None:
    page = as_(world.coordinator).get("/pager/").content.decode()
    assert "No test ring yet." in page
    assert "No runner works" in page


def test_it_shows_what_was_tried_and_what_it_proves(world: World) -> None:
    actions.Pulse("runner", lambda: 0.0).beat()
    Probe.objects.create(
        transport="voice", way="loopback", **_instants(), error="The telephone gateway cannot "
        "be reached.",
    )  # fmt: skip
    client = as_(world.coordinator)
    page = client.get("/pager/").content.decode()
    assert "0/1" in page
    assert "our half" in page
    assert "The last test ring did not arrive: Telephone call." in page
    assert "The pager is well" not in page
    rows = client.get("/pager/probes/voice/").content.decode()
    assert "The telephone gateway cannot be reached." in rows


def _instants() -> dict[str, Any]:
    from django.db.models.functions import Now

    return {"minute": Now(), "due_at": Now(), "arrived_at": Now(), "finished_at": Now()}


def test_every_page_of_the_board_says_that_the_pager_is_ill(world: World) -> None:
    beating()
    expert = as_(world.zhu)
    for page in ("/board/", "/duty/"):
        assert "If nobody answers" not in expert.get(page).content.decode()
    watching.keep([Finding("transport.voice", "ill", "")])
    for page in ("/board/", "/duty/", "/pager/banner/"):
        shown = expert.get(page).content.decode()
        assert "Test rings do not pass: Telephone call." in shown, page
        assert "/duty/telephones/" in shown


def test_a_warning_is_on_its_own_page_alone(world: World) -> None:
    beating()
    watching.keep([Finding("disk.a", "warn", "9%")])
    assert "disk" not in as_(world.zhu).get("/pager/banner/").content.decode()
    assert "Only 9% of the disk of a is free." in as_(world.admin).get("/pager/").content.decode()


def test_the_number_of_queries_does_not_grow(
    world: World, django_assert_max_num_queries: Any
) -> None:
    client = as_(world.coordinator)
    for machine in "abcdefgh":
        beating(machine=machine)
        watching.keep([Finding(f"disk.{machine}", "ill", "1%")])
    for minute in range(60):
        for transport in ("voice", "sms", "email"):
            Probe.objects.create(
                transport=transport, way="whole", minute=datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
            )
    client.get("/pager/")  # the first one of a session writes that it began
    with django_assert_max_num_queries(24):
        client.get("/pager/")


def test_an_account_that_is_nobodys_sees_nothing() -> None:
    client = Client()
    client.force_login(Account.objects.create_account("ghost", "ghost ghost ghost"))
    assert client.get("/pager/").status_code == 404
