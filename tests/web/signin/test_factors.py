"""Passkeys, the authenticator app and recovery codes: who gets in with what."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from jieli.directory.models import AccountEvent
from jieli.rules.throttle import LIMITS
from jieli.web.signin import again as again_views
from jieli.web.signin import codes, entry, proofs, security
from tests.web.signin.people import PASSWORD, Device, sign_in, signed_in, with_passkey

AT = datetime(2026, 11, 25, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch):
    """Codes and proofs by a clock that the test turns."""

    class Clock:
        now = AT

        def code(self, secret):
            return format_hotp_value(hotp_value(secret, int(self.now.timestamp()) // 30))

        def pass_(self, seconds):
            self.now += timedelta(seconds=seconds)

    turned = Clock()
    for module in (entry, security, proofs, again_views):
        monkeypatch.setattr(module, "wall", lambda: turned.now)
    return turned


def enrolled(client, clock):
    """The secret of an app that was just set up, and the recovery codes shown with it."""
    client.get("/me/security/app/")
    secret = get_adapter().decrypt(client.session[security.SECRET])
    answer = client.post("/me/security/app/", {"code": clock.code(secret)})
    assert answer["Location"] == "/me/security/codes/"
    page = client.get("/me/security/codes/").content.decode()
    shown = [part.split("</code>")[0].replace(" ", "") for part in page.split("<code>")[1:]]
    clock.pass_(60)
    return secret, shown


# -- passkeys ----------------------------------------------------------------------------------


def test_a_passkey_signs_in_without_name_and_password(client, world):
    sign_in(client, "e1")
    device = with_passkey(client)
    assert AccountEvent.objects.filter(kind="passkey_added", practitioner=world.zhu).exists()
    fresh = Client()
    answer = fresh.post(
        "/signin/passkey/",
        {"credential": device.get(fresh.get("/signin/passkey/").json()), "next": "/duty/"},
    )
    assert (answer.status_code, answer["Location"]) == (303, "/duty/")
    assert fresh.session["_auth_user_id"] == str(world.zhu.account.pk)


def test_a_passkey_opens_when_every_password_from_there_waits(elsewhere, world):
    sign_in(elsewhere, "e1")
    device = with_passkey(elsewhere)
    attacker = Client(REMOTE_ADDR="203.0.113.77")
    for _ in range(LIMITS["pair"].most + 1):
        sign_in(attacker, "e1", "wrong")
    assert sign_in(attacker, "e1").status_code == 429
    options = attacker.get("/signin/passkey/").json()
    answer = attacker.post("/signin/passkey/", {"credential": device.get(options)})
    assert answer.status_code == 303


@pytest.mark.parametrize(
    "spoil",
    [
        lambda device, options: device.get(options, verified=False),  # nobody was recognised
        lambda device, options: device.get(options, challenge="AAAA"),  # of another visit
        lambda device, options: _elsewhere(device, options),  # a page that looks like ours
        lambda device, options: _other_holder(device, options),
        lambda device, options: _stranger(device, options),
        lambda device, options: "",
        lambda device, options: "not json",
        lambda device, options: "[]",
        lambda device, options: json.dumps({"id": 1, "response": None}),
        lambda device, options: json.dumps({"response": {"userHandle": 7}}),
        lambda device, options: "x" * 30_000,
    ],
)
def test_a_forged_answer_opens_nothing(client, world, spoil):
    sign_in(client, "e1")
    device = with_passkey(client)
    fresh = Client()
    options = fresh.get("/signin/passkey/").json()
    answer = fresh.post("/signin/passkey/", {"credential": spoil(device, options)})
    assert answer.status_code == 401
    assert not signed_in(fresh)


def _elsewhere(device, options):
    device.origin = "https://testserver.evil.example"
    return device.get(options)


def _other_holder(device, options):
    device.holder = "MQ"
    return device.get(options)


def _stranger(device, options):
    other = Device()
    other.holder = device.holder
    return other.get(options)


def test_an_answer_opens_once(client, world):
    sign_in(client, "e1")
    device = with_passkey(client)
    fresh = Client()
    answer = device.get(fresh.get("/signin/passkey/").json())
    assert fresh.post("/signin/passkey/", {"credential": answer}).status_code == 303
    fresh.post("/signout/")
    assert fresh.post("/signin/passkey/", {"credential": answer}).status_code == 401


def test_whoever_left_gets_in_with_no_passkey(client, world):
    sign_in(client, "e1")
    device = with_passkey(client)
    world.zhu.account.is_active = False
    world.zhu.account.save()
    fresh = Client()
    options = fresh.get("/signin/passkey/").json()
    answer = fresh.post("/signin/passkey/", {"credential": device.get(options)})
    assert answer.status_code == 401


def test_a_removed_passkey_opens_nothing_and_takes_its_codes_along(client, world):
    sign_in(client, "e1")
    device = with_passkey(client)
    held = Authenticator.objects.get(type="webauthn")
    client.post(f"/me/security/passkeys/{held.pk}/removal/")
    assert not Authenticator.objects.exists()
    fresh = Client()
    options = fresh.get("/signin/passkey/").json()
    answer = fresh.post("/signin/passkey/", {"credential": device.get(options)})
    assert answer.status_code == 401


def test_nobody_removes_the_passkey_of_another(client, world):
    sign_in(client, "e1")
    with_passkey(client)
    held = Authenticator.objects.get(type="webauthn")
    other = Client()
    sign_in(other, "c1")
    assert other.post(f"/me/security/passkeys/{held.pk}/removal/").status_code == 404
    assert Authenticator.objects.filter(pk=held.pk).exists()


# -- codes -------------------------------------------------------------------------------------


def test_after_the_password_a_code(client, world, clock):
    sign_in(client, "e1")
    secret, _shown = enrolled(client, clock)
    fresh = Client()
    assert sign_in(fresh, "e1", next="/duty/")["Location"] == "/signin/code/"
    assert not signed_in(fresh)
    assert fresh.get("/board/")["Location"].startswith("/signin/")
    assert fresh.post("/signin/code/", {"code": "000000"}).status_code == 401
    answer = fresh.post("/signin/code/", {"code": clock.code(secret)})
    assert (answer.status_code, answer["Location"]) == (303, "/duty/")
    assert signed_in(fresh)


def test_a_code_opens_once_also_for_another_browser(client, world, clock):
    sign_in(client, "e1")
    secret, _shown = enrolled(client, clock)
    for expected in (303, 401):
        fresh = Client()
        sign_in(fresh, "e1")
        assert fresh.post("/signin/code/", {"code": clock.code(secret)}).status_code == expected


def test_the_code_of_the_enrolment_is_used_up(client, world, clock):
    sign_in(client, "e1")
    secret, _shown = enrolled(client, clock)
    clock.pass_(-60)
    fresh = Client()
    sign_in(fresh, "e1")
    assert fresh.post("/signin/code/", {"code": clock.code(secret)}).status_code == 401


@pytest.mark.parametrize(("off", "expected"), [(-30, 303), (30, 303), (-61, 401), (90, 401)])
def test_a_telephone_may_be_half_a_minute_off(client, world, clock, off, expected):
    sign_in(client, "e1")
    secret, _shown = enrolled(client, clock)
    clock.pass_(120)
    clock.now += timedelta(seconds=off)
    code = clock.code(secret)
    clock.now -= timedelta(seconds=off)
    fresh = Client()
    sign_in(fresh, "e1")
    assert fresh.post("/signin/code/", {"code": code}).status_code == expected


def test_digits_of_any_keyboard_and_gaps_are_read():
    assert codes.plain(" １２３ 456 ") == "123456"


def test_a_recovery_code_opens_once(client, world, clock):
    sign_in(client, "e1")
    _secret, shown = enrolled(client, clock)
    assert len(shown) == len(set(shown)) == 10
    for expected in (303, 401):
        fresh = Client()
        sign_in(fresh, "e1")
        assert fresh.post("/signin/code/", {"code": shown[3]}).status_code == expected
    assert "还剩 9 个" in client.get("/me/security/").content.decode()


def test_recovery_codes_are_shown_once(client, world, clock):
    sign_in(client, "e1")
    _secret, shown = enrolled(client, clock)
    page = client.get("/me/security/codes/").content.decode()
    assert "只显示一次" in page
    assert shown[0][:4] not in page


def test_codes_are_not_guessed(client, world, clock):
    sign_in(client, "e1")
    secret, _shown = enrolled(client, clock)
    thief = Client(REMOTE_ADDR="203.0.113.9")
    sign_in(thief, "e1")
    for _ in range(LIMITS["pair"].most):
        assert thief.post("/signin/code/", {"code": "000000"}).status_code == 401
    assert thief.post("/signin/code/", {"code": clock.code(secret)}).status_code == 429


def test_a_thief_with_the_password_is_bounded_everywhere_and_the_own_device_is_not(
    client, world, clock
):
    sign_in(client, "e1")
    secret, _shown = enrolled(client, clock)
    client.post("/signout/")
    statuses = []
    for turn in range(LIMITS["everywhere"].most + 2):
        thief = Client(REMOTE_ADDR=f"203.0.113.{turn}")
        sign_in(thief, "e1")
        statuses.append(thief.post("/signin/code/", {"code": "000000"}).status_code)
    assert statuses[-1] == 429
    sign_in(client, "e1")
    assert client.post("/signin/code/", {"code": clock.code(secret)}).status_code == 303


def test_a_trusted_device_is_not_asked_and_trust_ends_with_the_password(client, world, clock):
    sign_in(client, "e1")
    secret, _shown = enrolled(client, clock)
    fresh = Client()
    sign_in(fresh, "e1")
    fresh.post("/signin/code/", {"code": clock.code(secret), "trust": "on"})
    fresh.post("/signout/")
    assert sign_in(fresh, "e1")["Location"] == "/"
    fresh.post("/signout/")
    world.zhu.account.refresh_from_db()
    world.zhu.account.set_password("another long password")
    world.zhu.account.save()
    assert sign_in(fresh, "e1", "another long password")["Location"] == "/signin/code/"


def test_a_passkey_is_the_second_step_after_the_password(client, world):
    sign_in(client, "e1")
    device = with_passkey(client)
    fresh = Client()
    assert sign_in(fresh, "e1")["Location"] == "/signin/code/"
    options = fresh.get("/signin/code/passkey/").json()
    assert [one["id"] for one in options["publicKey"]["allowCredentials"]] == [
        json.loads(device.get(options))["id"]
    ]
    assert fresh.post("/signin/code/", {"credential": device.get(options)}).status_code == 303
    assert signed_in(fresh)


def test_a_recovery_code_is_no_code_of_the_app_when_asked_again(client, world, clock):
    """It would be written into the record as something that it was not."""
    sign_in(client, "e1")
    secret, shown = enrolled(client, clock)
    assert client.post("/me/again/", {"code": shown[0]}).status_code == 401
    assert client.post("/me/again/", {"code": clock.code(secret)}).status_code == 303
    assert client.session[proofs.KEY][1] == "totp"


def test_the_second_step_alone_leads_nowhere(client, world):
    assert client.get("/signin/code/")["Location"] == "/signin/"
    assert client.get("/signin/code/passkey/")["Location"] == "/signin/"


def test_secrets_are_not_readable_in_the_database(client, world, clock):
    sign_in(client, "e1")
    secret, _shown = enrolled(client, clock)
    for held in Authenticator.objects.all():
        assert secret not in json.dumps(held.data)
    assert get_adapter().decrypt(Authenticator.objects.get(type="totp").data["secret"]) == secret


# -- asked again -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/me/security/passkeys/"),
        ("post", "/me/security/passkeys/"),
        ("get", "/me/security/app/"),
        ("post", "/me/security/app/removal/"),
        ("post", "/me/security/codes/"),
        ("get", "/me/security/password/"),
        ("post", "/me/security/password/"),
    ],
)
def test_a_stolen_session_changes_nothing_about_signing_in(client, world, clock, method, path):
    sign_in(client, "e1")
    clock.pass_(6 * 60)
    answer = getattr(client, method)(path)
    assert (answer.status_code, answer["Location"][:10]) == (303, "/me/again/")
    client.post("/me/again/", {"password": "wrong"})
    assert getattr(client, method)(path)["Location"].startswith("/me/again/")
    client.post("/me/again/", {"password": PASSWORD})
    assert not getattr(client, method)(path).headers.get("Location", "").startswith("/me/again/")


@pytest.mark.parametrize("body", [{}, {"code": "\x00"}, {"credential": "{}"}, {"password": ""}])
def test_an_empty_answer_proves_nothing(client, world, body):
    sign_in(client, "e1")
    assert client.post("/me/again/", body).status_code == 401


def test_every_page_of_the_door_refuses_a_kept_answer(client, world):
    """There the database lets nobody write such a row; none may try."""
    key = {"Idempotency-Key": "6a1c1c6e-2f6c-4f0e-9a55-0e3f4c8f9d11"}
    sign_in(client, "e1")
    for path in ("/signin/", "/signin/code/", "/signin/code/passkey/", "/signin/passkey/",
                 "/signin/invitation/", "/signin/invitations/x/", "/signin/sso/hospital/",
                 "/signin/sso/hospital/answer/", "/me/again/", "/me/again/passkey/"):  # fmt: skip
        assert client.post(path, {}, headers=key).status_code < 500, path
        assert Client().post(path, {}, headers=key).status_code < 500, path


def test_asking_again_is_counted(client, world):
    sign_in(client, "e1")
    for _ in range(LIMITS["device"].most):
        assert client.post("/me/again/", {"password": "wrong"}).status_code == 401
    assert client.post("/me/again/", {"password": PASSWORD}).status_code == 429


def test_a_new_password_signs_the_others_out(client, world):
    other = Client()
    sign_in(other, "e1")
    sign_in(client, "e1")
    new = {"password": "a quite long sentence", "again": "a quite long sentence"}
    assert client.post("/me/security/password/", new).status_code == 303
    assert client.get("/me/security/").status_code == 200
    assert other.get("/me/")["Location"].startswith("/signin/")
    assert sign_in(Client(), "e1").status_code == 401
    assert sign_in(Client(), "e1", "a quite long sentence").status_code == 303


@pytest.mark.parametrize("weak", ["password1234", "123456789012", "short", "qwertyuiop123"])
def test_common_passwords_are_refused(client, world, weak):
    sign_in(client, "e1")
    answer = client.post("/me/security/password/", {"password": weak, "again": weak})
    assert answer.status_code == 422
