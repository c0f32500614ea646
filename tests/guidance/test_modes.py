"""An operation counts as guided from afar when the record shows it, and only then."""

import pytest

from jieli.cases.queries.export import as_json
from jieli.chart.models import Procedure
from jieli.guidance import actions
from tests.cases.world import minutes, verbs
from tests.guidance.world import Theatre, at
from tests.missions.world import refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> Theatre:
    return Theatre()


@pytest.fixture
def case(world):
    return world.decided()


def mode(procedure) -> str:
    return Procedure.objects.values_list("mode", flat=True).get(pk=procedure.pk)


def end(world, session, minute):
    return actions.move(session, "end", by=world.doctor, now=minutes(minute))


def test_guided_from_afar(world, case):
    session = world.running(case)
    operation = world.incision(case, 22)
    assert mode(operation) == "independent"  # nobody has guided anything yet
    world.kept_up(session, 20.5, 40)
    world.stitched(operation, case, 40)
    assert mode(operation) == "remote_guided"
    event = case.chain.events.get(verb="procedure_mode_set")
    assert (event.data["was"], event.data["mode"]) == ("independent", "remote_guided")
    end(world, session, 41)
    assert verbs(case).count("procedure_mode_set") == 1
    [told] = as_json(case, minutes(60))["guidance"]
    assert (told["up_seconds"], told["guide_seconds"], told["status"]) == (1200, 1260, "ended")


def test_the_end_of_the_session_counts_too(world, case):
    """The operation goes on alone: it was guided for ten minutes all the same."""
    session = world.running(case)
    operation = world.incision(case, 22)
    world.kept_up(session, 20.5, 32)
    end(world, session, 32)
    assert mode(operation) == "remote_guided"
    world.stitched(operation, case, 60)
    assert mode(operation) == "remote_guided"


@pytest.mark.parametrize("why", ["no_guide", "short", "before", "after", "not_started"])
def test_not_guided_from_afar(world, case, why):
    session = world.ready(case, 10)
    if why != "no_guide":
        actions.attend(session, here=True, by=world.alice, now=minutes(20))
    if why != "not_started":
        actions.start(session, by=world.doctor, now=minutes(20))
        world.up(session, 20)
    starts = {"before": 32, "after": 12}.get(why, 22)
    operation = world.incision(case, starts)
    if why == "after":
        world.stitched(operation, case, 19)
    if why == "short":
        world.up(session, 20, 30)
        world.up(session, 21)
        world.up(session, 21, 30)
        world.up(session, 22)
        world.up(session, 22, 40)
        actions.move(session, "convert", why="断线", by=world.doctor, now=at(22, 59))
    elif why != "not_started":
        world.kept_up(session, 20.5, 31.5)
        end(world, session, 32)
    if why != "after":
        world.stitched(operation, case, 40)
    assert mode(operation) == "independent"
    assert "procedure_mode_set" not in verbs(case)


def test_a_visitor_at_the_table_counts_before_the_link(world, case):
    session = world.running(case)
    operation = world.incision(case, 22, assistant=world.bob)
    world.kept_up(session, 20.5, 40)
    world.stitched(operation, case, 40)
    assert mode(operation) == "onsite_guided"


def test_a_visitor_who_operates_counts_before_all(world, case):
    session = world.running(case)
    operation = world.incision(case, 22, operator=world.bob, exception_reason="抢救")
    world.kept_up(session, 20.5, 40)
    world.stitched(operation, case, 40)
    assert mode(operation) == "visitor_performed"


def test_what_is_known_later_counts(world, case):
    """The server was away through the whole operation; the browser tells of it afterwards."""
    session = world.running(case)
    operation = world.incision(case, 22)
    actions.sweep(minutes(40))
    world.stitched(operation, case, 40)
    assert mode(operation) == "independent"
    actions.move(session, "continue", by=world.doctor, now=minutes(40))
    end(world, session, 41)
    assert mode(operation) == "independent"
    world.up(session, 39, since=minutes(20), now=minutes(50))
    assert mode(operation) == "remote_guided"
    assert verbs(case)[-2:] == ["guidance_gap_corrected", "procedure_mode_set"]


def test_an_older_operation_without_a_mode_is_left_alone(world, case):
    operation = world.incision(case, 12)
    world.stitched(operation, case, 13)
    Procedure.objects.filter(pk=operation.pk).update(mode="")
    session = world.running(case)
    world.kept_up(session, 20.5, 22)
    end(world, session, 23)
    assert mode(operation) == ""


def test_the_log_of_an_operation(world, case):
    import uuid

    session = world.ready(case)
    key = uuid.uuid4()

    def write(kind, minute, client_key=None, **more):
        return actions.write_entry(
            session, kind, client_key=client_key or uuid.uuid4(), by=world.alice,
            now=minutes(minute), **more,
        )  # fmt: skip

    with refused("has not started"):
        write("advice", 19)
    actions.start(session, by=world.doctor, now=minutes(20))
    first = write("advice", 21, key, text=" 远离胃左 ")
    assert (first.number, first.text, first.occurred_at) == (1, "远离胃左", minutes(21))
    assert write("advice", 22, key, text="远离胃左").pk == first.pk  # the same tap again
    with refused("under this key already"):
        write("advice", 22, key, text="别的")
    assert write("blood_loss", 23, amount=50).number == 2
    assert write("lead", 24, text="guide").number == 3
    with refused("late"):
        write("finding", 40, occurred_at=minutes(25))
    late = write("finding", 40, occurred_at=minutes(25), late_reason="双手占用", text="无转移")
    assert (late.number, late.recorded_at - late.occurred_at) == (4, minutes(15) - minutes(0))
    with refused("few words"):
        actions.strike_entry(session, 2, why=" ", by=world.doctor, now=minutes(41))
    struck = actions.strike_entry(session, 2, why="看错", by=world.doctor, now=minutes(41))
    assert (struck.amount, struck.wrong_why) == (50, "看错")
    with refused("already"):
        actions.strike_entry(session, 2, why="看错", by=world.doctor, now=minutes(42))
    assert verbs(case).count("guidance_entry") == 4
    assert verbs(case)[-1] == "guidance_entry_struck"
