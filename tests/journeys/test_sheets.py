"""The decision sheet: three parties look at one; an input is corrected; one person signs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.people import PASSWORD, House, Who

pytestmark = pytest.mark.journey


def advised(house: House, doctor: str, expert: str) -> str:
    """A newborn whose indication is confirmed and whose opinion is read, by HTTP; its address."""
    case = house.raised(doctor, specialty="paediatric-surgery", problem="疑似先天性肠闭锁")
    asks, adviser = house.door(doctor), house.door(expert)
    request = asks.json(f"{case}export.json")["requests"][0]["key"]
    house.accepted(expert, case)
    advice = {"indication": "confirmed", "assessment": "须手术", "request": request}
    sent = adviser.post(f"{case}opinions/new/", {**advice, "password": PASSWORD}, page=None)
    assert sent.status == 303, sent.sentence
    opinion = asks.json(f"{case}export.json")["opinions"][0]["key"]
    asks.post(f"/opinions/{opinion}/acknowledgement/", {"understood": "on"}, page=None)
    return case


def test_correct_choose_agree_and_plan(house: House, person: Callable[..., Who]) -> None:
    expert = person(house.on_line("sch", "first", "paediatric-surgery"), phone=True)
    doctor = person("KS-0401")
    case = advised(house, doctor.number, expert.number)

    doctor.page.goto(case)
    doctor.page.locator("a[href$='/sheet/']").first.click()
    page = doctor.page
    first = page.locator(".option.first")
    expect(first).to_have_count(1)
    expect(first.locator("svg.dots circle").first).to_be_attached()
    expert.page.goto(f"{case}sheet/")
    expert.mark()
    assert not expert.page.locator("#signbox").count(), "the expert is offered to decide"
    wide = "document.documentElement.scrollWidth <= window.innerWidth"
    assert expert.page.evaluate(wide), "the sheet is wider than the phone"

    # The flight is full: corrected in place, the other page follows by itself.
    page.locator("details.wide > summary", has_text="全部").click()
    flight = page.locator(".facts2 > div", has_text="班次").first
    flight.locator("details summary").click()
    flight.locator("select[name=value]").select_option("full")
    flight.locator("input[name=reason]").fill("航司电话")
    with page.expect_navigation():
        flight.locator("form button").click()
    expect(page.locator(".chead .tag").first).to_have_text("第 2 版")
    expect(expert.page.locator("[id^=sheet-]")).to_contain_text("第 2 版")
    assert expert.not_reloaded()

    # A barred option needs a reason; what was typed is kept.
    page.locator("#signbox details summary").click()
    page.locator("#signbox details input[name=option]").first.check()
    page.locator("#signbox input[name=password]").fill(PASSWORD)
    page.locator("#signbox button.go").click()
    expect(page.locator("[data-error]")).to_contain_text("抢救例外")
    page.locator("#signbox input[name=option]").first.check()
    page.locator("#signbox input[name=password]").fill(PASSWORD)
    with page.expect_navigation(url=re.compile(r"/sheet/$")):
        page.locator("#signbox button.go").click()
    expect(page.locator("aside .panel").first).to_contain_text("派")

    expert.page.goto(f"{case}sheet/")
    expert.press("form[action$='/assents/'] button[value=yes]")
    expect(expert.page.locator("aside")).to_contain_text("同意")
    doctor.press("form[action$='/sheet/mission/'] button")
    doctor.page.wait_for_url(re.compile(r"/missions/[0-9a-f-]{36}/$"))
    told = house.door(doctor.number).json(f"{case}export.json")
    assert told["sheets"][-1]["choice"]["assents"][0]["agrees"] is True
    assert told["missions"][0]["team"]
    assert told["chain"]["verified"] is True
