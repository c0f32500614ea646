"""Teams and patients under way, with several people at once; nobody reloads to see the others."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.people import PASSWORD, House, Who

pytestmark = pytest.mark.journey
MISSION = re.compile(r"/missions/[0-9a-f-]{36}/$")


def decided(house: House, doctor: str, expert: str, specialty: str, problem: str) -> str:
    """A case with a signed decision, by HTTP; its address."""
    case = house.raised(doctor, specialty=specialty, problem=problem)
    asks, adviser = house.door(doctor), house.door(expert)
    request = asks.json(f"{case}export.json")["requests"][0]["key"]
    house.accepted(expert, case)
    advice = {"indication": "confirmed", "assessment": "须手术", "request": request}
    sent = adviser.post(f"{case}opinions/new/", {**advice, "password": PASSWORD}, page=None)
    assert sent.status == 303, sent.sentence
    opinion = asks.json(f"{case}export.json")["opinions"][0]["key"]
    asks.post(f"/opinions/{opinion}/acknowledgement/", {"understood": "on"}, page=None)
    choice = {"opinion": opinion, "chosen": "DISPATCH", "text": "请派队", "password": PASSWORD}
    sent = asks.post(f"{case}decisions/new/", choice, page=None)
    assert sent.status == 303, sent.sentence
    return case


def opened(who: Who) -> str:
    """The address of the mission that has just been planned."""
    who.page.wait_for_url(MISSION)
    return str(who.page.url).removeprefix(who.house.url)


def test_dispatch_delay_arrive(house: House, person: Callable[..., Who]) -> None:
    expert = person(house.on_line("sch", "first", "neonatology"), phone=True)
    doctor = person("KS-0401")
    case = decided(house, doctor.number, expert.number, "neonatology", "早产儿气胸，须现场处置")

    # The treating side plans the team from the page of the case.
    doctor.page.goto(case)
    doctor.page.locator("#part-underway a[href$='/missions/new/']").click()
    if doctor.page.locator("nav a[href='?start=sch']").count():
        doctor.page.locator("nav a[href='?start=sch']").click()
    page = doctor.page
    chosen = page.locator("select[name=person]").first
    key = chosen.locator("option", has_text=expert.name).get_attribute("value")
    chosen.select_option(str(key))
    for n, (kind, name, minutes) in enumerate([("prepare", "备齐", 40), ("road", "到院", 90)]):
        page.locator("select[name=leg_kind]").nth(n).select_option(kind)
        page.locator("input[name=leg_name]").nth(n).fill(name)
        page.locator("input[name=leg_minutes]").nth(n).fill(str(minutes))
    page.fill("textarea[name=kit]", "胸腔闭式引流包\n保温毯")
    page.locator(".sendbar button").click()
    mission = opened(doctor)
    expect(page.locator("#part-papers .dues li")).to_have_count(5)
    doctor.mark()

    # The expert approves for the own hospital, leaves, and says that the road is closed.
    expert.page.goto(mission)
    expert.press("form[action$='/approval/'] button.go")
    expert.press("form[action$='/departure/'] button.go")
    expect(page.locator("#part-head .tag.accent")).to_have_text("进行中")
    before = page.locator("#part-way .legs li .eta").last.inner_text()
    delay = expert.page.locator("#delay form").last
    delay.locator("input[name=minutes]").fill("50")
    delay.locator("input[name=reason]").fill("封路")
    with expert.page.expect_navigation():
        delay.locator("button").click()
    expect(page.locator("#part-way .legs li .eta").last).not_to_have_text(before)
    expect(page.locator("#part-way")).to_contain_text("封路")
    wide = "document.documentElement.scrollWidth <= window.innerWidth"
    assert expert.page.evaluate(wide), "the page is wider than the phone"

    expert.press("form[action$='/arrival/'] button.go")
    expect(page.locator("#part-head .tag.accent")).to_have_text("已到场")
    expect(page.locator("#part-way .legs li.done")).to_have_count(2)
    assert doctor.not_reloaded()
    told = house.door(doctor.number).json(f"{case}export.json")
    assert told["missions"][0]["status"] == "on_site"
    assert told["chain"]["verified"] is True


def test_a_transfer_that_changes_its_destination(house: House, person: Callable[..., Who]) -> None:
    expert = person(house.on_line("cangling", "first", "orthopaedics"))
    other = person(house.on_line("emergency", "officer"))
    doctor = person("SW-0802", phone=True)
    case = decided(house, doctor.number, expert.number, "orthopaedics", "多发伤，须上级医院处置")

    doctor.page.goto(case)
    doctor.page.locator("#part-underway a[href$='/transfers/new/']").click()
    doctor.page.select_option("select[name=end]", "cangling")
    doctor.page.fill("input[name=minutes]", "75")
    doctor.page.locator("label:has(input[name=stability][value=S1])").click()
    doctor.page.locator(".sendbar button").click()
    mission = opened(doctor)
    doctor.mark()

    # A physician of the destination accepts by name; the bedside sees it at once.
    expert.page.goto(mission)
    expert.press("form[action$='/acceptance/'] button.go")
    expect(doctor.page.locator("#part-patient")).to_contain_text(expert.name)
    assert doctor.not_reloaded()

    # Graded again, consent filed, off.
    grade = doctor.page.locator("form[action$='/grade/']")
    grade.locator("label:has(input[value=S1])").click()
    with doctor.page.expect_navigation():
        grade.locator("button.btn").last.click()
    doctor.press("#part-papers form button")
    doctor.press("#part-head form[action$='/departure/'] button")
    expect(doctor.page.locator("#part-head .tag.accent")).to_have_text("进行中")

    # On the way the other hospital is nearer: the old one is told and sees the case no longer
    # than it was asked for advice; the new one accepts.
    doctor.page.locator("summary", has_text="改目的地").click()
    change = doctor.page.locator("form[action$='/destination/']")
    change.locator("select[name=end]").select_option("emergency")
    change.locator("input[name=reason]").fill("路上恶化，就近")
    with doctor.page.expect_navigation():
        change.locator("button").click()
    doctor.mark()
    expect(doctor.page.locator("#part-head .banner")).to_be_visible()
    expect(expert.page.locator("#part-patient")).not_to_contain_text(expert.name)
    other.page.goto(mission)
    # Its desk speaks for a physician of the house.
    expect(other.page.locator("#part-head form[action$='/acceptance/']")).to_have_count(0)
    other.page.locator("summary", has_text="替本院医师").click()
    speaks = other.page.locator("#acts form[action$='/acceptance/']")
    speaks.locator("select").select_option(index=1)
    receiver = speaks.locator("option").nth(1).inner_text().split()[0]
    with other.page.expect_navigation():
        speaks.locator("button").click()
    expect(doctor.page.locator("#part-patient")).to_contain_text(receiver)
    assert doctor.not_reloaded()

    doctor.press("#part-head form[action$='/arrival/'] button")
    doctor.page.fill("form[action$='/handover/'] textarea", "已与急诊交接")
    doctor.press("form[action$='/handover/'] button")
    told = house.door(doctor.number).json(f"{case}export.json")["missions"][0]
    assert (told["status"], told["end"]) == ("closed", "emergency")
    assert told["receiver"]["name"] == receiver


def test_a_gate_is_signed_with_gloves_on(house: House, person: Callable[..., Who]) -> None:
    nurse = person("KS-0401", phone=True)
    expert = house.on_line("sch", "first", "neonatology")
    case = decided(house, nurse.number, expert, "neonatology", "早产儿气胸，床旁引流")
    page = nurse.page
    page.goto(case)
    page.locator("#part-underway a[href$='/gates/']").click()
    wide = "document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(wide), "the page is wider than the phone"
    items = page.locator(".gateitem")
    expect(items).to_have_count(7)
    chip = items.first.locator(".chip").first.bounding_box()
    assert chip["height"] >= 44, "too small for a gloved finger"

    # One thing is not right: it asks what is done about it, and keeps what was answered.
    for n in range(7):
        items.nth(n).locator("label:has(input[value=yes])").click()
    items.nth(3).locator(".chip.isno").click()
    page.locator("section.gate form button.go").click()
    expect(page.locator("[data-error]")).to_contain_text("请写明如何处理：血氧仪")
    items.nth(3).locator("input.whatnow").fill("换一台血氧仪")
    page.locator("section.gate form button.go").click()
    expect(page.locator("#sign_in-1 .st.is-met").first).to_be_visible()
    expect(page.locator("#time_out-1 .gateitem")).to_have_count(7)
    told = house.door(nurse.number).json(f"{case}export.json")
    assert [row["gate"] for row in told["checklists"]] == ["sign_in"]
    assert told["checklists"][0]["answers"]["oximeter"] == ["no", "换一台血氧仪"]
    assert told["chain"]["verified"] is True
