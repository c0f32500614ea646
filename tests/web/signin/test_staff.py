"""Joining by invitation and leaving at once, each with who, when and why."""

import re
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import Client

from jieli.directory import actions
from jieli.directory.models import Account, AccountEvent, Channel, Duty, Invitation, Role
from jieli.rules.refusal import Refused
from jieli.web.now import wall
from tests.directory.world import night_telephone
from tests.directory.world import person as make_person
from tests.web.signin.people import PASSWORD, sign_in, signed_in

NEW = {"password": "three horses in the rain", "again": "three horses in the rain"}


@pytest.fixture
def office(world):
    made = Client()
    sign_in(made, "c1")
    return made


def link(office, person):
    """The link that the coordinator is shown, once."""
    answer = office.post(f"/staff/{person.key}/invitations/", {"organisation": "centre"})
    assert answer.status_code == 303, answer.content.decode()
    page = office.get(answer["Location"]).content.decode()
    return re.search(r'value="http://testserver(/signin/invitations/[^"]+)"', page)[1]


def taken_up(address, new=NEW):
    guest = Client()
    assert guest.get(address)["Location"] == "/signin/invitation/"
    guest.get("/signin/invitation/")
    return guest, guest.post("/signin/invitation/", new)


def test_an_imported_person_joins_by_a_link(office, world):
    world.ji.account.delete()
    world.ji.refresh_from_db()
    guest, answer = taken_up(link(office, world.ji))
    assert (answer.status_code, answer["Location"]) == (303, "/me/security/?new")
    assert signed_in(guest)
    assert "现在加一个通行密钥" in guest.get("/me/security/?new").content.decode()
    assert sign_in(Client(), "e2", NEW["password"]).status_code == 303
    told = AccountEvent.objects.filter(practitioner=world.ji).order_by("pk")
    assert [(e.kind, e.by.number) for e in told] == [("invited", "c1"), ("joined", "e2")]


def test_somebody_new_is_engaged_and_invited_in_one_step(office, world):
    form = {"organisation": "centre", "number": "n9", "name": "新人", "kind": "nurse"}
    answer = office.post("/staff/new/", form)
    assert answer["Location"].startswith("/staff/invitation/")
    page = office.get(answer["Location"]).content.decode()
    address = re.search(r'value="http://testserver(/signin/invitations/[^"]+)"', page)[1]
    guest, _answer = taken_up(address)
    assert guest.get("/me/").status_code == 200
    role = Role.objects.get(practitioner__number="n9")
    assert (role.kind, role.organisation) == ("nurse", world.centre)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"number": "e1"}, 409),
        ({"kind": "admin"}, 409),
        ({"kind": "expert"}, 422),
        ({"name": ""}, 422),
    ],
)
def test_what_is_wrong_about_a_newcomer_is_said(office, world, change, status):
    form = {"organisation": "centre", "number": "n9", "name": "新人", "kind": "nurse"} | change
    assert office.post("/staff/new/", form).status_code == status
    assert not Invitation.objects.exists()


def test_a_link_works_once(office, world):
    address = link(office, world.zhu)
    taken_up(address)
    again, answer = taken_up(address)
    assert answer.status_code == 410
    assert not signed_in(again)


def test_a_link_is_shown_once_and_kept_nowhere(office, world):
    address = link(office, world.zhu)
    secret = address.rstrip("/").rpartition("/")[2]
    answer = office.get("/staff/invitation/?organisation=centre")
    assert answer.status_code == 303
    assert secret not in str(bytes(Invitation.objects.get().token_hash))
    assert secret not in str(dict(office.session))


def test_a_link_expires_and_a_newer_one_ends_it(office, world):
    old = link(office, world.zhu)
    new = link(office, world.zhu)
    assert taken_up(old)[1].status_code == 410
    Invitation.objects.update(expires_at=wall() - timedelta(seconds=1))
    assert taken_up(new)[1].status_code == 410


def test_a_weak_password_is_refused_and_the_link_stays(office, world):
    address = link(office, world.zhu)
    weak = {"password": "password1234", "again": "password1234"}
    _guest, answer = taken_up(address, weak)
    assert answer.status_code == 422
    assert taken_up(address)[1].status_code == 303


def test_a_new_password_by_a_link_ends_the_sessions_of_the_old(office, world):
    before = Client()
    sign_in(before, "e1")
    taken_up(link(office, world.zhu))
    assert UserSession.objects.filter(user=world.zhu.account).count() == 1  # the new one
    assert before.get("/me/").status_code == 302
    assert AccountEvent.objects.filter(practitioner=world.zhu, kind="renewed").exists()


def test_a_link_does_not_pass_the_second_factor(office, world):
    """Whoever makes a link could open it: passkey and code still stand in the way."""
    from tests.web.signin.people import with_passkey

    own = Client()
    sign_in(own, "e1")
    with_passkey(own)
    guest, answer = taken_up(link(office, world.zhu))
    assert answer["Location"] == "/signin/code/"
    assert not signed_in(guest)


def test_a_secret_link_is_in_no_log(office, world, caplog):
    address = link(office, world.zhu)
    with caplog.at_level("INFO"):
        Client().get(address)
    assert address.rstrip("/").rpartition("/")[2] not in caplog.text
    assert "/signin/invitations/…/" in caplog.text


@pytest.mark.parametrize(("number", "status"), [("c1", 303), ("a1", 303), ("e1", 404), ("o1", 404)])
def test_only_who_coordinates_the_hospital_invites(world, number, status):
    made = Client()
    sign_in(made, number)
    answer = made.post(f"/staff/{world.ji.key}/invitations/", {"organisation": "centre"})
    assert answer.status_code == status
    assert Invitation.objects.exists() is (status == 303)


def test_a_coordinator_elsewhere_gets_at_nobody_here(world):
    made = Client()
    sign_in(made, "o1")
    base = f"/staff/{world.ji.key}"
    for organisation in ("centre", "elsewhere"):
        given = {"organisation": organisation, "reason": "x"}
        assert made.post(f"{base}/invitations/", given).status_code == 404
        assert made.post(f"{base}/departure/", given).status_code == 404
        query = f"?organisation={organisation}"
        assert made.get(f"{base}/departure/{query}").status_code == 404
    assert made.get("/staff/?organisation=centre").status_code == 404
    assert "季怀远" not in made.get("/staff/").content.decode()


def test_an_administrator_is_invited_by_an_administrator(office, world):
    answer = office.post(f"/staff/{world.admin.key}/invitations/", {"organisation": "centre"})
    assert answer.status_code == 409


# -- leaving -----------------------------------------------------------------------------------


def leave(office, person, reason="调往外院"):
    given = {"organisation": "centre", "reason": reason}
    return office.post(f"/staff/{person.key}/departure/", given)


def test_leaving_ends_everything_at_once(office, world):
    own, now = Client(), wall()
    sign_in(own, "e1")
    night_telephone(world.zhu)
    turns = [(now - timedelta(hours=2), now + timedelta(hours=6))]
    turns += [(now + timedelta(days=2), now + timedelta(days=3))]
    for period in turns:
        Duty.objects.create(
            organisation=world.centre,
            specialty=world.surgery,
            line="first",
            practitioner=world.zhu,
            period=period,
        )
    assert leave(office, world.zhu).status_code == 303
    assert own.get("/me/").status_code == 302
    assert sign_in(Client(), "e1").status_code == 401
    assert not Channel.objects.filter(practitioner=world.zhu, disabled_at=None).exists()
    assert not Duty.objects.filter(practitioner=world.zhu, period__endswith__gt=wall()).exists()
    told = AccountEvent.objects.get(practitioner=world.zhu)
    assert (told.kind, told.by, told.reason) == ("left", world.coordinator, "调往外院")
    assert told.organisation == world.centre
    assert "祝南星 已离岗" in office.get("/staff/").content.decode()
    assert "祝南星" not in office.get("/staff/").content.decode()
    assert "祝南星" in office.get("/staff/?shown=left").content.decode()


def test_a_reason_is_needed(office, world):
    assert leave(office, world.zhu, "").status_code == 422
    assert Account.objects.get(login="e1").is_active


def test_who_has_a_post_elsewhere_keeps_that(office, world):
    Role.objects.create(practitioner=world.zhu, organisation=world.county, kind="expert")
    night_telephone(world.zhu)
    own = Client()
    sign_in(own, "e1")
    leave(office, world.zhu)
    assert own.get("/me/").status_code == 302  # signed out, to come back with what is left
    assert sign_in(Client(), "e1").status_code == 303
    assert Channel.objects.filter(practitioner=world.zhu, disabled_at=None).exists()


def test_nobody_records_their_own_leaving_and_no_coordinator_an_administrators(office, world):
    assert leave(office, world.coordinator).status_code == 409
    assert leave(office, world.admin).status_code == 409


def test_an_open_invitation_ends_with_the_post(office, world):
    address = link(office, world.zhu)
    leave(office, world.zhu)
    assert taken_up(address)[1].status_code == 410


def test_who_comes_back_is_invited_anew(office, world):
    leave(office, world.zhu)
    answer = office.post(f"/staff/{world.zhu.key}/invitations/", {"organisation": "centre"})
    assert answer.status_code == 409  # no post
    Role.objects.create(practitioner=world.zhu, organisation=world.centre, kind="expert")
    taken_up(link(office, world.zhu))
    assert sign_in(Client(), "e1", NEW["password"]).status_code == 303


def test_the_database_keeps_what_happened(office, world):
    leave(office, world.zhu)
    for change in (
        "update directory_accountevent set reason = ''",
        "delete from directory_accountevent",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


@pytest.mark.django_db(transaction=True)
def test_one_link_opened_twice_at_once_sets_one_password():
    from concurrent.futures import ThreadPoolExecutor

    from tests.directory import world as worlds

    world = worlds.build()
    _invitation, token = actions.invite(
        world.zhu, world.centre, by=world.coordinator, hours=1, now=wall()
    )

    def open_(turn):
        try:
            return bool(actions.take_up(token, f"password number {turn}", now=wall()))
        except Refused:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(open_, range(8))) == 1


def test_the_list_says_who_cannot_sign_in(office, world):
    make_person("e7", "新导入", world.centre)
    page = office.get("/staff/").content.decode()
    assert "人还不能登录" in page
    assert "新导入" in page


def test_somebody_is_found_by_name_sound_or_number(office, world):
    for text in ("祝南", "zhu", "e1"):
        page = office.get("/staff/", {"text": text}).content.decode()
        assert "祝南星" in page
        assert "季怀远" not in page
    assert "没有符合的人" in office.get("/staff/", {"text": "nobody"}).content.decode()


@pytest.mark.parametrize("query", [{"text": "a\x00b"}, {"organisation": "\x00"}])
def test_zero_bytes_are_no_error(office, world, query):
    assert office.get("/staff/", query).status_code < 500


def test_the_list_costs_the_same_for_many(office, world, django_assert_max_num_queries):
    for turn in range(40):
        make_person(f"x{turn}", f"某{turn}", world.centre)
    with django_assert_max_num_queries(30):
        assert office.get("/staff/").content.decode().count("<tr>") > 40


def test_the_old_password_is_the_right_one_until_the_link_is_used(office, world):
    link(office, world.zhu)
    assert sign_in(Client(), "e1", PASSWORD).status_code == 303
