"""In which order a link gives way, second by second."""

import itertools
from typing import Any

import pytest

from tests.islands.node import ran

STEPS = ["full", "fewer_feeds", "lower_picture", "stills", "voice", "text"]
PLAY = """
    let ladder = it.START; const steps = [], fresh = [];
    seconds.forEach((seen, n) => {
        const calm = {room: 0, lost: 0, rtt: 40, heard: 100, stills: 0, age: 60000};
        const next = it.next(ladder, {...calm, ...seen}, n * 1000);
        ladder = next.ladder;
        steps.push(it.STEPS[ladder.step]);
        if (next.fresh) fresh.push(n);
    });
    return {steps, fresh};
"""


def play(*stretches: tuple[int, dict[str, Any]]) -> tuple[list[str], list[int]]:
    seconds = [seen for length, seen in stretches for _n in range(length)]
    found = ran("room/ladder.ts", PLAY, seconds=seconds)
    return found["steps"], found["fresh"]


def test_a_good_link_stays_as_it_is():
    steps, fresh = play((30, {"room": 5000}))
    assert set(steps) == {"full"}
    assert fresh == []


@pytest.mark.parametrize(
    ("kbps", "step"),
    [(5000, "full"), (1500, "full"), (1000, "fewer_feeds"), (500, "lower_picture"), (240, "stills"),
     (100, "stills"), (20, "stills")],
)  # fmt: skip
def test_what_fits_is_the_step(kbps, step):
    steps, _fresh = play((3, {"room": 5000}), (4, {"room": kbps}))
    assert steps[-1] == step


def test_a_collapse_takes_the_picture_away_within_two_seconds_in_one_step():
    steps, _fresh = play((5, {"room": 5000}), (4, {"room": 120, "rtt": 400}))
    assert steps[5:] == ["full", "stills", "stills", "stills"]


def test_a_browser_that_gropes_at_the_beginning_does_not_fall_and_may_rise():
    groping = {"room": 300, "age": 3000}
    assert set(play((6, groping))[0]) == {"full"}
    assert play((6, {**groping, "lost": 0.5}))[0][-1] != "full"  # but what is lost is lost
    assert play((6, {**groping, "rtt": 40}), (4, {**groping, "rtt": 3000}))[0][-1] == "stills"


def test_one_bad_second_changes_nothing():
    steps, _fresh = play((5, {"room": 5000}), (1, {"room": 100}), (5, {"room": 5000}))
    assert set(steps) == {"full"}


def test_a_queue_in_the_link_counts_as_no_room():
    """The browser still believes in 4 Mbit/s, and a word takes two seconds."""
    steps, _fresh = play((5, {"room": 4000}), (3, {"room": 4000, "rtt": 2000}))
    assert steps[-1] == "stills"
    far = {"room": 4000, "rtt": 1200}  # by satellite every word takes that long: no queue
    assert set(play((20, far))[0]) == {"full"}


def test_loss_is_taken_from_what_fits_and_never_takes_more_than_the_picture():
    steps, _fresh = play((3, {"room": 5000}), (5, {"room": 1600, "lost": 0.4}))
    assert steps[-1] == "fewer_feeds"
    steps, _fresh = play((3, {"room": 5000}), (3, {"room": 200, "lost": 0.9}))
    assert steps[-1] == "stills"


def test_a_dead_link_keeps_its_step_and_comes_back_as_it_was():
    gone = {"room": 5000, "heard": 9000}
    steps, _fresh = play((5, {"room": 5000}), (60, gone), (5, {"room": 5000}))
    assert set(steps) == {"full"}


def test_stills_that_hardly_get_through_leave_the_voice_alone_and_then_text():
    thin, deaf = {"room": 100, "stills": 40}, {"room": 100, "stills": 10, "rtt": 4000}
    steps, _fresh = play((3, {"room": 5000}), (2, {"room": 100}), (9, thin), (8, deaf))
    assert list(dict.fromkeys(steps)) == ["full", "stills", "voice", "text"]
    assert steps[13] == "voice"  # a thin link still carries a voice


def test_from_text_up_again_by_what_the_probes_reach():
    sunk = [(3, {"room": 5000}), (2, {"room": 100}), (14, {"room": 100, "rtt": 4000})]
    steps, _fresh = play(*sunk, (7, {"room": 100, "stills": 40}), (7, {"room": 100, "stills": 90}))
    assert list(dict.fromkeys(steps)) == ["full", "stills", "voice", "text"]
    assert steps[18:][0] == "text"
    assert steps[-8] == "voice"
    assert steps[-1] == "stills"


def test_stills_that_go_through_fast_bring_a_fresh_connection_and_then_the_full_picture():
    weak, back = {"room": 120, "stills": 90}, {"room": 150, "stills": 900}
    steps, fresh = play((3, {"room": 5000}), (20, weak), (4, back), (20, {"room": 3000}))
    assert steps[22] == "stills"
    assert len(fresh) == 1
    assert 23 <= fresh[0] <= 26
    assert steps[fresh[0]] == "lower_picture"
    assert steps[fresh[0] + 8] == "full"


def test_the_browsers_own_estimate_does_not_lift_a_link_without_picture():
    """With the picture paused it says nothing: only what stills reach counts."""
    steps, fresh = play((3, {"room": 5000}), (5, {"room": 120}), (30, {"room": 3000, "stills": 0}))
    assert fresh == []
    assert set(steps[6:]) <= {"stills"}


def test_fresh_connections_that_do_not_help_are_tried_again_only_after_a_while():
    flicker = [(4, {"room": 300, "stills": 900}), (4, {"room": 100, "stills": 900})] * 6
    _steps, fresh = play((3, {"room": 5000}), (3, {"room": 100}), *flicker)
    assert len(fresh) >= 2
    assert all(later - sooner >= 8 for sooner, later in itertools.pairwise(fresh))


def test_no_feed_moves_up_and_down_with_every_breath():
    """Around a limit: the margin keeps it from swinging."""
    breath = [(1, {"room": 1500}), (1, {"room": 1300})] * 30
    steps, _fresh = play((3, {"room": 1000}), *breath)
    changes = sum(one != other for one, other in itertools.pairwise(steps))
    assert changes <= 2


@pytest.mark.parametrize(
    ("step", "main", "active"),
    [(0, True, True), (0, False, True), (1, True, True), (1, False, False), (2, True, True),
     (2, False, False), (3, True, False), (4, True, False), (5, True, False)],
)  # fmt: skip
def test_which_feeds_are_sent(step, main, active):
    plan = ran("room/ladder.ts", "return it.planned(step, main, 3)", step=step, main=main)
    assert plan["active"] is active
    if step == 2 and main:
        assert plan["scale"] == 2
