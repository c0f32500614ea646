"""A file in pieces, through the addresses of a case: small picture first, the original after."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from jieli.cases.models import Case
from jieli.chart.models import Document, Incoming
from jieli.record.queries import broken_at
from jieli.record.reading import entered
from jieli.stories.models import DemoTime
from jieli.web import recurring
from tests.cases.world import World, minutes
from tests.chart.conftest import left_over, photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings: Any, tmp_path: Path) -> World:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.JIELI_DEMO = True
    DemoTime.objects.create(shown_at=minutes(5), real_at=minutes(5), speed=0)
    return World()


@pytest.fixture
def case(world: World) -> Case:
    return world.raised("U1").case


@pytest.fixture
def mine(client: Client, world: World) -> Client:
    client.force_login(world.doctor.account)
    return client


def said(content: bytes, **more: str) -> dict[str, str]:
    digest = hashlib.sha256(content).hexdigest()
    return {"name": "IMG_1.jpg", "size": str(len(content)), "sha256": digest, **more}


def part(client: Client, path: str, content: bytes, at: int = 0) -> Any:
    return client.post(
        path, content, "application/octet-stream", headers={"Upload-Offset": str(at)}
    )


def sent(client: Client, case: Case, content: bytes, **more: str) -> Any:
    """Announce, send in pieces, finish."""
    told = client.post(f"/cases/{case.key}/uploads/", said(content, **more)).json()
    path = f"/cases/{case.key}/uploads/{told['upload']}/"
    at = told["offset"]
    while at < len(content):
        at = part(client, path, content[at : at + 70_000], at).json()["offset"]
    return client.post(path + "document/", {"title": more.get("title", "")})


def test_small_first_and_the_original_after(mine: Client, case: Case) -> None:
    small, large = photo((320, 240)), photo((1600, 1200))
    follows = hashlib.sha256(large).hexdigest()
    answer = sent(mine, case, small, follows=follows, title="腹平片")
    assert answer.status_code == 201
    document = Document.objects.get()
    page = mine.get(f"/cases/{case.key}/documents/{document.key}/").content.decode()
    assert "320 × 240" in page
    assert "原图还没传到" in page
    assert "小图" in mine.get(f"/cases/{case.key}/").content.decode()

    # Announced once more after a reload: what is here already is not sent again.
    known = mine.post(f"/cases/{case.key}/uploads/", said(small, follows=follows)).json()
    assert known == {"document": str(document.key)}

    assert sent(mine, case, large, original_of=str(document.key)).status_code == 201
    document.refresh_from_db()
    assert (document.awaits, document.original_width) == ("", 1600)
    page = mine.get(f"/cases/{case.key}/documents/{document.key}/").content.decode()
    assert "1600 × 1200" in page
    whole = mine.get(f"/cases/{case.key}/documents/{document.key}/original/")
    assert hashlib.sha256(whole.getvalue()).hexdigest() == document.original_sha256
    verbs = list(case.chain.events.values_list("verb", flat=True))
    assert (verbs.count("document_added"), verbs.count("original_added")) == (1, 1)
    assert broken_at(case.chain) is None
    assert "补传了原图" in mine.get(f"/cases/{case.key}/events/").content.decode()
    assert Incoming.objects.count() == 0


def test_nothing_is_left_over_when_it_has_arrived(
    mine: Client, case: Case, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        sent(mine, case, photo())
    assert not left_over(settings.MEDIA_ROOT / "incoming")


def test_finishing_twice_makes_one_document(mine: Client, case: Case) -> None:
    content = photo()
    told = mine.post(f"/cases/{case.key}/uploads/", said(content)).json()
    path = f"/cases/{case.key}/uploads/{told['upload']}/"
    part(mine, path, content)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answers = [mine.post(path + "document/", headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Document.objects.count() == 1


def test_a_refused_file_is_no_document_and_says_why(mine: Client, case: Case) -> None:
    answer = sent(mine, case, b"MZ" + b"\0" * 900)
    assert answer.status_code == 409
    assert "程序" in answer.content.decode()
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"sha256": "x"}, {"size": "-1"}, {"size": "0"}, {"size": "999999999"}, {"original_of": "7"},
     {"follows": "short"}],
)  # fmt: skip
def test_what_a_device_says_is_checked(mine: Client, case: Case, wrong: dict[str, str]) -> None:
    answer = mine.post(f"/cases/{case.key}/uploads/", {**said(b"a"), **wrong})
    assert answer.status_code == 409
    assert not Incoming.objects.exists()


@pytest.mark.parametrize("offset", ["", "-5", "x", "99999999999999999999999"])
def test_an_odd_offset_changes_nothing(mine: Client, case: Case, offset: str) -> None:
    content = photo()
    told = mine.post(f"/cases/{case.key}/uploads/", said(content)).json()
    path = f"/cases/{case.key}/uploads/{told['upload']}/"
    part(mine, path, content[:5000])
    headers = {"Upload-Offset": offset}
    answer = mine.post(path, b"zzz", "application/octet-stream", headers=headers)
    assert (answer.status_code, answer.json()["offset"]) == (200, 5000)


def test_the_wrong_person_finds_no_upload(mine: Client, world: World, case: Case) -> None:
    content = photo()
    told = mine.post(f"/cases/{case.key}/uploads/", said(content)).json()
    path = f"/cases/{case.key}/uploads/{told['upload']}/"
    document = a_document(mine, case)
    for name in ("outsider", "second_doctor"):  # nobody at all; a colleague of the same hospital
        mine.force_login(world.people[name].account)
        assert mine.get(path).status_code == 404
        assert part(mine, path, content).status_code == 404
        assert mine.post(path + "document/").status_code == 404
    mine.force_login(world.outsider.account)
    assert mine.post(f"/cases/{case.key}/uploads/", said(content)).status_code == 404
    mine.force_login(world.doctor.account)
    assert mine.get(path).json()["offset"] == 0
    other = world.raised("U2").case  # a document of another case is none of this one's
    answer = mine.post(f"/cases/{other.key}/uploads/", said(b"a", original_of=document))
    assert answer.status_code == 404


def test_the_database_shows_an_upload_to_its_sender_only(
    mine: Client, world: World, case: Case
) -> None:
    mine.post(f"/cases/{case.key}/uploads/", said(photo()))
    rows = {}
    for name in ("doctor", "second_doctor", "outsider"):
        person = world.people[name]
        with entered(person.account, person, minutes(5)):
            rows[name] = Incoming.objects.count()
    assert rows == {"doctor": 1, "second_doctor": 0, "outsider": 0}


def a_document(client: Client, case: Case) -> str:
    return str(sent(client, case, photo((80, 60))).json()["document"])


def test_the_wrong_method_gets_405(mine: Client, case: Case) -> None:
    told = mine.post(f"/cases/{case.key}/uploads/", said(b"a")).json()
    path = f"/cases/{case.key}/uploads/{told['upload']}/"
    assert mine.get(f"/cases/{case.key}/uploads/").status_code == 405
    assert mine.put(path).status_code == 405
    assert mine.get(path + "document/").status_code == 405


def test_a_piece_without_a_token_is_not_taken(world: World, case: Case) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.doctor.account)
    assert part(client, f"/cases/{case.key}/uploads/{uuid.uuid4()}/", b"a").status_code == 403


def test_access_that_ends_meanwhile_ends_the_upload(mine: Client, world: World, case: Case) -> None:
    content = photo()
    told = mine.post(f"/cases/{case.key}/uploads/", said(content)).json()
    path = f"/cases/{case.key}/uploads/{told['upload']}/"
    assert part(mine, path, content[:5000]).status_code == 200
    world.doctor.roles.all().delete()
    assert part(mine, path, content[5000:], 5000).status_code == 404


def test_the_runner_sweeps_what_was_given_up(mine: Client, case: Case) -> None:
    told = mine.post(f"/cases/{case.key}/uploads/", said(photo())).json()
    part(mine, f"/cases/{case.key}/uploads/{told['upload']}/", b"begun")
    sweep = next(work for name, work, _ in recurring.WORK if name == "unfinished uploads")
    assert sweep(minutes(5) + timedelta(hours=23)) == 0
    assert sweep(minutes(5) + timedelta(hours=25)) == 1
    assert not Incoming.objects.exists()
