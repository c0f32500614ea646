"""Signing: by the password, or by a passkey or code shown for this very page."""

import pytest
from django.core import signing
from django.test import Client

from jieli.cases import actions
from jieli.cases.models import Decision, Opinion
from jieli.record import signatures
from jieli.rules.throttle import LIMITS
from jieli.web.now import wall
from tests.cases.world import PASSWORD, World, minutes
from tests.web.signin.people import sign_in, with_passkey

FORM = {"indication": "confirmed", "assessment": "同前"}


@pytest.fixture
def asked(db):
    world = World()
    request = world.raised("U1")
    world.case = request.case
    ring = request.rings.get(practitioner=world.alice)
    actions.accept(request, by=ring.practitioner, now=minutes(1))
    world.page = f"/cases/{request.case.key}/opinions/new/"
    return world


@pytest.fixture
def expert(asked):
    made = Client()
    sign_in(made, "alice", PASSWORD)
    made.device = with_passkey(made)
    return made


def step_up(client, page):
    options = client.get("/me/again/passkey/").json()
    answer = {"credential": client.device.get(options), "next": page}
    return client.post("/me/again/", answer, headers={"Jieli-Redirect": "none"})


def sign(client, page, **more):
    return client.post(page, FORM | more)


def test_a_passkey_shown_for_this_page_signs(expert, asked):
    assert step_up(expert, asked.page).status_code == 204
    assert "已用通行密钥确认" in expert.get(asked.page).content.decode()
    assert sign(expert, asked.page).status_code == 303
    opinion = Opinion.objects.get()
    assert (opinion.signature.provider, opinion.signature.is_internal) == ("passkey", True)
    page = expert.get(f"/opinions/{opinion.key}/verification/").content.decode()
    assert "内部签名" in page
    assert "签署时出示通行密钥" in page


def test_the_password_still_signs_and_is_what_the_record_says(expert, asked):
    assert sign(expert, asked.page, password=PASSWORD).status_code == 303
    assert Opinion.objects.get().signature.provider == "password"


def test_a_typed_password_counts_before_the_passkey(expert, asked):
    step_up(expert, asked.page)
    assert sign(expert, asked.page, password="wrong").status_code == 409
    assert not Opinion.objects.exists()


def test_a_passkey_shown_for_another_page_signs_nothing(expert, asked):
    step_up(expert, "/me/security/")
    assert sign(expert, asked.page).status_code == 422
    step_up(expert, f"/cases/{asked.case.key}/")
    assert sign(expert, asked.page).status_code == 422
    assert not Opinion.objects.exists()


def test_signing_in_just_now_does_not_sign(expert, asked):
    assert sign(expert, asked.page).status_code == 422


def test_one_showing_signs_once(expert, asked):
    step_up(expert, asked.page)
    sign(expert, asked.page)
    assert sign(expert, asked.page).status_code == 422
    assert Opinion.objects.count() == 1


def test_a_showing_is_worth_nothing_after_five_minutes(expert, asked, monkeypatch):
    from datetime import timedelta

    from jieli.web.signin import proofs

    step_up(expert, asked.page)
    later = wall() + timedelta(seconds=signatures.HOLDS + 1)
    monkeypatch.setattr(proofs, "wall", lambda: later)
    assert sign(expert, asked.page).status_code == 422


def test_a_showing_in_one_browser_does_not_sign_in_another(expert, asked):
    step_up(expert, asked.page)
    other = Client()
    other.force_login(asked.alice.account)
    assert sign(other, asked.page).status_code == 422


def test_the_passkey_of_somebody_else_proves_nothing(expert, asked):
    other = Client()
    sign_in(other, "bob", PASSWORD)
    other.device = expert.device
    assert step_up(other, asked.page).status_code == 401


def test_wrong_passwords_at_the_signature_are_counted_although_nothing_was_signed(expert, asked):
    for _ in range(LIMITS["device"].most):
        assert sign(expert, asked.page, password="guess").status_code == 409
    answer = sign(expert, asked.page, password=PASSWORD)
    assert answer.status_code == 409
    assert "输错太多次" in answer.content.decode()
    assert not Opinion.objects.exists()


def test_forms_with_faults_are_no_wrong_passwords(expert, asked):
    for _ in range(LIMITS["device"].most + 2):
        answer = expert.post(asked.page, {"indication": "", "password": PASSWORD})
        assert answer.status_code == 422
    assert sign(expert, asked.page, password=PASSWORD).status_code == 303


def test_a_decision_is_signed_the_same_way(expert, asked):
    sign(expert, asked.page, password=PASSWORD)
    opinion = Opinion.objects.get()
    actions.acknowledge(opinion, by=asked.doctor, disagreement="", now=wall())
    doctor = Client()
    sign_in(doctor, "doctor", PASSWORD)
    doctor.device = with_passkey(doctor)
    page = f"/cases/{asked.case.key}/decisions/new/"
    decided = {"opinion": str(opinion.key), "chosen": "DISPATCH", "text": "派队"}
    assert doctor.post(page, decided).status_code == 422
    assert step_up(doctor, page).status_code == 204
    assert doctor.post(page, decided).status_code == 303
    assert Decision.objects.get().signature.provider == "passkey"


# -- the word itself ---------------------------------------------------------------------------


def test_our_word_is_for_one_account_and_for_known_ways(asked):
    provider = signatures.PasswordProvider()
    alice, bob = asked.alice, asked.bob
    word = signatures.proof(alice.account_id, "passkey")
    assert provider.proves(alice, word)
    assert not provider.proves(bob, word)
    assert not provider.proves(alice, signatures.proof(alice.account_id, "guess"))
    forged = signing.dumps({"account": alice.account_id, "method": "passkey"}, salt="other")
    assert not provider.proves(alice, forged)
    assert not provider.proves(alice, "")


def test_whoever_left_signs_nothing(asked):
    asked.alice.account.is_active = False
    word = signatures.proof(asked.alice.account_id, "passkey")
    assert not signatures.PasswordProvider().proves(asked.alice, word)
    assert not signatures.PasswordProvider().proves(asked.alice, PASSWORD)
