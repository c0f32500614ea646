"""Advice is signed, read and understood, decided on; the outcome comes back."""

import pytest

from jieli.cases import actions
from jieli.cases.actions import Advice, Choice
from jieli.cases.models import Opinion
from jieli.directory.models import Grant
from jieli.notify.models import Message
from jieli.record.queries import broken_at
from jieli.rules.refusal import Refused
from tests.cases.world import PASSWORD, World, clock, minutes, run, verbs

pytestmark = pytest.mark.django_db
ADVICE = Advice(
    "confirmed", "先天性小肠闭锁可能大", "剖腹探查", "14 小时内", "", [("乳酸", "升高即呼叫")]
)
CHOICE = Choice("DISPATCH", "马上派队", "本院无儿普外", [("LOCAL", "无麻醉")])


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def request_(world):
    request = world.raised("U1")
    actions.accept(request, by=world.alice, now=minutes(1))
    return request


def signed(world, request, now=minutes(45)) -> Opinion:
    return actions.sign_opinion(request, ADVICE, by=world.alice, secret=PASSWORD, now=now)


def decided(world, request, opinion, by=None, now=minutes(55)):
    return actions.sign_decision(
        request.case, CHOICE, opinion=opinion, by=by or world.doctor, secret=PASSWORD, now=now
    )


def test_signing_needs_the_password_and_stores_nothing_without(world, request_):
    with pytest.raises(Refused, match="password"):
        actions.sign_opinion(request_, ADVICE, by=world.alice, secret="wrong", now=minutes(45))
    assert not Opinion.objects.exists()


def test_a_signed_opinion_stops_its_clock_and_starts_the_reading_clock(world, request_):
    opinion = signed(world, request_)
    assert clock(request_.case, "opinion").stopped_at == minutes(45)
    reading = clock(request_.case, "read_and_understood")
    assert (reading.target_at, reading.hard_at) == (minutes(55), minutes(75))
    assert reading.about == opinion.key


def test_an_opinion_without_live_contact_does_not_count_as_contact(world, request_):
    signed(world, request_)
    live = clock(request_.case, "expert_live")
    assert (live.stopped_at, live.cancelled_at) == (None, minutes(45))


def test_telephone_contact_stops_c1b_and_a_failed_try_does_not(world, request_):
    contact = {"by": world.doctor, "practitioner": world.alice}
    actions.record_contact(
        request_, channel="video", failed=True, note="网络不通", now=minutes(20), **contact
    )
    assert clock(request_.case, "expert_live").stopped_at is None
    actions.record_contact(request_, channel="telephone", now=minutes(22), **contact)
    assert clock(request_.case, "expert_live").stopped_at == minutes(22)
    assert "contact_failed" in verbs(request_.case)


def test_a_late_entry_counts_from_the_fact_and_needs_a_reason(world, request_):
    contact = {"by": world.alice, "practitioner": world.alice, "channel": "video"}
    with pytest.raises(Refused, match="say why"):
        actions.record_contact(request_, occurred_at=minutes(22), now=minutes(40), **contact)
    actions.record_contact(
        request_, occurred_at=minutes(22), late_reason="断网", now=minutes(40), **contact
    )
    stopped = clock(request_.case, "expert_live")
    assert stopped.stopped_at == minutes(22) <= stopped.target_at


def test_nothing_happens_in_the_future(world, request_):
    with pytest.raises(Refused, match="future"):
        actions.accept(request_, by=world.bob, occurred_at=minutes(90), now=minutes(2))


def test_unread_advice_escalates_to_author_and_desk_then_directors(world, request_):
    signed(world, request_)
    run(minutes(55))
    told = Message.objects.filter(created_at=minutes(55)).values_list(
        "practitioner__name", flat=True
    )
    assert {"alice", "county_officer"} <= set(told)
    run(minutes(75))
    told = Message.objects.filter(created_at=minutes(75)).values_list(
        "practitioner__name", flat=True
    )
    assert {"county_director", "director"} <= set(told)


def test_reading_starts_the_decision_clock(world, request_):
    opinion = signed(world, request_)
    actions.acknowledge(opinion, by=world.doctor, now=minutes(48))
    assert clock(request_.case, "read_and_understood").stopped_at == minutes(48)
    deciding = clock(request_.case, "decision")
    assert (deciding.started_at, deciding.target_at) == (minutes(48), minutes(78))


def test_the_author_cannot_mark_their_own_opinion_read(world, request_):
    opinion = signed(world, request_)
    with pytest.raises(Refused):
        actions.acknowledge(opinion, by=world.alice, now=minutes(48))


def test_a_decision_needs_an_opinion_that_was_read(world, request_):
    opinion = signed(world, request_)
    with pytest.raises(Refused, match="read"):
        decided(world, request_, opinion)


def test_opinion_and_decision_are_signed_by_two_people(world, request_):
    opinion = signed(world, request_)
    actions.acknowledge(opinion, by=world.doctor, now=minutes(48))
    with pytest.raises(Refused, match="two people"):
        decided(world, request_, opinion, by=world.alice)
    decision = decided(world, request_, opinion)
    assert decision.author != opinion.author
    assert clock(request_.case, "decision").stopped_at == minutes(55)


def test_whoever_leads_the_treatment_cannot_advise(world):
    request = world.raised("U1")
    with pytest.raises(Refused):
        actions.sign_opinion(request, ADVICE, by=world.doctor, secret=PASSWORD, now=minutes(9))


def test_a_duty_officer_cannot_sign_the_opinion(world):
    request = world.raised("U1")
    with pytest.raises(Refused, match="duty officer"):
        actions.sign_opinion(request, ADVICE, by=world.officer, secret=PASSWORD, now=minutes(9))


def test_a_later_version_is_an_addendum_with_its_own_reading_clock(world, request_):
    first = signed(world, request_)
    actions.acknowledge(first, by=world.doctor, now=minutes(48))
    second = signed(world, request_, now=minutes(50))
    assert (first.version, second.version) == (1, 2)
    assert request_.case.clocks.filter(name="read_and_understood").count() == 2
    assert clock(request_.case, "opinion").stopped_at == minutes(45)


def test_only_the_consulted_specialist_lowers_the_urgency(world, request_):
    with pytest.raises(Refused, match="specialist"):
        actions.change_urgency(
            request_.case, "U2", by=world.doctor, may_lower=False, reason="", now=minutes(2)
        )
    actions.change_urgency(
        request_.case, "U0", by=world.doctor, may_lower=False, reason="休克", now=minutes(2)
    )
    live = clock(request_.case, "expert_live")
    assert (live.started_at, live.target_at) == (minutes(0), minutes(5))


def test_a_pause_moves_the_limits_and_never_the_start(world, request_):
    opinion = signed(world, request_)
    actions.acknowledge(opinion, by=world.doctor, now=minutes(48))
    deciding = clock(request_.case, "decision")
    actions.pause_clock(
        deciding, by=world.doctor, code="family_decision", reason="", minutes=20, now=minutes(50)
    )
    run(minutes(60))
    run(minutes(70))
    after = clock(request_.case, "decision")
    assert (after.started_at, after.target_at) == (minutes(48), minutes(98))
    assert after.paused_until is None
    with pytest.raises(Refused):
        actions.pause_clock(
            after, by=world.doctor, code="lunch", reason="", minutes=5, now=minutes(71)
        )


def test_closing_ends_access_after_a_grace_and_asks_for_the_outcome(world, request_):
    opinion = signed(world, request_)
    actions.acknowledge(opinion, by=world.doctor, now=minutes(48))
    actions.close_case(request_.case, by=world.doctor, reason="转归良好", now=minutes(60))
    rung = Grant.objects.get(case_key=request_.case.key, practitioner=world.alice, why="rung")
    assert rung.until == minutes(60 + 3 * 24 * 60)
    run(minutes(24 * 60))
    assert Message.objects.filter(practitioner=world.doctor, event__verb="outcome_asked").exists()
    actions.record_outcome(
        request_.case, day=1, state="better", by=world.doctor, now=minutes(25 * 60)
    )
    told = Message.objects.filter(practitioner=world.alice, event__verb="outcome_recorded")
    assert told.count() == 1


def test_a_case_with_unread_advice_cannot_be_closed(world, request_):
    signed(world, request_)
    with pytest.raises(Refused, match="not been read"):
        actions.close_case(request_.case, by=world.doctor, reason="", now=minutes(60))


def test_the_whole_record_holds(world, request_):
    opinion = signed(world, request_)
    actions.acknowledge(opinion, by=world.doctor, now=minutes(48))
    decided(world, request_, opinion)
    request_.case.chain.refresh_from_db()
    assert broken_at(request_.case.chain) is None
