"""The pager falls ill before people's eyes and is well again; the list on paper is a page each."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.installation import Installation
from tests.journeys.people import House, Who

pytestmark = [pytest.mark.journey, pytest.mark.slow]

NOTICED = 60_000  # milliseconds: 30 s of silence, then the watch and the page


@pytest.fixture
def house(installation: Installation) -> House:
    """One of its own: in the shared one real sends fail, and its banner rightly says so."""
    installation.environment["JIELI_DEMO"] = "1"
    installation.jieli("demo", "--without-cases")
    installation.serve()
    installation.run()
    return House(installation)


def test_the_banner_appears_when_the_runner_dies(house: House, person: Callable[..., Who]) -> None:
    expert, desk = person("CL-0211"), person("SCH-0001")
    expert.page.goto("/board/")
    # A runner that is only just starting is not there yet, and the board says so.
    expect(expert.page.locator("#pager-banner")).to_have_text("", timeout=NOTICED)
    expert.mark()
    [runner] = [p for p in house.place.processes if "run" in p.args and p.poll() is None]
    house.place.kill(runner)
    try:
        banner = expert.page.locator("#pager-banner .banner")
        expect(banner).to_contain_text("运行器都停了", timeout=NOTICED)
        assert expert.not_reloaded(), "it came by itself"
        desk.page.goto("/pager/")
        expect(desk.page.locator("[role=alert]")).to_contain_text("运行器都停了")
        banner.get_by_role("link", name="看电话表").click()
        expect(expert.page.locator("h1")).to_have_text("值班电话表")
        expert.page.go_back()
    finally:
        house.place.run()
    expect(expert.page.locator("#pager-banner .banner")).to_have_count(0, timeout=NOTICED)
    expect(desk.page.locator("[role=alert]")).to_have_count(0, timeout=NOTICED)


def test_the_telephone_list_prints_one_hospital_a_page(
    house: House, person: Callable[..., Who]
) -> None:
    page = person("SCH-0001").page
    page.goto("/duty/telephones/")
    hospitals = page.locator(".telpage").count()
    assert hospitals > 1
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == hospitals
    page.emulate_media(media="print")
    for gone in (".rail", ".top", "jl-print button", ".demo"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator(".telpage .paper").first).to_contain_text("版本")
