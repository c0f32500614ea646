"""The geometry of a clock bar: every mark stands where its instant is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jieli.rules.bars import anchor, geometry, right_edge

START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


AT_25, AT_48, AT_60, AT_100 = at(25), at(48), at(60), at(100)


@dataclass(frozen=True)
class Bar:
    state: str = "ok"
    start: datetime = START
    now: datetime = AT_25
    target: datetime | None = AT_60
    hard: datetime | None = None
    warn_from: datetime | None = AT_48
    stopped: datetime | None = None
    end: datetime | None = AT_100


def test_a_running_clock_shows_run_warning_stretch_and_target():
    shape = geometry(Bar())
    assert shape.run == pytest.approx(0.25)
    assert shape.target == shape.track == pytest.approx(0.6)
    assert shape.warn is not None
    assert (shape.warn.x, shape.warn.width) == (pytest.approx(0.48), pytest.approx(0.12))
    assert shape.hard_zone is None
    assert shape.over is None
    assert not shape.stopped


def test_the_warning_stretch_that_is_used_up_is_no_longer_hatched():
    shape = geometry(Bar(state="warn", now=at(54)))
    assert shape.warn is not None
    assert shape.warn.x == pytest.approx(0.54)
    assert shape.warn.x + shape.warn.width == pytest.approx(0.6)


def test_past_the_target_the_run_ends_there_and_the_rest_is_over():
    shape = geometry(Bar(state="breach", now=at(72)))
    assert shape.run == pytest.approx(0.6)
    assert shape.over is not None
    assert shape.over.width == pytest.approx(0.12)
    assert shape.warn is None


def test_with_a_hard_limit_past_the_target_is_not_yet_over():
    shape = geometry(Bar(hard=at(90), now=at(72)))
    assert shape.over is None
    assert shape.run == pytest.approx(0.72)
    assert shape.hard_zone is not None
    assert shape.hard_zone.x == pytest.approx(0.6)


def test_a_hard_limit_equal_to_the_target_is_drawn_once():
    shape = geometry(Bar(hard=at(60)))
    assert shape.hard is None
    assert shape.hard_zone is None


def test_a_stopped_clock_is_marked_where_it_stopped():
    shape = geometry(Bar(state="met", stopped=at(30), now=at(99)))
    assert shape.stopped
    assert shape.mark == shape.run == pytest.approx(0.3)
    assert shape.warn is None
    assert [tick.kind for tick in shape.ticks] == ["start", "stopped", "target"]


def test_a_word_without_room_is_left_out_but_never_a_limit():
    kinds = [t.kind for t in geometry(Bar(state="late", target=at(10), stopped=at(11))).ticks]
    assert kinds == ["target"]  # start and stop are both too near


def test_without_an_edge_there_is_room_after_the_last_instant():
    shape = geometry(Bar(end=None))
    assert shape.target == pytest.approx(0.96)
    assert right_edge(START, [None]) > START


def test_an_instant_outside_the_bar_is_drawn_at_its_edge():
    assert geometry(Bar(now=at(-5))).mark == 0
    assert geometry(Bar(now=at(500))).mark == 1


def test_words_stay_inside():
    assert [anchor(x) for x in (0.0, 0.5, 0.99)] == ["start", "middle", "end"]


minutes = st.floats(min_value=0, max_value=5000)


@given(now=minutes, target=minutes, extra=minutes, warn=minutes, stopped=st.none() | minutes)
def test_nothing_ever_leaves_the_bar(now, target, extra, warn, stopped):
    bar = replace(
        Bar(),
        now=at(now),
        target=at(target),
        hard=at(target + extra),
        warn_from=at(warn),
        stopped=None if stopped is None else at(stopped),
        end=None,
    )
    shape = geometry(bar)
    spans = [s for s in (shape.warn, shape.hard_zone, shape.over) if s]
    assert all(s.width > 0 and s.x >= 0 and s.x + s.width <= 1 + 1e-9 for s in spans)
    assert 0 <= shape.run <= shape.track <= 1
    assert shape.run <= shape.mark <= 1
