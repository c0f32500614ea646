"""A room with people in browser processes of their own: operating room, expert, learner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.people import House, until
from tests.journeys.rooms import REPORT, Apart, apart

pytestmark = pytest.mark.journey

DOCTOR, NURSE, SPECIALTY = "KS-0401", "KS-0403", "paediatric-surgery"


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


def together(house: House, people: Apart, case: str, **more: str) -> tuple[Any, Any]:
    """Operator and expert, in contact."""
    expert = rung(house, case)
    house.accepted(expert, case)
    surgeon, adviser = people(DOCTOR), people(expert)
    surgeon.join(case, "operator", "field")
    adviser.join(case, "expert")
    adviser.sees("no picture of the field")
    return surgeon, adviser


def same(*people: Any) -> bool:
    """Whether all see the same ink, with the server's numbers."""
    seen = [one.strokes() for one in people]
    return bool(seen[0]) and all(one == seen[0] and all(s["n"] for s in one) for one in seen)


INK = """(() => {
    const canvas = document.querySelector("[data-ink]");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const found = [canvas.width, canvas.height];
    for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] > 40) found.push(i / 4);
    return found;
})()"""


def both(*people: Any, strokes: int) -> None:
    try:
        until(lambda: len(people[0].strokes()) == strokes and same(*people), 10)
    except AssertionError:
        seen = [(one.strokes(), one.page.evaluate(REPORT)) for one in people]
        raise AssertionError(f"not the same ink: {seen}") from None


def pixels(person: Any) -> list[int]:
    return list(person.page.evaluate(INK))


def test_a_frozen_picture_its_ink_and_what_becomes_of_it(house, people, case):
    surgeon, adviser = together(house, people, case)
    adviser.tool("freeze")
    for one in (surgeon, adviser):
        expect(one.page.locator("[data-title]")).to_contain_text("冻结")
        expect(one.page.locator("[data-frozen]")).to_be_visible()
    frame = adviser.ask("room.ink.frames()[0].id")
    assert surgeon.ask("room.ink.frames()[0].id") == frame
    # Two draw at once, in shapes and hands of their own; everybody sees the same.
    adviser.tool("circle")
    adviser.draw((0.4, 0.5), (0.6, 0.7))
    surgeon.draw((0.2, 0.6), (0.3, 0.7), (0.4, 0.62))
    both(surgeon, adviser, strokes=2)
    until(lambda: pixels(surgeon) == pixels(adviser) and len(pixels(surgeon)) > 500, 5)
    # Who comes late sees it all.
    learner = people(NURSE)
    learner.join(case, "learner")
    until(lambda: same(surgeon, learner), 10)
    until(lambda: pixels(learner) == pixels(surgeon), 10, "another picture for the late one")
    # Undo takes one's own; clear takes all; each on every screen.
    adviser.tool("undo")
    until(lambda: [s["seat"] for s in learner.strokes()] == [surgeon.seat], 5)
    adviser.tool("keep")
    expect(surgeon.page.locator("[data-strip]")).to_contain_text("已存入病例")
    documents = house.door(DOCTOR).json(f"{case}export.json")["documents"]
    assert [one["kind"] for one in documents] == ["photo"]
    surgeon.tool("clear")
    until(lambda: not learner.strokes() and not adviser.strokes(), 5)
    adviser.tool("freeze")  # back to the moving picture
    expect(surgeon.page.locator("[data-frozen]")).to_be_hidden()
    adviser.draw((0.3, 0.3), (0.5, 0.5))
    until(lambda: surgeon.strokes(), 5)
    until(lambda: not surgeon.strokes(), 8, "ink on a moving picture fades")


AHEAD = "Date.now = ((now) => () => now() + 180000)(Date.now.bind(Date));"  # three minutes


def test_hospitals_whose_clocks_differ_see_the_same(house, people, case):
    expert = rung(house, case)
    house.accepted(expert, case)
    surgeon, adviser = people(DOCTOR, before=AHEAD), people(expert)
    surgeon.join(case, "operator", "field")
    adviser.join(case, "expert")
    adviser.sees("no picture of the field")
    until(lambda: abs(surgeon.ask("room.line.offset") + 180_000) < 2000, 10)
    for one, other in ((surgeon, adviser), (adviser, surgeon)):
        one.draw((0.3, 0.4), (0.5, 0.6))
        until(lambda other=other: other.strokes(), 5, "ink of the other clock is not seen")
        until(lambda other=other: not other.strokes(), 8, "it does not fade")
    adviser.tool("freeze")
    expect(surgeon.page.locator("[data-frozen]")).to_be_visible()
    assert surgeon.page.locator("[data-clock]").inner_text() == (
        adviser.page.locator("[data-clock]").inner_text()
    )


def test_a_learner_watches_and_puts_a_hand_up(house, people, case):
    surgeon, adviser = together(house, people, case)
    learner = people(NURSE)
    learner.join(case, "learner")
    learner.sees("nothing to learn from")
    until(lambda: learner.hears(adviser), 10)
    assert learner.page.locator("[data-tool=pen]").is_hidden()
    learner.draw((0.3, 0.3), (0.5, 0.5))
    learner.tool("hand")
    expect(adviser.page.locator("[data-said]")).to_contain_text("举手")
    assert learner.strokes() == []
    assert not surgeon.ask(f"room.level('{learner.seat}') > 0")
    adviser.page.locator("[data-open=talk]").click()
    adviser.page.fill("[data-write] [name=text]", "请看此处")
    adviser.page.locator("[data-write] button").click()
    expect(learner.page.locator("[data-said]")).to_contain_text("请看此处")


def test_the_server_dies_and_comes_back_while_they_operate(house, people, case):
    surgeon, adviser = together(house, people, case)
    adviser.tool("freeze")
    expect(surgeon.page.locator("[data-frozen]")).to_be_visible()
    until(lambda: adviser.ask("room.line.last") == surgeon.ask("room.line.last") == 1)
    house.place.kill(house.place.processes[0])
    try:
        expect(surgeon.page.locator("[data-banner]")).to_contain_text("与服务器断开")
        assert adviser.ask("room.contacts.get([...room.seats.keys()][0])")
        until(lambda: adviser.hears(surgeon), 5)  # the tone swells and falls
        adviser.draw((0.3, 0.5), (0.6, 0.6))  # reaches the other without the server
        until(lambda: surgeon.strokes(), 5)
        adviser.tool("freeze")  # and the picture moves again
        expect(surgeon.page.locator("[data-frozen]")).to_be_hidden()
        assert adviser.decodes()
        assert adviser.ask("room.line.unwritten") == 2
    finally:
        house.place.processes[0] = house.place.serve()
        house.place.processes.pop()
    until(lambda: adviser.ask("room.line.unwritten") == 0, 20, "the log does not catch up")
    kinds = [kind for (kind,) in house.place.sql(
        """select l.kind from rooms_logline l join rooms_room r on r.id = l.room_id
            where r.case_key::text = %s order by l.number""", case.split("/")[2]
    )]  # fmt: skip
    assert kinds == ["freeze", "stroke", "live"]
    assert adviser.decodes()
    assert surgeon.ask("[...room.engine.peers.values()].map(p => p.current.generation)") == [1]


def test_a_camera_is_unplugged_and_comes_back(house, people, case):
    surgeon, adviser = together(house, people, case)
    feed = surgeon.ask("room.feeds.places[0].id")
    surgeon.page.evaluate("jlUnplug('alpha')")
    expect(surgeon.page.locator("#toasts")).to_contain_text("断开了")
    until(lambda: not adviser.decodes(), 10)
    surgeon.page.evaluate("jlPlug('alpha', '#207020')")
    adviser.sees("the camera does not come back")
    assert surgeon.ask("room.feeds.places[0].id") == feed
    # A second source beside it.
    surgeon.page.locator("[data-open=sources]").click()
    surgeon.page.select_option("[data-dialog=sources] [data-camera]", "beta")
    surgeon.page.select_option("[data-dialog=sources] [data-source]", "monitor")
    surgeon.page.locator("[data-add] button:not([data-screen])").click()
    until(
        lambda: (
            adviser.ask("[...room.pictures.values()].filter(p => p.stream && !p.mine).length") == 2
        )
    )
    until(lambda: adviser.page.locator("[data-sides]").inner_text().count("监护") == 1)


def test_the_end_of_the_case_puts_everybody_out(house, people, case):
    surgeon, adviser = together(house, people, case)
    answer = house.door(DOCTOR).post(f"{case}closure/", {"reason": "好转"}, page=case)
    assert answer.status == 303, answer.sentence
    for one in (surgeon, adviser):
        expect(one.page.locator("h1", has_text="您已离开房间")).to_be_visible()
    until(lambda: not adviser.ask("[...(room.engine?.peers?.values() ?? [])].length"))
    adviser.page.goto(f"{case}room/")
    adviser.page.locator("[data-join] button.go").click()
    expect(adviser.page.locator("[data-trouble]")).to_contain_text("已")
