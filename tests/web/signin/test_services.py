"""Other systems: a token for one hospital, within its scopes, until its end."""

import re
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from jieli.directory import actions
from jieli.directory.models import ServiceAccount
from jieli.directory.services import service
from jieli.web.now import wall
from tests.web.signin.people import sign_in

FORM = {"organisation": "centre", "name": "HIS", "scopes": ["fhir.read"], "days": "30"}


@pytest.fixture
def admin(world):
    made = Client()
    sign_in(made, "a1")
    return made


@pytest.fixture
def token(world):
    _service, made = actions.open_service(
        world.centre, name="HIS", scopes=["fhir.read"], days=30, by=world.admin, now=wall()
    )
    return made


def ask(client, token, kind="Bearer"):
    return client.get("/service/", headers={"Authorization": f"{kind} {token}"})


def test_an_administrator_makes_a_token_that_is_shown_once(admin, client, world):
    assert admin.post("/services/", FORM).status_code == 303
    token = re.search(r"jl_[\w-]{43}", admin.get("/services/").content.decode())[0]
    assert token not in admin.get("/services/").content.decode()
    assert token.encode() not in bytes(ServiceAccount.objects.get().token_hash)
    said = ask(client, token).json()
    assert (said["name"], said["organisation"], said["scopes"]) == ("HIS", "centre", ["fhir.read"])
    assert ServiceAccount.objects.get().last_used_at is not None


@pytest.mark.parametrize(
    "change",
    [{"scopes": []}, {"scopes": ["everything"]}, {"days": "0"}, {"days": "9999"}, {"name": ""}],
)
def test_what_is_wrong_is_said(admin, world, change):
    assert admin.post("/services/", FORM | change).status_code == 422
    assert not ServiceAccount.objects.exists()


def test_only_an_administrator_of_that_hospital(admin, world):
    assert admin.post("/services/", FORM | {"organisation": "county"}).status_code == 404
    for number in ("c1", "e1", "o1"):
        made = Client()
        sign_in(made, number)
        assert made.get("/services/").status_code == 404
        assert made.post("/services/", FORM).status_code == 404


def test_a_token_ends_at_once(admin, client, world, token):
    assert ask(client, token).status_code == 200
    row = ServiceAccount.objects.get()
    other = Client()
    sign_in(other, "c1")
    assert other.post(f"/services/{row.pk}/end/").status_code == 404
    assert admin.post(f"/services/{row.pk}/end/").status_code == 303
    assert ask(client, token).status_code == 401
    row.refresh_from_db()
    assert row.ended_by == world.admin


def test_a_token_expires(client, world, token):
    ServiceAccount.objects.update(
        made_at=wall() - timedelta(days=9), expires_at=wall() - timedelta(seconds=1)
    )
    assert ask(client, token).status_code == 401


@pytest.mark.parametrize("wrong", ["", "jl_", "jl_" + "x" * 43, "nothing", "jl_" + "y" * 500])
def test_another_token_is_none(client, world, token, wrong):
    answer = ask(client, wrong)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer ")
    assert ask(client, token, "Basic").status_code == 401


def test_outside_the_scope_is_refused(world, token):
    request = RequestFactory().post("/", headers={"Authorization": f"Bearer {token}"})
    request.now = wall()
    seen = []

    def door(request):
        seen.append(request.service.organisation.code)
        return HttpResponse("in")

    assert service("fhir.read")(door)(request).status_code == 200
    refused = service("fhir.write")(door)(request)
    assert (refused.status_code, b"insufficient_scope" in refused.content) == (403, True)
    assert seen == ["centre"]


def test_a_token_opens_no_page_for_people(client, world, token):
    answer = client.get("/board/", headers={"Authorization": f"Bearer {token}"})
    assert answer["Location"].startswith("/signin/")
    assert client.get("/service/").status_code == 401


def test_last_use_is_written_once_a_minute(client, world, token):
    ask(client, token)
    first = ServiceAccount.objects.get().last_used_at
    ask(client, token)
    assert ServiceAccount.objects.get().last_used_at == first
