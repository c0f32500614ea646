"""The link falls from 4G to 2G and to nothing, and comes back: voice first, each step written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.impairment import EDGE, GONE, LTE, TIGHT, Relay
from tests.journeys.people import House, until
from tests.journeys.rooms import Apart, apart
from tests.journeys.test_room import DOCTOR, SPECIALTY, rung

pytestmark = [pytest.mark.journey, pytest.mark.slow]


@pytest.fixture
def people(browser: Any, house: House) -> Iterator[Apart]:
    with apart(browser, house) as held:
        yield held


@pytest.fixture
def relay() -> Iterator[Relay]:
    held = Relay(LTE)
    yield held
    held.close()


@pytest.fixture
def case(house: House, request: pytest.FixtureRequest) -> str:
    return house.raised(DOCTOR, specialty=SPECIALTY, problem=f"试链路 {request.node.name}")


def through(relay: Relay, house: House, people: Apart, case: str) -> tuple[Any, Any]:
    """Operator and expert with the relay between them."""
    expert = rung(house, case)
    house.accepted(expert, case)
    surgeon, adviser = people(DOCTOR), people(expert)
    for one in (surgeon, adviser):
        relay.on(one.page, lambda one=one: one.seat)
    surgeon.join(case, "operator", "field")
    adviser.join(case, "expert")
    adviser.sees("no picture of the field")
    until(lambda: surgeon.step == adviser.step == "full", 20, "not full on 4G")
    return surgeon, adviser


VOICE = """(() => {
    const one = window.jlRoom.samples[0];
    return [one.concealed, one.voiced];
})()"""


def test_from_4g_to_2g_and_back(relay, house, people, case):
    surgeon, adviser = through(relay, house, people, case)
    relay.weather = EDGE
    until(lambda: surgeon.step in ("stills", "voice"), 15, "the picture is not given up")
    expect(surgeon.page.locator("[data-gauge=link]")).not_to_contain_text("全部画面")
    # Still pictures go on, and say how old they are.
    expect(adviser.page.locator("[data-title]")).to_contain_text("静止画面", timeout=25_000)
    expect(adviser.page.locator("[data-still]")).to_be_visible()
    # The voice is whole: less than 1 % of it is invented once the picture is away.
    before = adviser.page.evaluate(VOICE)
    adviser.page.wait_for_timeout(8000)
    after = adviser.page.evaluate(VOICE)
    until(lambda: adviser.hears(surgeon), 5)  # the tone swells and falls
    assert (after[0] - before[0]) / (after[1] - before[1]) < 0.05
    # Ink arrives, and within seconds.
    adviser.draw((0.3, 0.4), (0.5, 0.6))
    until(lambda: surgeon.strokes(), 5)
    relay.weather = LTE
    moving = ("full", "fewer_feeds", "lower_picture")
    until(lambda: surgeon.step in moving, 30, "no way back to the picture")
    adviser.sees("the picture does not come back")
    until(lambda: surgeon.step == "full", 60, "no way back to the full picture")
    generations = "[...room.engine.peers.values()].map(p => p.current.generation)"
    assert surgeon.ask(generations)[0] > 1  # by a fresh connection
    steps = written(house, case, surgeon.seat)
    assert steps[0] in ("stills", "voice", "lower_picture", "fewer_feeds")
    assert steps[-1] == "full"


def written(house: House, case: str, seat: str) -> list[str]:
    """The steps of one seat's sending, as the log has them."""
    rows = house.place.sql(
        """select l.data->>'step' from rooms_logline l
             join rooms_room r on r.id = l.room_id join rooms_seat s on s.id = l.seat_id
            where r.case_key::text = %s and l.kind = 'step' and s.key::text = %s
            order by l.number""",
        case.split("/")[2],
        seat,
    )
    return [str(step) for (step,) in rows]


def test_a_link_that_is_gone_is_said_and_comes_back(relay, house, people, case):
    surgeon, adviser = through(relay, house, people, case)
    relay.weather = GONE
    for one in (surgeon, adviser):
        expect(one.page.locator("[data-banner]")).to_contain_text("听不到对方")
    expect(adviser.page.locator("[data-banner]")).to_contain_text("0998-5550100")
    relay.weather = LTE
    for one in (surgeon, adviser):
        expect(one.page.locator("[data-banner]")).to_be_hidden(timeout=30_000)
    adviser.sees("the picture does not come back")
    until(lambda: adviser.hears(surgeon), 15)


def test_drawing_at_one_megabit(relay, house, people, case):
    surgeon, adviser = through(relay, house, people, case)
    relay.weather = TIGHT
    until(lambda: surgeon.step != "full", 20)
    adviser.page.wait_for_timeout(3000)
    adviser.draw((0.3, 0.4), (0.5, 0.6))
    until(lambda: surgeon.strokes(), 3)
    assert adviser.decodes()
