"""The list of devices, signing them out, and sessions that lie unused."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client

from jieli.directory.models import Duty, Presence
from jieli.live.access import account_of
from jieli.web.now import wall
from tests.web.signin.people import sign_in

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0 Safari/537.36 Edg/141.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"


def browser(number, agent, address="192.0.2.1"):
    made = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    assert sign_in(made, number).status_code == 303
    return made


def unused(minutes):
    UserSession.objects.update(last_seen_at=wall() - timedelta(minutes=minutes))


def test_every_device_is_listed_with_what_it_is(world):
    desk, phone = browser("e1", WINDOWS), browser("e1", IPHONE, "203.0.113.5")
    browser("c1", WINDOWS)
    page = desk.get("/me/security/").content.decode()
    assert "Windows Edge" in page
    assert "iPhone Safari" in page
    assert "203.0.113.5" in page
    assert page.count("本机") == 1
    assert "2 台" in page
    assert "2 台" in phone.get("/me/security/").content.decode()


def test_one_device_is_signed_out_at_once(world):
    desk, phone = browser("e1", WINDOWS), browser("e1", IPHONE)
    lost = UserSession.objects.get(user_agent=IPHONE)
    cookies = f"sessionid={phone.session.session_key}"
    assert account_of(cookies) == world.zhu.account
    assert desk.post(f"/me/sessions/{lost.pk}/end/").status_code == 303
    assert phone.get("/me/")["Location"].startswith("/signin/")
    assert account_of(cookies) is None  # its stream ends too
    assert desk.get("/me/").status_code == 200


def test_all_others_are_signed_out(world):
    desk = browser("e1", WINDOWS)
    others = [browser("e1", IPHONE) for _ in range(3)]
    stranger = browser("c1", WINDOWS)
    assert desk.post("/me/sessions/others/end/").status_code == 303
    assert all(one.get("/me/").status_code == 302 for one in others)
    assert desk.get("/me/").status_code == stranger.get("/me/").status_code == 200
    assert UserSession.objects.filter(user=world.zhu.account).count() == 1


def test_nobody_signs_out_the_device_of_another(world):
    mine, other = browser("e1", WINDOWS), browser("c1", WINDOWS)
    theirs = UserSession.objects.get(user=world.coordinator.account)
    assert mine.post(f"/me/sessions/{theirs.pk}/end/").status_code == 404
    assert mine.get(f"/me/sessions/{theirs.pk}/end/").status_code == 405
    assert other.get("/me/").status_code == 200


def test_signing_out_leaves_nothing(client, world):
    sign_in(client, "e1")
    client.post("/signout/")
    assert not UserSession.objects.exists()
    assert not Session.objects.filter(session_data__contains="auth").exists()


@pytest.mark.parametrize(
    ("number", "minutes", "stays"),
    [
        ("c1", 29, True),
        ("c1", 31, False),
        ("a1", 31, False),
        ("d1", 31, True),
        ("d1", 8 * 60 + 1, False),
        ("e1", 8 * 60 + 1, True),
        ("e1", 13 * 24 * 60, True),
        ("e1", 14 * 24 * 60 + 1, False),
    ],
)
def test_an_unused_session_ends_by_role(client, world, number, minutes, stays):
    sign_in(client, number)
    assert client.get("/me/").status_code == 200
    unused(minutes)
    answer = client.get("/me/")
    assert (answer.status_code == 200) is stays
    if not stays:
        page = client.get(answer["Location"]).content.decode()
        assert "没有使用，已退出登录" in page


def test_nobody_on_duty_is_signed_out(client, world):
    now = wall()
    Duty.objects.create(
        organisation=world.centre,
        line="director",
        practitioner=world.coordinator,
        period=(now - timedelta(hours=1), now + timedelta(hours=9)),
    )
    sign_in(client, "c1")
    client.get("/me/")
    unused(600)
    assert client.get("/me/").status_code == 200


def test_what_an_open_page_fetches_by_itself_is_no_use(client, world):
    sign_in(client, "c1")
    client.get("/me/")
    unused(20)
    client.get("/board/lines/", headers={"HX-Request": "true"})
    client.get("/rings/", headers={"Sec-Fetch-Mode": "cors"})
    assert UserSession.objects.get().last_seen_at < wall() - timedelta(minutes=19)
    client.get("/me/")
    assert UserSession.objects.get().last_seen_at > wall() - timedelta(minutes=1)


def test_an_unattended_board_is_signed_out_by_its_own_fetching(client, world):
    sign_in(client, "c1")
    client.get("/board/")
    unused(31)
    answer = client.get("/board/lines/", headers={"HX-Request": "true"})
    assert answer.status_code == 302


def test_a_page_costs_one_read_more(client, world, django_assert_max_num_queries):
    sign_in(client, "e1")
    client.get("/me/security/")
    with django_assert_max_num_queries(14):
        client.get("/me/security/")


def test_a_page_asked_for_while_its_device_is_signed_out_is_no_error(client, world, monkeypatch):
    from jieli.directory import actions
    from jieli.web.signin import middleware

    sign_in(client, "e1")
    client.get("/me/")
    unused(5)
    real = middleware.idle_facts

    def ended_meanwhile(person, now):
        actions.end_sessions(person.account)
        return real(person, now)

    monkeypatch.setattr(middleware, "idle_facts", ended_meanwhile)
    assert client.get("/me/").status_code < 500
    assert client.get("/me/").status_code == 302


def test_a_session_by_another_door_is_listed_too(client, world):
    client.force_login(world.zhu.account)
    assert "1 台" in client.get("/me/security/").content.decode()


def test_what_was_done_is_not_refused_because_its_session_could_not_be_kept(
    world, monkeypatch, settings
):
    """The database goes away between the commit and the session: the device must not hear 400."""
    phone = browser("e1", IPHONE)

    def gone(*_args, **_more):
        raise OperationalError("the server went away")

    monkeypatch.setattr(Session, "save", gone)
    settings.SESSION_SAVE_EVERY_REQUEST = True  # as a signature does, which uses up its proof
    answer = phone.post("/me/presence/", {"state": "free"})
    assert answer.status_code == 303
    assert Presence.objects.get(practitioner__number="e1").state == "free"
