"""The page of the daily roots: who sees it, what it says, and what is taken away from it."""

from datetime import timedelta

import pytest
from django.test import Client

from jieli.cases.queries.lists import numbers_of
from jieli.directory.models import Role
from jieli.record.models import Root
from jieli.record.roots import make_root, signed
from jieli.rules.roots import read_text
from tests.cases.world import T0, World, minutes

pytestmark = pytest.mark.django_db
PAGES = ["/record/roots/", "/record/roots/export/"]


@pytest.fixture
def world(settings, tmp_path, monkeypatch) -> World:
    settings.KEYS = tmp_path / "keys"
    made = World()
    made.person("quality", made.county, Role.Kind.QUALITY)
    made.person("admin", made.hub, Role.Kind.ADMIN)
    made.at = minutes(60)
    monkeypatch.setattr("jieli.web.middleware.now", lambda: made.at)
    return made


def as_(person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person.account)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_works_wrong_person_wrong_method_anonymous(world, page):
    for who in ("director", "quality", "admin"):
        assert as_(world.people[who]).get(page).status_code == 200
    for who in ("doctor", "alice", "officer"):
        assert as_(world.people[who]).get(page).status_code == 404
    assert as_(world.director).post(page).status_code == 405
    assert Client().get(page).status_code == 302


def test_before_the_first_root_it_says_so(world):
    assert "No root yet." in as_(world.director).get("/record/roots/").content.decode()


def test_it_shows_the_roots_and_names_no_case(world):
    case = world.raised("U1").case
    make_root(minutes(30), numbers_of)
    make_root(T0 + timedelta(days=3), numbers_of)
    world.at = T0 + timedelta(days=3)
    page = as_(world.director).get("/record/roots/").content.decode()
    for root in Root.objects.all():
        assert root.hash in page
    assert "for 3 days, after a standstill" in page
    assert case.number not in page
    assert "No root for" not in page


def test_it_says_when_the_root_stays_away(world):
    make_root(minutes(30), numbers_of)
    world.at = T0 + timedelta(days=3)
    assert "No root for 3 days." in as_(world.director).get("/record/roots/").content.decode()


def test_the_copy_is_what_verify_reads(world):
    case = world.raised("U1").case
    make_root(minutes(30), numbers_of)
    answer = as_(world.quality).get("/record/roots/export/")
    assert "attachment" in answer["Content-Disposition"]
    text = answer.content.decode()
    assert read_text(text) == [signed(Root.objects.get())]
    assert case.number not in text


def test_it_is_linked_for_those_who_may_see_it(world):
    assert "/record/roots/" in as_(world.director).get("/me/").content.decode()
    assert "/record/roots/" not in as_(world.doctor).get("/me/").content.decode()
