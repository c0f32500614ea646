"""Seats, tickets and the log of a room on a real database."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection, connections, transaction

from jieli.cases import actions as cases
from jieli.cases.actions.spine import end_access, lock_case
from jieli.cases.models import Case, Contact
from jieli.record.actions import action
from jieli.rooms import access, actions
from jieli.rooms.actions import Said, as_message, link
from jieli.rooms.models import LogLine, Room, Seat
from jieli.rules import rooms as rules
from jieli.rules.refusal import Refused
from tests.cases.test_row_security import as_person
from tests.cases.world import World, clock, minutes, verbs

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def case(world) -> Case:
    request = world.raised("U1")
    cases.accept(request, by=world.alice, now=minutes(1))
    return request.case


def seated(case: Case, role: str, who, at=2.0) -> Seat:
    seat, ticket = cases.join_room(case, role, by=who, now=minutes(at))
    assert actions.use_ticket(ticket, by=who, now=minutes(at)) == seat
    seat.refresh_from_db()
    return seat


def stroke(**more) -> Said:
    return Said(uuid4(), "stroke", "f1", {"tool": "pen", "p": [1, 2, 3, 4], **more})


def test_joining_makes_the_room_once_and_is_on_the_record(world, case):
    one = seated(case, "operator", world.doctor)
    other = seated(case, "expert", world.alice)
    assert Room.objects.count() == 1
    assert one.room == other.room
    assert (one.organisation, other.organisation) == (world.county, world.hub)
    assert verbs(case).count("room_joined") == 2
    seated(case, "operator", world.doctor, 5)  # a second device, or back after a break
    assert verbs(case).count("room_joined") == 2


def test_a_ticket_opens_one_line_of_its_owner_within_two_minutes(world, case):
    seat, ticket = cases.join_room(case, "expert", by=world.alice, now=minutes(2))
    assert actions.use_ticket(ticket, by=world.doctor, now=minutes(2)) is None  # somebody else's
    assert actions.use_ticket(ticket, by=world.alice, now=minutes(4)) is None  # too late
    assert actions.use_ticket(ticket, by=world.alice, now=minutes(3)) == seat
    assert actions.use_ticket(ticket, by=world.alice, now=minutes(3)) is None  # used
    again = actions.renew_ticket(Seat.objects.get(pk=seat.pk), now=minutes(3))
    assert actions.use_ticket(again, by=world.alice, now=minutes(4)) == seat
    assert Seat.objects.get(pk=seat.pk).ticket == b""


@pytest.mark.parametrize(
    ("who", "role"),
    [("doctor", "expert"), ("alice", "operator"), ("officer", "expert"), ("doctor", "coordinator")],
)
def test_a_role_that_is_not_yours_is_refused(who, role, world, case):
    with pytest.raises(Refused):
        cases.join_room(case, role, by=world.people[who], now=minutes(2))


def test_one_person_holds_eight_seats_at_most(world, case):
    for _n in range(rules.PEERS):
        seated(case, "operator", world.doctor)
    with pytest.raises(Refused, match="many devices"):
        cases.join_room(case, "operator", by=world.doctor, now=minutes(2))
    # Silent for a minute they are empty, and make room.
    seat, _ticket = cases.join_room(case, "operator", by=world.doctor, now=minutes(5))
    assert list(Seat.objects.filter(left_at=None)) == [seat]


def test_a_sweep_takes_silent_seats_away(world, case):
    silent, here = seated(case, "operator", world.doctor), seated(case, "expert", world.alice)
    actions.note_seen(here, now=minutes(6))
    cases.join_room(case, "nurse", by=world.second_doctor, now=minutes(2))  # never went in
    assert actions.forget_seats(minutes(6)) == 2
    assert list(Seat.objects.filter(left_at=None)) == [here]
    silent.refresh_from_db()
    assert silent.left_at == minutes(6)


def test_who_loses_the_case_loses_the_seat_at_once(world, case):
    doctor, alice = seated(case, "operator", world.doctor), seated(case, "expert", world.alice)

    @action
    def put_out() -> None:
        locked = lock_case(case.pk)
        for why in ("rung", "duty", "invited", "advised"):
            end_access(locked, [world.alice.pk], [], why, minutes(6))

    put_out()
    alice.refresh_from_db()
    doctor.refresh_from_db()
    assert (alice.left_at, doctor.left_at) == (minutes(6), None)
    with pytest.raises(Refused, match="left this room"):
        actions.renew_ticket(alice, now=minutes(6))


def test_the_end_of_the_case_empties_the_room(world, case):
    seat = seated(case, "expert", world.alice)
    cases.close_case(case, by=world.doctor, reason="转走", now=minutes(9))
    seat.refresh_from_db()
    assert seat.left_at == minutes(9)
    assert not access.may_stay(world.alice, seat.room, minutes(9))
    with pytest.raises(Refused, match="closed"):
        cases.join_room(case, "expert", by=world.alice, now=minutes(10))


# ── the log ──────────────────────────────────────────────────────────────────


def test_lines_are_numbered_once_and_chained(world, case):
    seat = seated(case, "expert", world.alice)
    first, second = stroke(), stroke(frame="x")
    actions.write(seat, [first, second], now=minutes(3))
    again = actions.write(seat, [second, stroke()], now=minutes(4))  # the line broke; sent again
    assert [line.number for line in again] == [2, 3]
    lines = list(LogLine.objects.order_by("number"))
    assert [line.number for line in lines] == [1, 2, 3]
    head = b""
    for line in lines:
        head = link(head, line)
        assert bytes(line.hash) == head
    assert bytes(Room.objects.get().head) == head
    assert as_message(lines[0], seat.key)["n"] == 1


def test_a_line_that_may_not_be_written_refuses_without_a_trace(world, case):
    seat = seated(case, "learner", world.doctor)
    with pytest.raises(Refused):
        actions.write(seat, [Said(uuid4(), "text", "", {"text": "问"}), stroke()], now=minutes(3))
    assert not LogLine.objects.exists()
    assert Room.objects.get().length == 0


def test_a_full_log_says_so(world, case, monkeypatch):
    monkeypatch.setattr(rules, "LINES", 2)
    seat = seated(case, "expert", world.alice)
    actions.write(seat, [stroke(), stroke()], now=minutes(3))
    with pytest.raises(Refused, match="full"):
        actions.write(seat, [stroke()], now=minutes(3))


def test_nobody_changes_a_line(world, case):
    seat = seated(case, "expert", world.alice)
    actions.write(seat, [stroke()], now=minutes(3))
    for change in ("update rooms_logline set data = '{}'", "delete from rooms_logline"):
        with as_person(world.alice, 4), pytest.raises(ProgrammingError), transaction.atomic():
            connection.cursor().execute(change)


# ── contact ──────────────────────────────────────────────────────────────────


def test_two_who_hear_each_other_stop_the_clock_of_contact(world, case):
    doctor, alice = seated(case, "operator", world.doctor), seated(case, "expert", world.alice)
    actions.use_met(cases.note_met)
    actions.met(doctor, [alice.key], now=minutes(4))
    assert clock(case, "expert_live").stopped_at == minutes(4)
    actions.met(alice, [doctor.key], now=minutes(5))  # said once more by the other page
    assert Contact.objects.count() == 1


def test_two_of_one_side_make_no_contact(world, case):
    doctor = seated(case, "operator", world.doctor)
    other = seated(case, "nurse", world.second_doctor)
    actions.use_met(cases.note_met)
    actions.met(doctor, [other.key, uuid4()], now=minutes(4))
    assert not Contact.objects.exists()
    officer = seated(case, "coordinator", world.officer)  # finds somebody, does not advise
    actions.met(doctor, [officer.key], now=minutes(4))
    assert not Contact.objects.exists()


# ── who sees it ──────────────────────────────────────────────────────────────


def test_rooms_are_seen_with_their_case_only(world, case):
    seat = seated(case, "expert", world.alice)
    actions.write(seat, [stroke()], now=minutes(3))
    with as_person(world.outsider, 4):
        assert not Room.objects.exists()
        assert not Seat.objects.exists()
        assert not LogLine.objects.exists()
    with as_person(world.alice, 4):
        assert (Room.objects.count(), Seat.objects.count(), LogLine.objects.count()) == (1, 1, 1)


# ── two at once ──────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_two_experts_who_draw_at_once_get_numbers_without_a_gap(world, case):
    seats = [seated(case, "expert", world.alice), seated(case, "operator", world.doctor)]
    faults: list[Exception] = []

    def draw(seat: Seat) -> None:
        try:
            for n in range(30):
                actions.write(seat, [stroke(), stroke()], now=minutes(3) + timedelta(seconds=n))
        except Exception as fault:  # noqa: BLE001 - told below
            faults.append(fault)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=draw, args=[seat]) for seat in seats for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults
    lines = list(LogLine.objects.order_by("number"))
    assert [line.number for line in lines] == list(range(1, 241))
    head = b""
    for line in lines:
        head = link(head, line)
        assert bytes(line.hash) == head


@pytest.mark.django_db(transaction=True)
def test_the_first_two_to_join_make_one_room(world):
    case = world.raised("U1").case
    faults: list[Exception] = []

    def join(who) -> None:
        try:
            cases.join_room(case, "bedside", by=who, now=minutes(2))
        except Exception as fault:  # noqa: BLE001 - told below
            faults.append(fault)
        finally:
            connections.close_all()

    people = [world.doctor, world.second_doctor]
    threads = [threading.Thread(target=join, args=[who]) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not faults
    assert (Room.objects.count(), Seat.objects.count()) == (1, 2)
