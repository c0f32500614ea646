"""The three gates of an operation: signed whole and in order, once, struck out and signed anew."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from jieli.chart.models import Checklist
from jieli.directory.models import Technique
from jieli.missions import actions
from jieli.missions.actions import Operation
from jieli.missions.queries.gates import asked, gates_at_hand, rounds
from jieli.notify.models import Message
from jieli.rules.checklists import Answer
from tests.cases.world import minutes, verbs
from tests.missions.world import Alliance, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> Alliance:
    return Alliance()


@pytest.fixture
def case(world):
    return world.decided()


def answers(case, gate, **said):
    return {item.code: said.get(item.code, Answer("yes")) for item in asked(case, gate)}


def sign(world, case, gate, minute, **said):
    given = answers(case, gate, **said)
    return actions.sign_gate(case, gate, given, by=world.doctor, now=minutes(minute))


def begin(world, case, minute):
    what = Operation("剖腹探查", world.alice, world.county, [], None, "抢救")
    return actions.start_procedure(case, what, by=world.doctor, now=minutes(minute))


def test_three_gates_of_one_operation(world, case):
    with refused("before it"):
        sign(world, case, "time_out", 20)
    first = sign(world, case, "sign_in", 20, oximeter=Answer("no", " 借来一台 "))
    assert first.answers["oximeter"] == ["no", "借来一台"]
    with refused("already"):
        sign(world, case, "sign_in", 21)
    sign(world, case, "time_out", 22)
    with refused("incision"):
        sign(world, case, "sign_out", 23)
    procedure = begin(world, case, 24)
    sign(world, case, "sign_out", 90)
    actions.end_procedure(procedure, case, by=world.doctor, now=minutes(91))
    one, following = rounds(case)
    assert [gate.row.operation for gate in one.gates] == [1, 1, 1]
    assert not any(gate.late for gate in one.gates)
    assert one.gates[0].missing == 1
    assert (following.number, following.signed, following.gates[0].due) == (2, 0, True)
    assert gates_at_hand(case).number == 1
    assert verbs(case).count("checklist_signed") == 3


def test_a_time_out_after_the_incision_is_said_to_be_late(world, case):
    begin(world, case, 20)
    [one] = rounds(case)
    assert one.gates[1].late  # there is none at all
    sign(world, case, "sign_in", 30)
    sign(world, case, "time_out", 31)
    [one] = rounds(case)
    assert one.gates[1].late
    assert one.number == 1


def test_a_late_entry_says_when_it_was_and_why(world, case):
    given = answers(case, "sign_in")
    early = minutes(20)
    with refused("late"):
        actions.sign_gate(
            case, "sign_in", given, by=world.doctor, now=minutes(90), occurred_at=early
        )
    row = actions.sign_gate(
        case, "sign_in", given, by=world.doctor, now=minutes(90), occurred_at=early,
        late_reason="抢救中",
    )  # fmt: skip
    assert row.recorded_at - row.occurred_at == timedelta(minutes=70)


def test_struck_out_it_stays_and_may_be_signed_anew(world, case):
    first = sign(world, case, "sign_in", 20)
    second = sign(world, case, "time_out", 21)
    with refused("after it"):
        actions.strike_gate(case, first, why="患者错了", by=world.doctor, now=minutes(22))
    with refused("few words"):
        actions.strike_gate(case, second, why=" ", by=world.doctor, now=minutes(22))
    actions.strike_gate(case, second, why="患者错了", by=world.doctor, now=minutes(22))
    with refused("already"):
        actions.strike_gate(case, second, why="患者错了", by=world.doctor, now=minutes(23))
    sign(world, case, "time_out", 24)
    assert Checklist.objects.filter(gate="time_out").count() == 2
    assert verbs(case)[-2:] == ["checklist_struck", "checklist_signed"]


def test_a_gate_is_signed_for_the_operation_under_which_it_stood(world, case):
    """A gate that was left open is not taken for one of the next operation."""
    first = begin(world, case, 20)
    actions.end_procedure(first, case, by=world.doctor, now=minutes(60))
    given = answers(case, "sign_in")
    late = actions.sign_gate(case, "sign_in", given, operation=1, by=world.doctor, now=minutes(61))
    assert late.operation == 1
    assert sign(world, case, "sign_in", 62).operation == 2  # at hand: the next
    begin(world, case, 70)
    for number in (0, 3, 9):
        with refused("load the page again" if number else "already"):
            actions.sign_gate(
                case, "sign_in", given, operation=number, by=world.doctor, now=minutes(71)
            )


def test_the_database_keeps_one_of_each(world, case):
    row = sign(world, case, "sign_in", 20)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.pk, row.key = None, "00000000-0000-0000-0000-000000000001"
        row.save(force_insert=True)


@pytest.mark.parametrize(
    ("operator", "assistant", "guide", "mode"),
    [
        ("doctor", None, None, "independent"),
        ("doctor", "alice", None, "onsite_guided"),
        ("doctor", None, "bob", "onsite_guided"),
        ("alice", "doctor", None, "visitor_performed"),
        ("alice", None, "bob", "visitor_performed"),
    ],
)
def test_the_mode_is_what_the_record_says(world, case, operator, assistant, guide, mode):
    Technique.objects.filter(pk=world.technique.pk).update(level=4)
    world.technique.refresh_from_db()
    people = {k: world.people[v] if v else None for k, v in [("a", assistant), ("g", guide)]}
    what = Operation(
        "剖腹探查", world.people[operator], world.county, [world.technique], people["a"], "抢救",
        people["g"],
    )  # fmt: skip
    found = actions.start_procedure(case, what, by=world.doctor, now=minutes(20))
    found.refresh_from_db()
    assert (found.mode, found.level) == (mode, 4)


def test_an_end_that_nobody_records_is_asked_for_once(world, case):
    what = Operation("剖腹探查", world.alice, world.county, [], None, "抢救")
    procedure = actions.start_procedure(case, what, by=world.doctor, now=minutes(20))
    assert actions.ask_for_ends(minutes(259)) == 0
    assert actions.ask_for_ends(minutes(260)) == 1
    assert actions.ask_for_ends(minutes(400)) == 0
    told = Message.objects.filter(event__verb="procedure_end_asked")
    assert set(told.values_list("practitioner__name", "manner")) == {
        ("doctor", "push"),
        ("alice", "silent"),
    }
    assert world.alice.presence.until == minutes(20 + 360)
    actions.end_procedure(procedure, case, by=world.doctor, now=minutes(401))


def test_an_operation_that_has_ended_is_not_asked_about(world, case):
    procedure = begin(world, case, 20)
    actions.end_procedure(procedure, case, by=world.doctor, now=minutes(90))
    assert actions.ask_for_ends(minutes(900)) == 0


def test_who_guides_does_not_operate(world, case):
    for operator, assistant in ((world.doctor, None), (world.alice, world.doctor)):
        what = Operation("x", operator, world.county, [], assistant, "抢救", world.doctor)
        with refused("another person"):
            actions.start_procedure(case, what, by=world.doctor, now=minutes(20))


def test_another_language_asks_for_the_interpreter(world, case):
    case.patient.language = "ug"
    case.patient.save()
    assert "interpreter" in answers(case, "sign_in")
    with refused("Not answered yet"):
        given = answers(case, "sign_in")
        del given["interpreter"]
        actions.sign_gate(case, "sign_in", given, by=world.doctor, now=minutes(20))
    assert not Checklist.objects.exists()
