"""Teams and patients under way: moves, papers, working days, grades and times, as tables."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from jieli.rules import eta, missions, transport, workdays
from jieli.rules.eta import Line, Stretch, way
from jieli.rules.refusal import Refused

T0 = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # Monday 10:00 in Beijing


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("kind", "status", "move", "then"),
    [
        ("dispatch", "planned", "approve", "approved"),
        ("dispatch", "under_way", "approve", "under_way"),
        ("dispatch", "planned", "depart", "under_way"),
        ("dispatch", "approved", "depart", "under_way"),
        ("dispatch", "under_way", "depart", "moved on"),
        ("dispatch", "under_way", "arrive", "on_site"),
        ("dispatch", "on_site", "arrive", "moved on"),
        ("dispatch", "on_site", "hand_over", "on_site"),
        ("dispatch", "on_site", "leave", "returning"),
        ("dispatch", "returning", "close", "closed"),
        ("dispatch", "under_way", "close", "moved on"),
        ("dispatch", "on_site", "cancel", "moved on"),
        ("dispatch", "closed", "approve", "has ended"),
        ("dispatch", "planned", "redirect", "moved on"),
        ("transfer", "planned", "depart", "No physician"),
        ("transfer", "planned", "accept", "approved"),
        ("transfer", "approved", "accept", "accepted this patient already"),
        ("transfer", "approved", "redirect", "planned"),
        ("transfer", "under_way", "redirect", "under_way"),
        ("transfer", "under_way", "accept", "under_way"),
        ("transfer", "on_site", "redirect", "moved on"),
        ("transfer", "on_site", "hand_over", "closed"),
        ("transfer", "cancelled", "accept", "has ended"),
        ("return", "on_site", "hand_over", "closed"),
        ("return", "planned", "approve", "moved on"),
    ],
)
def test_which_move_may_follow_which(kind, status, move, then):
    if " " in then:
        with pytest.raises(Refused, match=then):
            missions.after(kind, status, move)
    else:
        assert missions.after(kind, status, move) == then


@pytest.mark.parametrize("kind", sorted(missions.MOVES))
def test_every_open_status_has_a_way_to_its_end(kind):
    reached, left = {"planned"}, ["planned"]
    while left:
        for then in {t for (was, _m), t in missions.MOVES[kind].items() if was == left[-1]}:
            if then not in reached:
                reached.add(then)
                left.insert(0, then)
        left.pop()
    assert set(missions.ENDED) <= reached
    for status in reached - set(missions.ENDED):
        assert missions.moves_from(kind, status) & {"close", "cancel", "leave", "hand_over"}


@pytest.mark.parametrize(
    ("kind", "paper", "since", "due"),
    [
        ("dispatch", "invitation", at(0), at(30)),
        ("dispatch", "home_approval", at(0), at(1440)),
        ("dispatch", "privilege_filing", at(5), at(1445)),
        ("dispatch", "family_consent", at(300), at(300)),
        # Monday → the end of Wednesday in Beijing
        ("dispatch", "return_report", at(0), datetime(2026, 3, 4, 16, tzinfo=UTC)),
        ("transfer", "transfer_consent", at(0), at(60)),
        ("transfer", "transfer_record", at(0), at(360)),
    ],
)
def test_when_a_paper_is_due(kind, paper, since, due):
    assert missions.paper_due(kind, paper, since) == due


@pytest.mark.parametrize(
    ("since", "days", "last"),
    [
        ("2026-03-02T10:00+08:00", 2, "2026-03-04"),  # Monday
        ("2026-03-06T10:00+08:00", 2, "2026-03-10"),  # Friday, over a weekend
        ("2026-03-07T10:00+08:00", 1, "2026-03-09"),  # Saturday
        ("2026-02-13T10:00+08:00", 2, "2026-02-24"),  # a worked Saturday, then Spring Festival
        ("2026-09-30T10:00+08:00", 2, "2026-10-09"),  # National Day
        ("2026-03-01T17:30+00:00", 1, "2026-03-03"),  # Monday already in Beijing
    ],
)
def test_working_days(since, days, last):
    ends = workdays.end_of(datetime.fromisoformat(since), days)
    assert (ends - timedelta(seconds=1)).date() == date.fromisoformat(last)


def test_holidays_are_data():
    monday = datetime.fromisoformat("2027-05-03T10:00+08:00")
    free = {date(2027, 5, 4)}
    assert workdays.end_of(monday, 1, holidays=free).date() == date(2027, 5, 6)
    assert workdays.end_of(monday, 1, holidays=()).date() == date(2027, 5, 5)


@pytest.mark.parametrize(
    ("hours", "wanted", "until"),
    [(72, None, 72), (72, 24, 24), (72, 72, 72), (72, 73, "1 to 72"), (0, None, "No valid agree")],
)
def test_a_privilege_ends_within_the_agreement(hours, wanted, until):
    if isinstance(until, str):
        with pytest.raises(Refused, match=until):
            missions.privilege_until(T0, hours, wanted)
    else:
        assert missions.privilege_until(T0, hours, wanted) == T0 + timedelta(hours=until)


# ── transport ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("stability", "escort", "has", "moves"),
    [
        ("S0", "nurse", "monitor", True),
        ("S1", "doctor", "bag_mask", True),
        ("S2", "critical_care_team", "ventilator", True),
        ("S3", "retrieval_team", "blood", False),
    ],
)
def test_the_grade_says_who_goes_along(stability, escort, has, moves):
    grade = transport.grade(stability)
    assert (grade.escort, grade.moves) == (escort, moves)
    assert has in grade.kit
    assert "incubator" in transport.grade(stability, newborn=True).kit
    assert "incubator" not in grade.kit


def test_a_worse_grade_never_asks_for_less():
    kits = [set(transport.grade(grade).kit) for grade in transport.GRADES]
    assert all(less <= more for less, more in pairwise(kits))
    escorts = [transport.ESCORTS.index(transport.grade(g).escort) for g in transport.GRADES]
    assert escorts == sorted(escorts)


@pytest.mark.parametrize(
    ("stability", "scored", "escort", "said"),
    [
        ("S1", at(0), "doctor", ""),
        ("S1", at(-31), "doctor", "Grade the patient again"),
        ("S1", None, "doctor", "Grade the patient again"),
        ("S2", at(0), "doctor", "not enough for S2"),
        ("S2", at(-30), "retrieval_team", ""),
    ],
)
def test_before_leaving(stability, scored, escort, said):
    if said:
        with pytest.raises(Refused, match=said):
            transport.check_before_leaving(stability, scored, escort, T0)
    else:
        transport.check_before_leaving(stability, scored, escort, T0)


# ── when it ends ─────────────────────────────────────────────────────────────

DAILY = Line(time(14, 0), "Asia/Shanghai")  # 240 minutes after T0
SECOND = Line(time(18, 0), "Asia/Shanghai", (1, 3))  # 480, Mondays and Wednesdays
FLIGHT = Stretch(120, departs=at(240), cutoff=45, lines=(DAILY, SECOND))


@pytest.mark.parametrize(
    ("legs", "left", "now", "end"),
    [
        ((Stretch(60), Stretch(30)), at(0), at(0), at(90)),
        ((Stretch(60), Stretch(30)), at(0), at(120), at(210)),  # nobody said that they began
        ((Stretch(60, started=at(0)), Stretch(30)), at(0), at(40), at(90)),
        ((Stretch(60, started=at(0)), Stretch(30)), at(0), at(80), at(110)),  # longer than thought
        ((Stretch(60, started=at(0), ended=at(50)), Stretch(30)), at(0), at(51), at(81)),
        ((Stretch(60, started=at(0), expected=at(100)), Stretch(30)), at(0), at(10), at(130)),
        ((Stretch(60, started=at(0)), FLIGHT), at(0), at(0), at(360)),
        ((Stretch(60, started=at(0), expected=at(195)), FLIGHT), at(0), at(0), at(360)),
        ((Stretch(60, started=at(0), expected=at(196)), FLIGHT), at(0), at(0), at(600)),
        # they are at the airport, and nobody has said a word since: it left as planned
        ((Stretch(60, started=at(0), ended=at(60)), FLIGHT), at(0), at(300), at(360)),
        ((Stretch(60, started=at(0), ended=at(60)), FLIGHT), at(0), at(400), at(400)),
        ((Stretch(60, started=at(0), ended=at(200)), FLIGHT), at(0), at(210), at(600)),
    ],
)
def test_the_end_is_pushed_on_from_what_is_known(legs, left, now, end):
    assert way(legs, left, now)[-1].end == end


def test_a_departure_says_how_much_time_is_left():
    [_road, flight] = way((Stretch(60, started=at(0)), FLIGHT), at(0), at(0))
    assert (flight.slack, flight.missed) == (135, False)
    [_road, flight] = way((Stretch(60, started=at(0), expected=at(500)), FLIGHT), at(0), at(0))
    assert flight.missed
    assert flight.start == at(240 + 1440)  # tomorrow; on Tuesdays there is one only


def test_a_timetable_that_knows_no_more_departures_lets_people_go_when_they_are_ready():
    held = Stretch(120, departs=at(60), cutoff=30)
    [_late, found] = way((Stretch(30, started=at(0), expected=at(100)), held), at(0), at(20))
    assert (found.missed, found.start) == (True, at(130))


def test_the_band_grows_with_every_leg_and_forgets_what_is_behind():
    legs = (Stretch(60, 0.2), Stretch(60, 0.2))
    first, second = way(legs, at(0), at(0))
    assert second.high - second.end > first.high - first.end > timedelta(0)
    behind = Stretch(60, 0.2, started=at(0), ended=at(60))
    assert way((behind, legs[1]), at(0), at(60))[1].high < second.high


SURE, TIGHT, EVEN = 60, 165, 195  # minutes of road before a departure that closes at 195


@pytest.mark.parametrize(
    ("road", "caught"),
    [(SURE, 1.0), (TIGHT, 0.818), (EVEN, 0.5)],  # normal: (195 − road) / (0.2 · road)
)
def test_a_departure_that_may_be_missed_says_its_chance(road, caught):
    legs = (Stretch(road, 0.2, started=at(0)), FLIGHT)
    flight = way(legs, at(0), at(0))[1]
    assert flight.caught == pytest.approx(caught, abs=0.001)
    assert flight.low is None  # the flight itself has no spread here, and the road's is behind it
    [*_, otherwise] = eta.if_missed(legs, at(0), at(0), 1)
    assert otherwise.end == at(480 + 120)


def test_missed_without_a_next_departure_keeps_the_spread_of_the_road():
    held = Stretch(120, departs=at(60), cutoff=30)
    road = Stretch(100, 0.2, started=at(0))
    assert way((road, held), at(0), at(0))[1].low is not None


def test_nobody_asks_for_the_chance_of_what_is_known():
    there = (Stretch(60, 0.2, started=at(0), ended=at(60)), FLIGHT)
    assert way(there, at(0), at(60))[1].caught is None
    assert way(there, at(0), at(239))[1].slack == 135
    assert way(there, at(0), at(240))[1].slack is None  # gone, with them on board
    assert eta.if_missed(there, at(0), at(60), 0) == []  # no timetable holds a road
    last = Stretch(120, departs=at(240), lines=(Line(time(14), "Asia/Shanghai", (1,)),))
    assert eta.if_missed((last,), at(0), at(0), 0)[0].start == at(240 + 7 * 1440)
    assert eta.if_missed((Stretch(120, departs=at(240)),), at(0), at(0), 0) == []


@pytest.mark.parametrize(
    ("line", "after", "then"),
    [
        (DAILY, at(240), at(240)),
        (DAILY, at(241), at(240 + 1440)),
        (SECOND, at(481), at(480 + 2 * 1440)),
        (Line(time(14), "Asia/Shanghai", valid_to=date(2026, 3, 2)), at(241), None),
        (Line(time(14), "Asia/Shanghai", valid_from=date(2026, 3, 5)), at(0), at(240 + 3 * 1440)),
        (Line(time(12), "Asia/Urumqi"), at(0), at(240)),
    ],
)
def test_the_next_departure(line, after, then):
    assert eta.next_departure([line], after) == then
