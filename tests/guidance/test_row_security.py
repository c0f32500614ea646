"""Behind every view's own check: guidance is seen with its case only."""

import uuid

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction

from jieli.cases.models import Case
from jieli.guidance import actions
from jieli.guidance.models import GuidanceSession
from tests.cases.test_row_security import as_person
from tests.cases.world import minutes
from tests.guidance.world import Theatre, at, status

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]
MODELS = list(apps.get_app_config("guidance").get_models(include_auto_created=True))


@pytest.fixture
def world() -> Theatre:
    return Theatre()


@pytest.fixture
def case(world) -> Case:
    """A case with a row in every table of guidance."""
    case = world.decided()
    session = world.ready(case)
    actions.choose_mdt(
        session, world.document(case), signed_by="秦越", by=world.doctor, now=minutes(12)
    )
    actions.except_for_life(
        session, decider=world.doctor, reason="抢救", by=world.doctor, now=minutes(13)
    )
    actions.attend(session, here=True, by=world.alice, now=minutes(14))
    actions.start(session, by=world.doctor, now=minutes(20))
    world.up(session, 20)
    actions.write_entry(session, "advice", client_key=uuid.uuid4(), by=world.alice, now=minutes(21))
    return case


def seen() -> dict[str, int]:
    found = {model._meta.db_table: model._default_manager.count() for model in MODELS}
    return {table: rows for table, rows in found.items() if rows}


def test_the_story_fills_every_table(case):
    assert seen().keys() == {m._meta.db_table for m in MODELS}
    assert len(MODELS) == 8


@pytest.mark.parametrize("who", ["outsider", "city_doctor", "city_officer", None])
def test_a_stranger_sees_no_row(who, world, case):
    with as_person(world.people[who] if who else None, 40):
        assert seen() == {}


@pytest.mark.parametrize("who", ["doctor", "county_officer", "alice", "officer"])
def test_both_sides_see_all_of_it(who, world, case):
    whole = seen()
    with as_person(world.people[who], 40):
        assert seen() == whole


def test_whoever_acts_in_their_own_name_may_write_what_the_act_writes(world, case):
    """A whole session as the people of the web see it."""
    first = GuidanceSession.objects.get()
    with as_person(world.doctor, 22):
        actions.move(first, "end", by=world.doctor, now=minutes(22))
        session = world.planned(case, 22)
        world.answered(session, 22)
    with as_person(world.alice, 23):
        actions.attend(session, here=True, by=world.alice, now=minutes(23))
    with as_person(world.doctor, 24):
        actions.start(session, by=world.doctor, now=minutes(24))
        operation = world.incision(case, 24)
        world.up(session, 24)
        actions.write_entry(
            session, "lead", text="guide", client_key=uuid.uuid4(), by=world.doctor,
            now=minutes(24),
        )  # fmt: skip
        actions.strike_entry(session, 1, why="点错", by=world.doctor, now=minutes(25))
        world.up(session, 27, since=minutes(24))
        world.stitched(operation, case, 28)
        actions.move(session, "end", by=world.doctor, now=minutes(28))
    assert status(session) == "ended"
    operation.refresh_from_db()
    assert operation.mode == "remote_guided"


def test_a_runner_degrades_it(world, case):
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SET LOCAL ROLE jieli_runner")
        assert actions.sweep(at(23)) == 2
    assert status(GuidanceSession.objects.get()) == "suspended"


def test_nobody_writes_into_a_session_that_they_cannot_see(world, case):
    session = GuidanceSession.objects.get()
    with as_person(world.outsider, 40):
        assert GuidanceSession.objects.update(status="ended") == 0
        with pytest.raises(ProgrammingError), transaction.atomic():
            session.stays.create(since=minutes(1), until=minutes(2))
        with pytest.raises(ProgrammingError), transaction.atomic():
            session.delete()


def test_an_answer_is_never_changed(world, case):
    row = GuidanceSession.objects.get().checks.first()
    with as_person(world.doctor, 40), pytest.raises(ProgrammingError), transaction.atomic():
        row.answer = "no"
        row.save()
