"""Every address refuses whoever is not signed in, and whoever has nothing to do with it."""

import uuid

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.cases.world import World

pytestmark = pytest.mark.django_db
# Open on purpose: signing in, choosing language and zone, machines; the gateway signs its body.
OPEN = {"signin", "zone", "set_language", "healthz", "readyz", "metrics", "attempt"}
# Steps of signing in, each with its own tests; other systems show a token.
OPEN |= {"account_login", "mfa_login_webauthn", "mfa_authenticate", "code_passkey"}
OPEN |= {"openid_connect_login", "openid_connect_callback", "invitation_link", "invitation"}
OPEN |= {"service"}
OPEN |= {"worker", "offline"}  # the service worker, and the page that says: no network
SAMPLES = {"uuid": str(uuid.uuid4()), "int": "1", "slug": "clocks", "str": "x"}


def addresses(patterns=None, prefix="/"):
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            route = prefix + str(entry.pattern)
            for kind, sample in SAMPLES.items():
                while f"<{kind}:" in route:
                    start = route.index(f"<{kind}:")
                    route = route[:start] + sample + route[route.index(">", start) + 1 :]
            yield entry.name, route


def test_there_are_many():
    assert len(list(addresses())) > 50


@pytest.mark.parametrize("method", ["get", "post"])
def test_anonymous_people_are_sent_to_the_sign_in(client, method):
    for name, path in addresses():
        if name in OPEN or path.startswith("/demo/"):
            continue
        response = getattr(client, method)(path)
        refused = response.status_code == 302 and response["Location"].startswith("/signin/")
        assert refused or response.status_code == 405, (method, path, response.status_code)


def test_a_person_without_a_role_reads_what_to_do_and_nothing_else(client):
    world = World()
    nobody = world.person("nobody", world.county, "doctor")
    nobody.roles.all().delete()
    client.force_login(nobody.account)
    assert client.get("/").status_code == 200
    request = world.raised("U1")
    for path in (f"/cases/{request.case.key}/", "/cases/new/"):
        assert client.get(path).status_code == 404
    assert client.get("/board/").status_code in (200, 404)
    assert "疑似肠闭锁" not in client.get("/board/").content.decode()
    assert client.get("/cases/").content.decode().count("疑似肠闭锁") == 0


def test_an_account_without_a_person_gets_404_and_never_an_error(client):
    from jieli.directory.models import Account

    client.force_login(Account.objects.create_account("ghost", "ghost ghost ghost"))
    for name, path in addresses():
        for method in ("get", "post"):
            if name == "signout" or path.startswith("/demo/"):
                continue
            response = getattr(client, method)(path)
            assert response.status_code == 404 or name in OPEN or name == "set_language", path


def test_nobody_holds_no_grant():
    from jieli.cases.access import visible_cases

    request = World().raised("U1")
    assert not visible_cases(None, request.raised_at).exists()
