"""A room with people in browser processes of their own: operating room, expert, learner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.people import House, until
from tests.journeys.rooms import Apart, apart

pytestmark = pytest.mark.journey

DOCTOR, SPECIALTY = "KS-0401", "paediatric-surgery"


@pytest.fixture
def people(browser: Any, house: House) -> Iterator[Apart]:
    with apart(browser, house) as held:
        yield held


@pytest.fixture
def case(house: House, request: pytest.FixtureRequest) -> str:
    return house.raised(DOCTOR, specialty=SPECIALTY, problem=f"试视频 {request.node.name}")


def rung(house: House, case: str) -> str:
    rings = house.door(DOCTOR).json(f"{case}export.json")["requests"][0]["rings"]
    return str(rings[0]["person"]["number"])


def test_two_see_hear_and_draw_and_the_clock_of_contact_stops(house, people, case):
    expert = rung(house, case)
    house.accepted(expert, case)
    surgeon, adviser = people(DOCTOR), people(expert)
    surgeon.join(case, "operator", "field")
    adviser.join(case, "expert")
    until(lambda: adviser.decodes() and surgeon.decodes("[data-sides] video"), 15)
    until(lambda: adviser.hears(surgeon) and surgeon.hears(adviser), 10)
    # The expert looks at the field, not at the other's own face or their own.
    assert "术野" in adviser.page.locator("[data-title]").inner_text()
    until(lambda: "毫秒" in adviser.page.locator("[data-gauge=delay] b").inner_text(), 10)
    adviser.tool("pen")
    adviser.draw((0.3, 0.5), (0.5, 0.6), (0.6, 0.5))
    until(lambda: surgeon.strokes(), 5)
    requests = house.door(DOCTOR).json(f"{case}export.json")["requests"]
    assert [contact["channel"] for contact in requests[0]["contacts"]] == ["video"]
    expect(surgeon.page.locator("[data-people]")).to_contain_text(adviser.name)
