"""术中指导: states of a session, its link by time, and what must be there before it starts.

Pure: instants come as arguments, the text of content/precheck.yaml comes as an argument. The
times without a link, and that nothing starts unless the operator can stop or convert safely
without it, are rules of the platform and of the law; thresholds of the link are content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import yaml

from jieli.rules.options.judging import ALONE, GUIDED
from jieli.rules.pathways import BadContent, Named, named
from jieli.rules.refusal import Refused

# ── states ───────────────────────────────────────────────────────────────────

PLANNED, RUNNING, DEGRADED, SUSPENDED = "planned", "running", "degraded", "suspended"
CONVERTED, ENDED, CANCELLED = "converted", "ended", "cancelled"
GOING = (RUNNING, DEGRADED, SUSPENDED)
OVER = (CONVERTED, ENDED, CANCELLED)
STATES = (PLANNED, *GOING, *OVER)

MOVES: Mapping[tuple[str, str], str] = {
    (PLANNED, "start"): RUNNING,
    (PLANNED, "cancel"): CANCELLED,
    (RUNNING, "lose"): DEGRADED,  # 40 s without the link
    (DEGRADED, "restore"): RUNNING,
    (DEGRADED, "suspend"): SUSPENDED,  # 120 s
    (RUNNING, "stop"): SUSPENDED,  # 安全停止, by the people in the theatre
    (DEGRADED, "stop"): SUSPENDED,
    (SUSPENDED, "continue"): SUSPENDED,  # alone, until the link is back
    (SUSPENDED, "restore"): RUNNING,  # only after somebody there has confirmed
    (SUSPENDED, "resume"): RUNNING,
    (RUNNING, "convert"): CONVERTED,
    (DEGRADED, "convert"): CONVERTED,
    (SUSPENDED, "convert"): CONVERTED,
    (RUNNING, "end"): ENDED,
    (DEGRADED, "end"): ENDED,
    (SUSPENDED, "end"): ENDED,
}
BY_PEOPLE = ("start", "cancel", "stop", "continue", "resume", "convert", "end")
NEEDS_REASON = ("cancel",)  # in the theatre one tap is enough


def after(status: str, move: str, *, confirmed: bool = False, linked: bool = True) -> str:
    """The state after `move`. `confirmed`: the local lead has said "continue" in this suspension.

    Raises Refused with the sentence that says why not.
    """
    found = MOVES.get((status, move))
    if found is None:
        raise _refusal(status)
    if status == SUSPENDED and move in ("restore", "end") and not confirmed:
        raise Refused("Confirm first whether you continue or convert.")
    if move == "continue" and confirmed:
        raise Refused("Somebody has confirmed this already.")
    if move == "resume" and not linked:
        raise Refused("The link is not back yet.")
    return found


def _refusal(status: str) -> Refused:
    if status in OVER:
        return Refused("This guidance has ended.")
    if status == PLANNED:
        return Refused("This guidance has not started.")
    return Refused("This cannot be done now: the guidance has moved on.")


def moves_from(status: str, *, confirmed: bool = False, linked: bool = True) -> list[str]:
    """What people may do now, in the order of the table."""
    found = []
    for move in BY_PEOPLE:
        try:
            after(status, move, confirmed=confirmed, linked=linked)
        except Refused:
            continue
        found.append(move)
    return found


# ── the link ─────────────────────────────────────────────────────────────────

DEGRADED_AFTER = timedelta(seconds=40)
SUSPENDED_AFTER = timedelta(seconds=120)
STAGES: Mapping[str, tuple[str, timedelta]] = {
    RUNNING: ("lose", DEGRADED_AFTER),
    DEGRADED: ("suspend", SUSPENDED_AFTER),
}
AHEAD = timedelta(seconds=60)  # a browser that corrects its clock is never so far ahead
LEAST_LIVE = timedelta(minutes=1)  # less is no guidance
STEPS = ("full", "fewer_feeds", "lower_picture", "stills", "voice", "text")
UP, DOWN = "up", "down"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From (included) until (not included)."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        return max(self.until - self.since, timedelta(0))


def next_stage(status: str, lost_since: datetime) -> tuple[str, datetime] | None:
    """What happens next without the link, and when."""
    if status not in STAGES:
        return None
    move, limit = STAGES[status]
    return move, lost_since + limit


def reported_at(at: datetime, *, started: datetime, now: datetime) -> datetime:
    """The instant of a report on the link: never before the start, never after now."""
    if at > now + AHEAD:
        raise Refused("The clock of this device is ahead: its report was not taken.")
    return max(min(at, now), started)


def covered(since: datetime | None, last_up: datetime | None, at: datetime) -> Span:
    """For how long a report says that the link was up.

    A browser says since when; without it the time from the report before, if that is near.
    """
    if since is not None:
        return Span(min(since, at), at)
    near = last_up is not None and at - last_up <= DEGRADED_AFTER
    return Span(last_up, at) if near and last_up and last_up <= at else Span(at, at)


def without(gap: Span, known: Span) -> list[Span]:
    """What is left of a gap when the link is known to have been up in `known`."""
    if known.until <= gap.since or known.since >= gap.until:
        return [gap]
    parts = [Span(gap.since, known.since), Span(known.until, gap.until)]
    return [part for part in parts if part.length]


def between(whole: Span, gaps: Iterable[Span]) -> list[Span]:
    """The parts of `whole` in no gap, in order."""
    found = [whole]
    for gap in gaps:
        found = [part for span in found for part in without(span, gap)]
    return sorted(span for span in found if span.length)


def shared(one: Iterable[Span], other: Iterable[Span]) -> timedelta:
    """How long both were going on. The spans of each do not overlap each other."""
    others = list(other)
    total = timedelta(0)
    for first in one:
        for second in others:
            both = Span(max(first.since, second.since), min(first.until, second.until))
            total += both.length
    return total


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans that overlap become one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.since <= found[-1].until:
            found[-1] = Span(found[-1].since, max(found[-1].until, span.until))
        else:
            found.append(span)
    return found


def was_live(up: Iterable[Span], guide_there: Iterable[Span], operation: Span) -> bool:
    """Whether an operation was guided from afar: the link up and the guide there, long enough."""
    here = joined(guide_there)
    both = [Span(max(a.since, b.since), min(a.until, b.until)) for a in joined(up) for b in here]
    return shared([span for span in both if span.length], [operation]) >= LEAST_LIVE


# ── the log ──────────────────────────────────────────────────────────────────

ENTRIES = ("advice", "step", "finding", "blood_loss", "specimen", "lead", "note")
LEADS = ("operator", "guide", "anaesthetist")
MOST_BLOOD = 100_000  # ml


def check_entry(kind: str, text: str, amount: int | None) -> None:
    """One tap is enough for most; a note needs words, blood loss an amount, the lead a name."""
    if kind not in ENTRIES:
        raise Refused("There is no such kind of entry.")
    if kind == "note" and not text.strip():
        raise Refused("Write something first.")
    if kind == "blood_loss" and (amount is None or not 0 <= amount <= MOST_BLOOD):
        raise Refused("Write the blood loss in mL.")
    if kind != "blood_loss" and amount is not None:
        raise Refused("Only blood loss has an amount.")
    if kind == "lead" and text not in LEADS:
        raise Refused("Say who has the lead now.")


# ── before the start ─────────────────────────────────────────────────────────

# Rules of the platform and of the law: they stop a start whether content is approved or not.
PLATFORM = (
    "stop", "privilege", "agreement", "authority", "consent", "responsible", "telephone",
)  # fmt: skip
LEVEL_4 = ("mdt", "time_out")
CONTENT = ("link", "dual_path", "introduced", "teaching")  # they stop it once it is approved
ITEMS = (*PLATFORM, *LEVEL_4, *CONTENT)
COMPUTED = ("privilege", "agreement", "authority", "consent", "time_out", "mdt")
ANSWERED = ("stop", "responsible", "telephone", "link", "dual_path", "introduced", "teaching")
EITHER = ("dual_path", "teaching")  # "no" is an answer that stops nothing
EXCEPTED = ("authority", "mdt", "consent")  # by a life-saving exception
HIGHEST = 4
YES, NO, OPEN, EXCEPTION = "yes", "no", "open", "exception"


def asked(level: int | None) -> tuple[str, ...]:
    """The items of an operation of this level."""
    return tuple(item for item in ITEMS if item not in LEVEL_4 or level == HIGHEST)


def is_there(item: str, state: str) -> bool:
    return state in (YES, EXCEPTION) or (state == NO and item in EITHER)


def blocks(item: str, level: int | None, *, approved: bool) -> bool:
    """Whether nothing starts without it."""
    return item in asked(level) and (approved or item not in CONTENT)


def lacking(states: Mapping[str, str], level: int | None, *, approved: bool) -> list[str]:
    """What still keeps a session from starting, in the order in which it is asked."""
    return [
        item
        for item in asked(level)
        if blocks(item, level, approved=approved) and not is_there(item, states.get(item, OPEN))
    ]


def excepted(state: str, *, exception: bool, refused: bool = False) -> str:
    """A life-saving exception stands in for what is not there; never against a refusal."""
    return EXCEPTION if exception and state != YES and not refused else state


@dataclass(frozen=True, slots=True)
class Held:
    """A privilege that counts: which technique, up to which level, with which entrustment."""

    technique: int
    level: int
    entrustment: int


GUIDE, OPERATOR = ALONE, GUIDED  # the least entrustment of each


def unauthorised(wanted: Mapping[int, int | None], held: Iterable[Held], least: int) -> list[int]:
    """Techniques (with their level) for which none of the privileges is enough."""
    rows = list(held)
    return [
        technique
        for technique, level in wanted.items()
        if not any(
            row.technique == technique and row.level >= (level or 1) and row.entrustment >= least
            for row in rows
        )
    ]


@dataclass(frozen=True, slots=True)
class Measured:
    """The link as it was measured."""

    seconds: int  # covered by the measurement
    median_ms: int
    p95_ms: int
    loss: int  # lost packets in a thousand


@dataclass(frozen=True, slots=True)
class Wanted:
    """What content asks of the link."""

    seconds: int
    p95_ms: int
    loss: int


def link_suffices(measured: Measured, wanted: Wanted) -> bool:
    return (
        measured.seconds >= wanted.seconds
        and measured.p95_ms <= wanted.p95_ms
        and measured.loss <= wanted.loss
    )


# ── content ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Precheck:
    """content/precheck.yaml: the names of the items, and what is asked of the link."""

    version: str
    status: str
    items: tuple[Named, ...]
    link: Wanted

    def item(self, code: str) -> Named:
        return {item.code: item for item in self.items}[code]


ITEM_KEYS = frozenset(["code", "name", "name_en", "source"])


def read(text: str) -> Precheck:
    """Raises BadContent with one sentence that names the place."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadContent(f"precheck: no YAML: {error}") from error
    if not isinstance(given, dict) or not given.get("version"):
        raise BadContent("precheck: needs version, link and items")
    items = tuple(_item(each, f"items[{n}]") for n, each in enumerate(given.get("items") or []))
    codes = sorted(item.code for item in items)
    if codes != sorted(ITEMS):
        raise BadContent(f"items: must be {', '.join(sorted(ITEMS))}, each once")
    wanted = _wanted(given.get("link"))
    return Precheck(str(given["version"]), str(given.get("status", "draft")), items, wanted)


def _item(given: Any, where: str) -> Named:
    if not isinstance(given, dict):
        raise BadContent(f"{where}: must be a mapping")
    if unknown := set(given) - ITEM_KEYS:
        raise BadContent(f"{where}: unknown key {sorted(unknown)[0]}")
    for name in ("code", "name", "name_en", "source"):
        if not given.get(name):
            raise BadContent(f"{where}: needs {name}")
    return Named(**named(given))


def _wanted(given: Any) -> Wanted:
    keys = ("seconds", "p95_ms", "loss")
    if not isinstance(given, dict) or set(given) != set(keys):
        raise BadContent(f"link: needs {', '.join(keys)}, and nothing else")
    if not all(isinstance(given[key], int) and given[key] > 0 for key in keys):
        raise BadContent("link: whole numbers above 0")
    return Wanted(**given)


# ── the events on a line ─────────────────────────────────────────────────────

NEAR = 11.0  # percent of the line: half of what the longest words take


def place(at: datetime, line: Span) -> float:
    """Where on a line of 0 to 100 an instant stands."""
    if not line.length:
        return 0.0
    share = (at - line.since) / line.length
    return round(min(max(share, 0.0), 1.0) * 100, 2)


def rows(places: Sequence[float], now: float | None = None) -> list[int]:
    """0 above the line, 1 below it, -1 for a mark without words because its neighbours have them.

    `places` in order. `now`: where the word for this instant stands, below the line.
    """
    found: list[int] = []
    last = [-100.0, -100.0]
    for x in places:
        free = [row for row in (0, 1) if x - last[row] >= 2 * NEAR]
        if now is not None and abs(now - x) < 2 * NEAR:
            free = [row for row in free if row == 0]
        row = free[0] if free else -1
        if row >= 0:
            last[row] = x
        found.append(row)
    return found
