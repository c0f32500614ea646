"""The demo's own doors: they work, they do not exist elsewhere, and time never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import include, path

from jieli.directory.models import Duty, Practitioner
from jieli.stories import demo, queries, timing
from jieli.stories.models import DemoTime, StoryRun
from jieli.web.urls import urlpatterns as everything

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
urlpatterns = [
    *(each for each in everything if str(each.pattern) != "demo/"),
    path("demo/", include("jieli.stories.urls")),
]


@pytest.fixture
def alliance(settings: Any) -> None:
    settings.JIELI_DEMO = True
    demo.load_alliance(NOW)
    timing.set_time(NOW, 0, real_now=datetime.now(UTC))


DOORS = [
    ("get", "/demo/", 200),
    ("post", "/demo/", 405),
    ("get", "/demo/time/", 200),
    ("get", "/demo/signin/", 405),
    ("get", "/demo/casts/", 405),
    ("get", "/demo/plays/", 405),
    ("get", "/demo/plays/last/", 200),
    ("get", "/demo/gateway/", 405),
    ("post", "/demo/gateway/", 200),
]


@pytest.mark.parametrize(("method", "address", "status"), DOORS)
def test_doors(alliance: None, client: Client, method: str, address: str, status: int) -> None:
    assert getattr(client, method)(address).status_code == status


@pytest.mark.parametrize(("method", "address", "_status"), DOORS)
def test_outside_a_demonstration_there_are_no_such_doors(
    settings: Any, client: Client, method: str, address: str, _status: int
) -> None:
    settings.JIELI_DEMO = False
    assert getattr(client, method)(address).status_code == 404


def test_one_click_signs_in(alliance: None, client: Client) -> None:
    answer = client.post("/demo/signin/", {"number": "SCH-0101", "next": "/cases/"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cases/")
    shen = Practitioner.objects.get(number="SCH-0101")
    assert client.session["_auth_user_id"] == str(shen.account_id)


def test_nobody_is_sent_to_another_site(alliance: None, client: Client) -> None:
    for away in ("//evil.example/", "https://evil.example/", "/\\evil.example"):
        answer = client.post("/demo/signin/", {"number": "SCH-0101", "next": away})
        assert answer.headers["Location"] == "/"


def test_an_unknown_number_is_not_found(alliance: None, client: Client) -> None:
    assert client.post("/demo/signin/", {"number": "nobody"}).status_code == 404


def test_time_goes_forward_only(alliance: None, client: Client) -> None:
    later = (NOW + timedelta(minutes=5)).isoformat()
    assert client.post("/demo/time/", {"to": later}).json() == {"now": later, "speed": 0.0}
    assert client.post("/demo/time/", {"to": NOW.isoformat()}).status_code == 409
    assert client.post("/demo/time/", {"to": "2026-11-22T10:00"}).status_code == 409
    assert client.post("/demo/time/", {"speed": "1e9"}).status_code == 409


def test_time_runs_at_a_speed(db: None) -> None:
    real = datetime.now(UTC)
    timing.set_time(NOW, 60, real_now=real)
    assert timing.demo_now(real + timedelta(seconds=2)) == NOW + timedelta(minutes=2)
    DemoTime.objects.all().delete()
    assert timing.demo_now(real) == real


def test_a_story_is_asked_for_once(alliance: None, client: Client) -> None:
    assert client.post("/demo/plays/", {"story": "kashgar", "speed": "0.0"}).status_code == 303
    assert client.post("/demo/plays/", {"story": "kashgar", "speed": "10"}).status_code == 409
    run = StoryRun.objects.get()
    client.post(f"/demo/plays/{run.key}/steps/")
    client.post(f"/demo/plays/{run.key}/end/")
    run.refresh_from_db()
    assert (run.asked_steps, run.state) == (1, "stopped")
    assert client.post("/demo/plays/", {"story": "nothing"}).status_code == 404


def test_a_bad_story_sets_no_stage(alliance: None, client: Client) -> None:
    answer = client.post("/demo/casts/", {"text": "story: x\nfoo: 1", "file": "x.yaml"})
    assert answer.status_code == 422
    assert "x.yaml:2: Unknown key `foo` in the story." in answer.json()["mistakes"]


def test_loading_twice_changes_nothing(alliance: None) -> None:
    counts = (Practitioner.objects.count(), Duty.objects.count())
    demo.load_alliance(NOW)
    assert (Practitioner.objects.count(), Duty.objects.count()) == counts


def test_beside_a_running_demo_a_story_leaves_the_rosters_alone(alliance: None) -> None:
    before = set(Duty.objects.values_list("id", flat=True))
    story = queries.story_named("kashgar")
    assert story is not None
    players = demo.load_cast(story.moved_to(NOW), NOW, alone=False)
    assert before <= set(Duty.objects.values_list("id", flat=True))
    assert players["SURG"].number == "SCH-0101"  # found again, not made a second time
