"""The network goes away in the middle of the form; the same device in two tabs; a wrong clock."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.device import KEPT
from tests.journeys.people import House, Who, until

pytestmark = pytest.mark.journey


def test_three_minutes_without_network_lose_nothing(
    house: House, person: Callable[..., Who]
) -> None:
    doctor = person("HK-0901", phone=True)
    page = doctor.page
    page.clock.install()
    page.goto("/cases/new/")
    problem = "双胎早产 31 周，小的呼吸窘迫"
    page.locator("label:has(input[name=specialty][value=neonatology])").click()
    page.fill("input[name=patient_name]", "查玉之双胎")

    # The network goes; the doctor writes on.
    doctor.context.set_offline(True)
    expect(page.locator("jl-offline")).to_be_visible()
    page.locator("label:has(input[name=patient_unknown])").click()
    page.fill("textarea[name=problem]", problem)
    page.clock.run_for(1000)
    until(lambda: page.evaluate(KEPT)["rows"] == 1, 5, "no draft was kept")
    assert problem not in page.evaluate(KEPT)["text"]

    # Back for a moment, and the page is loaded anew: everything typed is there.
    doctor.context.set_offline(False)
    page.reload()
    expect(page.locator("textarea[name=problem]")).to_have_value(problem)
    expect(page.locator("input[name=patient_name]")).to_have_value("查玉之双胎")
    expect(page.locator("input[name=specialty][value=neonatology]")).to_be_checked()
    expect(page.locator("input[name=patient_unknown]")).to_be_checked()
    expect(page.locator("output.banner")).to_contain_text("草稿")

    # Gone again, and now the button is pressed, twice.
    doctor.context.set_offline(True)
    page.locator(".sendbar button").click()
    page.clock.run_for(2000)
    waiting = page.locator("output.banner")
    expect(waiting).to_contain_text("信号弱")
    expect(waiting).to_contain_text("未发送")
    page.locator(".sendbar button").click()
    page.clock.fast_forward(180_000)
    page.clock.run_for(1000)
    expect(waiting).to_contain_text("打电话")  # after 30 seconds: ring instead
    expect(waiting.locator("a[href^='tel:']")).to_be_visible()
    assert house.cases_about(problem) == []

    # The network is back: it goes by itself, once.
    doctor.context.set_offline(False)
    page.clock.run_for(2000)
    page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"), timeout=20_000)
    assert len(house.cases_about(problem)) == 1
    assert page.evaluate(KEPT)["rows"] == 0
    page.goto("/cases/new/")
    expect(page.locator("textarea[name=problem]")).to_have_value("")


def test_a_page_that_was_closed_before_it_was_sent_goes_on_from_the_next(
    house: House, person: Callable[..., Who]
) -> None:
    doctor = person("HK-0902", phone=True)
    problem = "开放性胫骨骨折，足背动脉弱"
    doctor.page.goto("/cases/new/")
    doctor.fill_page("orthopaedics", problem, urgency="U3")
    doctor.context.set_offline(True)
    doctor.page.locator(".sendbar button").click()
    expect(doctor.page.locator("form[data-draft]")).to_have_attribute("aria-busy", "true")
    doctor.page.close()
    doctor.context.set_offline(False)
    later = doctor.tab()
    later.goto("/cases/")
    expect(later.locator("#toasts a[href*='/cases/']")).to_be_visible()
    assert len(house.cases_about(problem)) == 1
    later.goto("/cases/new/")
    expect(later.locator("textarea[name=problem]")).to_have_value("")
    assert len(house.cases_about(problem)) == 1


def test_two_tabs_a_double_click_and_the_back_button(
    house: House, person: Callable[..., Who]
) -> None:
    expert = person(house.on_line("cangling", "first", "interventional-neurology"))
    tabs = [expert.page, expert.tab()]
    for tab in tabs:
        tab.goto("/cases/")
    doctor = person("LS-0501", phone=True)
    problem = "突发左侧偏瘫 90 分钟，言语不清"
    doctor.page.goto("/cases/new/")
    doctor.fill_page("interventional-neurology", problem)
    doctor.page.locator(".sendbar button").dblclick()
    doctor.page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"))
    assert len(house.cases_about(problem)) == 1

    # Both tabs ring; one answers, the other stops and says so.
    for tab in tabs:
        expect(tab.locator(".ringbar")).to_be_visible()
    tabs[1].locator(".ringbar a.btn").click()
    expect(tabs[1].locator(".take").first).to_be_visible()
    tabs[0].locator(".ringbar a.btn").click()
    tabs[0].locator("form[action$='/acceptance/'] .take").first.dblclick()
    tabs[0].wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"))
    expect(tabs[1].locator(".over")).to_be_visible()
    expect(tabs[1].locator("form[action$='/acceptance/']:visible")).to_have_count(0)
    expect(tabs[1]).not_to_have_title(re.compile(r"^\(\d"))
    accepted = house.place.sql(
        "select count(*) from record_event e join cases_case c on c.chain_id = e.chain_id"
        " where c.problem = %s and verb = 'request_accepted'",
        problem,
    )
    assert accepted == [(1,)]

    # Back, and the button once more: the form does not send the same page a second time.
    doctor.page.go_back()
    expect(doctor.page.locator(".sendbar button")).to_be_visible()
    time.sleep(1)
    assert len(house.cases_about(problem)) == 1
    doctor.page.locator(".sendbar button").click()
    doctor.page.wait_for_timeout(1500)
    assert len(house.cases_about(problem)) == 1


AN_HOUR_AHEAD = """
{
  const Real = Date;
  const late = 3600 * 1000;
  window.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + late); }
    static now() { return Real.now() + late; }
  };
}
"""


def test_a_phone_whose_clock_is_an_hour_wrong(house: House, person: Callable[..., Who]) -> None:
    expert = person(
        house.on_line("cangling", "first", "obstetrics"), phone=True, before=AN_HOUR_AHEAD
    )
    expert.page.goto("/me/")
    case = house.raised("LH-0601", specialty="obstetrics", problem="产后出血 1200 毫升")
    raised = time.monotonic()
    expect(expert.page.locator(".ringbar")).to_be_visible(timeout=6000)
    seconds = int(expert.page.locator(".ringbar .sec").inner_text().split()[0].rstrip("秒"))
    assert 1 <= seconds <= 20
    expert.page.locator(".ringbar a.btn").click()
    dial = expert.page.locator("jl-dial b")
    expect(dial).to_have_text(re.compile(r"^(1?\d|20)$"))
    expert.page.goto(case)
    left = expert.page.locator("#part-clocks jl-clock").first.inner_text()
    minutes, rest = map(int, re.findall(r"\d+", left))  # C1a: ten minutes from the page
    elapsed = 600 - (minutes * 60 + rest)
    assert abs(elapsed - (time.monotonic() - raised)) < 4, left
    house.accepted(expert.number, case)  # so that it rings nobody in another journey


def test_what_happens_while_a_slow_page_loads_is_not_missed(
    house: House, person: Callable[..., Who]
) -> None:
    """The script of the page comes seconds late; meanwhile somebody accepted."""
    case = house.raised("SW-0801", specialty="general-surgery", problem="绞窄性疝 6 小时")
    doctor = person("SW-0801", phone=True)
    expert = house.on_line("cangling", "first", "general-surgery")

    def late(route: object) -> None:
        house.accepted(expert, case)
        route.continue_()  # type: ignore[attr-defined]

    doctor.page.route("**/dist/jieli.js*", late)
    doctor.page.goto(case)
    expect(doctor.page.locator("#part-rings .person")).to_contain_text(house.name_of(expert))


def test_a_change_that_comes_while_its_part_is_fetched_is_not_lost(
    house: House, person: Callable[..., Who]
) -> None:
    number = house.on_line("cangling", "first", "interventional-neurology")
    case = house.raised("LS-0501", specialty="interventional-neurology", problem="右侧偏瘫 1 小时")
    page = person("LS-0501").page
    page.goto(case)
    expect(page.locator("#part-rings")).to_contain_text(house.name_of(number))
    held: list[tuple[Any, Any]] = []

    def slow(route: Any) -> None:
        """The first answer is old when it comes: others go through at once."""
        if held:
            route.continue_()
        else:
            held.append((route, route.fetch()))

    page.route("**/live/rings/", slow)
    page.evaluate("key => document.body.dispatchEvent(new CustomEvent(`jl:case:${key}:rings`))",
                  case.strip("/").split("/")[-1])  # fmt: skip
    until(lambda: page.wait_for_timeout(50) or held, 5, "the part was not fetched")
    house.accepted(number, case)
    expect(page.locator("#part-clocks")).to_contain_text("按时完成")  # the change has been told
    page.wait_for_timeout(500)
    route, old = held[0]
    route.fulfill(response=old)
    expect(page.locator("#part-rings .person")).to_contain_text(house.name_of(number))
