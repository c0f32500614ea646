"""The answer as it is printed: plain values, the same bytes for the same instance."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from jieli.rules.planner import assignment, explain
from jieli.rules.planner.instances import instance
from jieli.rules.planner.planning import Plan, Verdict, plan
from jieli.rules.planner.reading import BadInstance, loads
from jieli.rules.planner.sensitivities import Change, changes

CHANCE_DIGITS = 6
MINUTE_DIGITS = 2


def answer(text: bytes) -> bytes:
    """From the file of one case, or of several, to the answer; or BadInstance."""
    given = loads(text)
    if isinstance(given, dict) and {"cases", "u"}.intersection(given):
        mixed = {"case", "options"}.intersection(given)
        if mixed:
            raise BadInstance("", "one case (case, options) and several (cases, u) are mixed")
        return _printed(_assigned(assignment.assign(assignment.cases(given))))
    found = plan(instance(given))
    return _printed(as_json(found, changes(found)))


def as_json(plan: Plan, found: Iterable[Change] = ()) -> dict[str, Any]:
    by_option: dict[str, list[Change]] = {}
    for change in found:
        by_option.setdefault(change.option, []).append(change)
    return {
        "ranked": list(plan.ranked),
        "none_feasible": not plan.ranked,
        "options": {v.id: _verdict(plan, v, by_option.get(v.id, ())) for v in plan.verdicts},
        "announce": [str(sentence) for sentence in explain.announce(plan)],
    }


def _verdict(plan: Plan, verdict: Verdict, found: Iterable[Change]) -> dict[str, Any]:
    one = verdict.figures
    quantiles = zip(("p10", "p50", "p90"), verdict.quantiles, strict=True)
    would = [*explain.relaxed(verdict.relaxation), *map(explain.changed, found)]
    return {
        "barred": list(one.bars),
        "p": {explain.plain(window): _chance(p) for window, p in one.chances},
        "mean": _minutes(one.mean),
        **{name: _minutes(minute) for name, minute in quantiles},
        "p_event_en_route": {name: _chance(p) for name, p in one.journey.en_route},
        "u": _chance(verdict.value),
        "equivalent_to": list(verdict.equivalent_to),
        "why": " ".join(str(sentence) for sentence in explain.why(plan, verdict)),
        "would_change": [str(sentence) for sentence in would],
    }


def _assigned(found: assignment.Assignment) -> dict[str, Any]:
    return {"assignment": dict(found.given), "sum": round(found.total, 9)}


def _chance(value: float) -> float:
    return round(value, CHANCE_DIGITS) + 0.0


def _minutes(value: float | None) -> float | None:
    return None if value is None else round(value, MINUTE_DIGITS) + 0.0


def _printed(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
