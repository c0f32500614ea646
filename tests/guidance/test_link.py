"""The link of a session: lost by time, back, confirmed, mended by what is known later."""

from datetime import timedelta

import pytest
from django.utils import translation

from jieli.guidance import actions
from jieli.guidance.actions import Report
from jieli.guidance.models import GuidanceSession, LinkGap
from jieli.guidance.queries.link import up
from jieli.notify.models import Message
from jieli.stories import timing
from jieli.stories.models import DemoTime
from tests.cases.test_row_security import as_person
from tests.cases.world import minutes, verbs
from tests.guidance.world import Theatre, at, status
from tests.missions.world import refused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def world() -> Theatre:
    return Theatre()


@pytest.fixture
def case(world):
    return world.decided()


@pytest.fixture
def session(world, case) -> GuidanceSession:
    """Running since minute 20, the link up at 20:00."""
    return world.running(case)


def said(case, verb):
    return case.chain.events.filter(verb=verb).order_by("seq")


def gaps(session) -> list[tuple]:
    """Seconds since minute 20, and what is known of each gap."""

    def second(instant):
        return None if instant is None else (instant - minutes(20)).total_seconds()

    return [
        (second(g.since), second(g.until), g.silent, g.later, g.corrected_at is not None)
        for g in LinkGap.objects.filter(session=session).order_by("pk")
    ]


def test_silence_degrades_after_40_s_and_suspends_after_120(world, case, session):
    assert actions.sweep(at(20, 39)) == 0
    assert status(session) == "running"
    assert actions.sweep(at(20, 41)) == 1
    assert status(session) == "degraded"
    [event] = said(case, "guidance_degraded")
    assert (event.occurred_at, event.source, event.actor) == (at(20, 40), "runner", None)
    assert (event.data["seconds"], event.data["telephone"]) == (40, "0998-5550126")
    assert actions.sweep(at(21, 59)) == 0
    assert actions.sweep(at(22, 0)) == 1
    assert status(session) == "suspended"
    [event] = said(case, "guidance_suspended")
    assert (event.occurred_at, event.data["seconds"]) == (at(22), 120)
    assert actions.sweep(at(40)) == 0
    assert gaps(session)[1:] == [(0, None, True, False, False)]
    told = Message.objects.filter(event__verb__in=["guidance_degraded", "guidance_suspended"])
    assert set(told.values_list("practitioner__name", "manner")) == {
        ("alice", "push"),
        ("doctor", "silent"),
        ("county_officer", "silent"),
    }
    assert "0998-5550126" in told.filter(practitioner=world.alice).first().text


def test_a_runner_that_was_away_says_both_at_their_own_times(case, session):
    assert actions.sweep(at(30)) == 2
    assert [e.occurred_at for e in said(case, "guidance_degraded")] == [at(20, 40)]
    assert [e.occurred_at for e in said(case, "guidance_suspended")] == [at(22)]
    assert actions.next_due() is None


def test_before_the_first_report_nobody_knows_of_a_link(world, case):
    session = world.ready(case)
    actions.start(session, by=world.doctor, now=minutes(20))
    assert actions.next_due() == at(20, 40)
    assert actions.sweep(at(20, 40)) == 1
    assert status(session) == "degraded"
    assert up(GuidanceSession.objects.get(pk=session.pk)) == []


def test_a_link_that_is_kept_up_changes_nothing(world, case, session):
    length = case.chain.events.count()
    world.kept_up(session, 20.5, 30)
    assert status(session) == "running"
    assert case.chain.events.count() == length
    [span] = up(GuidanceSession.objects.get(pk=session.pk))
    assert (span.since, span.until) == (minutes(20), minutes(30))


def test_a_loss_is_counted_from_when_it_was_reported(world, case, session):
    world.down(session, 20, 15)
    world.down(session, 20, 25)  # once more: the same loss
    assert actions.sweep(at(20, 54)) == 0
    assert actions.sweep(at(20, 55)) == 1
    world.up(session, 21, 5)
    assert status(session) == "running"
    assert gaps(session)[1:] == [(15, 65, False, False, False)]
    [back] = said(case, "guidance_link_back")
    assert (back.data["seconds"], back.data["status"]) == (50, "running")


def test_a_short_loss_is_a_gap_and_no_event(world, case, session):
    length = case.chain.events.count()
    world.down(session, 20, 10)
    world.up(session, 20, 18)
    assert gaps(session)[1:] == [(10, 18, False, False, False)]
    assert case.chain.events.count() == length


# ── suspended ────────────────────────────────────────────────────────────────


def test_back_after_a_suspension_somebody_has_to_say_so(world, case, session):
    actions.sweep(at(22))
    world.up(session, 23)
    assert status(session) == "suspended"
    [back] = said(case, "guidance_link_back")
    assert back.data["status"] == "suspended"
    actions.move(session, "resume", by=world.doctor, now=at(23, 10))
    assert status(session) == "running"
    assert actions.next_due() == at(23, 40)
    assert said(case, "guidance_resumed").get().actor == world.doctor


def test_nobody_resumes_without_a_link(world, case, session):
    actions.sweep(at(22))
    with refused("not back"):
        actions.move(session, "resume", by=world.doctor, now=at(22, 10))
    world.up(session, 23)
    with refused("not back"):  # and silent again
        actions.move(session, "resume", by=world.doctor, now=at(24))


def test_alone_until_the_link_is_back(world, case, session):
    actions.sweep(at(22))
    with refused("Confirm first"):
        actions.move(session, "end", by=world.doctor, now=at(22, 5))
    actions.move(session, "continue", by=world.second_doctor, now=at(22, 10))
    session.refresh_from_db()
    assert (session.status, session.confirmed_by) == ("suspended", world.second_doctor)
    with refused("already"):
        actions.move(session, "continue", by=world.doctor, now=at(22, 20))
    world.up(session, 25)
    session.refresh_from_db()
    assert (session.status, session.confirmed_at, session.due_at) == ("running", None, at(25, 40))
    assert actions.sweep(at(25, 40)) == 1  # lost again: counted anew
    assert actions.sweep(at(27)) == 1
    with refused("Confirm first"):
        actions.move(session, "end", by=world.doctor, now=at(27, 5))


def test_converted(world, case, session):
    actions.sweep(at(22))
    actions.move(session, "convert", why="中转开腹", by=world.doctor, now=at(22, 10))
    session.refresh_from_db()
    assert (session.status, session.ended_at, session.due_at) == ("converted", at(22, 10), None)
    event = said(case, "guidance_converted").get()
    assert (event.actor, event.data["text"]) == (world.doctor, "中转开腹")
    assert not session.gaps.filter(until=None).exists()
    assert not session.stays.filter(until=None).exists()
    with refused("has ended"):
        actions.move(session, "continue", by=world.doctor, now=at(22, 20))
    world.up(session, 23)
    assert status(session) == "converted"
    assert actions.sweep(at(40)) == 0


def test_a_safe_stop_waits_for_people_also_with_a_good_link(world, case, session):
    actions.move(session, "stop", why="出血", by=world.doctor, now=at(20, 20))
    world.up(session, 20, 30)
    assert status(session) == "suspended"
    actions.move(session, "continue", by=world.doctor, now=at(20, 40))
    world.up(session, 20, 50)
    assert status(session) == "suspended"  # alone: who stopped says when guidance goes on
    actions.move(session, "resume", by=world.doctor, now=at(20, 55))
    assert status(session) == "running"


# ── known later ──────────────────────────────────────────────────────────────


def test_the_server_was_away_and_the_link_was_not(world, case, session):
    """The runner thought that it was lost; the browser knows better, by one report."""
    actions.sweep(at(21))
    assert status(session) == "degraded"
    world.up(session, 21, 30, since=minutes(20))
    assert status(session) == "running"
    assert gaps(session)[1:] == [(0, None, True, False, True)]  # kept, and marked as not so
    [event] = said(case, "guidance_gap_corrected")
    assert event.data["seconds"] == 90
    [span] = up(GuidanceSession.objects.get(pk=session.pk))
    assert (span.since, span.until) == (minutes(20), at(21, 30))
    assert "guidance_degraded" in verbs(case)  # what was said stays said


def test_a_late_report_of_the_middle_of_a_gap_leaves_its_ends(world, case, session):
    actions.sweep(at(23))
    world.up(session, 21, 30, since=at(20, 30), now=at(23))
    assert gaps(session)[1:] == [
        (0, None, True, False, True),
        (0, 30, True, True, False),
        (90, None, True, True, False),
    ]
    assert status(session) == "suspended"
    world.up(session, 23, 10)
    assert gaps(session)[-1] == (90, 190, True, True, False)
    spans = up(GuidanceSession.objects.get(pk=session.pk))
    assert [(s.since, s.until) for s in spans] == [(at(20, 30), at(21, 30))]


def test_the_link_came_back_before_the_report_of_it(world, case, session):
    actions.sweep(at(21))
    world.up(session, 21, 30, since=at(21, 10))
    assert gaps(session)[1:] == [(0, 70, True, False, False)]
    assert not said(case, "guidance_gap_corrected").exists()


def test_who_said_down_does_not_unsay_it(world, case, session):
    world.down(session, 20, 10)
    world.up(session, 20, 40, since=minutes(20))
    assert gaps(session)[1:] == [(10, 40, False, False, False)]


def test_old_reports_come_in_any_order(world, case, session):
    world.kept_up(session, 20.5, 22)
    before = gaps(session)
    world.up(session, 20, 45, now=at(22, 1))
    actions.report_link(session, Report("down", at(20, 50)), by=world.doctor, now=at(22, 2))
    assert gaps(session) == before
    assert status(session) == "running"
    session.refresh_from_db()
    assert session.up_at == at(22)


def test_a_clock_ahead_is_refused_or_cut(world, case, session):
    with refused("ahead"):
        world.up(session, 30, now=at(20, 30))
    world.up(session, 20, 50, now=at(20, 45))
    session.refresh_from_db()
    assert (session.up_at, session.heard_at) == (at(20, 45), at(20, 45))


def test_before_the_start_a_report_is_nothing(world, case):
    session = world.ready(case)
    world.up(session, 12)
    session.refresh_from_db()
    assert (session.up_at, session.heard_at) == (None, None)


def test_a_step_of_the_ladder_is_said_once(world, case, session):
    for second, step in ((10, "full"), (20, "voice"), (30, "voice"), (40, "full")):
        world.up(session, 20, second, step=step, delay_ms=second * 10)
    assert [(e.data["ladder"], e.occurred_at) for e in said(case, "guidance_link_step")] == [
        ("full", at(20, 10)),
        ("voice", at(20, 20)),
        ("full", at(20, 40)),
    ]
    session.refresh_from_db()
    assert (session.step, session.delay_ms) == ("full", 400)


# ── the guide ────────────────────────────────────────────────────────────────


def test_the_guide_says_to_be_there_from_their_own_side(world, case):
    session = world.ready(case)
    with refused("Only who guides"):
        actions.attend(session, here=True, by=world.doctor, now=minutes(12))
    for minute in (12, 13):  # twice is once
        actions.attend(session, here=True, by=world.alice, now=minutes(minute))
    actions.attend(session, here=False, by=world.alice, now=minutes(14))
    actions.attend(session, here=False, by=world.alice, now=minutes(15))
    [stay] = session.stays.all()
    assert (stay.since, stay.until) == (minutes(12), minutes(14))
    assert verbs(case)[-2:] == ["guidance_joined", "guidance_left"]
    actions.move(session, "cancel", why="改期", by=world.doctor, now=minutes(16))
    with refused("has ended"):
        actions.attend(session, here=True, by=world.alice, now=minutes(17))


def test_nothing_due_costs_one_question(django_assert_num_queries, session):
    with django_assert_num_queries(3):  # of which two begin and end it
        assert actions.sweep(minutes(20) + timedelta(seconds=5)) == 0


def test_stepping_the_demonstrations_time_does_what_falls_due_at_its_own_instant(case, session):
    """The door of the time is nobody's and sees no case; what falls due is done by a runner."""
    DemoTime.objects.create(shown_at=minutes(20), real_at=minutes(20), speed=0)
    with as_person(None, 20):
        assert GuidanceSession.objects.count() == 0
        timing.step_to(minutes(30), real_now=minutes(20))
        assert GuidanceSession.objects.count() == 0  # and it sees none afterwards
    assert status(session) == "suspended"
    for verb, moment in (("guidance_degraded", at(20, 40)), ("guidance_suspended", at(22))):
        [event] = said(case, verb)
        assert (event.occurred_at, event.recorded_at) == (moment, moment)
