"""The weekly proof: called by day, one key or one tap, never at night, shown to the coordinator."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from jieli.directory import queries
from jieli.directory.models import Channel, Presence
from jieli.notify import actions as notify
from jieli.notify.models import Attempt, Message
from jieli.notify.transports.gateway.transport import signature
from jieli.pager import actions
from jieli.pager.models import ProofAsk
from tests.directory.world import World, at, build, night_telephone, turn
from tests.pager.conftest import Receiver, fresh_lanes, receiver

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["fresh_lanes", "receiver"]

MORNING = at("21 10:00")


@pytest.fixture
def world() -> World:
    made = build()
    turn(made.zhu, made.centre, made.surgery, "22 08:00", "23 08:00")
    turn(made.ji, made.centre, made.surgery, "22 08:00", "23 08:00", line="second")
    return made


def sent_at(now: Any) -> None:
    from jieli.notify.actions import sending

    notify.send_due(now)
    assert sending.held.wait_empty(10)


def test_who_has_a_night_ahead_and_no_proof_is_called(world: World, receiver: Receiver) -> None:
    telephone = night_telephone(world.zhu, proven=None)
    assert actions.ask_proofs(MORNING) == 1
    sent_at(MORNING)
    [call] = receiver.requests
    assert (call["to"], call["kind"]) == ("09985550131", "voice")
    telephone.refresh_from_db()
    assert telephone.tested_at == MORNING
    assert telephone.proven_at is None, "a call proves nothing before somebody answers"
    assert actions.ask_proofs(MORNING + timedelta(minutes=1)) == 0


def test_one_key_on_the_telephone_proves_it(
    world: World, receiver: Receiver, client: Client
) -> None:
    telephone = night_telephone(world.zhu, proven=None)
    actions.ask_proofs(MORNING)
    sent_at(MORNING)
    attempt = Attempt.objects.get()
    body = json.dumps({"attempt": str(attempt.key), "state": "answered"}).encode()
    client.post(
        f"/notify/attempts/{attempt.key}/", body, content_type="application/json",
        headers={"X-Jieli-Signature": signature(body)},
    )  # fmt: skip
    telephone.refresh_from_db()
    assert telephone.proven_at
    assert telephone.proven_by == world.zhu


def test_one_tap_proves_it(world: World, receiver: Receiver, client: Client) -> None:
    from jieli.directory import actions as directory

    telephone = night_telephone(world.zhu, proven=None)
    actions.ask_proofs(MORNING)
    telephone.refresh_from_db()
    directory.prove_channel(telephone, by=world.zhu, now=MORNING + timedelta(minutes=5))
    assert queries.unproven([world.centre.pk], MORNING + timedelta(minutes=6))[0].person == world.ji
    assert actions.ask_proofs(MORNING + timedelta(hours=21)) == 0


@pytest.mark.parametrize("clock", ["21 13:00", "21 21:00", "21 23:30", "22 03:00", "22 07:30"])
def test_nobody_is_called_at_night_or_siesta(world: World, receiver: Receiver, clock: str) -> None:
    night_telephone(world.zhu, proven=None)
    assert actions.ask_proofs(at(clock)) == 0


def test_a_call_that_could_not_be_placed_by_day_is_not_placed_at_night(
    world: World, receiver: Receiver
) -> None:
    """No runner sent it at ten; the next one starts at three in the morning."""
    night_telephone(world.zhu, proven=None)
    actions.ask_proofs(MORNING)
    sent_at(at("22 03:00"))
    assert receiver.requests == []


def test_a_refused_call_is_not_repeated_by_itself(world: World, receiver: Receiver) -> None:
    receiver.script = ["500"]
    night_telephone(world.zhu, proven=None)
    actions.ask_proofs(MORNING)
    sent_at(MORNING)
    assert Message.objects.get().due_at is None
    sent_at(MORNING + timedelta(minutes=10))
    assert len(receiver.requests) == 1


def test_it_goes_through_that_channel_and_no_other(world: World, receiver: Receiver) -> None:
    Channel.objects.create(
        practitioner=world.zhu, kind="gateway", address="0999", rings=False, order=0
    )
    night_telephone(world.zhu, proven=None)
    actions.ask_proofs(MORNING)
    sent_at(MORNING)
    assert [call["to"] for call in receiver.requests] == ["09985550131"]


def test_reminded_on_two_more_days_and_then_left_alone(world: World, receiver: Receiver) -> None:
    night_telephone(world.zhu, proven=None)
    for day in (24, 25, 26, 27):  # a night on each day to come
        turn(world.zhu, world.centre, world.surgery, f"{day} 08:00", f"{day + 1} 08:00")
    asked = [actions.ask_proofs(MORNING + timedelta(days=n)) for n in range(6)]
    assert asked == [1, 1, 1, 0, 0, 0]
    assert list(ProofAsk.objects.order_by("asked_at").values_list("reminder", flat=True)) == [
        0, 1, 2,
    ]  # fmt: skip


def test_who_operates_is_not_called(world: World, receiver: Receiver) -> None:
    night_telephone(world.zhu, proven=None)
    presence = Presence.objects.create(
        practitioner=world.zhu, state="operating", until=MORNING + timedelta(hours=1)
    )
    assert actions.ask_proofs(MORNING) == 0
    presence.until = MORNING
    presence.save()
    assert actions.ask_proofs(MORNING) == 1


def test_who_is_proven_or_has_no_night_is_left_alone(world: World, receiver: Receiver) -> None:
    night_telephone(world.zhu, proven=MORNING)
    night_telephone(world.county_doctor, proven=None)
    assert actions.ask_proofs(MORNING) == 0


def test_of_many_runners_one_calls(world: World, receiver: Receiver) -> None:
    night_telephone(world.zhu, proven=None)
    together = threading.Barrier(6)

    def race() -> None:
        together.wait()
        try:
            actions.ask_proofs(MORNING)
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert Message.objects.filter(purpose="proof").count() == 1


# ── the coordinator's summary ────────────────────────────────────────────────


def test_the_coordinator_sees_each_person_once(world: World, client: Client) -> None:
    for day in (24, 25, 26):
        turn(world.zhu, world.centre, world.surgery, f"{day} 08:00", f"{day + 1} 08:00")
    night_telephone(world.ji, proven=None)
    found = queries.unproven([world.centre.pk], MORNING)
    assert sorted((one.person.name, one.nights) for one in found) == [("季怀远", 1), ("祝南星", 4)]
    assert queries.unproven([world.county.pk], MORNING) == []
    words = {one.person.name: one.words for one in found}
    assert "会响" in words["祝南星"] or "no telephone" in words["祝南星"]
    assert "从未" in words["季怀远"] or "never" in words["季怀远"]


def test_it_takes_three_queries_however_many_people(
    world: World, django_assert_num_queries: Any
) -> None:
    for day in (24, 25, 26):
        turn(world.zhu, world.centre, world.surgery, f"{day} 08:00", f"{day + 1} 08:00")
        turn(world.coordinator, world.centre, None, f"{day} 08:00", f"{day + 1} 08:00", "officer")
    night_telephone(world.zhu, proven=None)
    with django_assert_num_queries(2):
        queries.unproven([world.centre.pk], MORNING)
