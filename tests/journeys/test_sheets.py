"""The decision sheet: three parties look at one; an input is corrected; one person signs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.people import PASSWORD, House, Who

pytestmark = pytest.mark.journey
BEIJING = ZoneInfo("Asia/Shanghai")


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
    # Whatever the hour makes feasible, a team is what these people want.
    page.locator("#signbox label.pick", has_text="派专家队到院").first.locator("input").check()
    page.locator("#signbox textarea[name=reason]").fill("抢救例外：家属不同意转运")
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


def test_what_is_done_at_once_is_ticked_and_taken_back(
    house: House, person: Callable[..., Who]
) -> None:
    expert = person(house.on_line("sch", "first", "paediatric-surgery"))
    doctor = person("KS-0401", phone=True)
    case = advised(house, doctor.number, expert.number)
    page = doctor.page
    page.goto(f"{case}sheet/")
    expert.page.goto(f"{case}sheet/")
    expert.mark()
    # What the expert has opened and half typed outlives every change of the page.
    aside = expert.page.locator("details.wide > summary", has_text="全部")
    aside.click()
    flight = expert.page.locator(".facts2 > div", has_text="班次").first
    flight.locator("details summary").click()
    flight.locator("input[name=reason]").fill("航司说")
    first = page.locator("#at-once button[value=yes]").first
    said = str(first.get_attribute("aria-label"))
    first.click()
    expect(page.locator("#at-once .st.is-met")).to_have_count(1)
    expect(expert.page.locator("#at-once .st.is-met")).to_have_count(1)
    assert expert.not_reloaded()
    assert not expert.page.locator("#at-once form").count(), "the expert is offered to tick"
    expect(flight.locator("input[name=reason]")).to_be_visible()
    expect(flight.locator("input[name=reason]")).to_have_value("航司说")
    expect(flight.locator("input[name=reason]")).to_be_focused()

    # Taking it back asks once, and the record keeps both.
    page.locator("#at-once button[value=no]").click()
    page.locator("dialog[open] button").last.click()
    expect(page.locator("#at-once .st.is-met")).to_have_count(0)
    expect(page.locator(f'#at-once button[aria-label="{said}"]')).to_be_visible()
    told = house.door(doctor.number).json(f"{case}export.json")
    assert [bool(row["undone_at"]) for row in told["temporised"]] == [True]


def test_a_place_on_the_operating_list_is_added_and_taken(
    house: House, person: Callable[..., Who]
) -> None:
    doctor = person("KS-0401", phone=True)
    page = doctor.page
    begins = f"{datetime.now(BEIJING) + timedelta(days=9):%Y-%m-%dT08:30}"
    page.goto("/missions/resources/")
    form = page.locator("form[action$='/slots/']")
    form.locator("input[name=starts_at]").fill(begins)
    form.locator("input[name=room]").fill("三号间")
    form.locator("button.go").click()
    place = page.locator(".dues li", has_text="三号间")
    expect(place.locator(".st.is-ok")).to_have_count(1)
    place.locator("button[value=taken]").click()
    expect(place.locator(".st.is-ok")).to_have_count(0)
    wide = "document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(wide), "the page is wider than the phone"

    # The same place said twice is one place.
    form.locator("input[name=starts_at]").fill(begins)
    form.locator("input[name=room]").fill("三号间")
    with page.expect_navigation():
        form.locator("button.go").click()
    expect(page.locator(".dues li", has_text="三号间")).to_have_count(1)
