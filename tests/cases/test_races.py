"""Moves at the same moment on one case: one order, no deadlock, nothing twice.

The actions run in threads against a real PostgreSQL. Any database error, a deadlock above all,
fails the test; only a refusal with a sentence is an answer.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from jieli.cases import actions
from jieli.cases.actions import Advice, Choice
from jieli.cases.models import Case, Clock, Opinion, Request
from jieli.notify.models import Message
from jieli.record.queries import broken_at
from tests.cases.races import DONE, REFUSED, at_once
from tests.cases.world import PASSWORD, T0, World, clock, minutes, ringing, run, verbs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_engines]
ADVICE = Advice("confirmed", "先天性小肠闭锁可能大")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def nothing_failed_quietly(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A runner pushes a row that fails aside and goes on; here not one may fail."""
    yield
    said = caplog.get_records("call")
    assert [r.getMessage() for r in said if r.levelname == "ERROR"] == []


def seconds(n: float):
    return T0 + timedelta(seconds=n)


def fresh(request: Request) -> Request:
    return Request.objects.select_related("accepted_by", "case__chain").get(pk=request.pk)


def holds(case: Case) -> bool:
    case.chain.refresh_from_db()
    return broken_at(case.chain) is None


def stages(case: Case) -> Counter:
    """How often each stage of each clock was recorded."""
    fired = case.chain.events.filter(verb__startswith="clock_", data__has_key="clock_id")
    return Counter(fired.values_list("verb", "data__clock_id"))


def test_of_two_who_accept_in_the_same_second_one_wins_and_the_other_is_told(world):
    for _ in range(20):
        request = world.raised("U0")
        rung = [world.people[name] for name in ringing(request)]
        assert len(rung) == 2
        came = at_once(
            *(lambda r=request, by=by: actions.accept(r, by=by, now=seconds(3)) for by in rung)
        )
        assert sorted(state for state, _why in came) == [DONE, REFUSED]
        request = fresh(request)
        winner, loser = rung if came[0][0] == DONE else reversed(rung)
        assert request.accepted_by == winner
        assert dict(came)[REFUSED].startswith(f"{winner.name} accepted first")
        told = Message.objects.filter(practitioner=loser, event__chain=request.case.chain)
        assert told.filter(event__verb="request_accepted", manner="silent").count() == 1
        assert verbs(request.case).count("request_accepted") == 1
        assert ringing(request) == []
        assert holds(request.case)


def test_an_acceptance_races_with_the_clocks_and_the_roll_on(world):
    """Alice's 20 seconds end, a stage of the clock is due, and just then somebody accepts."""
    late = minutes(8)  # 80 % of C1a, 50 % behind it, and the ring has ended
    for turn in range(50):
        request = world.raised("U1")
        came = at_once(
            lambda r=request: actions.accept(r, by=world.alice, now=late),
            lambda: actions.fire_clocks(late),
            lambda: actions.roll_on(late),
            lambda: actions.escalate_clocks(late),
            lambda: actions.fire_clocks(late),
        )
        assert [state for state, _why in came] == [DONE] * 5
        run(late)
        request = fresh(request)
        assert (request.status, request.accepted_by) == ("accepted", world.alice)
        assert ringing(request) == [], "a phone still rings for a page that was accepted"
        stopped = clock(request.case, "accept")
        assert (stopped.stopped_at, stopped.due_at) == (late, None)
        assert set(stages(request.case).values()) <= {1}, f"twice in round {turn}"
        assert verbs(request.case).count("request_accepted") == 1
        assert verbs(request.case).count("list_restarted") <= 1
        assert holds(request.case)


def test_two_experts_and_the_clock_at_the_same_moment(world):
    late = minutes(8)
    for _ in range(10):
        request = world.raised("U0")
        came = at_once(
            lambda r=request: actions.accept(r, by=world.alice, now=late),
            lambda r=request: actions.accept(r, by=world.bob, now=late),
            lambda: actions.fire_clocks(late),
            lambda: actions.roll_on(late),
        )
        assert sorted(state for state, _why in came[:2]) == [DONE, REFUSED]
        run(late)
        assert ringing(request) == []
        assert holds(request.case)


def test_three_runners_side_by_side_do_everything_once(world):
    requests = [world.raised("U1") for _ in range(12)]
    for at in (seconds(20), seconds(40), minutes(5), minutes(10), minutes(60)):
        for lane in (actions.fire_clocks, actions.escalate_clocks, actions.roll_on):
            at_once(*[lambda lane=lane, at=at: lane(at)] * 3)
        run(at)
    for request in requests:
        assert set(stages(request.case).values()) == {1}
        said = Counter(
            request.case.chain.events.filter(verb="ring_started").values_list(
                "data__person", "data__round"
            )
        )
        assert set(said.values()) == {1}, said
        assert verbs(request.case).count("fallback_shown") == 1
        assert holds(request.case)
    assert not Clock.objects.exclude(owes=[]).exists()


def test_two_opinions_signed_at_once_are_two_versions(world):
    request = world.raised("U1")
    actions.accept(request, by=world.alice, now=minutes(1))
    for turn in range(8):
        came = at_once(
            *(
                lambda by=by, turn=turn: actions.sign_opinion(
                    request, ADVICE, by=by, secret=PASSWORD, now=minutes(2 + turn)
                )
                for by in (world.alice, world.bob)
            )
        )
        assert [state for state, _why in came] == [DONE, DONE]
    versions = Opinion.objects.filter(case=request.case).values_list("version", flat=True)
    assert sorted(versions) == list(range(1, 17))
    assert holds(request.case)


def test_closing_races_with_an_opinion_and_no_advice_is_lost(world):
    """Either the opinion comes first and the case stays open, or the case is closed before it."""
    for _ in range(15):
        request = world.raised("U1")
        actions.accept(request, by=world.alice, now=minutes(1))
        at_once(
            lambda r=request: actions.sign_opinion(
                r, ADVICE, by=world.alice, secret=PASSWORD, now=minutes(9)
            ),
            lambda r=request: actions.close_case(
                r.case, by=world.doctor, reason="转院", now=minutes(9)
            ),
        )
        case = Case.objects.get(pk=request.case_id)
        unread = case.opinions.filter(acknowledged_at=None)
        assert not (case.status == Case.Status.CLOSED and unread.exists())
        assert holds(case)


def test_whatever_people_do_at_once_the_case_stays_sound(world):
    """Ten people do random things in one case at the same moment, while two runners run."""
    chance = random.Random(20260301)
    for turn in range(8):
        request = world.raised(chance.choice(["U0", "U1", "U2"]))
        for beat in (1, 6, 12):
            now = minutes(beat)
            moves = chance.sample(_moves(world, request, now), 6)
            at_once(
                *moves, lambda now=now: actions.run_due(now), lambda now=now: actions.run_due(now)
            )
            run(now)
            request = fresh(request)
            assert holds(request.case), f"turn {turn}, minute {beat}"
            assert set(stages(request.case).values()) <= {1}
            taken = request.accepted_by is not None
            assert taken == (request.status in ("accepted", "in-progress", "completed")) or (
                request.status == "cancelled"
            )
            if taken and request.status != "cancelled":
                loud = request.rings.filter(answer="", silent=False)
                assert not loud.exists() or "person_invited" in verbs(request.case)


def _moves(world: World, request: Request, now):
    def opinion():
        return Opinion.objects.filter(case=request.case).order_by("-version").first()

    def acknowledge():
        if (found := opinion()) is not None:
            actions.acknowledge(found, by=world.doctor, now=now)

    def pause():
        running = Clock.objects.filter(case=request.case, stopped_at=None, cancelled_at=None)
        if (found := running.order_by("id").first()) is not None:
            actions.pause_clock(
                found, by=world.doctor, code="family_decision", reason="", minutes=5, now=now
            )

    return [
        lambda: actions.accept(request, by=world.alice, now=now),
        lambda: actions.accept(request, by=world.bob, now=now),
        lambda: actions.accept(request, by=world.officer, now=now),
        lambda: actions.decline(request, by=world.carol, reason="operating", now=now),
        lambda: actions.decline(request, by=world.alice, reason="fatigue", now=now),
        lambda: actions.pass_on(request, by=world.bob, to=world.carol, now=now),
        lambda: actions.ring_again(request, by=world.doctor, now=now),
        lambda: actions.ring_person(request, by=world.doctor, person=world.carol, now=now),
        lambda: actions.record_contact(
            request, by=world.alice, practitioner=world.alice, channel="telephone", now=now
        ),
        lambda: actions.sign_opinion(request, ADVICE, by=world.alice, secret=PASSWORD, now=now),
        acknowledge,
        lambda: actions.sign_decision(
            request.case,
            Choice("LOCAL", "本院手术"),
            opinion=None,
            by=world.doctor,
            secret=PASSWORD,
            now=now,
        ),
        pause,
        lambda: actions.change_urgency(
            request.case, "U0", by=world.doctor, may_lower=False, reason="休克", now=now
        ),
        lambda: actions.hand_over_care(
            request.case, to=world.second_doctor, by=world.doctor, note="", now=now
        ),
        lambda: actions.write_note(request.case, "瞳孔等大", by=world.doctor, now=now),
        lambda: actions.observe(request.case, {"hr": "150"}, by=world.doctor, now=now),
        lambda: actions.save_handover(
            request.case, {"situation": "腹胀"}, by=world.doctor, now=now
        ),
        lambda: actions.withdraw(request, by=world.doctor, reason="好转", now=now),
        lambda: actions.close_case(request.case, by=world.doctor, reason="转院", now=now),
    ]
