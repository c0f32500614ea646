"""Duty rosters: gaps, the proof that a night telephone rings, rest between turns.

Cautions never stop anybody: who makes the roster decides. Being in two places at once is refused
by the database, not here.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from jieli.rules.nights import NIGHT_FROM, NIGHT_TO

PROOF_HOLDS = timedelta(days=7)  # a test ring older than this proves nothing
TEST_HOLDS = timedelta(minutes=15)  # after a test ring; a ring later than this was another ring
REST = timedelta(hours=11)
DAYS_IN_A_ROW = 2
EVENING = timedelta(hours=4)  # a night turn may begin so long before the night
HANDOVER = time(8)  # when a roster does not tell
IN_HOUSE = ("first", "officer")  # second and director sleep at home: no rest rule for them
BY_NIGHT = ("first", "second", "officer")  # whom a night call must reach


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From `start` up to, but not including, `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    person: int
    line: str
    window: Window


@dataclass(frozen=True, slots=True)
class Gap:
    line: str
    window: Window
    why: str  # nobody, no_night_channel
    people: tuple[int, ...] = ()  # who is rostered but cannot be woken


@dataclass(frozen=True, slots=True)
class Caution:
    kind: str  # short_rest, days_in_a_row
    person: int
    at: datetime
    amount: float  # hours of rest, or days


def is_proven(proven_at: datetime | None, at: datetime) -> bool:
    """Whether a test ring is fresh enough to trust the channel at `at`."""
    return proven_at is not None and at - proven_at <= PROOF_HOLDS


def local_day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def instant(day: date, clock: time, zone: str) -> datetime:
    return datetime.combine(day, clock, ZoneInfo(zone))


# -- windows -----------------------------------------------------------------------------------


@lru_cache(maxsize=4096)  # one turn is the turn of many people, seen from every hospital's board
def nights(window: Window, zone: str) -> tuple[Window, ...]:
    """The nights inside a window, cut to it."""
    return tuple(_nights(window, zone))


def has_night(window: Window, zone: str) -> bool:
    return bool(nights(window, zone))


def _nights(window: Window, zone: str) -> Iterator[Window]:
    day, last = local_day(window.start, zone) - timedelta(days=1), local_day(window.end, zone)
    while day <= last:
        night = Window(
            instant(day, NIGHT_FROM, zone), instant(day + timedelta(days=1), NIGHT_TO, zone)
        )
        if part := overlap(night, window):
            yield part
        day += timedelta(days=1)


def overlap(one: Window, other: Window) -> Window | None:
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Window(start, end) if start < end else None


def without(windows: Iterable[Window], taken: Iterable[Window]) -> list[Window]:
    """What is left of `windows` when `taken` is cut out."""
    left = sorted(windows)
    for cut in taken:
        left = [piece for window in left for piece in _cut(window, cut)]
    return left


def _cut(window: Window, cut: Window) -> list[Window]:
    if not overlap(window, cut):
        return [window]
    pieces = [Window(window.start, cut.start), Window(cut.end, window.end)]
    return [piece for piece in pieces if piece.start < piece.end]


# -- gaps --------------------------------------------------------------------------------------


def gaps(
    turns: Collection[Turn],
    line: str,
    window: Window,
    *,
    zone: str,
    night_ready: Collection[int],
    now: datetime,
) -> list[Gap]:
    """Where a line has nobody, or at night nobody who can be woken.

    Nights that are over are not judged by today's channels: the proof of then is not kept.
    """
    ours = [turn for turn in turns if turn.line == line]
    found = [Gap(line, left, "nobody") for left in without([window], (t.window for t in ours))]
    if ours and line in BY_NIGHT:
        ready = [turn.window for turn in ours if turn.person in night_ready]
        ahead = [night for night in nights(window, zone) if night.end > now]
        rostered = [
            part for night in ahead for turn in ours if (part := overlap(night, turn.window))
        ]
        for left in merged(without(rostered, ready)):
            asleep = {turn.person for turn in ours if overlap(turn.window, left)}
            found.append(Gap(line, left, "no_night_channel", tuple(sorted(asleep))))
    return sorted(found, key=lambda gap: (gap.window, gap.why))


def merged(windows: Iterable[Window]) -> list[Window]:
    whole: list[Window] = []
    for window in sorted(windows):
        if whole and window.start <= whole[-1].end:
            whole[-1] = Window(whole[-1].start, max(whole[-1].end, window.end))
        else:
            whole.append(window)
    return whole


def extent(gap: Window, day: Window, zone: str) -> str:
    """How a gap is spoken of: the whole `day`, the `night`, or its `hours`."""
    if gap.start <= day.start and gap.end >= day.end:
        return "day"
    for night in nights(day, zone):
        evening = night.start - gap.start
        if timedelta(0) <= evening <= EVENING and gap.end >= night.end:
            return "night"
    return "hours"


def handover(turns: Iterable[Turn], zone: str) -> time:
    """The time at which most turns of the first line begin."""
    seen: dict[time, int] = {}
    for turn in turns:
        if turn.line == "first":
            begins = turn.window.start.astimezone(ZoneInfo(zone)).time()
            seen[begins] = seen.get(begins, 0) + 1
    return min(seen, key=lambda begins: (-seen[begins], begins)) if seen else HANDOVER


# -- rest --------------------------------------------------------------------------------------


def cautions(turns: Iterable[Turn], zone: str) -> list[Caution]:
    """Too little rest, or too many days in a row, for each person in the house."""
    by_person: dict[int, list[Window]] = {}
    for turn in turns:
        if turn.line in IN_HOUSE:
            by_person.setdefault(turn.person, []).append(turn.window)
    found = []
    for person, windows in by_person.items():
        windows.sort()
        found += _short_rests(person, windows)
        found += _long_runs(person, windows, zone)
    return sorted(found, key=lambda found: (found.at, found.person, found.kind))


def _short_rests(person: int, windows: list[Window]) -> list[Caution]:
    """Turns that touch are one turn with no rest in between: said by the days in a row."""
    return [
        Caution("short_rest", person, later.start, (later.start - earlier.end) / timedelta(hours=1))
        for earlier, later in pairwise(windows)
        if timedelta(0) < later.start - earlier.end < REST
    ]


def _long_runs(person: int, windows: list[Window], zone: str) -> list[Caution]:
    found = []
    days = sorted({local_day(window.start, zone) for window in windows})
    run: list[date] = []
    for day in [*days, date.max]:
        if run and day - run[-1] != timedelta(days=1):
            if len(run) > DAYS_IN_A_ROW:
                first = next(w.start for w in windows if local_day(w.start, zone) == run[0])
                found.append(Caution("days_in_a_row", person, first, len(run)))
            run = []
        run.append(day)
    return found
