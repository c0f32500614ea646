"""Messages go out: in order, next channel at once, never held up, once in effect."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from jieli.directory.models import Channel, Practitioner
from jieli.live.models import Note
from jieli.notify import actions, queries
from jieli.notify.actions import attempts, sending
from jieli.notify.models import Attempt, Message
from jieli.notify.transports import TRANSPORTS, lanes
from jieli.notify.transports.letter import Letter, Result, TransportError
from jieli.record.actions import acting, action
from jieli.record.models import Event
from tests.notify.conftest import Make, Receiver, settle, until

pytestmark = pytest.mark.django_db(transaction=True)

VOICE = ("gateway", "+8613800000001", True)
SMS = ("gateway", "+8613800000002", False)
PAGE = ("in_app", "", False)
MAIL = ("email", "doctor@example.org", False)
WECOM = ("apprise", "wecombot://key", False)


def tell(event: Event, *people: Practitioner, now: datetime, **more: Any) -> list[Message]:
    given = {"manner": "ring", "ring_key": uuid4(), "urgency": "U1", **more}
    with acting():
        actions.tell(
            event, people, title="U1 儿普外", text="打开查看", path="/rings/x/", now=now, **given
        )
    return list(Message.objects.order_by("pk"))


def states(message: Message) -> list[tuple[str, str]]:
    return list(message.attempts.order_by("pk").values_list("kind", "state"))


class Fake:
    """A transport that does what it is told and remembers."""

    def __init__(self, *outcomes: Exception | Result) -> None:
        self.outcomes = list(outcomes) or [Result()]
        self.letters: list[Letter] = []

    def __call__(self, letter: Letter, *, timeout: float) -> Result:
        self.letters.append(letter)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fake]:
    made = {kind: Fake() for kind in TRANSPORTS}
    monkeypatch.setattr(sending, "TRANSPORTS", made)
    return made


def test_owed_once_for_one_event_and_told_live(
    event: Event, make_person: Make, now: datetime
) -> None:
    person = make_person("1")
    tell(event, person, person, now=now)
    tell(event, person, now=now)
    assert Message.objects.count() == 1
    assert Note.objects.filter(topic=f"person:{person.pk}").exists()


def test_nothing_is_owed_when_the_action_fails(
    event: Event, make_person: Make, now: datetime
) -> None:
    person = make_person("1")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tell(event, person, now=now)
        raise ZeroDivisionError
    assert not Message.objects.exists()


def test_what_one_action_owes_and_takes_back_is_not_sent(
    event: Event, make_person: Make, now: datetime
) -> None:
    ring = uuid4()
    with acting():
        tell(event, make_person("1"), now=now, ring_key=ring)
        actions.withdraw([ring], now=now)
    message = Message.objects.get()
    assert (message.withdrawn_at, message.due_at) == (now, None)


def test_taken_by_the_gateway_and_reported(
    event: Event, make_person: Make, now: datetime, receiver: Receiver
) -> None:
    receiver.script = ["ringing"]
    [message] = tell(event, make_person("1", VOICE), now=now)
    actions.send_due(now)
    settle()
    [report] = actions.send_due(now)
    assert actions.send_due(now) == [report], "until somebody has noted it"
    actions.reported(report)
    message.refresh_from_db()
    assert (report.ring_key, report.state) == (message.ring_key, "ringing")
    assert message.sent_at
    assert message.due_at is None
    [request] = receiver.requests
    assert request["kind"] == "voice"
    assert request["id"].startswith(str(message.key))
    assert request["callback"].startswith("https://jieli.example/notify/attempts/")
    assert receiver.headers[0]["Authorization"] == "Bearer shared-token"
    assert actions.send_due(now + timedelta(hours=1)) == []
    assert len(receiver.requests) == 1


def test_a_report_that_comes_while_another_is_noted_is_noted_as_well(
    event: Event, make_person: Make, now: datetime, receiver: Receiver
) -> None:
    tell(event, make_person("1", VOICE), now=now)
    actions.send_due(now)
    settle()
    [taken] = actions.send_due(now)
    actions.note_attempt(Attempt.objects.get().key, "ringing", now=now)
    actions.reported(taken)
    assert [report.state for report in actions.send_due(now)] == ["ringing"]


def test_next_channel_is_tried_at_once(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake]
) -> None:
    fakes["apprise"] = Fake(TransportError("The messenger refused."))
    person = make_person("1", WECOM, VOICE)
    [message] = tell(event, person, now=now)
    actions.send_due(now)
    settle()
    assert states(message) == [("apprise", "failed"), ("gateway", "accepted")]
    first = Channel.objects.get(kind="apprise")
    assert (first.last_error, first.disabled_at) == ("The messenger refused.", None)
    tried = queries.what_was_tried([message.ring_key, uuid4()])
    assert [(t.kind, t.state, t.error) for t in tried[message.ring_key]] == [
        ("apprise", "failed", "The messenger refused."),
        ("gateway", "accepted", ""),
    ]


def test_permanent_error_disables_the_channel(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake]
) -> None:
    fakes["email"] = Fake(TransportError("No such mailbox.", permanent=True))
    tell(event, make_person("1", MAIL, SMS), now=now)
    actions.send_due(now)
    settle()
    assert Channel.objects.get(kind="email").disabled_at is not None
    assert Channel.objects.get(kind="gateway").disabled_at is None


def test_all_failed_is_shown_and_tried_again_later(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake]
) -> None:
    fakes["gateway"] = Fake(TransportError("down"), TransportError("down"), Result())
    [message] = tell(event, make_person("1", VOICE), now=now)
    actions.send_due(now)
    settle()
    message.refresh_from_db()
    assert message.failed_at
    assert message.sent_at is None
    assert 4 < (message.due_at - now).total_seconds() < 8
    actions.send_due(now + timedelta(seconds=10))
    settle()
    message.refresh_from_db()
    assert message.rounds == 2
    actions.send_due(now + timedelta(seconds=60))
    settle()
    message.refresh_from_db()
    assert message.sent_at
    assert message.due_at is None
    assert len({letter.id for letter in fakes["gateway"].letters}) == 1  # the effect is once


def test_gives_up_after_a_day(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake]
) -> None:
    fakes["gateway"] = Fake(TransportError("down"))
    [message] = tell(event, make_person("1", VOICE), now=now)
    actions.send_due(now + timedelta(hours=25))
    settle()
    message.refresh_from_db()
    assert message.due_at is None


def test_a_person_without_any_channel_is_shown_as_such(
    event: Event, make_person: Make, now: datetime
) -> None:
    [message] = tell(event, make_person("1"), now=now)
    actions.send_due(now)
    [tried] = queries.what_was_tried([message.ring_key])[message.ring_key]
    assert (tried.kind, tried.state) == ("none", "failed")


def test_silent_never_rings_and_needs_no_device(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake]
) -> None:
    [message] = tell(event, make_person("1", VOICE), now=now, manner="silent", ring_key=None)
    actions.send_due(now)
    settle()
    message.refresh_from_db()
    assert fakes["gateway"].letters == []
    assert (message.due_at, message.failed_at) == (None, None)


def test_at_night_and_for_u0_the_telephone_comes_first(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake]
) -> None:
    night = now + timedelta(hours=12)
    tell(event, make_person("1", WECOM, VOICE), now=night)
    tell(event, make_person("2", WECOM, VOICE), now=now, urgency="U0")
    tell(event, make_person("3", WECOM, VOICE), now=now)
    actions.send_due(night)
    settle()
    kinds = [states(m)[0][0] for m in Message.objects.order_by("pk")]
    assert kinds == ["gateway", "gateway", "gateway"]
    Message.objects.all().delete()
    tell(event, *Practitioner.objects.filter(number="3"), now=now)
    tell(event, *Practitioner.objects.filter(number="2"), now=now, urgency="U0")
    actions.send_due(now)
    settle()
    kinds = [states(m)[0][0] for m in Message.objects.order_by("practitioner__number")]
    assert kinds == ["gateway", "apprise"]


def test_an_open_page_does_not_stand_in_for_the_telephone(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake]
) -> None:
    [message] = tell(event, make_person("1", PAGE, VOICE, online=True), now=now)
    actions.send_due(now)
    settle()
    assert states(message) == [("in_app", "accepted"), ("gateway", "accepted")]


def test_a_push_is_content_with_an_open_page(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake]
) -> None:
    [message] = tell(event, make_person("1", PAGE, SMS), now=now, manner="push")
    actions.send_due(now)
    settle()
    assert states(message) == [("in_app", "accepted")]


@pytest.mark.parametrize("how", ["withdrawn", "read"])
def test_what_is_over_is_not_sent(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake], how: str
) -> None:
    person = make_person("1", VOICE)
    [message] = tell(event, person, now=now)
    if how == "read":
        actions.mark_read(person, message, now)
    else:
        action(actions.withdraw)([message.ring_key], now=now)
    actions.send_due(now)
    settle()
    assert fakes["gateway"].letters == []


def test_withdrawn_while_it_waits_for_a_place_in_the_lane(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    jobs: list[Any] = []
    monkeypatch.setattr(lanes.Lane, "submit", lambda self, manner, job: jobs.append(job))
    [message] = tell(event, make_person("1", VOICE), now=now)
    monkeypatch.setattr(sending, "LINGER", 0)
    actions.send_due(now)
    action(actions.withdraw)(event, now=now)
    jobs[0]()
    assert fakes["gateway"].letters == []
    assert states(message) == []


# ── bad days ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("act", ["hang", "drip", "drop", "500", "refuse"])
def test_a_gateway_that_misbehaves_is_left_for_the_next_channel(
    event: Event, make_person: Make, now: datetime, receiver: Receiver, act: str,
    settings: Any, mailoutbox: list[Any],
) -> None:  # fmt: skip
    receiver.script = [act]
    [message] = tell(event, make_person("1", VOICE, MAIL), now=now)
    began = time.monotonic()
    actions.send_due(now)
    settle()
    assert time.monotonic() - began < sending.DEADLINE + 2
    assert states(message) == [("gateway", "failed"), ("email", "accepted")]
    assert [mail.subject for mail in mailoutbox] == ["U1 儿普外"]


def test_a_transport_that_hangs_delays_nobody_else(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It ignores its timeout for ever; ten people use it, one has another messenger."""
    let_go = threading.Event()

    def hang(letter: Letter, *, timeout: float) -> Result:
        let_go.wait(60)
        return Result()

    fakes["apprise"] = hang  # type: ignore[assignment]
    stuck = [make_person(f"s{n}", WECOM, VOICE) for n in range(10)]
    other = make_person("other", VOICE)
    tell(event, *stuck, other, now=now)
    began = time.monotonic()
    actions.send_due(now)
    assert time.monotonic() - began < 1.5, "send_due itself must not wait for it"
    until(lambda: any(x.practitioner == other.pk for x in fakes["gateway"].letters), 1)
    settle(20)
    let_go.set()
    reached = {letter.practitioner for letter in fakes["gateway"].letters}
    assert reached == {person.pk for person in (*stuck, other)}
    # After four time-outs in a row the rest asked the telephone first.
    assert Attempt.objects.filter(kind="apprise").count() < 10
    assert time.monotonic() - began < 3 * sending.DEADLINE + 3


def test_a_broken_transport_is_a_failed_one(
    event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake]
) -> None:
    fakes["apprise"] = Fake(ValueError("secret detail"))
    [message] = tell(event, make_person("1", WECOM, VOICE), now=now)
    actions.send_due(now)
    settle()
    assert states(message) == [("apprise", "failed"), ("gateway", "accepted")]
    assert "secret" not in Attempt.objects.get(kind="apprise").error


def test_killed_between_send_and_mark_tries_again_with_one_effect(
    event: Event, make_person: Make, now: datetime, receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The gateway has it, the row does not say so: the process died in between."""

    def die(*args: object, **kwargs: object) -> bool:
        raise SystemError("killed")

    [message] = tell(event, make_person("1", VOICE), now=now)
    monkeypatch.setattr(attempts, "note_taken", die)
    actions.send_due(now)
    settle()
    monkeypatch.undo()
    assert states(message) == [("gateway", "sending")]
    assert actions.send_due(now + sending.LEASE * 0.8) == []  # the lease still holds
    settle()
    assert len(receiver.requests) == 1
    actions.send_due(now + sending.LEASE * 1.1)
    settle()
    assert states(message) == [("gateway", "accepted")]
    assert len(receiver.requests) == 2  # at most one duplicate try
    assert len(receiver.effects) == 1  # and one effect
    actions.send_due(now + timedelta(hours=1))
    settle()
    assert len(receiver.requests) == 2


def test_two_runners_send_one_message_once(
    event: Event, make_person: Make, now: datetime, receiver: Receiver
) -> None:
    """What another runner has claimed is passed over, neither waited for nor sent twice."""
    tell(event, *(make_person(str(n), VOICE) for n in range(8)), now=now)
    claimed: list[list[int]] = []

    def claim() -> None:
        try:
            claimed.append(sending._claim(now, 5))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [pk for part in claimed for pk in part]
    assert len(ids) == len(set(ids)) == 8


def test_a_lease_is_renewed_while_it_waits(event: Event, make_person: Make, now: datetime) -> None:
    [message] = tell(event, make_person("1", VOICE), now=now)
    sending.held.take([message.pk])
    try:
        Message.objects.update(due_at=now + sending.LEASE / 3)
        actions.send_due(now)
        message.refresh_from_db()
        assert message.due_at == now + sending.LEASE
        actions.send_due(now + timedelta(hours=1))
        assert states(message) == []  # ours already: not claimed a second time
    finally:
        sending.held.release(message.pk)


def test_rings_overtake_what_can_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "IN_FLIGHT", 1)
    lane, order, gate = lanes.Lane("x"), [], threading.Event()
    lane.submit("push", lambda: gate.wait(5) and None)
    for manner in ("silent", "push", "ring"):
        lane.submit(manner, lambda manner=manner: order.append(manner))
    gate.set()
    until(lambda: len(order) == 3)
    assert order == ["ring", "push", "silent"]


def test_backlog(event: Event, make_person: Make, now: datetime, fakes: dict[str, Fake]) -> None:
    fakes["gateway"] = Fake(TransportError("down"))
    tell(event, make_person("1", VOICE), now=now)
    assert queries.backlog(now).waiting == 1
    actions.send_due(now)
    settle()
    state = queries.backlog(now + timedelta(seconds=1))
    assert (state.failed, state.failing) == (1, {"gateway": 1})
    assert state.last_sent_at is None


def test_test_ring(make_person: Make, now: datetime, receiver: Receiver) -> None:
    person = make_person("1", VOICE)
    channel = person.channels.get()
    assert actions.send_test(channel, by=person, now=now) == Result(ringing=False)
    receiver.script = ["500"]
    with pytest.raises(Exception, match="did not go out"):
        actions.send_test(channel, by=person, now=now)
    with pytest.raises(Exception, match="your own"):
        actions.send_test(channel, by=make_person("2"), now=now)
    assert not Message.objects.exists()


def test_rings_go_before_whatever_else_is_owed(
    event: Event, make_person: Make, now: datetime, receiver: Receiver
) -> None:
    for turn in range(3):
        tell(event, make_person(f"p{turn}", SMS), now=now, manner="push")
    later = now + timedelta(seconds=5)
    tell(event, make_person("rung", VOICE), now=later)
    actions.send_due(later, limit=1)
    settle()
    assert [request["kind"] for request in receiver.requests] == ["voice"]
