"""Who reads a case is written down; who opens one uninvited is seen at once and reviewed."""

from datetime import timedelta

import pytest

from jieli.cases import actions
from jieli.cases.models import BreakGlass
from jieli.directory.models import Alliance, Grant, Membership
from jieli.notify.models import Message
from jieli.record.models import Reading
from jieli.record.queries import broken_at
from jieli.rules import glass
from tests.cases.world import World, minutes, verbs

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def world(monkeypatch) -> World:
    made = World()
    made.at = minutes(50)
    monkeypatch.setattr("jieli.web.middleware.now", lambda: made.at)
    return made


@pytest.fixture
def case(world):
    return world.raised("U1").case


def signed_in(client, person):
    client.force_login(person.account)
    return client


WHY = {"code": "on_the_way", "reason": "患者正转来我院"}


def broken(client, world, case, **more):
    form = {"number": case.number, **WHY, **more}
    return signed_in(client, world.outsider).post("/glass/", form)


# ── reading ──────────────────────────────────────────────────────────────────


def test_opening_a_case_is_written_once_a_minute(client, world, case):
    signed_in(client, world.second_doctor).get(f"/cases/{case.key}/")
    for part in ("clocks", "rings", "timeline"):
        client.get(f"/cases/{case.key}/live/{part}/")
    [reading] = Reading.objects.filter(case_key=case.key)
    assert (reading.practitioner, reading.at) == (world.second_doctor, minutes(50))
    assert reading.what == "cases:case"
    world.at = minutes(51)
    client.get(f"/cases/{case.key}/export.json")
    assert Reading.objects.filter(case_key=case.key).count() == 2


def test_seeing_it_on_a_list_is_written_too(client, world, case):
    other = world.raised("U2").case
    signed_in(client, world.county_director).get("/board/")
    [reading] = Reading.objects.exclude(listed=None)
    assert set(reading.listed) == {case.key, other.key}


def test_who_is_refused_has_read_nothing(client, world, case):
    assert signed_in(client, world.outsider).get(f"/cases/{case.key}/").status_code == 404
    assert not Reading.objects.exists()


def test_a_page_that_failed_was_not_read(client, world, case, monkeypatch):
    def fails(*args, **more):
        raise ValueError

    monkeypatch.setattr("jieli.cases.views.pages.case_page", fails)
    client.raise_request_exception = False
    assert signed_in(client, world.doctor).get(f"/cases/{case.key}/").status_code == 500
    assert not Reading.objects.exists()


def test_the_hospital_sees_who_has_read_it(client, world, case):
    signed_in(client, world.alice).get(f"/cases/{case.key}/")
    signed_in(client, world.county_director).get("/board/")
    page = signed_in(client, world.doctor).get(f"/cases/{case.key}/readings/")
    text = page.content.decode()
    assert world.alice.name in text
    assert world.county_director.name in text
    assert signed_in(client, world.alice).get(f"/cases/{case.key}/readings/").status_code == 404
    assert signed_in(client, world.outsider).get(f"/cases/{case.key}/readings/").status_code == 404


# ── breaking the glass ───────────────────────────────────────────────────────


def test_the_case_opens_and_the_hospital_is_told_at_once(client, world, case):
    answer = broken(client, world, case)
    assert (answer.status_code, answer["Location"]) == (303, f"/cases/{case.key}/")
    assert client.get(f"/cases/{case.key}/").status_code == 200
    assert "glass_broken" in verbs(case)
    told = Message.objects.filter(event__verb="glass_broken")
    people = {message.practitioner for message in told}
    assert people == {world.doctor, world.county_officer, world.county_director}
    assert all(case.patient.name not in message.title + message.text for message in told)
    text = signed_in(client, world.doctor).get(f"/cases/{case.key}/readings/").content.decode()
    assert WHY["reason"] in text
    assert broken_at(case.chain) is None


def test_it_ends_by_itself(client, world, case):
    broken(client, world, case)
    grant = Grant.objects.get(why="glass")
    assert grant.until == minutes(50) + glass.LASTS
    world.at = grant.until + timedelta(seconds=1)
    assert client.get(f"/cases/{case.key}/").status_code == 404


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"number": "JL-999999-9"}, "没有这个编号"),
        ({"code": "curious"}, "原因"),
        ({"reason": "看"}, "几个字"),
        ({"number": ""}, "编号"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_opens(client, world, case, form, sentence):
    answer = broken(client, world, case, **form)
    assert answer.status_code == 409
    assert sentence in answer.content.decode()
    assert not Grant.objects.filter(why="glass").exists()
    assert not BreakGlass.objects.exists()


def test_not_from_outside_the_alliance(client, world, case):
    Membership.objects.filter(organisation__code="far").update(
        alliance=Alliance.objects.create(code="other", name="别的医联体")
    )
    assert broken(client, world, case).status_code == 409
    assert not Grant.objects.filter(why="glass").exists()


def test_nothing_is_broken_by_who_may_enter(client, world, case):
    form = {"number": case.number.lower(), **WHY}
    answer = signed_in(client, world.doctor).post("/glass/", form)
    assert answer["Location"] == f"/cases/{case.key}/"
    assert not BreakGlass.objects.exists()


def test_somebody_else_of_the_hospital_reviews_it(client, world, case):
    broken(client, world, case)
    one = BreakGlass.objects.get()
    director = signed_in(client, world.county_director)
    assert one.reason in director.get("/glass/").content.decode()
    form = {"verdict": "justified", "note": "已电话核实"}
    assert director.post(f"/glass/{one.pk}/review/", form).status_code == 303
    one.refresh_from_db()
    assert (one.verdict, one.reviewed_by) == ("justified", world.county_director)
    assert "glass_reviewed" in verbs(case)
    assert director.post(f"/glass/{one.pk}/review/", form).status_code == 409  # once


def test_who_may_review_and_who_not(client, world, case):
    broken(client, world, case)
    one = BreakGlass.objects.get()
    for person in (world.outsider, world.doctor, world.alice):
        url = f"/glass/{one.pk}/review/"
        assert signed_in(client, person).post(url, {"verdict": "justified"}).status_code == 404
    assert signed_in(client, world.county_director).get(url).status_code == 405
    assert client.post(url, {"verdict": "fine"}).status_code == 409
    assert client.put("/glass/").status_code == 405
    assert client.post(f"/cases/{case.key}/readings/").status_code == 405


def test_an_overdue_review_is_marked(client, world, case):
    broken(client, world, case)
    world.at = minutes(50) + glass.REVIEW_WITHIN + timedelta(minutes=1)
    page = signed_in(client, world.county_director).get("/glass/").content.decode()
    assert "逾期" in page


def test_nobody_reviews_their_own(world, case):
    one = BreakGlass.objects.create(
        case=case, organisation=world.county, by=world.county_director, code="other",
        reason="试一试看看", at=minutes(1), until=minutes(9),
    )  # fmt: skip
    with pytest.raises(Exception, match="Somebody else"):
        actions.review_glass(
            one, verdict="justified", note="", by=world.county_director, now=minutes(2)
        )
