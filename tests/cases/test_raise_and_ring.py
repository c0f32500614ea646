"""A page goes out, rings, rolls on, and is answered."""

from datetime import date, timedelta

import pytest

from jieli.cases import actions
from jieli.cases.models import Candidate, Request
from jieli.directory.models import Agreement, Grant, Presence
from jieli.notify.models import Attempt, Message
from jieli.record.queries import broken_at
from jieli.rules.refusal import Refused
from tests.cases.world import NIGHT, T0, World, clock, minutes, ringing, run, verbs

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def seconds(n: int):
    return T0 + timedelta(seconds=n)


def test_a_u1_rings_one_expert_at_once(world):
    request = world.raised("U1")
    assert ringing(request) == ["alice"]
    assert Message.objects.filter(practitioner=world.alice, manner="ring").count() == 1


def test_it_rolls_on_every_20_seconds_then_to_officer_second_and_director(world):
    request = world.raised("U1")
    order = []
    for n in range(0, 140, 20):
        run(seconds(n))
        order += ringing(request)
    assert order == ["alice", "bob", "carol", "officer", "second", "director"]
    run(seconds(120))
    request.refresh_from_db()
    assert request.exhausted_at == seconds(120)


def test_a_u0_rings_two_at_once_and_tells_duty_and_second_silently(world):
    request = world.raised("U0")
    assert ringing(request) == ["alice", "bob"]
    silent = request.rings.filter(silent=True).values_list("practitioner__name", flat=True)
    assert set(silent) == {"officer", "second"}
    run(seconds(20))
    assert ringing(request) == ["carol", "director"]


def test_a_u2_does_not_ring_at_night_until_80_per_cent(world):
    request = world.raised("U2", now=NIGHT)
    assert ringing(request) == []
    assert request.rings.filter(silent=True).count() == 3
    run(NIGHT + timedelta(minutes=23))
    assert ringing(request) == []
    run(NIGHT + timedelta(minutes=24))
    assert ringing(request)[0] == "alice"


@pytest.mark.parametrize("urgency", ["U3", "U4"])
def test_a_u3_or_u4_never_rings_anybody(world, urgency):
    request = world.raised(urgency, now=NIGHT)
    for hours in range(0, 100, 4):
        run(NIGHT + timedelta(hours=hours))
    assert not request.rings.filter(silent=False).exists()
    assert not Message.objects.exclude(manner="silent").exists()


def test_an_expert_accepts_and_the_others_stop(world):
    request = world.raised("U1")
    actions.accept(request, by=world.alice, now=seconds(11))
    request.refresh_from_db()
    assert (request.status, request.accepted_by) == ("accepted", world.alice)
    assert ringing(request) == []
    assert clock(request.case, "accept").stopped_at == seconds(11)
    run(minutes(9))
    assert request.rings.count() == 1


def test_an_earlier_person_may_still_accept_after_the_roll_on(world):
    request = world.raised("U1")
    run(seconds(20))
    actions.accept(request, by=world.alice, now=seconds(31))
    request.refresh_from_db()
    assert request.accepted_by == world.alice
    assert ringing(request) == []


def test_the_second_to_accept_is_told_who_was_first(world):
    request = world.raised("U0")
    actions.accept(request, by=world.alice, now=seconds(3))
    with pytest.raises(Refused, match="alice accepted first"):
        actions.accept(request, by=world.bob, now=seconds(3))
    told = Message.objects.filter(practitioner=world.bob, manner="silent")
    assert told.count() == 1


def test_a_duty_officer_stops_c1a_and_the_search_goes_on(world):
    request = world.raised("U1")
    actions.accept(request, by=world.officer, now=minutes(0.1))
    request.refresh_from_db()
    assert request.status == "received"
    assert clock(request.case, "accept").stopped_at == minutes(0.1)
    assert clock(request.case, "expert_live").stopped_at is None
    run(seconds(20))
    assert ringing(request) == ["bob"]
    actions.accept(request, by=world.bob, now=seconds(25))
    request.refresh_from_db()
    assert request.status == "accepted"


def test_declining_needs_a_reason_and_rings_the_next_at_once(world):
    request = world.raised("U1")
    with pytest.raises(Refused):
        actions.decline(request, by=world.alice, reason="", now=seconds(5))
    actions.decline(request, by=world.alice, reason="operating", now=seconds(5))
    assert ringing(request) == ["bob"]
    run(seconds(24))
    assert ringing(request) == ["bob"]
    run(seconds(25))
    assert ringing(request) == ["carol"]


def test_whoever_cannot_come_gives_it_back_and_the_search_goes_on(world):
    request = world.raised("U1")
    actions.accept(request, by=world.alice, now=seconds(5))
    actions.decline(request, by=world.alice, reason="operating", now=minutes(3))
    request.refresh_from_db()
    assert (request.status, request.accepted_by) == ("requested", None)
    assert ringing(request) == ["bob"]
    assert clock(request.case, "accept").stopped_at == seconds(5)


def test_passing_on_rings_the_better_person(world):
    request = world.raised("U1")
    dave = world.expert("dave")
    actions.pass_on(request, by=world.alice, to=dave, now=seconds(4))
    assert ringing(request) == ["dave"]
    actions.accept(request, by=dave, now=seconds(9))


def test_nobody_can_pass_to_an_outsider(world):
    request = world.raised("U1")
    with pytest.raises(Refused, match="no hospital that may be asked"):
        actions.pass_on(request, by=world.alice, to=world.outsider, now=seconds(4))


def test_people_who_cannot_come_are_not_rung_and_it_says_why(world):
    Presence.objects.create(practitioner=world.alice, state="operating")
    request = world.raised("U1")
    assert ringing(request) == ["bob"]
    assert request.candidates.get(practitioner=world.alice).barred == "operating"


def test_with_nobody_free_the_second_line_and_the_officer_ring(world):
    for person in (world.alice, world.bob, world.carol):
        Presence.objects.create(practitioner=person, state="abroad")
    request = world.raised("U1")
    assert ringing(request) == ["second"]


def test_an_expired_agreement_refuses_with_the_telephone(world):
    world.agreement.valid_to = date(2026, 2, 1)
    world.agreement.save()
    with pytest.raises(Refused, match="ended on 2026-02-01. Call 010-5550100"):
        world.raised("U1")
    assert not Request.objects.exists()


def test_an_emergency_exception_is_named_and_recorded(world):
    world.agreement.valid_to = date(2026, 2, 1)
    world.agreement.save()
    request = world.raised("U1", exception_reason="夜间无其他儿外科")
    assert ringing(request) == ["alice"]
    event = request.case.chain.events.get(verb="request_raised")
    assert event.data["exception"] == "夜间无其他儿外科"


def test_without_any_agreement_it_refuses(world):
    world.agreement.delete()
    with pytest.raises(Refused, match="No hospital has an agreement"):
        world.raised("U1")


def test_at_50_per_cent_the_list_is_rung_once_more(world):
    request = world.raised("U1")
    for n in range(0, 301, 20):
        run(seconds(n))
    request.refresh_from_db()
    assert request.round == 2
    assert ringing(request) == ["alice"]


def test_fallback_is_told_once(world):
    request = world.raised("U0")
    for n in range(0, 400, 20):
        run(seconds(n))
    assert verbs(request.case).count("fallback_shown") == 1


def test_each_stage_of_a_clock_fires_once(world):
    request = world.raised("U1")
    for n in range(0, 4000, 60):
        run(seconds(n))
        run(seconds(n))
    for verb in ("clock_reminded", "clock_second", "clock_target_missed"):
        events = request.case.chain.events.filter(verb=verb, data__clock="accept")
        assert events.count() == 1


def test_a_ring_counts_from_the_transports_own_report(world):
    request = world.raised("U1")
    ring = request.rings.get()
    actions.note_ringing(ring.key, state="ringing", at=seconds(9), now=seconds(9))
    run(seconds(20))
    assert ringing(request) == ["alice"]
    run(seconds(29))
    assert ringing(request) == ["bob"]


@pytest.mark.parametrize(
    ("state", "verb"),
    [("accepted", "ring_unanswered"), ("ringing", "ring_unanswered"), ("failed", "ring_unheard")],
)
def test_who_could_not_be_called_is_not_said_to_be_silent(world, state, verb):
    request = world.raised("U1")
    message = Message.objects.get(ring_key=request.rings.get().key)
    Attempt.objects.create(message=message, kind="gateway", state=state, started_at=T0)
    run(seconds(20))
    [said] = request.case.chain.events.filter(verb__in=["ring_unanswered", "ring_unheard"])
    assert (said.verb, said.data["number"]) == (verb, "alice")
    message.refresh_from_db()
    assert (message.withdrawn_at is None) == (verb == "ring_unheard")  # still owed a call
    actions.accept(request, by=world.bob, now=seconds(30))
    message.refresh_from_db()
    assert message.withdrawn_at  # until somebody has it


def test_a_slow_call_ends_after_45_seconds(world):
    request = world.raised("U1")
    ring = request.rings.get()
    actions.note_ringing(ring.key, state="accepted", at=seconds(18), now=seconds(18))
    actions.note_ringing(ring.key, state="ringing", at=seconds(37), now=seconds(37))
    run(seconds(44))
    assert ringing(request) == ["alice"]
    run(seconds(45))
    assert ringing(request) == ["bob"]


def test_everybody_on_the_list_may_see_the_case_and_the_outsider_may_not(world):
    request = world.raised("U1")
    holders = set(
        Grant.objects.filter(case_key=request.case.key).values_list("practitioner__name", flat=True)
    )
    assert {"alice", "bob", "carol", "officer", "second", "director"} <= holders
    assert "outsider" not in holders


def test_the_record_holds(world):
    request = world.raised("U1")
    run(minutes(2))
    actions.accept(request, by=world.bob, now=minutes(3))
    request.case.chain.refresh_from_db()
    assert broken_at(request.case.chain) is None


def test_withdrawing_stops_rings_and_clocks(world):
    request = world.raised("U1")
    actions.withdraw(request, by=world.doctor, reason="已好转", now=minutes(1))
    assert ringing(request) == []
    run(minutes(30))
    assert "clock_target_missed" not in verbs(request.case)
    with pytest.raises(Refused, match="withdrawn"):
        actions.accept(request, by=world.alice, now=minutes(31))


def test_candidates_stand_in_the_order_in_which_they_are_asked(world):
    request = world.raised("U1")
    lines = list(Candidate.objects.filter(request=request).values_list("line", flat=True))
    assert lines == ["expert", "expert", "expert", "officer", "second", "director"]


def test_officers_of_hospitals_without_the_specialty_are_not_rung(world):
    other = world.site("other", "别家医院", "city")
    Agreement.objects.create(
        alliance=world.alliance,
        from_organisation=world.county,
        to_organisation=other,
        modes=["consult"],
    )
    world.person("other_officer", other, "duty_officer")
    request = world.raised("U1")
    assert not request.candidates.filter(practitioner=world.other_officer).exists()


def test_a_planned_request_is_scheduled_and_its_opinion_is_due_a_day_after_they_met(world):
    request = world.raised("U4")
    assert clock(request.case, "schedule").target_at == minutes(72 * 60)
    with pytest.raises(Refused, match="future"):
        actions.appoint(request, by=world.alice, at=minutes(-5), now=T0)
    actions.appoint(request, by=world.alice, at=minutes(2000), now=minutes(30))
    assert clock(request.case, "schedule").stopped_at == minutes(30)
    actions.record_contact(
        request, by=world.alice, practitioner=world.alice, channel="video", now=minutes(2000)
    )
    opinion = clock(request.case, "opinion")
    assert (opinion.started_at, opinion.target_at) == (minutes(2000), minutes(2000 + 24 * 60))
