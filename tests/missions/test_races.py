"""Two at the same moment on teams and patients: one wins, the other gets one clear sentence."""

from __future__ import annotations

import pytest

from jieli.cases.models import Case
from jieli.directory.models import Duty
from jieli.missions import actions
from jieli.missions.actions import Crew, Operation
from jieli.missions.models import Member, Mission
from jieli.record.queries import broken_at
from tests.cases.races import DONE, REFUSED, at_once
from tests.cases.world import minutes, verbs
from tests.missions.world import Alliance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_engines]
TIMES = 8


@pytest.fixture
def world() -> Alliance:
    return Alliance()


def holds(case: Case) -> bool:
    case.chain.refresh_from_db()
    return broken_at(case.chain) is None


def said(came: list[tuple[str, str]]) -> tuple[int, set[str]]:
    """How many were done, and what the others were told."""
    return sum(state == DONE for state, _w in came), {w for state, w in came if state == REFUSED}


def test_two_coordinators_send_the_same_surgeon_on_two_cases(world):
    for n in range(TIMES):
        first, second = world.decided(n * 20), world.decided(n * 20 + 10)
        # In both orders of the two people, so that a wrong order of locks would meet itself.
        came = at_once(
            lambda c=first, m=n: world.planned(c, m * 20 + 19, world.alice, world.bob),
            lambda c=second, m=n: world.planned(c, m * 20 + 19, world.bob, world.alice),
        )
        done, why = said(came)
        assert done == 1
        assert why <= {
            "alice is in another team at that time.",
            "bob is in another team at that time.",
        }
        assert len(why) == 1
        [mission] = Mission.objects.filter(case__in=[first, second])
        assert Member.objects.filter(mission=mission).count() == 2
        assert holds(first)
        assert holds(second)
        actions.cancel(mission, reason="下一轮", by=world.doctor, now=minutes(n * 20 + 19.5))


def test_two_physicians_accept_the_same_transfer(world):
    for n in range(TIMES):
        case = world.decided(n * 20)
        mission = world.transfer(case, n * 20 + 10)
        came = at_once(
            *(
                lambda who=who, m=mission, t=n: actions.accept_transfer(
                    m, by=who, now=minutes(t * 20 + 12)
                )
                for who in (world.alice, world.bob)
            )
        )
        assert said(came) == (1, {"Somebody has accepted this patient already."})
        assert verbs(case).count("mission_accepted") == 1
        assert Mission.objects.get(pk=mission.pk).receiver in (world.alice, world.bob)


def test_accepting_and_redirecting_at_once_ends_in_one_story(world):
    for n in range(TIMES):
        case = world.decided(n * 20)
        mission = world.transfer(case, n * 20 + 10)
        at_once(
            lambda m=mission, t=n: actions.accept_transfer(
                m, by=world.alice, now=minutes(t * 20 + 12)
            ),
            lambda m=mission, t=n: actions.redirect(
                m, end=world.city, reason="满床", by=world.doctor, now=minutes(t * 20 + 12)
            ),
        )
        after = Mission.objects.get(pk=mission.pk)
        # Whoever accepted did so for the hospital that the patient does not go to.
        assert (after.end, after.receiver, after.status) == (world.city, None, "planned")
        assert verbs(case).count("mission_redirected") == 1


def test_the_team_arrives_once(world):
    for n in range(TIMES):
        case = world.decided(n * 500)
        mission = world.away(case, n * 500 + 10)
        came = at_once(
            *(
                lambda who=who, m=mission, t=n: actions.arrive(
                    m, by=who, now=minutes(t * 500 + 400)
                )
                for who in (world.alice, world.bob, world.doctor)
            )
        )
        assert said(came) == (1, {"This cannot be done now: the mission has moved on."})
        assert verbs(case).count("mission_arrived") == 1
        actions.leave(mission, by=world.alice, now=minutes(n * 500 + 410))
        actions.come_back(mission, by=world.alice, now=minutes(n * 500 + 420))


def test_two_transfers_of_one_patient_from_two_cases(world):
    case, other = world.decided(), world.decided(10)
    other.patient = case.patient
    other.save(update_fields=["patient"])
    for n in range(TIMES):
        came = at_once(*(lambda c=c, t=n: world.transfer(c, 20 + t) for c in (case, other)))
        assert said(came) == (1, {"This patient has an open transfer already."})
        [mission] = Mission.objects.filter(status="planned")
        actions.cancel(mission, reason="下一轮", by=world.doctor, now=minutes(20.5 + n))


def test_two_take_the_same_turn(world):
    case = world.decided()
    mission = world.planned(case, 10, world.alice)
    cover = mission.covers.get()
    world.expert("emil")
    came = at_once(
        *(
            lambda who=who: actions.accept_cover(cover, who, by=who, now=minutes(20))
            for who in (world.dora, world.people["emil"])
        )
    )
    assert said(came) == (1, {"This turn has been taken already."})
    assert Duty.objects.filter(practitioner__in=[world.dora, world.people["emil"]]).count() == 1


def test_two_sweeps_remind_once(world):
    case = world.decided()
    world.planned(case, 10)
    came = at_once(*[lambda: actions.sweep(minutes(41))] * 3)
    assert said(came) == (3, set())
    overdue = [e for e in case.chain.events.all() if e.data.get("paper") == "invitation"]
    assert [e.verb for e in overdue] == ["mission_paper_overdue"]


def test_a_member_falls_ill_twice_at_once(world):
    case = world.decided()
    mission = world.away(case)
    leader = mission.members.get(leads=True)
    came = at_once(
        *(
            lambda who=who: actions.replace_member(
                leader, who, reason="病", by=world.bob, now=minutes(80)
            )
            for who in (world.dora, world.carol)
        )
    )
    assert said(came) == (1, {"alice has left this team already."})
    assert mission.members.filter(left_at=None).count() == 2


def test_an_operation_ends_the_transfer_that_somebody_accepts_just_now(world):
    for n in range(TIMES):
        case = world.decided(n * 20)
        mission = world.transfer(case, n * 20 + 10)
        operation = Operation("肠造瘘", world.doctor, world.county)
        at_once(
            lambda m=mission, t=n: actions.accept_transfer(
                m, by=world.alice, now=minutes(t * 20 + 12)
            ),
            lambda c=case, o=operation, t=n: actions.start_procedure(
                c, o, by=world.doctor, now=minutes(t * 20 + 12)
            ),
        )
        assert Mission.objects.get(pk=mission.pk).status == "closed"
        assert holds(case)


def test_a_crew_is_one_of_people_not_of_names(world):
    case = world.decided()
    mission = world.planned(case, 10, world.dora)
    came = at_once(
        *(
            lambda: actions.add_member(
                mission, Crew(world.carol, "nurse"), by=world.doctor, now=minutes(12)
            ),
        )
        * 2
    )
    assert said(came) == (1, {"carol is in another team at that time."})
