"""Facts of the newborn of Kashgar at 14:15, for tests: what is there, and nobody's database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from jieli.rules.options import Facts
from jieli.rules.options.facts import (
    Carrier,
    HubPlace,
    Human,
    Line,
    Privileged,
    RoadFact,
    Site,
    Stock,
    Treaty,
)
from jieli.rules.pathways import Pathway, read

ROOT = Path(__file__).resolve().parents[3]
T0 = datetime(2026, 3, 1, 6, 15, tzinfo=UTC)  # 14:15 in Beijing
OPERATION, ANAESTHESIA = "PGS-LAP-NEO", "ANES-NEO"


def pathway(code: str = "neonatal_obstruction") -> Pathway:
    return read((ROOT / "content/pathways.yaml").read_text("utf-8")).pathways[code]


def surgeon(number: str = "S1", site: str = "sch", entrustment: int = 5, **more: Any) -> Human:
    return Human(
        number, number, number, site, privileges=(Privileged(site, OPERATION, entrustment),), **more
    )


def anaesthetist(number: str = "A1", site: str = "sch", **more: Any) -> Human:
    return Human(
        number, number, number, site, privileges=(Privileged(site, ANAESTHESIA, 5),), **more
    )


def facts(**more: Any) -> Facts:
    sites = {
        "kashgar2": Site(
            "kashgar2",
            "Kashgar",
            (39.43, 75.94),
            "Asia/Urumqi",
            0,
            0,
            stocks={"theatre": Stock(1), "nicu_bed": Stock(2)},
        ),
        "sch": Site("sch", "Shanghai", (31.21, 121.53), level=5, anaesthesia=5),
        "tianshan": Site("tianshan", "Urumqi", (43.8, 87.6), "Asia/Urumqi", 4, 4, allied=False),
    }
    hubs = {
        "PVG": HubPlace("PVG", "Pudong", (31.14, 121.81)),
        "URC": HubPlace("URC", "Urumqi airport", (43.91, 87.47)),
        "KHG": HubPlace("KHG", "Kashgar airport", (39.54, 76.02)),
    }
    given: dict[str, Any] = {
        "t0": T0,
        "now": T0,
        "site": "kashgar2",
        "pathway": pathway(),
        "sites": sites,
        "people": (surgeon(author=True), anaesthetist()),
        "treaties": {
            ("kashgar2", "sch"): Treaty(
                frozenset(["consult", "dispatch", "live"]), 72, date(2028, 12, 31)
            )
        },
        "carriers": (
            Carrier(1, "ambulance 1", "kashgar2", "ambulance", "S2", incubator=True),
            Carrier(2, "jet", "tianshan", "aircraft", "S2", True, speed=600, state="broken"),
        ),
        "hubs": hubs,
        "lines": (
            Line(1, "flight", "F1", "PVG", "KHG", time(15, 30), 380),
            Line(2, "flight", "F2", "PVG", "URC", time(18, 55), 305),
            Line(3, "flight", "F3", "URC", "KHG", time(0, 50), 125),
            Line(4, "flight", "F4", "PVG", "URC", time(8, 0), 305),
            Line(5, "flight", "F5", "URC", "KHG", time(13, 55), 125),
        ),
        "roads": {
            ("PVG", "sch"): RoadFact(60),
            ("KHG", "kashgar2"): RoadFact(45),
            ("kashgar2", "tianshan"): RoadFact(1020, 1475),
        },
        "stability": "S3",
    }
    return Facts(**(given | more))


def without(given: Facts, number: str) -> Facts:
    """The same, and one person has lost every privilege."""
    people = tuple(replace(h, privileges=()) if h.number == number else h for h in given.people)
    return replace(given, people=people)
