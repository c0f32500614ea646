"""Who may record, what a chunk must say, how a run is sealed, what is a gap, when it may go."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from jieli.rules import recordings as rules
from jieli.rules.recordings import Chunk, Span
from jieli.rules.refusal import Refused
from jieli.rules.retention import KEPT

T0 = datetime(2026, 3, 1, 5, 30, tzinfo=UTC)
VP8 = "video/webm;codecs=vp8,opus"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def chunk(number: int, /, **change: object) -> Chunk:
    sha = f"{number + 1:064x}"
    previous = f"{number:064x}" if number else ""
    made = Chunk(number, 1000, sha, previous, at(3 * number), at(3 * number + 3))
    return replace(made, **change)


@pytest.mark.parametrize(
    ("role", "copy", "may"),
    [("operator", False, True), ("anaesthesia", False, True), ("expert", True, True),
     ("learner", False, False), ("learner", True, False), ("coordinator", True, False)],
)  # fmt: skip
def test_who_may_record(role, copy, may):
    if may:
        rules.check_recorder(role, "field", VP8, copy=copy)
        return
    with pytest.raises(Refused, match="role"):
        rules.check_recorder(role, "field", VP8, copy=copy)


@pytest.mark.parametrize(
    "mime", ["video/mp4", "text/html", "video/webm;codecs=<x>", "", "video/webm\r\nX: y"]
)
def test_other_kinds_of_films_are_refused(mime):
    with pytest.raises(Refused, match="browser"):
        rules.check_recorder("operator", "field", mime, copy=False)


@pytest.mark.parametrize(
    "change",
    [{"sha256": "x"}, {"sha256": ""}, {"previous": ""}, {"number": -1}, {"number": 9_999},
     {"size": 0}, {"ends": at(0)}, {"begins": at(-60)}, {"ends": at(99_999)}],
)  # fmt: skip
def test_a_chunk_that_makes_no_sense(change):
    rules.check_chunk(chunk(1), T0)
    with pytest.raises(Refused, match="does not fit"):
        rules.check_chunk(chunk(1, **change), T0)


def test_a_chunk_has_a_largest_size():
    with pytest.raises(Refused, match="too large"):
        rules.check_chunk(chunk(1, size=rules.CHUNK + 1), T0)


def test_neighbours_must_name_each_other():
    rules.check_neighbours(chunk(1), chunk(0).sha256, chunk(2).previous)
    rules.check_neighbours(chunk(1), None, None)
    for before, after in (("0" * 63 + "9", None), (None, "0" * 63 + "9")):
        with pytest.raises(Refused):
            rules.check_neighbours(chunk(1), before, after)


def test_the_head_covers_every_byte_every_time_and_what_is_lost():
    whole = [chunk(n) for n in range(4)]
    head = rules.head_of(whole, 4)
    assert rules.head_of(reversed(whole), 4) == head
    changes = [{"sha256": "f" * 64}, {"size": 999}, {"ends": at(3.5)}, {"begins": at(0.5)}]
    for change in changes:
        assert rules.head_of([replace(whole[0], **change), *whole[1:]], 4) != head
    holed = [whole[0], whole[2], whole[3]]
    lost = rules.head_of(holed, 4)
    assert lost != head
    # what was lost is still named by the one after it
    other = [whole[0], replace(whole[2], previous="e" * 64), whole[3]]
    assert rules.head_of(other, 4) != lost
    assert rules.head_of(whole[:3], 4) != head


def test_missing_and_stretches():
    assert rules.missing([0, 1, 3], 6) == [2, 4, 5]
    assert rules.stretches([(0, 10), (1, 5), (3, 7), (4, 1)]) == [(0, 15), (15, 23)]
    assert rules.stretches([(2, 4)]) == [(0, 4)]


def test_runs_that_overlap_leave_no_gap():
    spans = [Span(at(0), at(300)), Span(at(299.8), at(600)), Span(at(700), at(800))]
    assert rules.gaps(spans) == [Span(at(600), at(700))]
    assert rules.seconds(spans) == 700
    assert rules.gaps([Span(at(0), at(10)), Span(at(11), at(20))]) == []


@pytest.mark.parametrize(
    ("last", "day"),
    [(date(2026, 3, 1), date(2029, 3, 2)), (date(2028, 2, 29), date(2031, 3, 2))],
)
def test_kept_for_as_long_as_the_law_says(last, day):
    assert rules.kept_until(last) == day
    assert KEPT["recordings"].years >= 3


CLIP = {
    "consent": True, "title": "肠造口", "seen": True, "begin": timedelta(),
    "end": timedelta(seconds=9),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [({"consent": None}, "Nobody has asked"), ({"consent": False}, "does not agree"),
     ({"title": "  "}, "title"), ({"seen": False}, "Watch"),
     ({"end": timedelta()}, "must end"), ({"end": timedelta(hours=1)}, "20 minutes|minutes")],
)  # fmt: skip
def test_why_no_clip_is_made(change, said):
    rules.check_clip(**CLIP)
    with pytest.raises(Refused, match=said):
        rules.check_clip(**{**CLIP, **change})


@pytest.mark.parametrize("title", ["马某之子的肠造口", "马 某 之 子", "jl-2026-000001 造口"])
def test_a_title_names_nobody(title):
    with pytest.raises(Refused, match="names"):
        rules.check_title(title, ["马某之子", "JL-2026-000001", ""])


def test_what_a_chain_says_of_its_runs():
    assert rules.told_heads("a=1 b=2") == {"a": "1", "b": "2"}
    assert rules.told_heads("") == {}
