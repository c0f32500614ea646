"""The same lines give the same picture, in whatever order they come."""

import itertools
import random
from typing import Any

from tests.islands.node import ran

LOOK = """
    return orders.map((order) => {
        const ink = new it.Ink();
        for (const line of order) ink.take(line);
        const shown = ink.on("f", surface, at).map((one) => one.id);
        return [ink.still("f", at)?.id ?? "", shown, ink.hands()];
    });
"""
T = 1_000_000


def line(n: int, kind: str, id_: str, seat: str = "a", **d: Any) -> dict[str, Any]:
    if kind == "stroke":
        d = {"tool": "pen", "p": [0, 0, 9, 9], "frame": "", **d}
    return {"n": n, "id": id_, "seat": seat, "kind": kind, "feed": "f", "at": T + n * 100, "d": d}


def look(orders: list[Any], at: int, surface: str = "") -> list[Any]:
    return list(ran("room/ink.ts", LOOK, orders=orders, at=at, surface=surface))


STORY = [
    line(1, "freeze", "F1", frame="F1"),
    line(2, "stroke", "s1", frame="F1"),
    line(3, "stroke", "s2", "b", frame="F1"),
    line(4, "clear", "c1", "b", frame="F1"),
    line(5, "stroke", "s3", "b", frame="F1"),
    line(6, "stroke", "s4", frame="F1"),
    line(7, "undo", "u1", of="s4"),
    line(8, "undo", "u2", "b", of="s3"),
    line(9, "undo", "u3", "a", of="s5"),  # somebody else's: it stays
    line(10, "stroke", "s5", "b", frame="F1"),
]


def test_every_order_of_arrival_gives_one_picture():
    chance = random.Random(5)
    orders = [chance.sample(STORY, len(STORY)) for _n in range(60)]
    found = look([STORY, STORY + STORY, *orders], T + 5000, "F1")
    assert found[0] == ["F1", ["s5"], ["a", "b"]]
    assert all(one == found[0] for one in found)


def test_a_play_back_shows_each_instant_as_it_was():
    shown = [look([STORY], T + n * 100 - 1500, "F1")[0][1] for n in range(1, 11)]
    assert shown == [[], ["s1"], ["s1", "s2"], [], ["s3"], ["s3", "s4"], ["s3"], [], [], ["s5"]]


def test_ink_on_a_moving_picture_is_gone_after_four_seconds_and_on_a_frozen_one_stays():
    lines = [line(1, "stroke", "s1"), line(2, "stroke", "s2", frame="F1")]
    assert look([lines], T + 3000)[0][1] == ["s1"]
    assert look([lines], T + 4200)[0][1] == []
    assert look([lines], T + 10**8, "F1")[0][1] == ["s2"]
    strength = (
        "return [0, 2500, 3500, 4000, 9000].map((ms) => it.Ink.strength({frame: '', at: 0}, ms))"
    )
    assert ran("room/ink.ts", strength) == [1, 1, 0.5, 0, 0]


def test_frozen_live_and_frozen_again():
    lines = [
        line(1, "freeze", "F1", frame="F1"),
        line(2, "live", "l1"),
        line(3, "freeze", "F2", "b", frame="F2"),
    ]
    for order in itertools.permutations(lines):
        ats = [T + 150 - 1500, T + 250 - 1500, T + 350 - 1500]
        assert [look([list(order)], at)[0][0] for at in ats] == ["F1", "", "F2"]


def test_without_the_server_a_picture_moves_again_all_the_same():
    """Neither line has a number yet: they come by the fast way."""
    frozen, live = line(0, "freeze", "F1", frame="F1"), line(0, "live", "l1")
    frozen["at"], live["at"] = T + 100, T + 200
    for order in ([frozen, live], [live, frozen]):
        assert [look([order], at)[0][0] for at in (T + 150 - 1500, T + 250)] == ["F1", ""]


def test_a_picture_that_was_stored_after_it_was_left_does_not_come_back():
    live, frozen = line(1, "live", "l1", frame="F1"), line(2, "freeze", "F1", frame="F1")
    assert look([[live, frozen]], T + 5000)[0][0] == ""
    again = line(3, "freeze", "F2", frame="F2")
    assert look([[live, frozen, again]], T + 5000)[0][0] == "F2"


def test_what_is_not_numbered_yet_lies_on_top_and_takes_its_place_when_it_is():
    early = line(0, "stroke", "mine", frame="F1")
    early["at"] = T + 50
    numbered = {**early, "n": 3}
    others = [line(1, "stroke", "s1", "b", frame="F1"), line(2, "stroke", "s2", "b", frame="F1")]
    assert look([[early, *others]], T + 999, "F1")[0][1] == ["s1", "s2", "mine"]
    assert look([[early, *others, numbered]], T + 999, "F1")[0][1] == ["s1", "s2", "mine"]
    clear = {**line(4, "clear", "c", frame="F1")}
    assert look([[early, *others, numbered, clear]], T + 999, "F1")[0][1] == []


def test_a_thinned_line_is_the_same_line():
    thin = ran("room/ink.ts", "return it.thinned(p)", p=[n for i in range(500) for n in (i, i)])
    assert thin == [0, 0, 499, 499]
    corner = [0, 0, 500, 0, 1000, 0, 1000, 500, 1000, 1000]
    assert ran("room/ink.ts", "return it.thinned(p)", p=corner) == [0, 0, 1000, 0, 1000, 1000]
    assert ran("room/ink.ts", "return it.thinned(p)", p=[5, 5, 5, 5]) == [5, 5, 5, 5]
