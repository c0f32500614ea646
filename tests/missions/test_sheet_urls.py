"""The sheet's addresses: for whom they work, 404 for the wrong person, 405 for the method."""

import uuid

import pytest

from jieli.missions import actions
from jieli.missions.actions import sheets
from jieli.missions.models import Assent, Choice, Correction
from jieli.stories.models import DemoTime
from tests.cases.world import PASSWORD, World, minutes
from tests.missions.compared import advised, draft

pytestmark = pytest.mark.django_db
SIGNED = {"option": "dispatch-1", "text": "马上出发", "password": PASSWORD}


@pytest.fixture
def world(settings, monkeypatch) -> World:
    settings.JIELI_DEMO = True  # the shown time stands still at T0 + 50 minutes
    DemoTime.objects.create(shown_at=minutes(50), real_at=minutes(50), speed=0)
    monkeypatch.setattr(sheets, "generate", draft)
    return World()


@pytest.fixture
def case(world):
    return advised(world)


def ask(client, person, method, path, data=None):
    client.force_login(person.account)
    headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "post" else {}
    return getattr(client, method)(path, data or {}, headers=headers)


ADDRESSES = [
    # method, path below the case, data, who may, who of those who see the case may not
    ("get", "sheet/", {}, ["doctor", "alice", "officer", "county_officer"], []),
    ("get", "sheet/live/", {}, ["doctor", "alice"], []),
    ("post", "sheet/plans/", {}, ["doctor", "alice", "officer"], []),
    ("post", "sheet/corrections/", {"name": "stability", "value": "S1"}, ["doctor", "alice"], []),
    ("post", "sheet/family/", {}, ["doctor"], ["alice", "officer"]),
    ("post", "sheet/choices/", {**SIGNED, "version": 1}, ["doctor"], ["alice", "officer"]),
]


@pytest.mark.parametrize(("method", "path", "data", "may", "may_not"), ADDRESSES)
def test_each_address(client, world, case, method, path, data, may, may_not):
    where = f"/cases/{case.key}/{path}"
    for who in ["outsider", *may_not]:
        assert ask(client, world.people[who], method, where, data).status_code == 404, who
    other = "post" if method == "get" else "get"
    assert ask(client, world.doctor, other, where).status_code == 405
    for who in may:
        assert ask(client, world.people[who], method, where, data).status_code in (200, 303), who
    client.logout()
    assert client.get(f"/cases/{case.key}/{path}").status_code in (302, 405)


def test_the_page_says_what_matters(client, world, case):
    text = ask(client, world.doctor, "get", f"/cases/{case.key}/sheet/").text
    assert "99.8" in text
    assert "C4" in text
    assert 'class="dots"' in text
    assert text.count("<circle") >= 49  # a dot for each 2 %
    assert "14 小时" in text
    assert 'name="option"' in text
    assert 'name="option"' not in ask(client, world.alice, "get", f"/cases/{case.key}/sheet/").text


def test_in_english(client, world, case):
    client.force_login(world.doctor.account)
    client.cookies["jieli_language"] = "en"
    page = client.get(f"/cases/{case.key}/sheet/", headers={"Accept-Language": "en"})
    assert page.status_code == 200


def test_without_a_sheet_the_form_is_shown(client, world, monkeypatch):
    monkeypatch.setattr(sheets, "generate", lambda *_: None)
    case = advised(world)
    page = ask(client, world.doctor, "get", f"/cases/{case.key}/sheet/")
    assert (page.status_code, page["Location"]) == (302, f"/cases/{case.key}/decisions/new/")
    assert ask(client, world.doctor, "get", f"/cases/{case.key}/sheet/live/").status_code == 404


def test_an_older_version_is_kept_and_cannot_be_signed(client, world, case):
    actions.make_sheet(case, trigger="asked", by=world.doctor, now=minutes(45))
    old = ask(client, world.doctor, "get", f"/cases/{case.key}/sheet/?version=1").text
    assert "signbox" not in old
    assert (
        ask(client, world.doctor, "get", f"/cases/{case.key}/sheet/?version=9").status_code == 404
    )
    said = ask(client, world.doctor, "post", f"/cases/{case.key}/sheet/choices/",
               {**SIGNED, "version": 1})  # fmt: skip
    assert said.status_code == 409
    assert not Choice.objects.exists()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"password": "wrong"}, 409),
        ({"text": ""}, 422),
        ({"option": ""}, 422),
        ({"option": "local"}, 409),  # barred, and no reason
        ({"option": "teleport"}, 409),
        ({}, 303),
    ],
)
def test_signing(client, world, case, change, status):
    data = {**SIGNED, "version": 1, **change}
    answer = ask(client, world.doctor, "post", f"/cases/{case.key}/sheet/choices/", data)
    assert answer.status_code == status
    assert Choice.objects.count() == (1 if status == 303 else 0)
    if status != 303 and data["text"]:
        assert "马上出发" in answer.text  # nothing typed is lost


def test_bad_corrections_say_one_sentence_and_store_nothing(client, world, case):
    where = f"/cases/{case.key}/sheet/corrections/"
    for data in ({}, {"name": "stability"}, {"name": "x", "value": "y"},
                 {"name": "stability", "value": "S7"}):  # fmt: skip
        assert ask(client, world.doctor, "post", where, data).status_code in (409, 422)
    assert not Correction.objects.exists()


def test_the_expert_says_what_he_thinks_of_the_decision(client, world, case):
    chosen = actions.Chosen("dispatch-1", "马上出发")
    decision = actions.choose(
        case.sheets.first(), chosen, by=world.doctor, secret=PASSWORD, now=minutes(45)
    )
    where = f"/decisions/{decision.key}/assents/"
    assert ask(client, world.outsider, "post", where, {"agrees": "yes"}).status_code == 404
    assert ask(client, world.second_doctor, "post", where, {"agrees": "yes"}).status_code == 404
    assert ask(client, world.alice, "get", where).status_code == 405
    assert ask(client, world.alice, "post", where, {"agrees": "no"}).status_code == 409
    assert ask(client, world.alice, "post", where, {"agrees": "yes"}).status_code == 303
    assert Assent.objects.get().agrees
    text = ask(client, world.doctor, "get", f"/cases/{case.key}/sheet/").text
    assert "alice" in text


def test_several_cases_are_for_coordinators(client, world, case):
    assert ask(client, world.officer, "get", "/missions/joint/").status_code == 200
    assert ask(client, world.doctor, "get", "/missions/joint/").status_code == 404
    assert ask(client, world.officer, "post", "/missions/joint/").status_code == 405
