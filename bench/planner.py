"""What one decision sheet costs, against lots drawn from the same options, and how exact it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.report import Report, percentile, spread
from jieli.rules.planner import changes, instance, plan
from jieli.rules.planner.expressions import evaluate
from jieli.rules.planner.parsing import expression
from tests.rules.planner.draws import draw

DRAWS = 2_000_000
TEAM_LEGS = [{"lognormal": [20, 0.5]}, {"lognormal": [45, 0.2]}, {"lognormal": [80, 0.25]}]
WINDOWS = [840, 960, 1440]


def measure(report: Report) -> None:
    for options in (8, 12, 50, 100, 500):
        _ranks(report, options)
    _sensitivities(report, 8)
    _sensitivities(report, 12)
    _horizons(report)
    _against_lots(report)
    _closed_forms(report)


# -- cost ------------------------------------------------------------------------------------------


def _ranks(report: Report, options: int) -> None:
    """A new memory each time: nothing is known from the round before."""
    made = instance(_case(options))
    rounds = _timed(lambda: plan(made), 60 if options <= 12 else 5)
    what = f"{options} options: ranks and figures"
    if options <= 12:
        report.at_most(what, percentile(rounds, 0.5), 50, "ms", f" ({spread(rounds)})")
    else:
        report.fact(what, f"{spread(rounds)}, {percentile(rounds, 0.5) / options:.2f} ms each")


def _sensitivities(report: Report, options: int) -> None:
    """On the sheet they come after the ranks."""
    made = instance(_case(options))
    planned = [plan(made) for _ in range(5)]
    rounds = _timed(lambda: changes(planned.pop()), 5)
    report.fact(f"{options} options: what would change the answer", spread(rounds))


def _horizons(report: Report) -> None:
    for days in (3, 10, 30, 365):
        made = instance(_case(12, days / 3))
        rounds = _timed(lambda made=made: plan(made), 10)  # type: ignore[misc]
        report.fact(f"12 options over {days} days", spread(rounds))


def _timed(work: Callable[[], Any], rounds: int) -> list[float]:
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return found


def _case(count: int, scale: float = 1.0) -> Any:
    windows = [w * scale for w in WINDOWS]
    birth = {"name": "birth", "time": {"lognormal": [3000 * scale, 0.6]}}
    case = {"windows": windows, "stability": "S2", "events": [birth]}
    return {"case": case, "options": [_option(n, scale) for n in range(count)]}


def _option(number: int, scale: float) -> Any:
    """Of six kinds, none like another."""
    kind, late = number % 6, float(number % 97)
    moves = kind in (1, 2)
    journey = [_leg(60 + late, 0.3, scale), {"add": [_leg(60 + late, 0.3, scale), 170 * scale]}]
    return {
        "id": f"option {number}",
        "template": ("DISPATCH", "TRANSFER", "TRANSFER", "RENDEZVOUS", "STAGED", "LOCAL")[kind],
        "time": {"add": [late * scale, _times(scale)[kind]]},
        "transit": journey if moves else [],
        "patient_moves": moves,
        "burden": number % 5,
    }


def _times(scale: float) -> list[Any]:
    def ln(median: float, sigma: float) -> Any:
        return _leg(median, sigma, scale)

    def at(*numbers: float) -> list[float]:
        return [number * scale for number in numbers]

    ready = {"add": [10, {"join": [ln(60, 0.25), ln(75, 0.25)]}, ln(60, 0.2)]}
    flights = [at(75, 380), at(280, 480), at(1065, 480)]
    flight = {"calendar": {"after": ready, "cutoff": 45, "departures": flights}}
    landed = {"add": [{"join": [ln(240, 0.3), ln(90, 0.3)]}, ln(110, 0.1), ln(60, 0.2)]}
    night = {"after": landed, "closed": [at(300, 420), at(1320, 1860)], "then": ln(90, 0.25)}
    meeting = {"join": [{"add": [30, ln(120, 0.2)]}, {"add": [30, ln(110, 0.2)]}]}
    return [
        {"add": [flight, *(ln(*leg["lognormal"]) for leg in TEAM_LEGS)]},
        {"add": [landed, ln(60, 0.3)]},
        {"add": [ln(60, 0.3), ln(170, 0.15), ln(45, 0.3)]},
        {"add": [meeting, ln(45, 0.3)]},
        {"curfew": night},
        {"choose": [{"add": [ln(200, 0.3), ln(90, 0.3)]}, {"add": [ln(240, 0.2), ln(60, 0.3)]}]},
    ]


def _leg(median: float, sigma: float, scale: float) -> Any:
    return {"lognormal": [median * scale, sigma]}


# -- truth -----------------------------------------------------------------------------------------


def _against_lots(report: Report) -> None:
    case = _case(12)
    luck = np.random.default_rng(7)
    began = time.perf_counter()
    drawn = [draw(option["time"], DRAWS, luck) for option in case["options"]]
    by_lot = [[float((d <= w).mean()) for w in WINDOWS] for d in drawn]
    lots = (time.perf_counter() - began) * 1000
    made = instance(case)
    ours = percentile(_timed(lambda: plan(made), 20), 0.5)
    found = [[p for _, p in v.figures.chances] for v in plan(made).verdicts]
    worst = float(np.abs(np.array(found) - np.array(by_lot)).max())
    report.fact(f"{DRAWS:,} lots of 12 options", f"{lots:,.0f} ms")
    report.at_least("times as fast as the lots", lots / ours, 20, "x")
    report.at_most("furthest from the lots, P", worst, 0.005, "")


def _closed_forms(report: Report) -> None:
    """Legs, joined or side by side, whose law can be written down; sums with sigma of their own."""
    worst = 0.0
    for sigma in (0.01, 0.1, 0.3, 0.6, 1.0):
        for window in np.linspace(20.37, 199.1, 61):
            one, other = _law(window, 60, sigma), _law(window, 75, sigma)
            legs = [{"lognormal": [60, sigma]}, {"lognormal": [75, sigma]}]
            worst = max(
                worst,
                abs(_chance(legs[0], window) - one),
                abs(_chance({"join": legs}, window) - one * other),
                abs(_chance({"choose": legs}, window) - (1 - (1 - one) * (1 - other))),
            )
    report.at_most("furthest from closed forms, P", worst, 0.002, "")
    report.at_most("mean of eight legs, minutes off", _off(8), 0.1, "min")


def _chance(value: Any, window: float) -> float:
    return evaluate(expression(value, "time"), {}).chance(window)


def _law(window: float, median: float, sigma: float) -> float:
    return math.erfc(-math.log(window / median) / sigma / math.sqrt(2)) / 2


def _off(legs: int) -> float:
    chain = {"add": [{"lognormal": [20 + n, 0.3]} for n in range(legs)]}
    exact = sum((20 + n) * math.exp(0.3**2 / 2) for n in range(legs))
    return abs(evaluate(expression(chain, "time"), {}).mean - exact)
