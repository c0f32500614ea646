"""Who may do what in a room, and what may be written into its log."""

import pytest

from jieli.rules import rooms
from jieli.rules.refusal import Refused

STROKE = {"tool": "pen", "p": [1, 2, 3, 4], "frame": "f"}


@pytest.mark.parametrize(
    ("treating", "asked", "desk", "first", "others"),
    [
        (True, False, False, "bedside", {"operator", "anaesthesia", "nurse", "learner"}),
        (False, True, False, "expert", {"learner"}),
        (False, False, True, "coordinator", {"learner"}),
        (True, False, True, "bedside",
         {"operator", "anaesthesia", "nurse", "coordinator", "learner"}),
        (False, False, False, "learner", set()),
        (True, True, False, "expert", {"bedside", "operator", "anaesthesia", "nurse", "learner"}),
    ],
)  # fmt: skip
def test_as_what_one_may_join(treating, asked, desk, first, others):
    found = rooms.roles_of(treating=treating, asked=asked, desk=desk)
    assert found[0] == first
    assert set(found[1:]) == others


def test_a_role_that_is_not_offered_is_refused():
    with pytest.raises(Refused):
        rooms.check_role("expert", ("bedside", "learner"))
    rooms.check_role("learner", ("bedside", "learner"))


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("operator", {"speak", "show", "draw", "write"}),
        ("expert", {"speak", "show", "draw", "write"}),
        ("anaesthesia", {"speak", "show", "write"}),
        ("coordinator", {"speak", "show", "write"}),
        ("learner", {"hand"}),
        ("stranger", set()),
    ],
)
def test_powers(role, may):
    all_of_them = (rooms.SPEAK, rooms.SHOW, rooms.DRAW, rooms.WRITE, rooms.HAND)
    assert {power for power in all_of_them if rooms.may(role, power)} == may


@pytest.mark.parametrize(
    ("role", "kind", "data"),
    [
        ("learner", "stroke", STROKE),
        ("anaesthesia", "stroke", STROKE),
        ("learner", "step", {"step": "full"}),
        ("learner", "clear", {}),
        ("operator", "hand", {"up": True}),
        ("operator", "freeze", {"frame": "x"}),  # comes with its picture, by another door
        ("operator", "nonsense", {}),
        ("operator", "stroke", {**STROKE, "p": [1, 2, 3]}),
        ("operator", "stroke", {**STROKE, "p": [1, 2, 3, 10_001]}),
        ("operator", "stroke", {**STROKE, "p": [1, 2, 3, -1]}),
        ("operator", "stroke", {**STROKE, "p": [1, 2, 3, 4.5]}),
        ("operator", "stroke", {**STROKE, "p": [1, 2] * 3000}),
        ("operator", "stroke", {**STROKE, "p": "1234"}),
        ("operator", "stroke", {**STROKE, "tool": "laser"}),
        ("operator", "text", {"text": "  "}),
        ("operator", "step", {"step": "warp"}),
    ],
)
def test_lines_that_are_refused(role, kind, data):
    with pytest.raises(Refused):
        rooms.check_line(role, kind, data)


@pytest.mark.parametrize(
    ("role", "kind", "data", "kept"),
    [
        ("expert", "stroke", {**STROKE, "evil": 1}, {**STROKE, "ms": 0}),
        ("nurse", "undo", {"of": "x" * 99}, {"of": "x" * 40}),
        ("learner", "hand", {"up": "yes"}, {"up": False}),
        ("learner", "hand", {"up": True}, {"up": True}),
        ("learner", "text", {"text": " 问题 "}, {"text": "问题"}),
        ("coordinator", "step", {"step": "voice", "kbps": 40.7, "to": "a"},
         {"step": "voice", "kbps": 40, "to": "a"}),
        ("operator", "clear", {"frame": 7}, {"frame": ""}),
    ],
)  # fmt: skip
def test_what_of_a_line_is_kept(role, kind, data, kept):
    assert rooms.check_line(role, kind, data) == kept


def test_a_client_that_sends_a_million_strokes_is_stopped_and_a_busy_hand_is_not():
    bucket = rooms.Bucket(0.0)
    sent = sum(bucket.take(n * 0.0001) for n in range(1_000_000 // 100))  # 10,000 in one second
    assert sent < rooms.BURST + rooms.RATE + 2
    bucket = rooms.Bucket(0.0)
    assert all(bucket.take(n / 30) for n in range(3000))  # thirty a second for 100 seconds
