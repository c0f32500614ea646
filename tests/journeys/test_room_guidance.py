"""An operation guided from afar, in the room: the session knows its link and its guide by itself,
the recording is uploaded, and plays back with the ink at the right second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.people import House, until
from tests.journeys.rooms import Apart, apart
from tests.journeys.test_screens import _guided

pytestmark = pytest.mark.journey
DOCTOR, SITE, LINE = "SW-0802", "cangling", "orthopaedics"


@pytest.fixture
def people(browser: Any, house: House) -> Iterator[Apart]:
    with apart(browser, house) as held:
        yield held


def status(house: House, session: str) -> list[Any]:
    [row] = house.place.sql(
        """select s.up_at is not null, s.step, exists (
                  select from guidance_guidestay t where t.session_id = s.id and t.until is null)
             from guidance_guidancesession s where s.key::text = %s""",
        session,
    )
    return list(row)


def test_a_guided_operation_from_the_room_to_its_play_back(house, people):
    expert = house.on_line(SITE, "first", LINE)
    case = house.raised(DOCTOR, specialty=LINE, problem="试远程指导")
    house.accepted(expert, case)
    session = _guided(house, case, expert)
    # The start itself has tests of its own; here the session is taken to be under way.
    house.place.sql(
        """update guidance_guidancesession set status = 'running', started_at = now()
            where key::text = %s""",
        session,
    )
    surgeon, guide = people(DOCTOR), people(expert)
    surgeon.join(case, "operator", "endoscope")
    guide.join(case, "expert")
    guide.sees("no picture of the field")
    panel = surgeon.page.locator("#part-panel")
    expect(panel).to_contain_text("指导中")
    until(lambda: status(house, session) == [True, "full", True], 25, "the session knows nothing")
    expect(panel).to_contain_text("连线正常", timeout=20_000)
    expect(panel).to_contain_text(guide.name)
    expect(surgeon.page.locator("[data-gauge=record]")).to_be_visible(timeout=20_000)
    guide.page.wait_for_timeout(4000)
    guide.tool("freeze")
    expect(surgeon.page.locator("[data-frozen]")).to_be_visible()
    guide.draw((0.3, 0.5), (0.6, 0.6))
    until(lambda: surgeon.strokes(), 8)
    guide.page.wait_for_timeout(3000)
    for one in (guide, surgeon):
        one.page.locator("[data-leave]").last.click()
        one.page.wait_for_url(f"**{case}")
    until(lambda: status(house, session)[2] is False, 20, "the guide is still there")
    plays_back(house, surgeon, case)


def plays_back(house: House, surgeon: Any, case: str) -> None:
    runs = """select count(*), count(*) filter (where r.ended_at is not null)
                from rooms_recording r join rooms_room m on m.id = r.room_id
               where m.case_key::text = %s and not r.copy"""

    def whole() -> bool:
        [[begun, ended]] = house.place.sql(runs, case.split("/")[2])
        return bool(begun) and begun == ended

    until(whole, 30, "the recording does not come")
    surgeon.page.goto(f"{case}recordings/")
    surgeon.page.locator("jl-playback[data-ready]").wait_for()
    surgeon.page.locator('[data-act="play"]').click()
    playing = "document.querySelector('jl-playback video').currentTime > 0.5"
    until(lambda: surgeon.page.evaluate(playing), 15, "it does not play")
    surgeon.page.locator('[data-act="play"]').click()
    # The ink stands where and when it was drawn, and not before.
    [[drawn]] = house.place.sql(
        """select (extract(epoch from l.at) * 1000)::bigint from rooms_logline l
             join rooms_room r on r.id = l.room_id
            where r.case_key::text = %s and l.kind = 'stroke'""",
        case.split("/")[2],
    )
    seek = "(at) => document.querySelector('jl-playback').seek(at)"
    for at, there in ((drawn + 800, True), (drawn - 2500, False), (drawn + 800, True)):
        surgeon.page.evaluate(seek, at)
        until(lambda there=there: surgeon.page.evaluate(INKED) is there, 8, f"at {at - drawn} ms")


INKED = """(() => {
    const canvas = document.querySelector("jl-playback canvas");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 40) return true;
    return false;
})()"""
