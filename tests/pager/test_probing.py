"""Test rings through every way out, and what they say when the other side misbehaves."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from jieli.directory.models import Channel, Practitioner
from jieli.notify.actions import sending
from jieli.notify.models import Attempt, Message
from jieli.notify.queries import backlog, real_sends
from jieli.pager import actions
from jieli.pager.actions import probing
from jieli.pager.models import Probe
from jieli.pager.queries.status import transports
from tests.pager.conftest import NOW, Receiver, of, send_all, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_stream")]


def round_of(receiver: Receiver) -> None:
    assert actions.probe(NOW) > 0
    send_all()


def test_our_half_is_tried_without_an_echo_number(receiver: Receiver) -> None:
    round_of(receiver)
    voice = until(lambda: of("voice") if of("voice").arrived_at else None)
    assert (voice.arrived, voice.way) == (True, "loopback")
    assert receiver.requests == [], "nobody's telephone is reached"
    assert Attempt.objects.filter(message=voice.message, state="accepted").exists()


def test_a_gateway_that_is_gone_is_noticed_though_nothing_is_sent_to_it(
    receiver: Receiver, settings: Any
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        settings.JIELI_GATEWAY_URL = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        round_of(receiver)
        voice = until(lambda: of("voice") if of("voice").error else None)
    assert voice.error == "The telephone gateway cannot be reached."
    assert not voice.arrived


def test_the_whole_way_to_an_echo_number_and_back(receiver: Receiver, settings: Any) -> None:
    settings.PROBE_TELEPHONE = "+8600000000"
    receiver.script = ["ringing"]
    round_of(receiver)
    assert {request["to"] for request in receiver.requests} == {"+8600000000"}
    assert {request["kind"] for request in receiver.requests} == {"voice", "sms"}
    assert of("voice").arrived
    assert of("voice").way == "whole"


def test_a_gateway_that_accepts_and_drops_is_not_believed(
    receiver: Receiver, settings: Any
) -> None:
    settings.PROBE_TELEPHONE = "+8600000000"
    receiver.script = ["accept"]  # 2xx, and then nothing
    round_of(receiver)
    assert of("voice").sent_at
    assert of("voice").arrived_at is None
    later("voice")
    actions.probe(NOW)
    assert not of_first("voice").arrived
    assert of_first("voice").error == "It did not arrive."


def test_a_gateway_that_answers_500(receiver: Receiver, settings: Any) -> None:
    settings.PROBE_TELEPHONE = "+8600000000"
    receiver.script = ["500"]
    round_of(receiver)
    assert of("voice").error == "The telephone gateway refused: status 500"
    later("voice")
    actions.probe(NOW)
    assert of_first("voice").finished_at
    assert Message.objects.get(pk=of_first("voice").message_id).due_at is None, "not tried for ever"


def test_a_gateway_that_hangs_ten_minutes(receiver: Receiver, settings: Any) -> None:
    settings.PROBE_TELEPHONE = "+8600000000"
    receiver.script = ["hang"]
    round_of(receiver)
    assert "No answer in" in of("voice").error or "in time" in of("voice").error
    later("voice")
    actions.probe(NOW)
    [line] = [line for line in transports() if line.transport == "voice"]
    assert line.state == "breach"


def test_it_comes_back_late_but_within_patience(receiver: Receiver, settings: Any) -> None:
    settings.PROBE_TELEPHONE = "+8600000000"
    receiver.script = ["500", "500", "ringing"]
    round_of(receiver)
    assert not of("voice").arrived
    from jieli.notify import actions as notify

    notify.send_due(NOW + timedelta(seconds=6))  # as a real ring is tried again
    assert sending.held.wait_empty(20)
    assert of("voice").arrived


def test_one_round_a_minute_however_many_runners(receiver: Receiver) -> None:
    together = threading.Barrier(6)

    def race() -> None:
        together.wait()
        try:
            actions.probe(NOW)
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    minutes = Probe.objects.values_list("minute", flat=True).distinct().count()
    assert Probe.objects.filter(transport="voice").count() == minutes
    assert Message.objects.filter(purpose="probe").count() == 2 * minutes
    assert Practitioner.objects.filter(number=probing.NUMBER).count() == 1
    send_all()


def test_mail_goes_to_our_own_receiver_and_the_server_is_asked(
    settings: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_HOST = "mail.example"
    asked: list[float] = []
    monkeypatch.setitem(probing.KNOCKS, "email", lambda *, timeout: asked.append(timeout))  # type: ignore[arg-type]
    round_of(receiver)
    until(lambda: of("email").arrived)
    until(lambda: asked)


def test_a_messenger_is_tried_through_its_library(receiver: Receiver) -> None:
    somebody = Practitioner.objects.create(number="1", name="某")
    Channel.objects.create(practitioner=somebody, kind="apprise", address="wecombot://key")
    round_of(receiver)
    until(lambda: of("apprise").arrived)
    assert of("apprise").way == "loopback"


def test_a_way_out_that_is_not_set_up_is_not_tried(settings: Any) -> None:
    settings.JIELI_GATEWAY_URL = ""
    actions.probe(NOW)
    assert set(Probe.objects.values_list("transport", flat=True)) == {"clock"}


def test_a_probe_clock_fires_with_the_others() -> None:
    actions.probe(NOW)
    assert actions.fire_probe_clocks(NOW) == 0, "it is not yet due"
    move("clock", seconds=6)
    assert actions.fire_probe_clocks(NOW) == 1
    assert of("clock").arrived
    assert 0.9 < (of("clock").seconds or 0) < 5
    assert actions.fire_probe_clocks(NOW) == 0


def test_test_rings_are_no_real_rings(receiver: Receiver, settings: Any) -> None:
    settings.PROBE_TELEPHONE = "+8600000000"
    receiver.script = ["500"]
    round_of(receiver)
    assert backlog(NOW + timedelta(minutes=1)).waiting == 0
    assert backlog(NOW).failing == {}
    assert real_sends(NOW) == {}


def test_a_refused_echo_number_is_tried_again_next_minute(
    receiver: Receiver, settings: Any
) -> None:
    settings.PROBE_TELEPHONE = "+8600000000"
    receiver.script = ["422"]
    round_of(receiver)
    assert Channel.objects.get(kind="gateway", rings=True).disabled_at
    later("voice")
    receiver.script = ["ringing"]
    actions.probe(NOW)
    send_all()
    assert Probe.objects.filter(transport="voice").latest("minute").arrived


def test_old_test_rings_are_forgotten(receiver: Receiver) -> None:
    round_of(receiver)
    until(lambda: of("voice").arrived)
    move_minutes(hours=3)
    actions.prune(NOW)
    assert Message.objects.count() == 0
    assert of("voice").arrived, "the rows of the page stay"
    move_minutes(hours=24 * 8)
    actions.prune(NOW)
    assert Probe.objects.count() == 0


# ── time goes by ─────────────────────────────────────────────────────────────


def later(transport: str) -> None:
    """As if a minute had gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pager_probe SET minute = minute - interval '1 min',"
            " due_at = due_at - interval '1 min' WHERE transport = %s",
            [transport],
        )


def move(transport: str, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pager_probe SET due_at = due_at - make_interval(secs => %s)"
            " WHERE transport = %s",
            [seconds, transport],
        )


def move_minutes(hours: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pager_probe SET minute = minute - make_interval(hours => %s)", [hours]
        )


def of_first(transport: str) -> Probe:
    return Probe.objects.filter(transport=transport).earliest("minute")
