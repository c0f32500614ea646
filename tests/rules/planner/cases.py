"""Short ways to write instances."""

from __future__ import annotations

from typing import Any

from jieli.rules.planner import Plan, answers, instance, plan

Json = Any


def ln(median: float, sigma: float, *shift: float) -> Json:
    return {"lognormal": [median, sigma, *shift]}


def add(*terms: Json) -> Json:
    return {"add": list(terms)}


def join(*terms: Json) -> Json:
    return {"join": list(terms)}


def choose(*terms: Json) -> Json:
    return {"choose": list(terms)}


def calendar(after: Json, cutoff: float, *departures: tuple[float, float]) -> Json:
    legs = [list(leg) for leg in departures]
    return {"calendar": {"after": after, "cutoff": cutoff, "departures": legs}}


def curfew(after: Json, then: Json, *closed: tuple[float, float]) -> Json:
    return {"curfew": {"after": after, "closed": [list(s) for s in closed], "then": then}}


def option(id: str, time: Json, template: str = "LOCAL", **more: Json) -> Json:
    return {"id": id, "template": template, "time": time, **more}


def case(*options: Json, windows: list[float] | None = None, **more: Json) -> Json:
    return {"case": {"windows": windows or [1440], **more}, "options": list(options)}


def planned(*options: Json, **more: Json) -> Plan:
    return plan(instance(case(*options, **more)))


def answered(*options: Json, **more: Json) -> Json:
    return answers.as_json(planned(*options, **more))


def chance(time: Json, window: float) -> float:
    """P(T <= window) of one expression."""
    return planned(option("o", time), windows=[window])["o"].figures.chance(window)
