"""The hospital's own sign-in, against a real provider on loop-back."""

from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from jieli.directory.models import Account, AccountEvent
from jieli.web.signin.adapters import claimed
from tests.web.signin.people import sign_in, signed_in

PEOPLE = [
    oidc_provider_mock.User(sub="sub-zhu", claims={"employee_number": "e1", "name": "祝南星"}),
    oidc_provider_mock.User(sub="sub-double", claims={"employee_number": "e1"}),
    oidc_provider_mock.User(sub="sub-stranger", claims={"employee_number": "nobody"}),
    oidc_provider_mock.User(sub="sub-without", claims={"preferred_username": "e1"}),
    oidc_provider_mock.User(sub="sub-coordinator", claims={"employee_number": "c1"}),
]


@pytest.fixture(scope="module")
def provider():
    with oidc_provider_mock.run_server_in_thread(user_claims=PEOPLE) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def hospital(settings, provider):
    app = {
        "provider_id": "hospital",
        "name": "医院",
        "client_id": "jieli",
        "secret": "s",
        "settings": {"server_url": provider, "oauth_pkce_enabled": True},
    }
    settings.OIDC_URL = provider
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}


def through(client, sub, *, action=""):
    """To the provider, its form, and back with its answer."""
    leave = client.get("/signin/sso/hospital/?next=/duty/")
    assert leave.status_code == 303, leave.content.decode()
    address = leave["Location"]
    filled = {"action": action} if action else {"sub": sub}
    back = httpx.post(address, data=filled, trust_env=False)
    assert back.status_code == 302, back.text
    return client.get(back.headers["Location"].removeprefix("http://testserver"))


def test_who_has_an_account_gets_in_and_is_linked(client, world, hospital):
    answer = through(client, "sub-zhu")
    assert (answer.status_code, answer["Location"]) == (303, "/duty/")
    assert client.session["_auth_user_id"] == str(world.zhu.account.pk)
    linked = SocialAccount.objects.get()
    assert (linked.user, linked.uid) == (world.zhu.account, "sub-zhu")
    assert linked.extra_data == {}  # what the hospital said of the person is not kept
    assert AccountEvent.objects.get().kind == "linked"
    fresh = Client()
    through(fresh, "sub-zhu")
    assert signed_in(fresh)
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize("sub", ["sub-stranger", "sub-without"])
def test_a_stranger_gets_no_account(client, world, hospital, sub):
    before = Account.objects.count()
    answer = through(client, sub)
    assert answer.status_code == 403
    assert "没有您这个工号的账号" in answer.content.decode()
    assert (Account.objects.count(), SocialAccount.objects.count()) == (before, 0)
    assert not signed_in(client)


def test_an_imported_person_is_let_in_by_the_office_and_needs_no_password(client, world, hospital):
    world.zhu.account.delete()
    assert through(Client(), "sub-zhu").status_code == 403
    office = Client()
    sign_in(office, "c1")
    address = f"/staff/{world.zhu.key}/account/"
    assert office.post(address, {"organisation": "centre"}).status_code == 303
    assert "用医院统一登录" in office.get("/staff/?text=e1").content.decode()
    through(client, "sub-zhu")
    assert signed_in(client)
    assert sign_in(Client(), "e1", "").status_code == 422
    assert sign_in(Client(), "e1", "!").status_code == 401
    kinds = AccountEvent.objects.filter(practitioner=world.zhu).values_list("kind", flat=True)
    assert list(kinds.order_by("pk")) == ["opened", "linked"]
    assert office.post(address, {"organisation": "centre"}).status_code == 409


@pytest.mark.parametrize("number", ["e1", "o1"])
def test_only_the_office_opens_accounts(world, hospital, number):
    made = Client()
    sign_in(made, number)
    given = {"organisation": "centre"}
    assert made.post(f"/staff/{world.ji.key}/account/", given).status_code == 404


def test_a_second_identity_does_not_get_the_same_account(client, world, hospital):
    through(Client(), "sub-zhu")
    answer = through(client, "sub-double")
    assert answer.status_code == 403
    assert "绑定医院的另一个登录身份" in answer.content.decode()
    assert not signed_in(client)


def test_a_number_that_was_given_to_somebody_else_opens_nothing(client, world, hospital):
    SocialAccount.objects.create(user=world.coordinator.account, provider="hospital", uid="sub-zhu")
    assert through(client, "sub-zhu").status_code == 403
    assert not signed_in(client)


def test_whoever_left_does_not_get_in(client, world, hospital):
    through(Client(), "sub-zhu")
    world.zhu.account.is_active = False
    world.zhu.account.save()
    assert through(client, "sub-zhu").status_code == 403
    assert not signed_in(client)


def test_the_second_factor_is_asked_here_too(client, world, hospital):
    from tests.web.signin.people import with_passkey

    sign_in(client, "e1")
    with_passkey(client)
    fresh = Client()
    assert through(fresh, "sub-zhu")["Location"] == "/signin/code/"
    assert not signed_in(fresh)


def test_a_cancelled_sign_in_is_a_page_of_ours(client, world, hospital):
    answer = through(client, "", action="deny")
    assert answer.status_code == 403
    assert "没有正常应答" in answer.content.decode()


@pytest.mark.parametrize("query", ["", "?code=abc&state=forged", "?error=server_error"])
def test_an_answer_that_nobody_asked_for_opens_nothing(client, world, hospital, query):
    answer = client.get(f"/signin/sso/hospital/answer/{query}")
    assert answer.status_code == 403
    assert not signed_in(client)


def test_an_answer_for_another_browser_opens_nothing(client, world, hospital):
    """Somebody sends their own half-finished sign-in as a link."""
    leave = client.get("/signin/sso/hospital/")
    back = httpx.post(leave["Location"], data={"sub": "sub-zhu"}, trust_env=False)
    victim = Client()
    answer = victim.get(back.headers["Location"].removeprefix("http://testserver"))
    assert answer.status_code == 403
    assert not signed_in(victim)


def test_it_leaves_with_proof_key_and_state(client, world, hospital):
    query = parse_qs(urlsplit(client.get("/signin/sso/hospital/")["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["state"][0]
    assert query["redirect_uri"] == ["http://testserver/signin/sso/hospital/answer/"]


def test_a_link_on_another_site_does_not_begin_it(client, world, hospital):
    answer = client.get("/signin/sso/hospital/", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer["Location"] == "/signin/"


@pytest.mark.parametrize("broken", ["http://127.0.0.1:9", "{}/userinfo", "{}/nowhere"])
def test_a_provider_that_is_down_is_a_page_of_ours(
    client, world, settings, hospital, provider, broken
):
    [app] = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    app["settings"]["server_url"] = broken.format(provider)
    answer = client.get("/signin/sso/hospital/")
    assert answer.status_code == 403
    assert "没有正常应答" in answer.content.decode()


def test_without_a_provider_there_is_no_door(client, world):
    assert client.get("/signin/sso/hospital/").status_code == 404
    assert "sso" not in client.get("/signin/").content.decode()


@pytest.mark.parametrize(
    ("data", "number"),
    [
        ({"userinfo": {"employee_number": " e1 "}}, "e1"),
        ({"id_token": {"employee_number": 17}}, "17"),
        ({"id_token": {"employee_number": "e1"}, "userinfo": {"employee_number": "e2"}}, ""),
        ({"userinfo": {"employee_number": ""}}, ""),
        ({"userinfo": None}, ""),
        ({}, ""),
    ],
)
def test_the_number_is_what_the_hospital_says_and_only_if_it_says_one(data, number):
    assert claimed(data) == number
