# ruff: noqa: E501 a table of addresses reads best with one row a line
"""Every address of guidance: works for whom it should, 404 for the wrong person, 405 for the method."""

import re
import uuid

import pytest
from django.urls import URLPattern
from django.utils import translation

from jieli.guidance import actions, urls
from jieli.guidance.models import GuidanceEntry, GuidanceSession
from jieli.stories.models import DemoTime
from tests.cases.world import minutes, verbs
from tests.guidance.world import Theatre, at, status

pytestmark = pytest.mark.django_db
TEL = "0998-5550126"


@pytest.fixture
def world(settings) -> Theatre:
    settings.JIELI_DEMO = True  # the shown time stands still at T0 + 50 minutes
    DemoTime.objects.create(shown_at=minutes(50), real_at=minutes(50), speed=0)
    return Theatre()


@pytest.fixture
def case(world):
    return world.decided()


def sign_in(client, person):
    client.force_login(person.account)


def planned(world, case):
    world.level(4)
    session = world.planned(case, 40)
    world.document(case)
    return session


def ready(world, case):
    return world.ready(case, 40)


def excepted(world, case):
    session = world.ready(case, 40)
    actions.except_for_life(
        session, decider=world.doctor, reason="抢救", by=world.doctor, now=minutes(42)
    )
    return session


def running(world, case):
    session = world.running(case, 49.5)
    actions.write_entry(
        session, "advice", client_key=uuid.uuid4(), by=world.alice, now=minutes(49.6)
    )
    return session


def suspended(world, case):
    session = world.running(case, 45)
    actions.sweep(minutes(48))
    return session


def back(world, case):
    session = suspended(world, case)
    world.up(session, 49.8)
    return session


# address, method, of which session, what is typed, who may, who of those who see it may not, the verb
TABLE = [
    ("panel", "GET", running, {}, "alice", None, None),
    ("strip", "GET", running, {}, "officer", None, None),
    ("checks", "GET", planned, {}, "alice", None, None),
    ("entries", "GET", running, {}, "alice", None, None),
    ("", "GET", planned, {}, "alice", None, None),
    ("", "GET", running, {}, "doctor", None, None),
    ("checks/stop", "POST", planned, {"answer": "yes"}, "doctor", "alice", "guidance_checked"),
    ("checks/telephone", "POST", planned, {"answer": "yes", "text": TEL}, "second_doctor", "officer", "guidance_checked"),
    ("checks/responsible", "POST", planned, {"answer": "yes", "person": "doctor"}, "doctor", "alice", "guidance_checked"),
    ("checks/link", "POST", planned, {"answer": "yes", "person": "doctor", "text": "专线"}, "doctor", "alice", "guidance_checked"),
    ("mdt", "POST", planned, {"document": "document", "signed_by": "秦越（普外）"}, "doctor", "alice", "guidance_mdt_chosen"),
    ("exception", "POST", planned, {"decider": "county_director", "reason": "抢救"}, "doctor", "alice", "guidance_excepted"),
    ("exception/filing", "POST", excepted, {}, "county_officer", "doctor", "guidance_exception_filed"),
    ("moves/start", "POST", ready, {}, "doctor", "alice", "guidance_started"),
    ("moves/cancel", "POST", ready, {"reason": "改期"}, "doctor", "alice", "guidance_cancelled"),
    ("moves/stop", "POST", running, {}, "doctor", "alice", "guidance_stopped"),
    ("moves/continue", "POST", suspended, {}, "doctor", "alice", "guidance_continued"),
    ("moves/resume", "POST", back, {}, "doctor", "alice", "guidance_resumed"),
    ("moves/convert", "POST", suspended, {"reason": "中转"}, "second_doctor", "alice", "guidance_converted"),
    ("moves/end", "POST", running, {}, "doctor", "alice", "guidance_ended"),
    ("attendance", "POST", ready, {"here": "yes"}, "alice", "doctor", "guidance_joined"),
    ("entries", "POST", running, {"kind": "step", "text": "游离"}, "alice", "bob", "guidance_entry"),
    ("entries", "POST", running, {"kind": "blood_loss", "amount": "30"}, "doctor", "officer", "guidance_entry"),
    ("entries/1/error", "POST", running, {"why": "点错"}, "doctor", "officer", "guidance_entry_struck"),
]  # fmt: skip
IDS = [f"{row[1]}-{row[0]}-{row[2].__name__}-{row[4]}" for row in TABLE]


def typed(world, case, data):
    found = dict(data)
    for name in ("person", "decider"):
        if name in found:
            found[name] = str(world.people[found[name]].key)
    if "document" in found:
        from jieli.chart.models import Document

        found["document"] = str(Document.objects.get(case_key=case.key).key)
    return found


def test_the_table_has_every_address():
    asked = {row[0] for row in TABLE} | {"link"}
    asked = {re.sub(r"^(checks|moves)/.+", r"\1/*", row) for row in asked}
    asked = {re.sub(r"/\d+/", "/#/", row) for row in asked}
    known = set()
    for pattern in urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        if route.startswith("guidance/"):
            route = route.removeprefix("guidance/<uuid:key>/").rstrip("/")
            known.add(re.sub(r"<int:\w+>", "#", re.sub(r"<slug:\w+>", "*", route)))
    assert asked == known


@pytest.mark.parametrize(("noun", "method", "of", "data", "who", "wrong", "verb"), TABLE, ids=IDS)
def test_an_address(client, world, case, noun, method, of, data, who, wrong, verb):
    session = of(world, case)
    path = f"/guidance/{session.key}/" + (f"{noun}/" if noun else "")
    given = typed(world, case, data)
    send = client.get if method == "GET" else client.post
    for name in filter(None, {"outsider", "city_doctor", wrong}):
        sign_in(client, world.people[name])
        length = case.chain.events.count()
        assert send(path, given).status_code == 404, name
        assert case.chain.events.count() == length
    sign_in(client, world.people[who])
    if (noun, method) != ("entries", "GET"):  # takes both
        other = client.post if method == "GET" else client.get
        assert other(path).status_code in ({405} if noun != "entries" else {405, 200})
    answer = send(path, given)
    if method == "GET":
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.get("Location")) == (303, f"/guidance/{session.key}/"), (
        answer.content[:600]
    )
    assert verb in verbs(case)
    for person in {who, "alice"}:
        sign_in(client, world.people[person])
        assert client.get(f"/guidance/{session.key}/").status_code == 200


def test_planned_from_the_page_of_the_case(client, world, case):
    path = f"/cases/{case.key}/guidance/"
    data = {
        "name": "剖腹探查", "technique": "PGS-1", "operator": str(world.doctor.key),
        "guide": str(world.alice.key),
    }  # fmt: skip
    for name in ("outsider", "city_doctor"):
        sign_in(client, world.people[name])
        assert client.get(path).status_code == 404
        assert client.post(path, data).status_code == 404
    sign_in(client, world.alice)
    assert client.get(path).status_code == 200
    assert client.post(path, data).status_code == 404
    sign_in(client, world.doctor)
    assert client.put(path).status_code == 405
    page = client.get(path).content.decode()
    assert str(world.alice.key) in page
    assert str(world.outsider.key) not in page
    assert client.post(path, data | {"technique": ""}).status_code == 422
    answer = client.post(path, data)
    session = GuidanceSession.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/guidance/{session.key}/")
    shown = client.get(f"/cases/{case.key}/").content.decode()
    assert f"/guidance/{session.key}/" in shown
    part = client.get(f"/cases/{case.key}/guidance/part/")
    assert part.status_code == 200
    assert client.post(f"/cases/{case.key}/guidance/part/").status_code == 405


def test_what_is_missing_stands_beside_the_act_and_a_start_is_refused_in_a_sentence(
    client, world, case
):
    session = world.planned(case, 40)
    sign_in(client, world.doctor)
    page = client.get(f"/guidance/{session.key}/").content.decode()
    missing = re.search(r"<p data-missing>(.*?)</p>", page, re.S)
    assert missing
    assert "断线时术者能独自安全停止或中转" in missing[1]
    assert "两条独立线路" not in missing[1]  # a draft stops nothing
    answer = client.post(f"/guidance/{session.key}/moves/start/")
    assert answer.status_code == 409
    assert "还不能开始，缺：断线时术者能独自安全停止或中转" in answer.content.decode()
    assert status(session) == "planned"


# ── the link ─────────────────────────────────────────────────────────────────


def report(client, session, **data):
    return client.post(f"/guidance/{session.key}/link/", data)


def test_the_link_is_reported_by_the_theatre_only(client, world, case):
    session = running(world, case)
    data = {"state": "up", "at": minutes(50).isoformat(), "delay_ms": "160", "step": "full"}
    for name in ("outsider", "alice", "officer", "city_doctor"):
        sign_in(client, world.people[name])
        assert report(client, session, **data).status_code == 404
    sign_in(client, world.doctor)
    assert client.get(f"/guidance/{session.key}/link/").status_code == 405
    answer = report(client, session, **data)
    assert answer.status_code == 200
    assert answer.json()["status"] == "running"
    assert answer.json()["telephone"] == TEL
    session.refresh_from_db()
    assert (session.up_at, session.delay_ms, session.step) == (minutes(50), 160, "full")
    assert session.due_at == at(50, 40)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"state": "up"}, 422),
        ({"state": "maybe", "at": "2026-03-01T06:20:00+00:00"}, 422),
        ({"state": "up", "at": "soon"}, 422),
        ({"state": "up", "at": "2026-03-01T06:20:00"}, 422),  # without a zone
        ({"state": "up", "at": "2026-03-01T06:20:00+00:00", "step": "hologram"}, 422),
        ({"state": "up", "at": "2026-03-01T06:20:00+00:00", "since": "x"}, 422),
        ({"state": "up", "at": "2026-03-01T06:22:00+00:00"}, 409),  # far ahead
        ({"state": "down", "at": "2026-03-01T06:20:00+00:00"}, 200),
    ],
)
def test_what_a_report_has_to_say(client, world, case, data, code):
    session = running(world, case)
    sign_in(client, world.doctor)
    assert report(client, session, **data).status_code == code


def test_one_tap_is_one_entry_with_or_without_a_key_of_the_device(client, world, case):
    session = world.running(case, 49.5)
    sign_in(client, world.doctor)
    path = f"/guidance/{session.key}/entries/"
    key = str(uuid.uuid4())
    for _again in range(2):
        answer = client.post(path, {"kind": "advice", "client_key": key})
        assert answer.status_code == 303
    assert GuidanceEntry.objects.count() == 1
    page_key = str(uuid.uuid4())  # of a form without script
    for _again in range(2):
        assert client.post(path, {"kind": "step", "_key": page_key}).status_code == 303
    assert GuidanceEntry.objects.count() == 2
    assert client.post(path, {"kind": "blood_loss", "amount": "viel"}).status_code == 409


@pytest.mark.parametrize("noun", ["checks/everything", "moves/jump", "entries/99/error"])
def test_what_there_is_not(client, world, case, noun):
    session = running(world, case)
    sign_in(client, world.doctor)
    data = {"answer": "yes", "why": "点错"}
    assert client.post(f"/guidance/{session.key}/{noun}/", data).status_code == 404


def test_a_computed_item_is_not_answered(client, world, case):
    session = planned(world, case)
    sign_in(client, world.doctor)
    answer = client.post(f"/guidance/{session.key}/checks/privilege/", {"answer": "yes"})
    assert answer.status_code == 409


# ── the parts of the room's page ─────────────────────────────────────────────


def test_the_panel_shows_the_state_the_telephone_and_what_may_be_confirmed(client, world, case):
    session = suspended(world, case)
    sign_in(client, world.doctor)
    page = client.get(f"/guidance/{session.key}/panel/").content.decode()
    assert f'href="tel:{TEL.replace("-", "")}"' in page
    assert 'role="alert"' in page
    acts = re.findall(r'action="/guidance/[^"]+/moves/(\w+)/"', page)
    assert acts == ["continue", "convert"]
    sign_in(client, world.alice)
    page = client.get(f"/guidance/{session.key}/panel/").content.decode()
    assert not re.findall(r"/moves/", page)
    assert f'action="/guidance/{session.key}/attendance/"' in page
    assert "<script" not in page
    assert "style=" not in page


def test_the_strip_is_a_picture_with_a_sentence(client, world, case):
    world.gate(case, "sign_in", 30)
    world.gate(case, "time_out", 31)
    session = world.running(case, 33)
    world.incision(case, 34)
    world.kept_up(session, 33.5, 36)
    world.down(session, 36, 2)
    world.up(session, 36, 10)
    for minute, text in ((38, "找到穿孔"), (44, "远离胃左动脉再游离")):
        actions.write_entry(
            session, "finding", client_key=uuid.uuid4(), text=text, by=world.doctor,
            now=minutes(minute),
        )  # fmt: skip
    sign_in(client, world.alice)
    page = client.get(f"/guidance/{session.key}/strip/").content.decode()
    said = re.search(r'role="img" aria-label="([^"]+)"', page)
    assert said
    assert said[1] == (
        "术中事件：14:01 切皮前核查，14:03 连线，14:04 切皮，"
        "14:06 断线 8 秒，14:08 找到穿孔，14:14 远离胃左动脉"
    )
    assert page.count('class="loss"') == 1
    assert "现在 14:20" in page
    assert "style=" not in page


def test_a_session_that_was_planned_only_has_an_empty_strip(client, world, case):
    session = ready(world, case)
    sign_in(client, world.doctor)
    page = client.get(f"/guidance/{session.key}/strip/").content.decode()
    assert "<svg" not in page
    assert "还没有事件" in page


def test_the_record_of_the_case_tells_it_in_sentences(client, world, case):
    session = suspended(world, case)
    actions.move(session, "convert", why="中转开腹", by=world.doctor, now=minutes(49))
    sign_in(client, world.doctor)
    page = client.get(f"/cases/{case.key}/events/").content.decode()
    for sentence in (
        "断线满 40 秒：改用电话 0998-5550126",
        "断线满 120 秒：指导暂停",
        "doctor 终止指导：独立完成或中转",
        "中转开腹",
    ):
        assert sentence in page
    found = client.get(f"/cases/{case.key}/export.json").json()["guidance"]
    assert [each["status"] for each in found] == ["converted"]


def test_pages_read_in_english(client, world, case):
    session = suspended(world, case)
    sign_in(client, world.doctor)
    client.cookies["django_language"] = "en"
    with translation.override("en"):
        page = client.get(f"/guidance/{session.key}/").content.decode()
    assert "Guidance is suspended: no link" in page
    assert "the operator can stop or convert safely without the link" in page
