"""Who has no part in a case sees nothing of it, on whichever door they knock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.people import House, Who

pytestmark = pytest.mark.journey

LISTEN = """(topics) => new Promise((done) => {
  const source = new EventSource("/live/?" + topics.map((t) => "topic=" + t).join("&"));
  source.addEventListener("hello", (event) => { source.close(); done(JSON.parse(event.data)); });
  source.onerror = () => { source.close(); done(null); };
})"""
PARTS = ["head", "clocks", "rings", "timeline", "advice", "situation", "chart", "thread", "outcome"]


def test_an_outsider_finds_no_door_open(house: House, person: Callable[..., Who]) -> None:
    problem = "术后第 3 天高热，引流浑浊"
    case = house.raised("SW-0801", specialty="general-surgery", problem=problem, urgency="U3")
    key = case.split("/")[2]
    [[ring]] = house.place.sql(
        "select r.key from cases_ring r join cases_request q on q.id = r.request_id"
        " join cases_case c on c.id = q.case_id where c.key = %s limit 1",
        key,
    )
    outsider, member = person("BY-1001"), person("SW-0801")
    answer = outsider.page.goto(case)
    assert answer.status == 404
    expect(outsider.page.locator("h1")).to_be_visible()
    assert problem not in outsider.page.content()
    paths = [f"{case}live/{part}/" for part in PARTS]
    paths += [f"{case}{end}" for end in ("export.json", "export.pdf", "events/", "handovers/")]
    paths += [f"{case}opinions/new/", f"{case}decisions/new/", f"/rings/{ring}/"]
    paths += [f"{case}documents/{key}/", f"/cases/new/?case={key}"]
    for path in paths:
        assert outsider.context.request.get(path).status == 404, path
    for path in ("/board/", "/cases/"):
        outsider.page.goto(path)
        assert problem not in outsider.page.content()

    # The stream opens for what is theirs, and leaves the case out.
    said = outsider.page.evaluate(LISTEN, [f"case:{key}", "me"])
    assert said == {"topics": ["me"]}
    assert outsider.page.evaluate(LISTEN, [f"case:{key}"]) is None
    member.page.goto(case)
    said = member.page.evaluate(LISTEN, [f"case:{key}", "me"])
    assert said == {"topics": [f"case:{key}", "me"]}
    assert member.context.request.get(f"{case}export.json").ok
