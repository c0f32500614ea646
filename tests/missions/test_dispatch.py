"""A team from the plan to the report: who may go, what is owed, what a delay moves."""

from datetime import timedelta

import pytest

from jieli.cases import actions as cases
from jieli.directory.actions import set_presence
from jieli.directory.models import Duty, Grant, Presence
from jieli.missions import actions
from jieli.missions.actions import Crew, Operation
from jieli.missions.models import Cover, Leg, Member, Mission
from jieli.missions.queries.risks import risks
from jieli.missions.queries.way import way
from jieli.notify.models import Message
from tests.cases.world import clock, minutes, verbs
from tests.missions.world import LEGS, Alliance, later, refused

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


@pytest.fixture
def world() -> Alliance:
    return Alliance()


@pytest.fixture
def case(world):
    return world.decided()


def fresh(mission: Mission) -> Mission:
    return Mission.objects.get(pk=mission.pk)


# ── planning ─────────────────────────────────────────────────────────────────


def test_a_plan_lists_people_papers_legs_kit_and_turns_at_home(world, case):
    mission = world.planned(case)
    assert (mission.status, mission.number) == ("planned", f"{case.number}-M1")
    assert [m.practitioner.name for m in mission.members.order_by("pk")] == ["alice", "bob"]
    assert [m.leads for m in mission.members.order_by("pk")] == [True, False]
    assert {p.kind for p in mission.papers.all()} == {
        "invitation", "home_approval", "privilege_filing", "family_consent", "return_report",
    }  # fmt: skip
    owed = dict(mission.papers.values_list("kind", "due_at"))
    assert owed["invitation"] == minutes(40)
    assert owed["home_approval"] is None
    assert owed["return_report"] is None
    assert owed["family_consent"] == minutes(365)  # 200 departs, 120 in the air, 45 by road
    assert [leg.planned_minutes for leg in mission.legs.all()] == [60, 60, 120, 45]
    assert Cover.objects.filter(mission=mission).count() == 2  # alice and bob stand on duty
    assert verbs(case)[-1] == "mission_planned"


def test_the_team_and_its_hospital_see_the_case_from_the_plan_on(world, case):
    world.planned(case, 10, world.dora)
    held = Grant.objects.filter(case_key=case.key, until=None)
    assert held.filter(practitioner=world.dora, why="invited").exists()
    assert held.filter(organisation=world.hub, why="desk").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decision": None}, "Sign the decision"),
        ({"crew": []}, "at least one person"),
        ({"crew": "twice"}, "once"),
        ({"crew": "pilot"}, "what each person"),
        ({"start": "county"}, "another hospital"),
        ({"start": "city"}, "No valid agreement"),
        ({"closed": True}, "closed"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_half_stored(world, case, change, said):
    given = {
        "crew": [Crew(world.alice, "operator")], "start": world.hub, "legs": LEGS,
        "by": world.doctor, "now": minutes(10),
    }  # fmt: skip
    decision = None if "decision" in change else world.decision(case)
    if change.get("crew") == []:
        given["crew"] = []
    elif change.get("crew") == "twice":
        given["crew"] = [Crew(world.alice, "operator"), Crew(world.alice, "nurse")]
    elif change.get("crew") == "pilot":
        given["crew"] = [Crew(world.alice, "pilot")]
    if "start" in change:
        given["start"] = getattr(world, change["start"])
    if "closed" in change:
        cases.close_case(case, by=world.doctor, reason="好转", now=minutes(9))
    before = case.chain.events.count()
    with refused(said):
        actions.plan_dispatch(case, decision, **given)
    assert (Mission.objects.count(), Member.objects.count()) == (0, 0)
    assert case.chain.events.count() == before


def test_without_an_agreement_a_reason_is_put_on_record(world, case):
    mission = world.planned(case, 10, world.city_doctor, start=world.city, exception_reason="急")
    event = case.chain.events.get(verb="mission_planned")
    assert event.data["text"] == "急"
    actions.approve(mission, side="host", by=world.county_officer, now=minutes(12))
    assert mission.privileges.count() == 0  # no agreement, no emergency privilege


def test_nobody_is_in_two_teams(world, case):
    world.planned(case)
    other = world.decided(20)
    with refused("alice is in another team"):
        world.planned(other, 40, world.dora, world.alice)
    assert Mission.objects.filter(case=other).count() == 0
    world.planned(other, 40, world.dora, world.carol)


def test_who_has_left_a_team_may_join_another(world, case):
    mission = world.planned(case)
    actions.cancel(mission, reason="不需要了", by=world.doctor, now=minutes(15))
    other = world.decided(20)
    assert world.planned(other, 40).members.count() == 2


# ── approval and privileges ──────────────────────────────────────────────────


def test_a_telephone_call_is_enough_and_paper_is_owed(world, case):
    mission = world.planned(case)
    actions.approve(mission, side="home", by=world.officer, spoken_by="纪云舒", now=minutes(12))
    paper = mission.papers.get(kind="home_approval")
    assert (paper.note, paper.due_at) == ("纪云舒", minutes(12) + timedelta(hours=24))
    assert fresh(mission).status == "approved"


def test_nothing_keeps_a_team_from_going_now_and_the_approval_is_owed_at_once(world, case):
    mission = world.planned(case)
    actions.depart(mission, by=world.alice, now=minutes(11))
    assert fresh(mission).status == "under_way"
    assert mission.papers.get(kind="home_approval").due_at == minutes(11)
    said = case.chain.events.get(verb="mission_left_unapproved")
    told = set(Message.objects.filter(event=said).values_list("practitioner__name", flat=True))
    assert {"officer", "county_officer"} <= told
    actions.approve(mission, side="home", by=world.officer, spoken_by="纪云舒", now=minutes(12))
    assert fresh(mission).approved_at == minutes(12)
    assert fresh(mission).status == "under_way"


def test_the_host_lends_what_they_may_do_at_home_for_this_case_only(world, case):
    mission = world.approved(case)
    [lent] = mission.privileges.all()
    assert (lent.practitioner, lent.technique) == (world.alice, world.technique)
    assert (lent.organisation, lent.until) == (world.county, minutes(10) + timedelta(hours=72))
    assert mission.papers.get(kind="privilege_filing").due_at == minutes(10) + timedelta(hours=24)
    actions.approve(mission, side="host", by=world.county_officer, now=minutes(14))
    assert mission.privileges.count() == 1


@pytest.mark.parametrize(("hours", "said"), [(73, "1 to 72"), (0, "1 to 72"), (None, "")])
def test_a_privilege_ends_no_later_than_the_agreement_allows(world, case, hours, said):
    mission = world.planned(case)
    given = {"hours": hours, "agreement": world.agreement, "by": world.county_officer}
    if said:
        with refused(said):
            actions.give_privilege(mission, world.bob, world.technique, now=minutes(20), **given)
        return
    row = actions.give_privilege(mission, world.bob, world.technique, now=minutes(20), **given)
    assert row.until == minutes(20) + timedelta(hours=72)
    with refused("holds this privilege already"):
        actions.give_privilege(mission, world.bob, world.technique, now=minutes(21), **given)
    with refused("Only a person of the team"):
        actions.give_privilege(mission, world.carol, world.technique, now=minutes(21), **given)


def test_a_privilege_ends_by_itself_once(world, case):
    mission = world.approved(case)
    assert actions.sweep(later(72)) == 4  # papers only: the privilege holds 13 minutes more
    actions.sweep(later(73))
    actions.sweep(later(74))
    assert verbs(case).count("mission_privilege_ended") == 1
    assert mission.privileges.get().ended_at == later(73)


# ── the team changes ─────────────────────────────────────────────────────────


def test_somebody_falls_ill_under_way_and_the_mission_goes_on(world, case):
    mission = world.away(case)
    leader = mission.members.get(leads=True)
    with refused("Say why"):
        actions.replace_member(leader, world.dora, reason="", by=world.bob, now=minutes(80))
    actions.replace_member(leader, world.dora, reason="发热", by=world.bob, now=minutes(80))
    assert fresh(mission).status == "under_way"
    now = mission.members.filter(left_at=None)
    assert {m.practitioner.name: m.leads for m in now} == {"dora": True, "bob": False}
    leader.refresh_from_db()
    assert (leader.replaced_why, leader.left_at) == ("发热", minutes(80))
    invited = Grant.objects.get(case_key=case.key, practitioner=world.alice, why="invited")
    assert invited.until is not None
    with refused("has left this team already"):
        actions.replace_member(leader, world.carol, reason="x", by=world.bob, now=minutes(81))


def test_the_last_one_cannot_simply_go(world, case):
    mission = world.planned(case, 10, world.dora)
    with refused("Nobody else is in this team"):
        actions.replace_member(
            mission.members.get(), None, reason="病", by=world.doctor, now=minutes(12)
        )


def test_a_turn_at_home_changes_hands_on_the_roster(world, case):
    mission = world.planned(case)
    cover = mission.covers.get(away=world.alice)
    whole = cover.duty.period
    actions.accept_cover(cover, world.dora, by=world.dora, now=minutes(20))
    cover.refresh_from_db()
    assert (cover.substitute, cover.duty.practitioner) == (world.dora, world.dora)
    turns = Duty.objects.filter(practitioner=world.alice).order_by("period")
    assert [(t.period.lower, t.period.upper) for t in turns] == [
        (whole.lower, minutes(20)), (cover.period.upper, whole.upper),
    ]  # fmt: skip
    with refused("taken already"):
        actions.accept_cover(cover, world.carol, by=world.carol, now=minutes(21))
    with refused("stays at home"):
        actions.accept_cover(
            mission.covers.get(away=world.bob), world.alice, by=world.alice, now=minutes(22)
        )
    with refused("already has a turn"):
        actions.accept_cover(
            mission.covers.get(away=world.bob), world.carol, by=world.carol, now=minutes(22)
        )


def test_only_the_host_says_that_it_provides(world, case):
    mission = world.planned(case)
    item = mission.kit.first()
    with refused("Only the host"):
        actions.set_kit(item, "host", host=False, by=world.alice, now=minutes(20))
    actions.set_kit(item, "missing", host=False, by=world.alice, now=minutes(20), text="缺货")
    told = Message.objects.filter(event__verb="mission_kit_set").values_list(
        "practitioner__name", flat=True
    )
    assert set(told) == {"doctor", "county_officer"}
    actions.set_kit(item, "host", host=True, by=world.doctor, now=minutes(21))
    item.refresh_from_db()
    assert (item.state, item.by) == ("host", world.doctor)


# ── on the way ───────────────────────────────────────────────────────────────


def test_leaving_ends_the_preparation_and_begins_the_road(world, case):
    mission = world.away(case)  # left at minute 70
    prepared, road, flight, _last = mission.legs.all()
    assert (prepared.ended_at, road.started_at, road.ended_at) == (minutes(70), minutes(70), None)
    found = way(fresh(mission), minutes(80))
    assert found.legs[1][1].end == minutes(130)
    assert found.legs[2][1].start == minutes(200)
    assert found.arrival.end == minutes(365)
    assert flight.started_at is None


def test_a_delay_that_misses_a_departure_moves_everything(world, case):
    mission = world.away(case)
    road = mission.legs.get(position=1)
    actions.report_delay(road, minutes=90, reason="封路", by=world.alice, now=minutes(100))
    assert way(fresh(mission), minutes(100)).legs[1][1].end == minutes(220)
    assert verbs(case)[-2:] == ["mission_leg_delayed", "mission_departure_missed"]
    assert way(fresh(mission), minutes(100)).arrival.end == minutes(385)
    told = set(
        Message.objects.filter(event__verb="mission_departure_missed").values_list(
            "practitioner__name", flat=True
        )
    )
    assert "doctor" in told
    assert "alice" not in told  # who said so


def test_a_tight_connection_says_its_chance_and_what_comes_after(world, case):
    mission = world.away(case)
    road = mission.legs.get(position=1)
    Leg.objects.filter(pk=road.pk).update(sigma=0.2)
    assert risks(fresh(mission), way(fresh(mission), minutes(80)), minutes(80)) == []
    actions.report_delay(road, minutes=35, reason="封路", by=world.alice, now=minutes(100))
    [(said, behind)] = risks(fresh(mission), way(fresh(mission), minutes(100)), minutes(100))
    flight = way(fresh(mission), minutes(100)).legs[2][1]
    assert flight.caught is not None
    assert f"只余 {flight.slack:.0f} 分" in said
    assert f"可能 {flight.caught * 100:.0f}%" in behind
    assert "没有下一班" in behind


def test_a_delay_of_little_weight_is_told_to_nobody(world, case):
    mission = world.away(case)
    road = mission.legs.get(position=1)
    actions.report_delay(road, minutes=15, reason="堵车", by=world.alice, now=minutes(100))
    assert not Message.objects.filter(event__verb="mission_leg_delayed").exists()


def test_legs_end_in_order_and_the_next_begins(world, case):
    mission = world.away(case)
    _p, road, flight, last = mission.legs.all()
    with refused("earlier leg"):
        actions.end_leg(last, by=world.alice, now=minutes(120))
    actions.end_leg(road, by=world.alice, now=minutes(140), occurred_at=minutes(135))
    actions.begin_leg(flight, by=world.alice, now=minutes(211))
    actions.end_leg(flight, by=world.alice, now=minutes(330))
    last.refresh_from_db()
    assert last.started_at == minutes(330)
    assert way(fresh(mission), minutes(331)).arrival.end == minutes(375)


def test_arrival_stops_nothing_but_its_own_leg(world, case):
    mission = world.away(case)
    running = clock(case, "consent_to_operation")
    actions.arrive(mission, by=world.alice, now=minutes(400))
    running.refresh_from_db()
    assert running.stopped_at is None
    ends = [leg.ended_at for leg in mission.legs.all()]
    assert ends == [minutes(70), None, None, minutes(400)]
    with refused("moved on"):
        actions.arrive(mission, by=world.bob, now=minutes(401))
    assert verbs(case).count("mission_arrived") == 1


def test_home_again_frees_the_people_and_asks_for_the_report(world, case):
    mission = world.away(case)
    actions.arrive(mission, by=world.alice, now=minutes(400))
    actions.hand_over(mission, text="术后交接", by=world.alice, now=later(20))
    actions.leave(mission, by=world.alice, now=later(60))
    actions.come_back(mission, by=world.alice, now=later(72))
    actions.come_back(mission, by=world.bob, now=later(73))
    assert verbs(case).count("mission_back") == 1
    assert not mission.members.filter(left_at=None).exists()
    # back on Wednesday 2026-03-04: two working days later is the end of Friday, in Beijing
    due = mission.papers.get(kind="return_report").due_at
    assert due.isoformat() == "2026-03-06T16:00:00+00:00"
    with refused("papers are still owed"):
        actions.close(mission, reason="", by=world.alice, now=later(80))
    for paper in mission.papers.all():
        actions.file_paper(paper, text="已写", by=world.officer, now=later(81))
    actions.close(mission, reason="", by=world.alice, now=later(82))
    assert fresh(mission).status == "closed"
    with refused("has ended"):
        actions.cancel(mission, reason="x", by=world.alice, now=later(83))


# ── papers ───────────────────────────────────────────────────────────────────


def test_a_paper_is_reminded_of_once_and_escalated_once(world, case):
    world.planned(case, 0)
    for minute in (14, 15, 16, 29, 30, 31, 45):
        actions.sweep(minutes(minute))
    mine = [
        (e.verb, e.occurred_at) for e in case.chain.events.order_by("seq")
        if e.data.get("paper") == "invitation"
    ]  # fmt: skip
    assert mine == [
        ("mission_paper_reminded", minutes(15)), ("mission_paper_overdue", minutes(30)),
    ]  # fmt: skip
    told = Message.objects.filter(event__verb="mission_paper_overdue").values_list(
        "practitioner__name", flat=True
    )
    assert set(told) == {"county_officer", "county_director"}


def test_a_runner_that_slept_does_not_remind_of_what_is_overdue(world, case):
    world.planned(case, 0)
    actions.sweep(minutes(60))
    said = [e.verb for e in case.chain.events.all() if e.data.get("paper") == "invitation"]
    assert said == ["mission_paper_overdue"]


def test_the_consent_to_the_operation_files_the_familys_paper(world, case):
    mission = world.planned(case, 0)
    cases.record_consent(
        case, kind="operation", answer="given", given_by="父亲", remotely=False, interpreter="",
        language="", by=world.doctor, now=minutes(5),
    )  # fmt: skip
    actions.sweep(minutes(6))
    assert mission.papers.get(kind="family_consent").done_at == minutes(6)


def test_a_report_says_something(world, case):
    mission = world.planned(case)
    with refused("Write the report"):
        actions.file_paper(
            mission.papers.get(kind="return_report"), text=" ", by=world.officer, now=minutes(20)
        )


# ── whoever asks for them sees it ────────────────────────────────────────────


def state_of(person) -> str:
    presence = Presence.objects.filter(practitioner=person).first()
    return presence.state if presence else "free"


def test_a_team_that_has_left_is_away_until_it_is_home(world):
    case = world.decided()
    mission = world.approved(case)
    assert state_of(world.alice) == "free"
    mission = actions.depart(mission, by=world.alice, now=minutes(70))
    assert (state_of(world.alice), state_of(world.bob)) == ("away", "away")
    until = Presence.objects.get(practitioner=world.alice).until
    assert until == mission.members.get(practitioner=world.alice).period.upper
    member = mission.members.get(practitioner=world.bob)
    actions.replace_member(member, world.dora, reason="发热", by=world.alice, now=minutes(80))
    assert (state_of(world.bob), state_of(world.dora)) == ("free", "away")
    actions.cancel(mission, reason="航班取消", by=world.doctor, now=minutes(90))
    assert (state_of(world.alice), state_of(world.dora)) == ("free", "free")


def test_a_team_that_never_left_changes_what_nobody_has_said(world):
    case = world.decided()
    mission = world.approved(case)
    set_presence(world.alice, "away", away_minutes=30, by=world.alice, now=minutes(20))
    actions.cancel(mission, reason="不去了", by=world.doctor, now=minutes(30))
    assert state_of(world.alice) == "away"  # as she said herself


def test_who_operates_is_not_rung_and_what_they_say_themselves_stays(world):
    case = world.decided()
    mission = world.away(case)
    actions.arrive(mission, by=world.alice, now=minutes(200))
    operation = Operation("剖腹探查", world.alice, world.county, exception_reason="抢救")
    procedure = actions.start_procedure(case, operation, by=world.doctor, now=minutes(210))
    assert state_of(world.alice) == "operating"
    actions.end_procedure(procedure, case, by=world.doctor, now=minutes(300))
    assert state_of(world.alice) == "away"  # done, and still with the team
    second = actions.start_procedure(case, operation, by=world.doctor, now=minutes(310))
    set_presence(world.alice, "resting", by=world.alice, now=minutes(320))
    actions.end_procedure(second, case, by=world.doctor, now=minutes(330))
    assert state_of(world.alice) == "resting"
