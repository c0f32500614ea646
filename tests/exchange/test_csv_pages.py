"""The addresses of timetables: works, the wrong person, the wrong method."""

from __future__ import annotations

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jieli.exchange.models import Upload
from jieli.missions.models import Hub
from tests.directory.world import NOW
from tests.exchange.test_csv import HUBS, LINES
from tests.exchange.test_pages import as_

PAGE = "/missions/timetables/"


@pytest.fixture(autouse=True)
def at_one_instant(monkeypatch):
    monkeypatch.setattr("jieli.web.middleware.now", lambda: NOW)
    monkeypatch.setattr("jieli.web.context.now", lambda: NOW)


def send(client, text: str):
    return client.post(PAGE, {"file": SimpleUploadedFile("枢纽.csv", text.encode())})


@pytest.mark.parametrize(
    ("language", "said"), [("en", "2 new, 0 changed"), ("zh-hans", "新增 2，更改 0")]
)
def test_from_the_file_to_the_timetable(world, language, said):
    client = as_(world.coordinator, language)
    assert client.get(PAGE).status_code == 200
    sent = send(client, HUBS)
    assert sent.status_code == 303
    assert not Hub.objects.exists()
    assert "KHG" in client.get(sent["Location"]).content.decode()
    done = client.post(f"{sent['Location']}confirmation/")
    assert (done.status_code, done["Location"]) == (303, PAGE)
    assert Hub.objects.count() == 2
    shown = client.get(PAGE).content.decode()
    assert said in shown
    assert "喀什" in shown


def test_bad_cells_are_shown_and_nothing_waits(world):
    answer = send(as_(world.coordinator), LINES)
    assert answer.status_code == 422
    assert "There is no hub with this code." in answer.content.decode()
    assert not Upload.objects.exists()


def test_no_such_file_is_one_sentence(world):
    answer = send(as_(world.coordinator), "x,y\n1,2\n")
    assert answer.status_code == 422
    assert "The headings fit none of the files" in answer.content.decode()


def test_an_empty_choice_is_asked_for(world):
    answer = as_(world.coordinator).post(PAGE, {})
    assert answer.status_code == 422
    assert "Choose a file first." in answer.content.decode()


def test_nobody_else_gets_in(world):
    sent = send(as_(world.coordinator), HUBS)
    for who in (world.zhu, world.county_doctor, world.nobody):
        client = as_(who)
        assert client.get(PAGE).status_code == 404
        assert client.get(sent["Location"]).status_code == 404
    other = as_(world.outsider)  # coordinates elsewhere: the page, not this file
    assert other.get(PAGE).status_code == 200
    assert other.get(sent["Location"]).status_code == 404
    assert other.post(f"{sent['Location']}confirmation/").status_code == 404


def test_wrong_methods(world):
    client = as_(world.coordinator)
    key = uuid.uuid4()
    assert client.delete(PAGE).status_code == 405
    assert client.post(f"{PAGE}{key}/").status_code == 405
    assert client.get(f"{PAGE}{key}/confirmation/").status_code == 405
    assert client.post(f"{PAGE}hubs.csv").status_code == 405


def test_templates(world):
    client = as_(world.coordinator)
    answer = client.get(f"{PAGE}timetable.csv")
    assert answer.status_code == 200
    assert "Block minutes" in answer.content.decode("utf-8-sig")
    assert client.get(f"{PAGE}dragons.csv").status_code == 404
