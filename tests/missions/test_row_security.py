"""Behind every view's own check: missions and operations are seen with their case only."""

import pytest
from django.apps import apps
from django.db import ProgrammingError, transaction

from jieli.cases.models import Case
from jieli.chart.models import Checklist
from jieli.missions import actions
from jieli.missions.actions import Journey, Operation
from jieli.missions.models import Assent, Choice, Correction, Mission, Sheet, Temporised
from jieli.missions.queries.away import away
from tests.cases.test_row_security import as_person
from tests.cases.world import minutes
from tests.guard.test_row_security import bearing
from tests.missions.world import Alliance

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]
MODELS = [
    m
    for m in apps.get_models(include_auto_created=True)
    if (m._meta.db_table in bearing() and m._meta.app_label == "missions")
    or m._meta.db_table in ("chart_procedure", "chart_procedure_techniques", "chart_checklist")
]


@pytest.fixture
def world() -> Alliance:
    return Alliance()


@pytest.fixture
def case(world) -> Case:
    """A case with a row in every table of missions."""
    case = world.decided()
    mission = world.approved(case)
    actions.write_entry(mission, "event", "车坏", by=world.alice, now=minutes(20))
    actions.start_procedure(
        case,
        Operation("剖腹探查", world.alice, world.county, [world.technique]),
        by=world.doctor,
        now=minutes(30),
    )
    Checklist.objects.create(
        patient=case.patient, case_key=case.key, gate="sign_in", operation=1, content="x",
        answers={}, occurred_at=minutes(9), recorded_at=minutes(9), by=world.doctor,
    )  # fmt: skip
    decision = world.decision(case)
    sheet = Sheet.objects.create(
        case=case, version=9, t0=minutes(0), made_at=minutes(5), trigger="opinion_signed",
        instance={}, answer={}, words={}, inputs=[],
    )  # fmt: skip
    Choice.objects.create(decision=decision, sheet=sheet, option="dispatch-1")
    Assent.objects.create(decision=decision, by=world.alice, agrees=True, at=minutes(9))
    Temporised.objects.create(
        case=case, item="warm", by=world.doctor, occurred_at=minutes(9), recorded_at=minutes(9)
    )
    Correction.objects.create(case=case, name="x", value="1", by=world.doctor, at=minutes(9))
    return case


def seen() -> dict[str, int]:
    found = {model._meta.db_table: model._default_manager.count() for model in MODELS}
    return {table: rows for table, rows in found.items() if rows}


def test_the_story_fills_every_table(case):
    assert seen().keys() == {m._meta.db_table for m in MODELS}
    assert len(MODELS) >= 14


@pytest.mark.parametrize("who", ["outsider", "city_doctor", "city_officer", None])
def test_a_stranger_sees_no_row(who, world, case):
    with as_person(world.people[who] if who else None, 40):
        assert seen() == {}


@pytest.mark.parametrize("who", ["doctor", "county_officer", "alice", "bob", "officer"])
def test_both_sides_and_the_team_see_all_of_it(who, world, case):
    whole = seen()
    with as_person(world.people[who], 40):
        assert seen() == whole


def test_another_destination_sees_it_from_the_moment_it_is_asked(world, case):
    journey = Journey("S1", world.county, world.city)
    mission = actions.plan_transfer(case, journey, by=world.doctor, now=minutes(41))
    with as_person(world.city_officer, 42):
        assert Mission.objects.filter(pk=mission.pk).exists()
    with as_person(world.city_doctor, 42):
        assert not Mission.objects.exists()
    actions.redirect(mission, end=world.hub, reason="满床", by=world.doctor, now=minutes(43))
    with as_person(world.city_officer, 45):
        assert seen() == {}


def test_whoever_acts_in_their_own_name_may_write_what_the_act_writes(world, case):
    """The whole of a transfer as the people of the web see it, redirected by the treating side."""
    with as_person(world.doctor, 50):
        journey = Journey("S1", world.county, world.city)
        mission = actions.plan_transfer(case, journey, by=world.doctor, now=minutes(50))
    with as_person(world.city_officer, 51):
        actions.refuse_transfer(mission, reason="满床", by=world.city_officer, now=minutes(51))
    with as_person(world.doctor, 52):
        actions.redirect(mission, end=world.hub, reason="满床", by=world.doctor, now=minutes(52))
        actions.redirect(mission, end=world.city, reason="有床", by=world.doctor, now=minutes(53))
        actions.score(mission, "S1", by=world.doctor, now=minutes(54))
    with as_person(world.city_officer, 55):
        actions.accept_transfer(
            mission, by=world.city_officer, receiver=world.city_doctor, now=minutes(55)
        )
    with as_person(world.city_doctor, 56):
        assert Mission.objects.filter(pk=mission.pk).exists()


def test_who_leaves_a_team_may_still_write_that_they_leave(world, case):
    other = world.decided(40)
    mission = world.planned(other, 50, world.dora, world.carol)
    with as_person(world.dora, 51):
        actions.replace_member(
            mission.members.get(practitioner=world.dora), None, reason="发热", by=world.dora,
            now=minutes(51),
        )  # fmt: skip
    with as_person(world.dora, 53):
        assert Mission.objects.filter(pk=mission.pk).count() == 0


def test_nobody_writes_into_a_mission_that_they_cannot_see(world, case):
    mission = Mission.objects.get()
    with as_person(world.outsider, 40):
        assert Mission.objects.update(status="closed") == 0
        with pytest.raises(ProgrammingError), transaction.atomic():
            mission.entries.create(
                kind="event", text="x", by=world.outsider, occurred_at=minutes(1),
                recorded_at=minutes(1),
            )  # fmt: skip
        with pytest.raises(ProgrammingError), transaction.atomic():
            mission.delete()


def test_who_is_away_is_known_also_to_whom_the_case_is_closed(world, case):
    people = [world.alice.pk, world.dora.pk]
    with as_person(world.outsider, 40):
        assert Mission.objects.count() == 0
        assert away(people, minutes(40), minutes(50)) == {world.alice.pk}
