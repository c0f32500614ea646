"""What a story asserts, computed from the exported record of its case, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jieli.rules.operations import MODES

Export = Mapping[str, Any]
TOLERANCE = 0.01


@dataclass(frozen=True)
class Result:
    name: str
    expected: Any
    actual: Any
    ok: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "expected": self.expected,
            "actual": self.actual,
            "ok": self.ok,
        }


# -- reading the export ----------------------------------------------------------------------------


def _clock(export: Export, name: str) -> Mapping[str, Any] | None:
    """The clock of the first request; a story may ask several times."""
    found = [clock for clock in export.get("clocks", []) if clock["name"] == name]
    return min(found, key=lambda clock: clock["started_at"], default=None)


def _minutes(name: str) -> Callable[[Export], float | None]:
    def read(export: Export) -> float | None:
        clock = _clock(export, name)
        return clock["minutes"] if clock and clock.get("stopped_at") else None

    return read


def _met(name: str, which: str) -> Callable[[Export], bool | None]:
    def read(export: Export) -> bool | None:
        clock = _clock(export, name)
        return clock[which] if clock else None

    return read


def _between(first: str, second: str) -> float:
    earlier, later = datetime.fromisoformat(first), datetime.fromisoformat(second)
    return round((later - earlier).total_seconds() / 60, 4)


def _first(rows: Sequence[Mapping[str, Any]], key: str) -> Mapping[str, Any] | None:
    return min(rows, key=lambda row: row[key], default=None)


def _request_to_opinion(export: Export) -> float | None:
    request = _first(export.get("requests", []), "raised_at")
    opinion = _first(export.get("opinions", []), "signed_at")
    if request is None or opinion is None:
        return None
    return _between(request["raised_at"], opinion["signed_at"])


def _opinion_to_decision(export: Export) -> float | None:
    opinion = _first(export.get("opinions", []), "signed_at")
    decision = _first(export.get("decisions", []), "signed_at")
    if opinion is None or decision is None:
        return None
    return _between(opinion["signed_at"], decision["signed_at"])


def _signers_differ(export: Export) -> bool | None:
    advised = {row["author"]["number"] for row in export.get("opinions", [])}
    decided = {row["author"]["number"] for row in export.get("decisions", [])}
    if not advised or not decided:
        return None
    return not advised & decided


def _said(verb: str) -> Callable[[Export], list[Mapping[str, Any]]]:
    return lambda export: [e for e in export.get("events", []) if e["verb"] == verb]


def _accepted_by(export: Export) -> str | None:
    """Who accepted first, a duty officer counted."""
    verbs = ("request_accepted", "request_received")
    accepted = [e for e in export.get("events", []) if e["verb"] in verbs]
    first = _first(accepted, "seq")
    return first["actor"]["name"] if first and first["actor"] else None


def _expert(export: Export) -> str | None:
    opinion = _first(export.get("opinions", []), "signed_at")
    return opinion["author"]["name"] if opinion else None


def _count(part: str) -> Callable[[Export], int]:
    return lambda export: len(export.get(part, []))


def _best_option(export: Export) -> str | None:
    """The way that the sheet put first when it was decided on; else the latest sheet's."""
    sheets = export.get("sheets", [])
    signed = [sheet for sheet in sheets if sheet["choice"]]
    found = (signed or sheets)[-1:]
    return found[0]["best_option"] if found else None


def _none_feasible(export: Export) -> bool | None:
    """Whether the latest sheet has no option that nothing bars."""
    sheets = export.get("sheets", [])
    return bool(sheets[-1]["answer"]["none_feasible"]) if sheets else None


def _option_hours(template: str) -> Callable[[Export], float | None]:
    """Hours from T+0 at which the soonest way of this kind has treatment begun, in the middle."""

    def read(export: Export) -> float | None:
        for sheet in reversed(export.get("sheets", [])):
            begun = _between(export["t0"], sheet["t0"])
            options = sheet["answer"]["options"]
            found = [
                options[name]["p50"]
                for name, kind in sheet["templates"].items()
                if kind == template and options[name]["p50"] is not None
            ]
            if found:
                return round((begun + min(found)) / 60, 1)
        return None

    return read


def _twins_barred(export: Export) -> bool | None:
    """Whether birth on the way barred every transfer of a case of twins in labour."""
    for case in export.get("cases", [export]):
        for sheet in reversed(case.get("sheets", [])):
            if sheet["pathway"] == "threatened_preterm_twins":
                options = sheet["answer"]["options"]
                moved = [n for n, kind in sheet["templates"].items() if kind == "TRANSFER"]
                return bool(moved) and all("C4" in options[name]["barred"] for name in moved)
    return None


def _target_miss(export: Export) -> float | None:
    """Minutes from T+0 at which it was said that no option makes a window any more."""
    said = _first(_said("target_out_of_reach")(export), "occurred_at")
    return _between(export["t0"], said["occurred_at"]) if said and "t0" in export else None


def _announced(export: Export) -> float | None:
    """Minutes after the request at which the first missed target was recorded."""
    request = _first(export.get("requests", []), "raised_at")
    missed = _first(_said("clock_target_missed")(export), "occurred_at")
    if request is None or missed is None:
        return None
    return _between(request["raised_at"], missed["occurred_at"])


def _transfer_out(export: Export) -> bool:
    """Whether a patient left with a transfer; the way back is none."""
    missions = export.get("missions", [])
    return any(m["kind"] == "transfer" and m["left_at"] for m in missions)


def _gates(export: Export) -> int:
    """Signed and not struck out."""
    return sum(row["wrong_at"] is None for row in export.get("checklists", []))


def _time_outs_first(export: Export) -> bool:
    """Every operation had its time-out before the incision; none without an operation."""
    signed = {
        row["operation"]: row["occurred_at"]
        for row in export.get("checklists", [])
        if row["gate"] == "time_out" and row["wrong_at"] is None
    }
    begun = sorted(row["started_at"] for row in export.get("procedures", []))
    return bool(begun) and all(
        n in signed and datetime.fromisoformat(signed[n]) <= datetime.fromisoformat(at)
        for n, at in enumerate(begun, 1)
    )


def _operations(level: int | None = None, mode: str = "") -> Callable[[Export], int]:
    """How many operations of all cases, of a level and in a mode where these are named."""

    def count(export: Export) -> int:
        return sum(
            (level is None or row["level"] == level) and (not mode or row["mode"] == mode)
            for case in export.get("cases", [export])
            for row in case.get("procedures", [])
            if not row["entered_in_error"]
        )

    return count


def _sessions(export: Export) -> list[Mapping[str, Any]]:
    """Sessions of guidance of all cases that have started."""
    cases = export.get("cases", [export])
    return [s for case in cases for s in case.get("guidance", []) if s["started_at"]]


def _told(verb: str) -> Callable[[Export], int]:
    """How often the records of all cases tell of it."""
    return lambda export: sum(len(_said(verb)(case)) for case in export.get("cases", [export]))


def _entries(export: Export) -> int:
    return sum(row["wrong_at"] is None for s in _sessions(export) for row in s["entries"])


def _guidance_status(export: Export) -> str | None:
    """Of the last session that was planned, whichever case it is of."""
    cases = export.get("cases", [export])
    planned = [s for case in cases for s in case.get("guidance", [])]
    return max(planned, key=lambda s: s["planned_at"])["status"] if planned else None


def _with_mdt(export: Export) -> int:
    """Operations of level 4 whose signed MDT document was named before the incision."""
    return sum(
        any(
            _is_before(paper["at"], row["started_at"])
            for session in case.get("guidance", [])
            for paper in session["mdt"]
            if not paper["entered_in_error"]
        )
        for case in export.get("cases", [export])
        for row in case.get("procedures", [])
        if row["level"] == 4 and not row["entered_in_error"]
    )


def _is_before(one: str, other: str) -> bool:
    return datetime.fromisoformat(one) <= datetime.fromisoformat(other)


# What can only be said when the case has this clock.
NEEDS_CLOCK = dict.fromkeys(("C2_minutes", "C2_target_met", "C2_hard_met"), "definitive_care")


def is_absent(name: str, export: Export | None) -> bool:
    """Nothing computes it, or the case never had the clock that it is about."""
    clock = NEEDS_CLOCK.get(name)
    return name not in NAMES or bool(clock and export and _clock(export, clock) is None)


NAMES: dict[str, Callable[[Export], Any]] = {
    "C1a_minutes": _minutes("accept"),
    "C1b_minutes": _minutes("expert_live"),
    "C1a_target_met": _met("accept", "target_met"),
    "C1b_target_met": _met("expert_live", "target_met"),
    "C2_minutes": _minutes("definitive_care"),
    "C2_target_met": _met("definitive_care", "target_met"),
    "C2_hard_met": _met("definitive_care", "hard_met"),
    "transfer_out": _transfer_out,
    "level4_operations": _operations(4),
    **{f"level4_{mode}": _operations(4, mode) for mode in MODES},
    **{mode: _operations(None, mode) for mode in MODES},
    "level4_mdt_done": _with_mdt,
    "guidance_sessions": lambda export: len(_sessions(export)),
    "guidance_degraded": _told("guidance_degraded"),
    "guidance_suspended": _told("guidance_suspended"),
    "guidance_corrected": _told("guidance_gap_corrected"),
    "guidance_converted": _told("guidance_converted"),
    "guidance_entries": _entries,
    "guidance_status": _guidance_status,
    "gates_signed": _gates,
    "time_out_before_incision": _time_outs_first,
    "missions": _count("missions"),
    "procedures": _count("procedures"),
    "opinion_minutes": _minutes("opinion"),
    "opinion_target_met": _met("opinion", "target_met"),
    "read_minutes": _minutes("read_and_understood"),
    "decision_minutes": _minutes("decision"),
    "consent_minutes": _minutes("consent_to_remote_consult"),
    "request_to_opinion_minutes": _request_to_opinion,
    "opinion_to_decision_minutes": _opinion_to_decision,
    "first_missed_target_minutes": _announced,
    "best_option": _best_option,
    "target_miss_announced_minute": _target_miss,
    "none_feasible": _none_feasible,
    "local_option_hours": _option_hours("LOCAL"),
    "transfer_option_hours": _option_hours("TRANSFER"),
    "twins_transfer_barred": _twins_barred,
    "sheets": _count("sheets"),
    "opinion_signed": lambda export: bool(export.get("opinions")),
    "decision_signed": lambda export: bool(export.get("decisions")),
    "opinion_and_decision_signers_differ": _signers_differ,
    "opinions": _count("opinions"),
    "decisions": _count("decisions"),
    "requests": _count("requests"),
    "events": _count("events"),
    "rings": lambda export: len(_said("ring_started")(export)),
    "declines": lambda export: len(_said("ring_declined")(export)),
    "accepted_by": _accepted_by,
    "advised_by": _expert,
    "case_status": lambda export: export["case"].get("status"),
    "case_urgency": lambda export: export["case"].get("urgency"),
    "chain_verified": lambda export: export["chain"]["verified"],
}


# -- comparing -------------------------------------------------------------------------------------

_COMPARISON = re.compile(r"^\s*(≥|>=|≤|<=|>|<|≠|!=|=|==)\s*(-?\d+(?:\.\d+)?)\s*$")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "≥": lambda actual, limit: actual >= limit - 1e-9,
    "≤": lambda actual, limit: actual <= limit + 1e-9,
    ">": lambda actual, limit: actual > limit,
    "<": lambda actual, limit: actual < limit,
    "≠": lambda actual, limit: abs(actual - limit) > TOLERANCE,
    "=": lambda actual, limit: abs(actual - limit) <= TOLERANCE,
}
_SPELLED = {">=": "≥", "<=": "≤", "!=": "≠", "==": "="}


def holds(expected: Any, actual: Any) -> bool:
    """Numbers within a hundredth; `>= 0.8` compares; all else is equal or not."""
    if isinstance(expected, str) and (match := _COMPARISON.match(expected)):
        if not _is_number(actual):
            return False
        sign = _SPELLED.get(match[1], match[1])
        return _COMPARE[sign](float(actual), float(match[2]))
    if _is_number(expected) and _is_number(actual):
        return abs(float(expected) - float(actual)) <= TOLERANCE
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return bool(expected == actual)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check(name: str, expected: Any, export: Export | None) -> Result:
    """The assertion's result; without a case nothing holds."""
    actual = NAMES[name](export) if export is not None else None
    return Result(name, expected, actual, holds(expected, actual))
