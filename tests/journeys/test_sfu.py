"""Real browsers through a real media server."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import connection

from jieli.rooms.janus import Places
from jieli.web.sfu import Sfu
from tests.chromium import chromium
from tests.installation import Installation
from tests.janus import FLAGS, InRoom, asked, bundled, started
from tests.journeys.conftest import CONNECTION, HOSTS
from tests.journeys.people import House, Who, until
from tests.journeys.rooms import Apart, apart

pytestmark = pytest.mark.journey
DOCTOR, LECTURER = "KS-0401", "SCH-0001"
BEIJING = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def sfu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sfu]:
    server = started(tmp_path_factory.mktemp("janus"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def house(migrated: str, sfu: Sfu, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One that sends through the media server, with two web processes."""
    given = connection.settings_dict
    server = {name: given[name.upper()] for name in CONNECTION if given.get(name.upper())}
    name = f"sfu_{os.getpid()}"
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute(f'create database "{name}" template "{migrated}"')
    place = Installation(
        tmp_path_factory.mktemp("sfu"),
        {**server, "dbname": name},
        JIELI_DEMO="1",
        JIELI_ALLOWED_HOSTS=HOSTS,
        **sfu.environment,
    )
    try:
        place.jieli("demo", "--without-cases")
        place.serve(workers=2)
        yield House(place)
    finally:
        place.close()
        with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
            link.execute(f'drop database "{name}" with (force)')


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    return bundled(tmp_path_factory.mktemp("page"))


@pytest.fixture
def enter(house: House, script: str, browser: Any) -> Iterator[Callable[..., InRoom]]:
    """`enter("KS-0401", case, "operator")`: somebody in the room, in a browser of their own."""
    opened: list[Any] = []

    def come(number: str, case: str, role: str) -> InRoom:
        own = browser.browser_type.launch(executable_path=chromium(), args=FLAGS)
        opened.append(own)
        return InRoom(Who(house, own, number), script, f"{case}room/seats/", role)

    yield come
    for own in opened:
        own.close()


@pytest.fixture
def case(house: House) -> str:
    return house.raised(DOCTOR, specialty="neonatology", problem="新生儿穿孔，须术中指导")


def decoded(room: InRoom, feed: str, seconds: float = 20) -> None:
    """The picture moves now."""
    before = room.says(f"room.frames().{feed} ?? 0")
    room.until(f"(room.frames().{feed} ?? 0) > {before} + 10", seconds)


def sent(room: InRoom) -> dict[str, dict[str, Any]]:
    rows = room.says("room.stats()")
    return {
        row["rid"]: row for row in rows if row["type"] == "outbound-rtp" and row["kind"] == "video"
    }


def test_a_picture_and_a_voice_reach_the_far_side(case: str, enter: Callable[..., InRoom]) -> None:
    theatre, viewer = enter(DOCTOR, case, "operator"), enter(DOCTOR, case, "learner")
    theatre.until("room.seat()")
    viewer.until("room.seat()")
    theatre.says("room.show(['f1'])")
    theatre.says("room.speak()")
    decoded(viewer, "f1")
    viewer.until("room.voices() === 1 && room.contacts() === 1")
    viewer.until("room.height('f1') === 720")
    assert set(sent(theatre)) == {"h", "m", "l"}

    # Another picture joins, and the first one ends.
    theatre.says("room.show(['f1', 'f2'], 'monitor')")
    decoded(viewer, "f2")
    assert viewer.says("room.shown()") == ["f1", "f2"]
    theatre.says("room.show(['f2'])")
    viewer.until("room.shown().join() === 'f2'")
    decoded(viewer, "f2")

    # The viewer shows it small: the smallest layer comes, and then all of it again.
    viewer.says(f"room.size('{theatre.seat}', 'f2', 100)")
    viewer.until("room.height('f2') === 180", 30)
    viewer.says(f"room.size('{theatre.seat}', 'f2', 1000)")
    viewer.until("room.height('f2') === 720", 30)

    # A fresh connection each way, and the picture goes on.
    viewer.says("room.renew()")
    theatre.says("room.renew()")
    decoded(viewer, "f2")
    [sample] = [one for one in viewer.says("room.samples()") if one["seat"] == theatre.seat]
    assert sample["frames"] > 0
    assert sample["received"] > 20


def test_a_learner_cannot_send(case: str, enter: Callable[..., InRoom]) -> None:
    theatre, viewer = enter(DOCTOR, case, "operator"), enter(DOCTOR, case, "learner")
    theatre.until("room.seat()")
    viewer.until("room.seat()")
    viewer.says("room.show(['f1'])")
    viewer.until("room.told().some((said) => /refused .* publish: .* role/.test(said))")
    viewer.says("room.speak()")
    theatre.page.wait_for_timeout(1500)
    assert theatre.says("room.shown()") == []
    assert theatre.says("room.voices()") == 0


def test_who_loses_the_case_is_cut_off(
    house: House, sfu: Sfu, enter: Callable[..., InRoom]
) -> None:
    case = house.raised(DOCTOR, specialty="neonatology", problem="第二例，须术中指导")
    theatre, viewer = enter(DOCTOR, case, "operator"), enter(DOCTOR, case, "learner")
    theatre.until("room.seat()")
    viewer.until("room.seat()")
    theatre.says("room.show(['f1'])")
    decoded(viewer, "f1")
    key = case.split("/")[2]
    [[room]] = house.place.sql("select key from rooms_room where case_key = %s", key)
    number = Places(sfu.secret, room).number
    assert number in rooms(sfu)
    house.place.sql("update directory_grant set until = now() where case_key = %s", key)
    viewer.until("room.out()", 10)
    theatre.until("room.out()", 10)
    until(lambda: number not in rooms(sfu), 10, "the room of the media server is still there")


def test_janus_killed_comes_back(case: str, sfu: Sfu, enter: Callable[..., InRoom]) -> None:
    theatre, viewer = enter(DOCTOR, case, "operator"), enter(DOCTOR, case, "learner")
    theatre.until("room.seat()")
    viewer.until("room.seat()")
    theatre.says("room.show(['f1'])")
    decoded(viewer, "f1")
    sfu.stop(signal.SIGKILL)
    viewer.page.wait_for_timeout(1000)
    sfu.start()
    decoded(viewer, "f1", 30)


def test_a_line_that_breaks_does_not_end_the_picture(
    case: str, enter: Callable[..., InRoom]
) -> None:
    theatre, viewer = enter(DOCTOR, case, "operator"), enter(DOCTOR, case, "learner")
    theatre.until("room.seat()")
    viewer.until("room.seat()")
    theatre.says("room.show(['f1'])")
    decoded(viewer, "f1")
    theatre.says("room.breakLine()")
    viewer.says("room.breakLine()")
    decoded(viewer, "f1")
    theatre.says("room.show(['f1', 'f2'], 'monitor', 640, 360)")  # on the line that came back
    decoded(viewer, "f2")
    decoded(viewer, "f1")


def alliance_of(house: House) -> str:
    """One in which both hospitals of the lecture are."""
    [[code], *_more] = house.place.sql(
        """select a.code from directory_alliance a
            where (select count(*) from directory_membership m
                     join directory_organisation o on o.id = m.organisation_id
                     join directory_role r on r.organisation_id = o.id
                     join directory_practitioner p on p.id = r.practitioner_id
                    where m.alliance_id = a.id and p.number in (%s, %s)) >= 2 order by a.code""",
        LECTURER,
        DOCTOR,
    )
    return str(code)


@pytest.fixture
def people(browser: Any, house: House) -> Iterator[Apart]:
    with apart(browser, house) as held:
        yield held


def test_the_page_of_a_room_works_through_it(case: str, people: Apart) -> None:
    surgeon, learner = people(DOCTOR), people(DOCTOR)
    surgeon.join(case, "operator", "field")
    learner.join(case, "learner")
    until(lambda: learner.decodes(), 20, "no picture through the media server")
    until(lambda: learner.hears(surgeon), 10, "no voice through the media server")
    assert learner.ask("room.welcome.engine") == "sfu"


def test_a_lecture_is_heard_and_the_word_is_given_and_taken(house: House, people: Apart) -> None:
    starts, ends = (datetime.now(BEIJING) + timedelta(minutes=n) for n in (1, 60))
    fields = {
        "title": "新生儿急腹症的影像", "host": "sch", "alliance": alliance_of(house),
        "zone": "beijing",
        "starts_at": f"{starts:%Y-%m-%dT%H:%M}", "ends_at": f"{ends:%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    made = house.door(LECTURER).post("/lectures/new/", fields, page="/lectures/new/")
    assert made.status == 303, made.sentence
    key = made.path.split("/")[2]
    lecturer, listener = people(LECTURER), people(DOCTOR)
    for one, role in ((lecturer, "speaker"), (listener, "learner")):
        one.page.goto(f"/rooms/{key}/")
        one.page.locator(f"label:has(input[name=role][value={role}])").click()
        one.page.locator("[data-join] button.go").click()
        one.until("room && room.welcome !== undefined")
    until(lambda: listener.decodes(), 20, "no picture of the lecture")
    until(lambda: listener.hears(lecturer), 10, "no voice of the lecture")
    assert not lecturer.hears(listener)

    # The lecturer lets the listener speak, and takes the word back.
    house.door(LECTURER).post(
        f"/lectures/{key}/speaking/", {"seat": listener.seat, "on": "on"}, page=None
    )
    listener.until("room.welcome.role === 'asking'")
    house.door(LECTURER).post(f"/lectures/{key}/speaking/", {"seat": listener.seat}, page=None)
    listener.until("room.welcome.role === 'learner'")
    house.door(LECTURER).post(f"/lectures/{key}/end/", {}, page=None)
    page = lecturer.tab()
    page.goto(f"/lectures/{key}/attendance/")
    assert listener.name in page.locator("main").inner_text()


def rooms(sfu: Sfu) -> dict[int, int]:
    """Number of a room → how many are in it, as the media server has it."""
    said = asked(sfu, {"request": "list", "admin_key": sfu.secret})
    return {one["room"]: one["num_participants"] for one in said["list"]}
