"""视频房间: who may do what in a room, and what may be written into its log. Pure.

Coordinates are whole numbers from 0 to 10,000 of a feed's width and height, so that a stroke lies
on the same tissue on every screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jieli.rules.refusal import Refused

# ── roles ────────────────────────────────────────────────────────────────────

OPERATOR, EXPERT, BEDSIDE = "operator", "expert", "bedside"
ANAESTHESIA, NURSE, COORDINATOR = "anaesthesia", "nurse", "coordinator"
LEARNER = "learner"
SPEAKER, ASKING = "speaker", "asking"  # of a lecture: who leads it; a listener who may speak now
ROLES = (OPERATOR, EXPERT, BEDSIDE, ANAESTHESIA, NURSE, COORDINATOR, LEARNER, SPEAKER, ASKING)

SPEAK, SHOW, DRAW, WRITE, HAND = "speak", "show", "draw", "write", "hand"
POWERS: Mapping[str, frozenset[str]] = {
    OPERATOR: frozenset({SPEAK, SHOW, DRAW, WRITE}),
    EXPERT: frozenset({SPEAK, SHOW, DRAW, WRITE}),
    BEDSIDE: frozenset({SPEAK, SHOW, DRAW, WRITE}),
    ANAESTHESIA: frozenset({SPEAK, SHOW, WRITE}),
    NURSE: frozenset({SPEAK, SHOW, DRAW, WRITE}),
    COORDINATOR: frozenset({SPEAK, SHOW, WRITE}),
    LEARNER: frozenset({HAND}),  # watches only
    SPEAKER: frozenset({SPEAK, SHOW, DRAW, WRITE}),
    ASKING: frozenset({SPEAK, HAND}),
}


def roles_of(*, treating: bool, asked: bool, desk: bool) -> tuple[str, ...]:
    """Which places in a room of a case a person may take; the first is offered first."""
    found: list[str] = []
    if asked:
        found.append(EXPERT)
    if treating:
        found += [BEDSIDE, OPERATOR, ANAESTHESIA, NURSE]
    if desk:
        found.append(COORDINATOR)
    return (*found, LEARNER)


def check_role(role: str, allowed: tuple[str, ...]) -> None:
    if role not in allowed:
        raise Refused("You cannot join this room in that role.")


# ── limits ───────────────────────────────────────────────────────────────────

TICKET = timedelta(minutes=2)  # from the page to the open line
PEERS = 8  # seats of one person in one room: devices and tabs
SEEN = timedelta(seconds=40)  # without a sign of life for so long a seat is empty
BACK = timedelta(seconds=20)  # a line that breaks may come back before anybody is told

MESSAGE = 64_000  # bytes of one message on the line
STATE = 6_000  # bytes of what a seat says about itself
POINTS = 4_000  # numbers of one stroke: x, y, x, y, …
TEXT = 400
RATE, BURST = 60, 240  # messages a second of one line in the long run, and at once
LINES = 60_000  # of one room: an operation of ten hours writes some thousands
GRID = 10_000

# ── the log ──────────────────────────────────────────────────────────────────

STROKE, UNDO, CLEAR = "stroke", "undo", "clear"
FREEZE, LIVE, KEPT = "freeze", "live", "kept"
RAISED, TEXT_LINE, STEP = "hand", "text", "step"
NEEDS: Mapping[str, str] = {
    STROKE: DRAW,
    UNDO: DRAW,
    CLEAR: DRAW,
    LIVE: DRAW,
    KEPT: DRAW,
    RAISED: HAND,
    TEXT_LINE: WRITE,
    STEP: WRITE,
}
TOOLS = ("pen", "arrow", "circle", "line")
STEPS = ("full", "fewer_feeds", "lower_picture", "stills", "voice", "text")


def may(role: str, power: str) -> bool:
    return power in POWERS.get(role, frozenset())


def check_line(role: str, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What of a line is stored; refused when its writer may not or it makes no sense."""
    needed = NEEDS.get(kind)
    if needed is None:
        raise Refused("This kind of line is not known.")
    if kind == TEXT_LINE and role in (LEARNER, ASKING):
        needed = HAND  # a question, asked in writing
    if not may(role, needed):
        raise Refused("Your role in this room does not allow that.")
    return CHECKS[kind](data)


def _stroke(data: Mapping[str, Any]) -> dict[str, Any]:
    points, tool = data.get("p"), data.get("tool")
    if tool not in TOOLS or not isinstance(points, list) or not 4 <= len(points) <= POINTS:
        raise Refused("This drawing cannot be read.")
    if len(points) % 2 or not all(isinstance(n, int) and 0 <= n <= GRID for n in points):
        raise Refused("This drawing cannot be read.")
    kept = {"tool": tool, "p": points, "frame": _word(data, "frame"), "ms": _whole(data, "ms")}
    if label := _word(data, "label", 60):
        kept["label"] = label
    return kept


def _undo(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"of": _word(data, "of")}


def _surface(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"frame": _word(data, "frame")}


def _kept(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"frame": _word(data, "frame"), "document": _word(data, "document")}


def _hand(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"up": data.get("up") is True}


def _text(data: Mapping[str, Any]) -> dict[str, Any]:
    text = _word(data, "text", TEXT)
    if not text:
        raise Refused("Write something first.")
    return {"text": text}


def _step(data: Mapping[str, Any]) -> dict[str, Any]:
    if data.get("step") not in STEPS:
        raise Refused("This step is not known.")
    return {"step": data["step"], "kbps": _whole(data, "kbps"), "to": _word(data, "to")}


CHECKS = {
    STROKE: _stroke,
    UNDO: _undo,
    CLEAR: _surface,
    LIVE: _surface,
    KEPT: _kept,
    RAISED: _hand,
    TEXT_LINE: _text,
    STEP: _step,
}


def _word(data: Mapping[str, Any], name: str, longest: int = 40) -> str:
    value = data.get(name, "")
    return value.strip()[:longest] if isinstance(value, str) else ""


def _whole(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name, 0)
    return int(value) if isinstance(value, int | float) and 0 <= value < 2**53 else 0


# ── what a page measures ─────────────────────────────────────────────────────

MINUTE = 65  # seconds that one measurement may cover
SLOWEST = 600_000  # ms


def check_minute(data: Mapping[str, Any]) -> dict[str, int] | None:
    """A page's figures of about a minute; None for what is no measurement."""
    found = {name: _whole(data, name) for name in ("seconds", "middle_ms", "high_ms", "lost")}
    if not 1 <= found["seconds"] <= MINUTE or not 0 < found["middle_ms"] <= found["high_ms"]:
        return None
    if found["high_ms"] > SLOWEST or found["lost"] > 1000:
        return None
    return found


# ── how fast one line may write ──────────────────────────────────────────────


class Bucket:
    """A leaky bucket: `RATE` messages a second, `BURST` at once. Time is an argument."""

    def __init__(self, now: float, rate: float = RATE, burst: float = BURST) -> None:
        self.rate, self.burst, self.level, self.at = rate, burst, burst, now

    def take(self, now: float, cost: float = 1) -> bool:
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < cost:
            return False
        self.level -= cost
        return True
