"""Lectures: who may plan, come, lead, count; what the database shows of them; who was there."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jieli.directory.models import Alliance, Membership, Organisation, Practitioner, Role
from jieli.lectures import actions
from jieli.lectures.actions import Plan
from jieli.lectures.models import Lecture
from jieli.lectures.queries import attendance
from jieli.rooms import actions as rooms
from jieli.rooms.access import may_stay, visible_rooms
from jieli.rooms.actions import Said
from jieli.rooms.models import LogLine, Room, Seat
from jieli.rules.refusal import Refused
from jieli.stories.models import DemoTime
from tests.cases.test_row_security import as_person
from tests.cases.world import World, minutes

pytestmark = pytest.mark.django_db


class Hall(World):
    """The alliance of the tests, and one hospital that is in another one only."""

    def __post_init__(self) -> None:
        super().__post_init__()
        other = Alliance.objects.create(code="elsewhere", name="别的医联体")
        away = Organisation.objects.create(
            code="away", name="别处医院", tier="county", telephone="010-5550199"
        )
        Membership.objects.create(alliance=other, organisation=away)
        self.person("stranger", away, Role.Kind.DOCTOR)
        self.person("clerk", self.county, Role.Kind.COORDINATOR)
        self.person("keeper", self.county, Role.Kind.ADMIN)
        self.person("gone", self.county, Role.Kind.NURSE, valid_to=minutes(0).date())
        self.person("office", self.hub, Role.Kind.COORDINATOR)

    def planned(self, **changed: Any) -> Lecture:
        plan = {
            "title": "新生儿肠梗阻的影像", "host": self.hub, "alliance": self.alliance,
            "speakers": [self.bob], "starts_at": minutes(60), "ends_at": minutes(120),
        }  # fmt: skip
        return actions.plan_lecture(Plan(**(plan | changed)), by=self.alice, now=minutes(0))


@pytest.fixture
def hall(settings) -> Hall:
    settings.SFU_URL = "ws://127.0.0.1:9"
    settings.JIELI_DEMO = True
    DemoTime.objects.create(shown_at=minutes(70), real_at=minutes(70), speed=0)
    return Hall()


@pytest.fixture
def lecture(hall: Hall) -> Lecture:
    return hall.planned()


def client(person: Practitioner) -> Client:
    made = Client()
    made.force_login(person.account)
    return made


# comes: opens the page; leads: lets speak and ends; counts: sees who was there; plans.
AUDIENCE = {
    "alice": ("comes", "leads", "counts", "plans"),  # planned it
    "bob": ("comes", "leads", "counts", "plans"),  # speaks
    "carol": ("comes", "plans"),
    "doctor": ("comes", "plans"),
    "outsider": ("comes", "plans"),  # of a third hospital of the alliance
    "keeper": ("comes",),  # an administrator treats nobody
    "office": ("comes", "counts", "plans"),  # of the host
    "clerk": ("comes", "plans"),  # of another hospital's office
    "stranger": ("plans",),  # of no hospital of this alliance
}


@pytest.mark.parametrize("name", AUDIENCE)
def test_who_may(hall: Hall, lecture: Lecture, name: str) -> None:
    person = getattr(hall, name)
    key, who = lecture.room.key, client(person)
    got = {
        "comes": [who.get(f"/lectures/{key}/"), who.get(f"/rooms/{key}/")],
        "counts": [
            who.get(f"/lectures/{key}/attendance/"),
            who.get(f"/lectures/{key}/attendance.csv"),
        ],
        "plans": [who.get("/lectures/new/")],
        "leads": [who.post(f"/lectures/{key}/end/")],
    }
    for what, answers in got.items():
        fine = {200, 303} if what in AUDIENCE[name] else {404}
        assert {answer.status_code for answer in answers} <= fine, what
    listed = who.get("/lectures/").content.decode()
    assert (lecture.room.title in listed) == ("comes" in AUDIENCE[name])


def test_whose_role_has_ended_does_not_come(hall: Hall, lecture: Lecture) -> None:
    later = minutes(60 * 24 * 3)
    assert not visible_rooms(hall.gone, later).exists()
    assert visible_rooms(hall.doctor, later).exists()


def test_a_hospital_that_leaves_the_alliance_takes_its_people_out(
    hall: Hall, lecture: Lecture
) -> None:
    assert may_stay(hall.doctor, lecture.room, minutes(70))
    yesterday = (minutes(0) - timedelta(days=1)).date()
    Membership.objects.filter(organisation=hall.county).update(left_on=yesterday)
    assert not may_stay(hall.doctor, lecture.room, minutes(70))


def test_a_room_of_a_case_is_no_lecture(hall: Hall, lecture: Lecture) -> None:
    case = hall.raised().case
    room = rooms.open_room(case.key, by=hall.doctor, now=minutes(0))
    assert set(visible_rooms(hall.doctor, minutes(1))) == {room, lecture.room}
    assert set(visible_rooms(hall.outsider, minutes(1))) == {lecture.room}
    assert client(hall.doctor).get(f"/rooms/{room.key}/").status_code == 404


# ── planned ──────────────────────────────────────────────────────────────────


def filled(hall: Hall, **changed: str) -> dict[str, str]:
    return {
        "title": "课", "host": "hub", "alliance": "test", "speakers": "bob，carol",
        "starts_at": "2026-03-01T15:00", "ends_at": "2026-03-01T16:00", "zone": "beijing",
    } | changed  # fmt: skip


def test_planned_by_form(hall: Hall) -> None:
    answer = client(hall.alice).post("/lectures/new/", filled(hall))
    assert answer.status_code == 303
    made = Lecture.objects.get()
    assert answer.headers["Location"] == f"/lectures/{made.room.key}/"
    assert set(made.speakers.all()) == {hall.bob, hall.carol}
    assert (made.starts_at, made.ends_at) == (minutes(90), minutes(150))
    assert (made.room.kind, made.room.engine) == (Room.Kind.LECTURE, Room.Engine.SFU)


@pytest.mark.parametrize(
    "changed",
    [
        {"title": " "},
        {"host": "county"},  # not hers
        {"alliance": "elsewhere"},
        {"speakers": "nobody"},
        {"starts_at": ""},
        {"ends_at": "2026-03-01T14:00"},
        {"ends_at": "tomorrow"},
        {"speakers": "stranger"},
    ],
)
def test_what_cannot_be_planned(hall: Hall, changed: dict[str, str]) -> None:
    answer = client(hall.alice).post("/lectures/new/", filled(hall, **changed))
    assert answer.status_code in (409, 422)
    assert not Lecture.objects.exists()


def test_without_a_media_server_none_is_planned(hall: Hall, settings) -> None:
    settings.SFU_URL = ""
    with pytest.raises(Refused, match="needs a media server"):
        hall.planned()


# ── joined and led ───────────────────────────────────────────────────────────


def test_roles_and_doors(hall: Hall, lecture: Lecture) -> None:
    join = actions.join_lecture
    assert join(lecture, by=hall.bob, now=minutes(1))[0].role == "speaker"
    with pytest.raises(Refused, match="half an hour"):
        join(lecture, by=hall.doctor, now=minutes(1))
    assert join(lecture, by=hall.doctor, now=minutes(31))[0].role == "learner"
    with pytest.raises(Refused, match="over"):
        join(lecture, by=hall.doctor, now=minutes(181))
    answer = client(hall.carol).post(f"/rooms/{lecture.room.key}/seats/", {"role": "speaker"})
    assert Seat.objects.get(key=answer.json()["seat"]).role == "learner"


def test_no_more_than_there_are_seats(hall: Hall, lecture: Lecture, monkeypatch) -> None:
    monkeypatch.setattr("jieli.rules.lectures.SEATS", 1)
    actions.join_lecture(lecture, by=hall.doctor, now=minutes(60))
    with pytest.raises(Refused, match="Every place"):
        actions.join_lecture(lecture, by=hall.carol, now=minutes(60))
    actions.join_lecture(lecture, by=hall.bob, now=minutes(60))  # who speaks finds a place


def test_a_hand_goes_up_and_its_owner_speaks(
    hall: Hall, lecture: Lecture, django_capture_on_commit_callbacks, monkeypatch
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr("jieli.rooms.telling._here", [lambda _room, said: told.append(said)])
    seat, ticket = actions.join_lecture(lecture, by=hall.doctor, now=minutes(69))
    rooms.use_ticket(ticket, by=hall.doctor, now=minutes(69))
    rooms.note_seen(seat, now=minutes(70))
    up = Said(lecture.room.key, "hand", "", {"up": True})
    rooms.write(seat, [up], now=minutes(70))
    page = client(hall.bob).get(f"/lectures/{lecture.room.key}/").content.decode()
    assert "举手" in page
    fields = {"seat": str(seat.key), "on": "on"}
    with django_capture_on_commit_callbacks(execute=True):
        answer = client(hall.bob).post(f"/lectures/{lecture.room.key}/speaking/", fields)
    assert answer.status_code == 303
    seat.refresh_from_db()
    assert seat.role == "asking"
    assert {"t": "role", "seat": str(seat.key), "role": "asking"} in told
    client(hall.bob).post(f"/lectures/{lecture.room.key}/speaking/", {"seat": str(seat.key)})
    seat.refresh_from_db()
    assert seat.role == "learner"
    other, _ticket = actions.join_lecture(lecture, by=hall.alice, now=minutes(70))
    with pytest.raises(Refused, match="not in the lecture"):
        actions.let_speak(lecture, other.key, on=False)  # a speaker is not silenced


def test_the_end_is_for_everybody(hall: Hall, lecture: Lecture) -> None:
    seat, ticket = actions.join_lecture(lecture, by=hall.doctor, now=minutes(60))
    client(hall.bob).post(f"/lectures/{lecture.room.key}/end/")
    seat.refresh_from_db()
    assert seat.left_at is not None
    assert rooms.use_ticket(ticket, by=hall.doctor, now=minutes(61)) is None
    assert not may_stay(hall.doctor, lecture.room, minutes(70))


def test_one_that_nobody_ended_ends_by_itself(lecture: Lecture) -> None:
    assert actions.end_old(minutes(179)) == 0
    assert actions.end_old(minutes(180)) == 1
    assert actions.end_old(minutes(181)) == 0


# ── who was there ────────────────────────────────────────────────────────────


def sat(lecture: Lecture, person: Practitioner, begun: float, until: float) -> None:
    seat, ticket = actions.join_lecture(lecture, by=person, now=minutes(begun))
    rooms.use_ticket(ticket, by=person, now=minutes(begun))
    rooms.note_seen(seat, now=minutes(until))


def test_one_person_is_counted_once(hall: Hall, lecture: Lecture) -> None:
    sat(lecture, hall.doctor, 60, 90)
    sat(lecture, hall.doctor, 70, 100)  # the telephone beside it
    sat(lecture, hall.doctor, 110, 115)
    sat(lecture, hall.bob, 55, 120)
    actions.join_lecture(lecture, by=hall.carol, now=minutes(60))  # asked, and never came
    rows = {row.name: row for row in attendance(lecture)}
    assert set(rows) == {"doctor", "bob"}
    assert rows["doctor"].minutes == 45
    assert (rows["doctor"].first, rows["doctor"].last) == (minutes(60), minutes(115))
    assert rows["bob"].speaks
    assert not rows["doctor"].speaks
    assert rows["bob"].minutes == 65


def test_the_rows_leave_as_a_table_in_which_nothing_runs(hall: Hall, lecture: Lecture) -> None:
    Practitioner.objects.filter(pk=hall.doctor.pk).update(name="=1+1")
    sat(lecture, hall.doctor, 60, 90)
    answer = client(hall.bob).get(f"/lectures/{lecture.room.key}/attendance.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][-1] == "分钟"
    assert rows[1][1] == "'=1+1"
    assert rows[1][-1] == "30"


def test_a_page_asks_no_more_for_many(hall: Hall, lecture: Lecture) -> None:
    def asked(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client(hall.bob).get(path).status_code == 200
        return len(queries)

    paths = [f"/lectures/{lecture.room.key}/", f"/lectures/{lecture.room.key}/attendance/"]
    sat(lecture, hall.doctor, 60, 69.9)
    asked(paths[0])  # what is asked once in a while
    few = [asked(path) for path in ["/lectures/", *paths]]
    for name in ("carol", "outsider", "clerk", "keeper"):
        sat(lecture, getattr(hall, name), 60, 69.9)
        hall.planned(title=name)
    assert [asked(path) for path in ["/lectures/", *paths]] == few


# ── behind the application ───────────────────────────────────────────────────


def test_the_database_shows_a_lecture_to_its_alliance_only(hall: Hall, lecture: Lecture) -> None:
    sat(lecture, hall.doctor, 60, 90)
    seat = Seat.objects.get()
    rooms.write(seat, [Said(lecture.room.key, "text", "", {"text": "问"})], now=minutes(70))
    case_room = rooms.open_room(hall.raised().case.key, by=hall.doctor, now=minutes(0))
    for person, sees in ((hall.outsider, True), (hall.stranger, False), (None, False)):
        with as_person(person):
            assert Seat.objects.exists() == sees
            assert LogLine.objects.exists() == sees
            assert not Room.objects.filter(pk=case_room.pk).exists()
    with as_person(hall.doctor):
        assert Room.objects.count() == 2
