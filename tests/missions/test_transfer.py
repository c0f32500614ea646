"""A patient under way: accepted by name, graded again, sent elsewhere, helped in another way."""

import pytest

from jieli.cases import actions as cases
from jieli.cases.access import visible_cases
from jieli.cases.models import Case
from jieli.directory.models import Duty, Grant, Specialty
from jieli.missions import actions
from jieli.missions.actions import Journey, Operation
from jieli.missions.models import Mission
from jieli.notify.models import Message
from jieli.stories import timing
from tests.cases.world import clock, minutes, verbs
from tests.missions.world import Alliance, later, refused

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


@pytest.fixture
def world() -> Alliance:
    return Alliance()


@pytest.fixture
def case(world):
    return world.decided()


def fresh(mission: Mission) -> Mission:
    return Mission.objects.get(pk=mission.pk)


def told(verb: str) -> set[str]:
    names = Message.objects.filter(event__verb=verb).values_list("practitioner__name", flat=True)
    return set(names)


def sees(person, case: Case, minute: float) -> bool:
    return visible_cases(person, minutes(minute)).filter(pk=case.pk).exists()


def ready(world: Alliance, case: Case, **more) -> Mission:
    """Accepted, consented and graded at minute 20."""
    mission = world.transfer(case, **more)
    actions.accept_transfer(mission, by=world.hub_doctor, now=minutes(12))
    actions.file_paper(
        mission.papers.get(kind="transfer_consent"), text="父亲签", by=world.doctor, now=minutes(15)
    )
    return actions.score(mission, "S1", by=world.doctor, now=minutes(20))


# ── planning and accepting ───────────────────────────────────────────────────


def test_a_plan_grades_packs_and_asks_the_destination(world, case):
    mission = world.transfer(case, stability="S2", newborn=True)
    assert (mission.status, mission.escort) == ("planned", "critical_care_team")
    assert {"ventilator", "incubator"} <= set(mission.kit.values_list("name", flat=True))
    assert {"alice", "officer", "director"} <= told("mission_destination_asked")
    assert "city_officer" not in told("mission_destination_asked")
    assert sees(world.officer, case, 11)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"end": None}, "where the patient is to go"),
        ({"end": "county"}, "at this hospital already"),
        ({"stability": ""}, "Grade the patient first"),
        ({"stability": "S9"}, "Grade the patient first"),
        ({"stability": "S3"}, "retrieval team only"),
        ({"stability": "S3", "escort": "doctor"}, "retrieval team only"),
        ({"escort": "nobody"}, "who goes along"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_half_stored(world, case, change, said):
    change = {k: world.county if v == "county" else v for k, v in change.items()}
    before = case.chain.events.count()
    with refused(said):
        world.transfer(case, **change)
    assert Mission.objects.count() == 0
    assert case.chain.events.count() == before


def test_a_retrieval_team_moves_also_the_sickest(world, case):
    mission = world.transfer(case, stability="S3", escort="retrieval_team")
    assert mission.escort == "retrieval_team"


def test_a_physician_of_the_destination_accepts_by_name_once(world, case):
    mission = world.transfer(case)
    assert not sees(world.hub_doctor, case, 11)
    actions.accept_transfer(mission, by=world.alice, now=minutes(12))
    mission = fresh(mission)
    assert (mission.status, mission.receiver) == ("approved", world.alice)
    assert {"doctor", "county_officer"} <= told("mission_accepted")
    assert sees(world.hub_doctor, case, 13)  # the ward that will look after the patient
    with refused("accepted this patient already"):
        actions.accept_transfer(mission, by=world.bob, now=minutes(13))
    with refused("accepted this patient already"):
        actions.refuse_transfer(mission, reason="满床", by=world.bob, now=minutes(13))


def test_a_refusal_has_a_reason_and_leads_to_the_next_destination(world, case):
    mission = world.transfer(case)
    with refused("Say why"):
        actions.refuse_transfer(mission, reason=" ", by=world.alice, now=minutes(12))
    actions.refuse_transfer(mission, reason="满床", by=world.alice, now=minutes(12))
    assert {"doctor", "county_officer"} <= told("mission_refused")
    actions.redirect(mission, end=world.city, reason="满床", by=world.doctor, now=minutes(14))
    assert fresh(mission).end == world.city
    assert told("mission_destination_asked") >= {"city_officer"}
    with refused("A physician of the destination"):
        actions.accept_transfer(mission, by=world.alice, now=minutes(15))
    with refused("A physician of the destination"):
        actions.accept_transfer(mission, by=world.city_officer, now=minutes(15))
    actions.accept_transfer(
        mission, by=world.city_officer, receiver=world.city_doctor, now=minutes(16)
    )
    assert fresh(mission).receiver == world.city_doctor


def test_a_hospital_without_a_desk_is_asked_through_whoever_is_on_duty(world, case):
    small = world.site("small", "青石医院", "county")
    person = world.person("night", small, "expert", specialty=world.surgery)
    other = Specialty.objects.create(code="toxicology", name="中毒科", name_en="Toxicology")
    Duty.objects.create(
        organisation=small, specialty=other, line="first", practitioner=person,
        period=(minutes(0), minutes(600)),
    )  # fmt: skip
    mission = world.transfer(case, end=small)
    assert told("mission_destination_asked") == {"night"}
    actions.accept_transfer(mission, by=person, now=minutes(12))
    assert fresh(mission).receiver == person


def test_outside_the_network_a_name_and_a_telephone_are_written_down(world, case):
    mission = world.transfer(case, end=None, end_outside="外省儿童医院")
    with refused("with a telephone number"):
        actions.accept_transfer(mission, by=world.doctor, now=minutes(12))
    actions.accept_transfer(
        mission, by=world.doctor, now=minutes(12), receiver_outside="王医生 010-5550199"
    )
    mission = fresh(mission)
    assert (mission.status, mission.receiver) == ("approved", None)
    assert mission.receiver_outside == "王医生 010-5550199"


def test_one_open_transfer_a_patient_also_from_another_case(world, case):
    first = world.transfer(case)
    with refused("open transfer already"):
        world.transfer(case, 12)
    other = world.raised("U2", minutes(20)).case
    other.patient = case.patient
    other.save(update_fields=["patient"])
    with refused("open transfer already"):
        world.transfer(other, 30)
    actions.cancel(first, reason="好转", by=world.doctor, now=minutes(31))
    assert world.transfer(other, 32).status == "planned"


# ── before leaving ───────────────────────────────────────────────────────────


def test_nobody_leaves_on_an_old_grade_or_without_consent(world, case):
    mission = world.transfer(case)
    with refused("No physician of the destination"):
        actions.depart_transfer(mission, by=world.doctor, now=minutes(11))
    actions.accept_transfer(mission, by=world.alice, now=minutes(12))
    with refused("Grade the patient again"):
        actions.depart_transfer(mission, by=world.doctor, now=minutes(13))
    actions.score(mission, "S1", by=world.doctor, now=minutes(14))
    with refused("written consent"):
        actions.depart_transfer(mission, by=world.doctor, now=minutes(15))
    with refused("Grade the patient again"):
        actions.depart_transfer(
            mission, by=world.doctor, now=minutes(45), without_consent="家属在路上"
        )
    actions.depart_transfer(mission, by=world.doctor, now=minutes(44), without_consent="家属在路上")
    assert verbs(case)[-2:] == ["mission_departed", "mission_without_consent"]
    assert "alice" in told("mission_departed")


def test_a_worse_grade_asks_for_more_escort_and_things(world, case):
    mission = ready(world, case)
    actions.score(mission, "S2", by=world.doctor, now=minutes(25))
    assert "ventilator" in mission.kit.values_list("name", flat=True)
    with refused("not enough for S2"):
        actions.depart_transfer(mission, by=world.doctor, now=minutes(26))
    actions.score(mission, "S2", escort="critical_care_team", by=world.doctor, now=minutes(27))
    actions.depart_transfer(mission, by=world.doctor, now=minutes(28))
    names = list(mission.kit.values_list("name", flat=True))
    assert len(names) == len(set(names))


def test_a_grade_struck_out_of_the_chart_does_not_count(world, case):
    mission = ready(world, case)
    graded = case.patient.observations.get(code="stability")
    cases.mark_observation(case, graded, why="别的患者", by=world.doctor, now=minutes(21))
    with refused("Grade the patient again"):
        actions.depart_transfer(mission, by=world.doctor, now=minutes(22))


# ── on the way ───────────────────────────────────────────────────────────────


def test_the_destination_changes_on_the_way(world, case):
    mission = ready(world, case)
    actions.depart_transfer(mission, by=world.doctor, now=minutes(30))
    assert sees(world.hub_doctor, case, 35)
    actions.redirect(mission, end=world.city, reason="路上恶化", by=world.doctor, now=minutes(40))
    mission = fresh(mission)
    assert (mission.status, mission.end, mission.receiver) == ("under_way", world.city, None)
    assert "hub_doctor" in told("mission_destination_dropped")
    assert not sees(world.hub_doctor, case, 45)
    assert sees(world.alice, case, 45)  # who advised was let in for another reason
    assert sees(world.officer, case, 45)  # a desk that was asked for advice before
    assert sees(world.city_officer, case, 45)
    actions.accept_transfer(mission, by=world.city_doctor, now=minutes(46))
    actions.arrive(mission, by=world.doctor, now=minutes(90))
    actions.hand_over(mission, text="已交接", by=world.doctor, now=minutes(95))
    assert fresh(mission).status == "closed"


def test_back_to_the_first_destination_its_people_see_the_case_again(world, case):
    mission = world.transfer(case, end=world.city)
    actions.redirect(mission, end=world.hub, reason="满床", by=world.doctor, now=minutes(14))
    assert not sees(world.city_officer, case, 20)
    actions.redirect(mission, end=world.city, reason="有床了", by=world.doctor, now=minutes(24))
    assert sees(world.city_officer, case, 30)


def test_a_line_written_on_the_way_keeps_its_own_time(world, case):
    mission = ready(world, case)
    actions.depart_transfer(mission, by=world.doctor, now=minutes(30))
    entry = actions.write_entry(
        mission, "treated", "吸痰", by=world.doctor, now=minutes(80), occurred_at=minutes(45)
    )
    assert (entry.occurred_at, entry.recorded_at) == (minutes(45), minutes(80))
    with refused("future"):
        actions.write_entry(
            mission, "treated", "x", by=world.doctor, now=minutes(80), occurred_at=minutes(99)
        )
    with refused("what kind of line"):
        actions.write_entry(mission, "dance", "x", by=world.doctor, now=minutes(80))


# ── another way ──────────────────────────────────────────────────────────────


def test_an_operation_here_ends_the_open_transfer(world, case):
    mission = ready(world, case)
    operation = Operation("肠造瘘", world.doctor, world.county)
    actions.start_procedure(case, operation, by=world.doctor, now=minutes(30))
    assert fresh(mission).status == "closed"
    assert {"hub_doctor", "county_officer"} <= told("mission_ended_itself")


@pytest.mark.parametrize("state", ["died", "discharged"])
def test_death_or_going_home_ends_it_too(world, case, state):
    mission = world.transfer(case)
    cases.record_outcome(case, day=1, state=state, by=world.doctor, now=minutes(60))
    assert fresh(mission).status == "closed"
    assert verbs(case)[-1] == "mission_ended_itself"


def test_an_outcome_that_leaves_the_patient_here_does_not(world, case):
    mission = world.transfer(case)
    cases.record_outcome(case, day=1, state="worse", by=world.doctor, now=minutes(60))
    assert fresh(mission).status == "planned"


def test_the_transfer_of_another_case_of_the_patient_ends_as_well(world, case):
    other = world.raised("U2", minutes(20)).case
    other.patient = case.patient
    other.save(update_fields=["patient"])
    mission = world.transfer(other, 30)
    cases.record_outcome(case, day=1, state="died", by=world.doctor, now=minutes(60))
    assert fresh(mission).status == "closed"
    assert verbs(other)[-1] == "mission_ended_itself"


def test_a_transfer_of_somebody_else_goes_on(world, case):
    other = world.decided(20)
    mission = world.transfer(other, 40)
    cases.record_outcome(case, day=1, state="died", by=world.doctor, now=minutes(60))
    assert fresh(mission).status == "planned"


# ── the way back ─────────────────────────────────────────────────────────────


def test_the_way_back_takes_a_plan_and_open_tasks_along(world, case):
    there = ready(world, case)
    actions.depart_transfer(there, by=world.doctor, now=minutes(30))
    actions.arrive(there, by=world.doctor, now=minutes(90))
    actions.hand_over(there, text="已交接", by=world.doctor, now=minutes(95))
    journey = Journey("S0", world.hub, world.county, plan=" ")
    with refused("Write the plan"):
        actions.plan_transfer(case, journey, kind="return", by=world.hub_doctor, now=later(200))
    journey = Journey("S0", world.hub, world.county, plan="造口护理", tasks=("拆线", " ", "复查钠"))
    back = actions.plan_transfer(case, journey, kind="return", by=world.hub_doctor, now=later(200))
    assert [e.text for e in back.entries.order_by("pk")] == ["拆线", "复查钠"]
    actions.accept_transfer(back, by=world.second_doctor, now=later(201))
    assert fresh(back).receiver == world.second_doctor
    held = Grant.objects.filter(case_key=case.key, why="treating", until=None)
    assert held.filter(organisation=world.county).exists()


# ── procedures ───────────────────────────────────────────────────────────────


def test_the_incision_stops_the_clock_of_definitive_care(world, case):
    running = case.clocks.create(
        name="definitive_care", started_at=minutes(5), target_at=minutes(845),
        hard_at=minutes(1445), due_at=minutes(845),
    )  # fmt: skip
    operation = Operation("剖腹探查", world.doctor, world.county)
    actions.start_procedure(
        case, operation, by=world.doctor, now=minutes(900), occurred_at=minutes(890),
        late_reason="术中无网",
    )  # fmt: skip
    running.refresh_from_db()
    assert (running.stopped_at, running.due_at) == (minutes(890), None)
    assert clock(case, "consent_to_operation").stopped_at is None


def test_without_a_privilege_here_the_exception_is_on_record(world, case):
    operation = Operation("剖腹探查", world.alice, world.county, [world.technique])
    with refused("holds no privilege for 新生儿剖腹探查"):
        actions.start_procedure(case, operation, by=world.doctor, now=minutes(30))
    assert case.patient.procedures.count() == 0
    excepted = Operation(
        "剖腹探查", world.alice, world.county, [world.technique], exception_reason="救命"
    )
    actions.start_procedure(case, excepted, by=world.doctor, now=minutes(30))
    assert case.chain.events.get(verb="procedure_excepted").data["text"] == "救命"


def test_an_emergency_privilege_counts_for_this_case_until_it_ends(world, case):
    world.approved(case)
    operation = Operation("剖腹探查", world.alice, world.county, [world.technique])
    other = world.raised("U1", minutes(20)).case
    with refused("holds no privilege"):
        actions.start_procedure(other, operation, by=world.doctor, now=minutes(30))
    with refused("holds no privilege"):
        actions.start_procedure(case, operation, by=world.doctor, now=later(73))
    actions.start_procedure(case, operation, by=world.doctor, now=minutes(30))
    assert "procedure_excepted" not in verbs(case)


def test_a_privilege_of_ones_own_counts_where_it_was_given(world, case):
    world.privilege(world.doctor, world.county)
    operation = Operation("剖腹探查", world.doctor, world.county, [world.technique])
    actions.start_procedure(case, operation, by=world.doctor, now=minutes(30))


def test_the_end_comes_after_the_beginning_and_once(world, case):
    operation = Operation("剖腹探查", world.doctor, world.county)
    procedure = actions.start_procedure(case, operation, by=world.doctor, now=minutes(30))
    with refused("before it began"):
        actions.end_procedure(
            procedure, case, by=world.doctor, now=minutes(31), occurred_at=minutes(29),
            late_reason="x",
        )  # fmt: skip
    actions.end_procedure(procedure, case, by=world.doctor, now=minutes(125), findings="肠闭锁")
    with refused("recorded already"):
        actions.end_procedure(procedure, case, by=world.doctor, now=minutes(126))
    procedure.refresh_from_db()
    assert (procedure.ended_at, procedure.findings) == (minutes(125), "肠闭锁")


def test_the_runner_and_a_stepped_demonstration_sweep(world):
    from jieli.web import recurring

    assert actions.sweep in timing.work
    assert actions.sweep in [work for _name, work, _seconds in recurring.WORK]


def test_who_is_no_longer_on_the_way_reports_no_delay(world, case):
    mission = world.away(case)
    actions.arrive(mission, by=world.alice, now=minutes(400))
    with refused("Nobody is on the way"):
        actions.report_delay(
            mission.legs.first(), minutes=5, reason="", by=world.alice, now=minutes(401)
        )
