"""The reference instances RI-1 to RI-12 of planner.md, to the printed precision.

Hand-checkable test data, not clinical truth: P to .002, minutes to 1, constants exactly.
"""

from __future__ import annotations

import math

import pytest

from tests.rules.planner.cases import add, answered, calendar, chance, join, ln, option, planned

TEAM = add(
    calendar(
        add(10, join(ln(60, 0.25), ln(75, 0.25)), ln(60, 0.2)),
        45,
        (75, 380),
        (280, 480),
        (1065, 480),
    ),
    ln(20, 0.5),
    ln(45, 0.2),
    ln(80, 0.25),
)
KASHGAR = (
    option("local", 120, barred=["C1", "C3"]),
    option("live", 120, "LIVE", barred=["C2", "C3"]),
    option("dispatch", TEAM, "DISPATCH", burden=3),
    option("road", add(30, 1020), "TRANSFER", patient_moves=True, transit=[30, 1050]),
    option("air", 476, "TRANSFER", patient_moves=True, retrieval=True, barred=["C5"]),
)


def near(value: float) -> object:
    return pytest.approx(value, abs=0.002)


def phi(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def test_kashgar() -> None:
    found = answered(*KASHGAR, windows=[840, 960, 1440], stability="S3")
    assert found["options"]["dispatch"]["p"] == {
        "840": near(0.0),
        "960": near(0.955),
        "1440": near(0.998),
    }
    assert found["ranked"] == ["dispatch"]
    assert found["options"]["road"]["barred"] == ["C4"]
    assert found["options"]["local"]["barred"] == ["C1", "C3"]
    assert found["announce"] == ["no option meets 840; best by 1440 is dispatch (0.998)"]


@pytest.mark.parametrize(("window", "met"), [(885, 1.0), (884.999, 0.0)])
def test_the_path_without_chance_is_exact(window: float, met: float) -> None:
    ready = add(10, 75, 60)
    assert chance(add(calendar(ready, 45, (75, 380), (280, 480)), 45, 80), window) == met


def test_kashgar_with_a_retrieval_aircraft_depends_on_the_window() -> None:
    time = add(join(ln(240, 0.3), ln(90, 0.3)), ln(110, 0.1), ln(60, 0.2), ln(60, 0.3))
    air = option("air", time, "TRANSFER", patient_moves=True, transit=[300, 470], burden=5)
    both = (option("dispatch", TEAM, "DISPATCH", burden=3), air)
    strict = planned(*both, windows=[840], stability="S2")
    assert strict["air"].figures.chance(840) == near(0.999)
    assert strict["air"].quantiles[1] == pytest.approx(476, abs=1)
    assert strict["air"].figures.survival == near(math.exp(-0.02 * 170 / 60))
    assert strict["air"].figures.survival == near(0.945)
    assert strict.ranked == ("air",)
    assert planned(*both, windows=[1440], stability="S2").ranked == ("dispatch", "air")
    found = answered(*both, windows=[840, 1440], stability="S2")
    assert found["ranked"][0] == "air"
    depends = "by 840 it is air (U 0.944); by 1440 it is dispatch (U 0.998)"
    assert found["announce"] == [f"the answer depends on the window: {depends}"]
    assert depends in found["options"]["air"]["why"]


def test_twins_on_the_road() -> None:
    road = option("road", 225, "TRANSFER", patient_moves=True, transit=[30, 225])
    birth = [{"name": "birth", "time": ln(120, 0.6)}]
    found = answered(road, option("local", 60), windows=[240], stability="S1", events=birth)
    assert found["options"]["road"]["p_event_en_route"] == {"birth": near(0.842)}
    exact = phi(1.0477) - phi(-2.3105)
    assert found["options"]["road"]["p_event_en_route"]["birth"] == pytest.approx(exact, abs=1e-4)
    assert found["options"]["road"]["barred"] == ["C4"]
    assert found["ranked"] == ["local"]
    early = [{"name": "birth", "time": ln(10080, 0.8)}]
    found = answered(road, windows=[240], stability="S1", events=early)
    assert found["options"]["road"]["p_event_en_route"]["birth"] < 1e-5
    assert found["ranked"] == ["road"]


@pytest.mark.parametrize(("no_stop", "u"), [(0, 1.0), (0.5, 1 - 1 / 12), (1, 5 / 6)])
def test_guided_surgery(no_stop: float, u: float) -> None:
    live = option("live", 60, "LIVE", quality=1 - no_stop / 6)
    assert planned(live)["live"].value == pytest.approx(u, abs=1e-9)


def fracture(window: float) -> tuple[dict, object]:
    local = calendar(1440, 0, (22 * 60, 0), (46 * 60, 0), (70 * 60, 0))
    away = calendar(1440, 0, (30 * 60, 0), (54 * 60, 0))
    options = (
        option("transfer", away, "TRANSFER", patient_moves=True, transit=[0, 240], burden=5),
        option("local", local, burden=1),
    )
    made = planned(*options, windows=[window], release=1440, stability="S0")
    return {v.id: v.figures.mean for v in made.verdicts}, made


def test_fracture() -> None:
    means, week = fracture(7 * 1440)
    assert means == {"local": 46 * 60, "transfer": 30 * 60}
    assert week["local"].figures.chance(7 * 1440) == 1 == week["transfer"].figures.chance(7 * 1440)
    assert week.ranked == ("local", "transfer")
    assert week["local"].equivalent_to == ("transfer",)
    assert fracture(36 * 60)[1].ranked == ("transfer",)


def test_poisoning() -> None:
    options = (
        option("kit", add(95, 20, ln(70, 0.2), 30), "DISPATCH", burden=3),
        option("transfer", add(95, 25, ln(70, 0.2), 40), "TRANSFER", burden=2),
        option("own", add(95, ln(60, 0.3)), burden=1),
    )
    made = planned(*options, windows=[240])
    chances = [v.figures.chance(240) for v in made.verdicts]
    assert chances == [near(0.937), near(phi(0.668)), near(0.998)]
    assert made.ranked == ("own", "kit", "transfer")
    late = planned(*options, windows=[360])
    assert late.ranked == ("own", "transfer", "kit")
    assert set(late["own"].equivalent_to) == {"transfer", "kit"}


def stroke(ivt: float) -> list[list[float]]:
    base = 0.60 + 0.10 * max(0, 270 - ivt) / 270
    return [[0, base], [750, base - 0.0008 * 750]]


@pytest.mark.parametrize(
    ("mother", "drip", "values"),
    [((120, 205), (90, 320), (0.4916, 0.4107)), ((240, 325), (90, 380), (0.3511, 0.3627))],
)
def test_stroke(
    mother: tuple[float, float], drip: tuple[float, float], values: tuple[float, float]
) -> None:
    made = planned(
        option("mothership", mother[1], "TRANSFER", decay=stroke(mother[0])),
        option("drip", drip[1], "STAGED", decay=stroke(drip[0])),
        windows=[1440],
    )
    # The table prints four digits, the last of them cut off or rounded.
    assert [v.value for v in made.verdicts] == pytest.approx(values, abs=1e-4)


def test_stroke_ranks_the_faster_of_equivalent_ways_because_the_outcome_decays() -> None:
    made = planned(
        option("drip", 380, "STAGED", decay=stroke(90)),
        option("mothership", 325, "TRANSFER", decay=stroke(240), burden=9),
    )
    assert made.ranked == ("mothership", "drip")


def test_timetable() -> None:
    found = planned(option("o", calendar(ln(90, 0.3), 60, (150, 180), (420, 180))), windows=[340])
    assert found["o"].figures.chance(340) == near(0.5)
    assert found["o"].figures.mean == pytest.approx(465, abs=1)


def test_rendezvous() -> None:
    time = add(join(add(30, ln(120, 0.2)), add(30, ln(110, 0.2))), 30)
    assert chance(time, 200) == near(0.6908)


def test_staged() -> None:
    made = planned(
        option("unstaged", ln(885, 0.05), "DISPATCH"),
        option("staged", ln(885, 0.05), "STAGED", quality=0.95, windows=[1440]),
        windows=[360],
    )
    assert made["unstaged"].value == near(0)
    assert made["staged"].value == near(0.95)
    assert made.ranked == ("staged",)
    assert made["unstaged"].figures.bars == ("C8",)
    assert [window for window, _ in made["staged"].figures.chances] == [360, 1440]


def test_nothing_is_feasible() -> None:
    found = answered(
        option("local", 60, barred=["C1", "C3"]),
        option("live", 60, "LIVE", quality=0.9, barred=["C2"]),
        option("dispatch", 2000, "DISPATCH", barred=["C6", "C1"]),
    )
    assert found["none_feasible"] is True
    assert found["ranked"] == []
    assert found["options"]["live"]["would_change"] == [
        "without C2 (the local operator may not be guided, or the link has failed without a safe "
        "stop) it would be first (U 0.900)"
    ]
    assert found["options"]["local"]["would_change"] == []
    assert found["announce"][0] == "no option meets 1440"
    assert found["announce"][1] == "no option is feasible: page the director"
    assert found["announce"][2].startswith("nearest relaxation: live without C2")
