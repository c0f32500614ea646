"""Who rings next, as tables; and a machine that plays thousands of nights."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jieli.rules import relay
from jieli.rules.refusal import Refused
from jieli.rules.relay import MOVES, Asked, Person, Relay, advance

DAY = datetime(2026, 3, 1, 5, 30, tzinfo=UTC)  # 13:30 in Beijing
NIGHT = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)  # 23:00 in Beijing
LIST = (
    Person(1, "expert"),
    Person(2, "expert"),
    Person(3, "expert"),
    Person(4, "officer"),
    Person(5, "second"),
    Person(6, "director"),
)


def fresh(urgency: str, at: datetime = DAY, minutes: int = 10) -> Relay:
    return Relay(urgency, at, at + timedelta(minutes=minutes), LIST)


def rung(
    person: int, line: str = "expert", ends: int = 20, answer: str = "", round: int = 1
) -> Asked:
    return Asked(person, line, round, False, DAY + timedelta(seconds=ends), answer)


FIRST = [
    # urgency, when, who rings, who is told silently, seconds until the next look
    ("U0", DAY, (1, 2), (4, 5), 20),
    ("U0", NIGHT, (1, 2), (4, 5), 20),
    ("U1", DAY, (1,), (), 20),
    ("U1", NIGHT, (1,), (), 20),
    ("U2", DAY, (1,), (), 20),
    ("U2", NIGHT, (), (1, 2, 3), 8 * 60),
    ("U3", DAY, (), (1, 2, 3), None),
    ("U3", NIGHT, (), (1, 2, 3), None),
    ("U4", NIGHT, (), (1, 2, 3), None),
]


@pytest.mark.parametrize(("urgency", "at", "ring", "push", "due"), FIRST)
def test_the_first_move(urgency, at, ring, push, due):
    moves = advance(fresh(urgency, at), at)
    assert (moves.ring, moves.push) == (ring, push)
    assert moves.due == (at + timedelta(seconds=due) if due else None)


NEXT = [
    # what was asked so far, seconds since the start, who rings now, exhausted
    ([rung(1)], 19, (), False),
    ([rung(1)], 20, (2,), False),
    ([rung(1, answer="declined")], 3, (2,), False),
    ([rung(1, answer="no_answer"), rung(2)], 40, (3,), False),
    ([rung(n, answer="no_answer") for n in (1, 2, 3)], 60, (4,), False),
    ([rung(n, answer="no_answer") for n in (1, 2, 3, 4)], 80, (5,), False),
    ([rung(n, answer="no_answer") for n in (1, 2, 3, 4, 5)], 100, (6,), False),
    ([rung(n, answer="no_answer") for n in (1, 2, 3, 4, 5, 6)], 120, (), True),
    ([rung(4, "officer", answer="accepted"), rung(1)], 20, (2,), False),
]


@pytest.mark.parametrize(("asked", "seconds", "ring", "exhausted"), NEXT)
def test_a_u1_rolls_on(asked, seconds, ring, exhausted):
    moves = advance(replace(fresh("U1"), asked=tuple(asked)), DAY + timedelta(seconds=seconds))
    assert (moves.ring, moves.exhausted) == (ring, exhausted)


UNTOLD = [
    # seconds since the start, ends at, who rings longer, who rings anew, who is passed over, due
    (19, 20, (), (), (), 20),
    (20, 20, (1,), (), (), 45),
    (44, 20, (1,), (), (), 45),
    (45, 20, (), (1,), (), 65),  # nobody looked since second 20
    (45, 45, (), (), (1,), 65),  # looked at in time, and still nothing was sent: on to the next
    (54, 45, (), (), (1,), 74),
    (55, 45, (), (1,), (), 75),
    (600, 20, (), (1,), (), 620),
]


@pytest.mark.parametrize(("seconds", "ends", "longer", "anew", "over", "due"), UNTOLD)
def test_who_was_not_called_yet_is_not_passed_over(seconds, ends, longer, anew, over, due):
    asked = replace(rung(1, ends=ends), started=DAY, untold=True)
    moves = advance(replace(fresh("U1"), asked=(asked,)), DAY + timedelta(seconds=seconds))
    assert (moves.longer, moves.anew, moves.no_answer) == (longer, anew, over)
    assert moves.ring == ((2,) if over else ())
    assert moves.due == DAY + timedelta(seconds=due)
    told = replace(asked, untold=False)
    moves = advance(replace(fresh("U1"), asked=(told,)), DAY + timedelta(seconds=seconds))
    assert (moves.longer, moves.anew) == ((), ())


def test_a_second_round_asks_again_those_who_did_not_answer_only():
    asked = (rung(1, answer="no_answer"), rung(2, answer="declined"), rung(3, answer="passed"))
    moves = advance(replace(fresh("U1"), asked=asked, round=2), DAY + timedelta(minutes=5))
    assert moves.ring == (1,)


def test_a_u2_raised_late_in_the_evening_falls_asleep_in_the_middle_of_the_list():
    late = datetime(2026, 3, 1, 13, 59, 50, tzinfo=UTC)  # 21:59:50
    relay_ = replace(fresh("U2", late, 30), asked=(rung(1, answer="no_answer"),))
    moves = advance(relay_, late + timedelta(seconds=20))
    assert moves.ring == ()
    assert moves.push == (2, 3)


def test_a_u2_raised_before_dawn_rings_at_seven():
    dawn = datetime(2026, 3, 1, 22, 50, tzinfo=UTC)  # 06:50
    assert advance(fresh("U2", dawn, 30), dawn).due == dawn + timedelta(minutes=10)


def test_night_is_judged_where_the_person_works():
    at = datetime(2026, 3, 1, 14, 30, tzinfo=UTC)  # 22:30 in Beijing, 20:30 in Urumqi
    people = (Person(1, "expert", "Asia/Urumqi"),)
    assert advance(replace(fresh("U2", at, 30), people=people), at).ring == (1,)


def test_with_no_expert_everybody_else_is_rung():
    people = tuple(p for p in LIST if p.line != "expert")
    assert advance(replace(fresh("U0"), people=people), DAY).ring == (5, 4)


def test_with_nobody_at_all_it_says_so():
    moves = advance(replace(fresh("U1"), people=()), DAY)
    assert moves.exhausted


def test_fallback_comes_once_at_its_minute():
    waiting = replace(fresh("U1"), fallback_at=DAY + timedelta(minutes=10), people=())
    assert advance(waiting, DAY).due == DAY + timedelta(minutes=10)
    assert advance(waiting, DAY + timedelta(minutes=10)).fallback
    told = replace(waiting, fallback_told=True)
    assert not advance(told, DAY + timedelta(minutes=11)).fallback


def test_nothing_more_once_it_is_answered():
    moves = advance(replace(fresh("U0"), answered=True), DAY + timedelta(minutes=9))
    assert moves == relay.Moves()


RING_ENDS = [
    # accepted after, ringing after, ends after (seconds)
    (None, None, 20),
    (5, None, 25),
    (5, 12, 32),
    (5, 40, 45),
    (40, None, 45),
]


@pytest.mark.parametrize(("accepted", "ringing", "ends"), RING_ENDS)
def test_a_ring_lasts_20_seconds_from_where_it_rings_and_45_at_most(accepted, ringing, ends):
    def after(n):
        return DAY + timedelta(seconds=n) if n is not None else None

    assert relay.ring_ends(DAY, after(accepted), after(ringing)) == after(ends)


MANNERS = [
    ("ring", "U0", NIGHT, "ring"),
    ("ring", "U1", NIGHT, "ring"),
    ("ring", "U2", NIGHT, "push"),
    ("ring", "U2", DAY, "ring"),
    ("ring", "U3", DAY, "silent"),
    ("push", "U3", NIGHT, "silent"),
    ("ring", "U4", NIGHT, "silent"),
]


@pytest.mark.parametrize(("wanted", "urgency", "at", "manner"), MANNERS)
def test_how_loud(wanted, urgency, at, manner):
    assert relay.manner(wanted, urgency, at, "Asia/Shanghai") == manner


@pytest.mark.parametrize(("state", "move"), sorted(MOVES))
def test_permitted_moves(state, move):
    assert relay.after(state, move) == MOVES[state, move]


@pytest.mark.parametrize(
    ("state", "move"),
    [
        ("cancelled", "accept"),
        ("completed", "accept"),
        ("accepted", "accept"),
        ("completed", "withdraw"),
    ],
)
def test_forbidden_moves_say_why(state, move):
    with pytest.raises(Refused):
        relay.after(state, move)


class Nights(RuleBasedStateMachine):
    """Any urgency, any hour, any answers: the relay asks nobody twice a round and ends."""

    @initialize(
        urgency=st.sampled_from(["U0", "U1", "U2", "U3", "U4"]),
        hour=st.integers(0, 23),
        size=st.integers(0, 6),
    )
    def begin(self, urgency, hour, size):
        self.now = datetime(2026, 3, 1, hour, 13, tzinfo=UTC)
        self.relay = replace(fresh(urgency, self.now, 30), people=LIST[:size])
        self.steps = 0
        self.apply()

    def apply(self):
        moves = advance(self.relay, self.now)
        asked = [
            replace(a, answer="no_answer") if a.person in moves.no_answer and not a.silent else a
            for a in self.relay.asked
        ]
        lines = {p.person: p.line for p in self.relay.people}
        ends = self.now + relay.RING
        asked += [Asked(p, lines[p], self.relay.round, False, ends) for p in moves.ring]
        asked += [Asked(p, lines[p], self.relay.round, True, None) for p in moves.push]
        self.relay = replace(
            self.relay, asked=tuple(asked), fallback_told=self.relay.fallback_told or moves.fallback
        )
        self.moves = moves

    @rule(seconds=st.integers(1, 2000))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.apply()

    @rule()
    def somebody_declines(self):
        open_rings = [a for a in self.relay.asked if not a.answer and not a.silent]
        if open_rings:
            said = replace(open_rings[0], answer="declined")
            others = tuple(a for a in self.relay.asked if a is not open_rings[0])
            self.relay = replace(self.relay, asked=(*others, said))
            self.apply()

    @rule()
    def reminded(self):
        self.relay = replace(self.relay, round=self.relay.round + 1)
        self.apply()

    @invariant()
    def nobody_is_rung_twice_a_round(self):
        if hasattr(self, "relay"):
            seen = [(a.person, a.round) for a in self.relay.asked if not a.silent]
            assert len(seen) == len(set(seen))

    @invariant()
    def never_more_at_once_than_allowed(self):
        if hasattr(self, "relay"):
            ringing = [a for a in self.relay.asked if not a.answer and not a.silent]
            assert len(ringing) <= relay.AT_ONCE.get(self.relay.urgency, 0)

    @invariant()
    def it_waits_for_an_instant_or_is_through(self):
        """A page never stalls: either somebody rings, or time is awaited, or all were asked."""
        if hasattr(self, "moves") and self.relay.urgency not in relay.NEVER_RINGS:
            assert self.moves.due is not None or self.moves.exhausted

    @invariant()
    def asking_again_at_once_changes_nothing(self):
        if hasattr(self, "relay"):
            again = advance(self.relay, self.now)
            assert (again.ring, again.push, again.no_answer) == ((), (), ())


Nights.TestCase.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
TestNights = Nights.TestCase
