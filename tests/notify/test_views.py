"""Inbox and gateway reports: works, wrong person, wrong method, anonymous, forged."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from jieli.directory.models import Channel, Grant, Practitioner
from jieli.notify import actions
from jieli.notify.actions import attempts
from jieli.notify.models import Attempt, Message
from jieli.notify.transports.gateway.transport import signature
from jieli.record.actions import action
from jieli.record.models import Event
from tests.notify.conftest import Make

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.notify.doors")]


@pytest.fixture
def person(make_person: Make) -> Practitioner:
    return make_person("1", ("gateway", "+8613800000001", True))


@pytest.fixture
def message(event: Event, person: Practitioner, now: datetime) -> Message:
    Grant.objects.create(
        case_key=event.chain.subject,
        patient_key=uuid4(),
        practitioner=person,
        why="rung",
        since=now,
    )
    action(actions.tell)(
        event, [person], manner="ring", title="U1 儿普外", text="打开查看", path="/rings/x/",
        now=now, ring_key=uuid4(),
    )  # fmt: skip
    return Message.objects.get()


@pytest.fixture
def attempt(message: Message, now: datetime) -> Attempt:
    made = attempts.begin(message, Channel.objects.get(), now)
    attempts.note_taken(made.pk, ringing=False, enough=True, now=now)
    actions.send_due(now)  # what is reported once is not reported again
    return made


@pytest.fixture
def mine(client: Client, person: Practitioner) -> Client:
    client.force_login(person.account)  # type: ignore[arg-type]
    return client


# ── the inbox ────────────────────────────────────────────────────────────────


def test_inbox_shows_my_messages_and_only_mine(
    mine: Client, message: Message, make_person: Make
) -> None:
    assert "U1 儿普外" in mine.get("/notify/inbox/").content.decode()
    mine.force_login(make_person("2").account)  # type: ignore[arg-type]
    assert "U1 儿普外" not in mine.get("/notify/inbox/").content.decode()


def test_reading_marks_it_and_leads_to_the_matter(mine: Client, message: Message) -> None:
    answer = mine.post(f"/notify/inbox/{message.key}/reading/")
    assert (answer.status_code, answer["Location"]) == (303, "/rings/x/")
    message.refresh_from_db()
    assert message.read_at
    assert message.due_at is None


def test_someone_elses_message_is_not_found(
    mine: Client, message: Message, make_person: Make
) -> None:
    mine.force_login(make_person("2").account)  # type: ignore[arg-type]
    assert mine.post(f"/notify/inbox/{message.key}/reading/").status_code == 404
    message.refresh_from_db()
    assert message.read_at is None


def test_mark_all_spares_what_still_rings(mine: Client, message: Message, now: datetime) -> None:
    assert mine.post("/notify/inbox/").status_code == 303
    message.refresh_from_db()
    assert message.read_at is None
    action(actions.withdraw)([message.ring_key], now=now)
    mine.post("/notify/inbox/")
    message.refresh_from_db()
    assert message.read_at


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("put", "/notify/inbox/", 405),
        ("delete", "/notify/inbox/", 405),
        ("get", "/notify/inbox/{key}/reading/", 405),
        ("get", "/notify/attempts/{key}/", 405),
    ],
)
def test_wrong_method(mine: Client, message: Message, method: str, path: str, status: int) -> None:
    assert getattr(mine, method)(path.format(key=message.key)).status_code == status


def test_anonymous_is_sent_to_the_front_door(client: Client, message: Message) -> None:
    for answer in (
        client.get("/notify/inbox/"),
        client.post(f"/notify/inbox/{message.key}/reading/"),
    ):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/signin/")


def test_an_account_without_a_person_finds_nothing(client: Client, message: Message) -> None:
    from jieli.directory.models import Account

    client.force_login(Account.objects.create_account("nobody"))
    assert client.get("/notify/inbox/").status_code == 404


def test_query_count_does_not_grow(
    mine: Client, message: Message, django_assert_max_num_queries: Any
) -> None:
    more = [Message(event=message.event, practitioner=message.practitioner, manner=f"m{n}",
                    title="x", text="y", path="/", created_at=message.created_at)
            for n in range(60)]  # fmt: skip
    Message.objects.bulk_create(more)
    mine.get("/notify/inbox/")  # the first one of a session writes that it began
    with django_assert_max_num_queries(16):
        mine.get("/notify/inbox/")


# ── the gateway's reports ────────────────────────────────────────────────────


def report(client: Client, attempt: Attempt, state: str, *, key: object = None, **more: str) -> Any:
    body = json.dumps({"attempt": str(key or attempt.key), "state": state, **more}).encode()
    return client.post(
        f"/notify/attempts/{attempt.key}/",
        body,
        content_type="application/json",
        headers={"X-Jieli-Signature": signature(body)},
    )


@pytest.fixture(autouse=True)
def secret(settings: Any) -> None:
    settings.JIELI_GATEWAY_TOKEN = "shared-token"


def test_ringing_is_noted_and_handed_to_the_ring(
    client: Client, attempt: Attempt, now: datetime
) -> None:
    assert report(client, attempt, "ringing").status_code == 200
    attempt.refresh_from_db()
    assert attempt.state == "ringing"
    [said] = actions.send_due(now)
    assert (said.ring_key, said.state) == (attempt.message.ring_key, "ringing")
    assert report(client, attempt, "ringing").status_code == 200  # twice is once


def test_an_answered_call_proves_the_channel(
    client: Client, attempt: Attempt, person: Practitioner
) -> None:
    report(client, attempt, "answered")
    report(client, attempt, "ringing")  # arrives late: takes nothing back
    attempt.refresh_from_db()
    channel = Channel.objects.get()
    assert attempt.state == "answered"
    assert channel.proven_at
    assert channel.proven_by == person


def test_a_failed_call_frees_the_message_for_the_next_channel(
    client: Client, attempt: Attempt
) -> None:
    report(client, attempt, "failed", error="busy")
    attempt.refresh_from_db()
    message = Message.objects.get()
    assert (attempt.state, attempt.error) == ("failed", "busy")
    assert message.due_at is not None
    assert Channel.objects.get().last_error == "busy"


def test_failure_that_overtakes_the_answer_is_believed(
    client: Client, message: Message, now: datetime
) -> None:
    made = attempts.begin(message, Channel.objects.get(), now)
    report(client, made, "failed", error="busy")
    assert attempts.note_taken(made.pk, ringing=False, enough=True, now=now) is False


def test_forged_and_mixed_up_reports_change_nothing(client: Client, attempt: Attempt) -> None:
    url = f"/notify/attempts/{attempt.key}/"
    body = json.dumps({"attempt": str(attempt.key), "state": "answered"})
    bad = {"X-Jieli-Signature": "0" * 64}
    assert client.post(url, body, content_type="application/json").status_code == 404
    assert client.post(url, body, content_type="application/json", headers=bad).status_code == 404
    assert report(client, attempt, "answered", key=uuid4()).status_code == 422
    assert report(client, attempt, "exploded").status_code == 422
    assert report(client, attempt, "failed", error="x" * 5000).status_code == 404
    attempt.refresh_from_db()
    assert attempt.state == "accepted"


def test_without_a_secret_nothing_is_believed(
    client: Client, attempt: Attempt, settings: Any
) -> None:
    settings.JIELI_GATEWAY_TOKEN = ""
    assert report(client, attempt, "answered").status_code == 404


def test_unknown_attempt(client: Client, attempt: Attempt) -> None:
    stranger = Attempt(key=uuid4())
    assert report(client, stranger, "ringing").status_code == 404
