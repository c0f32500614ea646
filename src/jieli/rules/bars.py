"""Where the marks of a clock bar stand: fractions of its width, nothing drawn here.

The left edge is time zero, the right edge is ``end``. A bar shows the elapsed run, the warning
stretch before the target, the stretch between target and hard limit, the stretch past the limit,
and one mark: now, or the moment the clock stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

MARGIN = 0.04  # room to the right of the last limit, so that its tick is not cut


class BarLike(Protocol):
    """What a bar must tell us (``jieli.rules.clocks.Bar`` does)."""

    @property
    def state(self) -> str: ...
    @property
    def start(self) -> datetime: ...
    @property
    def now(self) -> datetime: ...
    @property
    def target(self) -> datetime | None: ...
    @property
    def hard(self) -> datetime | None: ...
    @property
    def warn_from(self) -> datetime | None: ...
    @property
    def stopped(self) -> datetime | None: ...
    @property
    def end(self) -> datetime | None: ...


@dataclass(frozen=True)
class Span:
    """A stretch of the bar, as fractions of its width."""

    x: float
    width: float


@dataclass(frozen=True)
class Tick:
    """A word under the bar: where, which instant, and what it is."""

    x: float
    kind: str  # start | warn | target | hard | stopped
    at: datetime
    anchor: str  # start | middle | end
    secondary: bool = False  # may be left out where room is short


@dataclass(frozen=True)
class Geometry:
    """Everything a drawing of one bar needs."""

    track: float
    run: float
    warn: Span | None
    hard_zone: Span | None
    over: Span | None
    target: float | None
    hard: float | None
    mark: float
    stopped: bool
    now_anchor: str
    ticks: tuple[Tick, ...]


def right_edge(start: datetime, instants: Iterable[datetime | None]) -> datetime:
    """The right edge that leaves a little room after the latest of the instants."""
    latest = max([start + timedelta(minutes=1), *(at for at in instants if at is not None)])
    return start + (latest - start) / (1 - MARGIN)


def anchor(x: float, margin: float = 0.08) -> str:
    """How to align a word so that it stays inside the bar."""
    if x < margin:
        return "start"
    return "end" if x > 1 - margin else "middle"


def geometry(bar: BarLike) -> Geometry:
    """Turn the instants of a bar into fractions of its width."""
    mark_at = bar.stopped or bar.now
    edge = bar.end or right_edge(bar.start, (bar.target, bar.hard, mark_at))
    length = max((edge - bar.start).total_seconds(), 1.0)

    def at(instant: datetime) -> float:
        return min(1.0, max(0.0, (instant - bar.start).total_seconds() / length))

    def span(left: float, right: float) -> Span | None:
        return Span(left, right - left) if right > left else None

    target = at(bar.target) if bar.target else None
    hard = at(bar.hard) if bar.hard and bar.hard != bar.target else None
    limits = [x for x in (target, hard) if x is not None]
    limit = max(limits, default=1 - MARGIN)
    first = target if target is not None else hard
    mark = at(mark_at)
    run = min(mark, limit)
    done = bar.stopped is not None
    warn = None
    if not done and bar.warn_from and first is not None:
        warn = span(max(at(bar.warn_from), run), first)
    return Geometry(
        track=limit,
        run=run,
        warn=warn,
        hard_zone=span(target, hard) if target is not None and hard is not None else None,
        over=span(limit, mark) if limits else None,
        target=target,
        hard=hard,
        mark=mark,
        stopped=done,
        now_anchor=anchor(mark, 0.12),
        ticks=_ticks(bar, at),
    )


def _ticks(bar: BarLike, at: Callable[[datetime], float]) -> tuple[Tick, ...]:
    """The words under the bar, the important ones first; a word too near to one is left out."""
    wanted: list[tuple[str, datetime | None]] = [
        ("target", bar.target),
        ("hard", bar.hard if bar.hard != bar.target else None),
        ("stopped", bar.stopped),
        ("start", bar.start),
        ("warn", bar.warn_from if bar.stopped is None else None),
    ]
    kept: list[Tick] = []
    for kind, instant in wanted:
        if instant is None:
            continue
        x = at(instant)
        room = 0.14 if kind in ("start", "stopped", "warn") else 0.0
        if any(abs(x - other.x) < room for other in kept):
            continue
        crowd = any(abs(x - other.x) < 0.3 for other in kept)
        secondary = kind == "warn" or (kind == "start" and crowd)
        kept.append(Tick(x, kind, instant, anchor(x), secondary))
    return tuple(sorted(kept, key=lambda tick: tick.x))
