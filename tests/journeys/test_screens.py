"""Every screen in English on a narrow phone, in both themes, and what axe-core finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.people import PASSWORD, PHONE, House, Who

pytestmark = pytest.mark.journey

RULES = {
    "light": {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast"]}},  # only colours differ
}
WIDE = """() => {
  const wide = document.documentElement.clientWidth;
  const shown = (node) => getComputedStyle(node).visibility !== "hidden";
  return document.scrollingElement.scrollWidth <= wide ? [] :
    [...document.querySelectorAll("body *")]
      .filter((node) => shown(node) && node.getBoundingClientRect().right > wide + 1)
      .map((node) => `${node.tagName}.${node.className}: ${node.textContent.trim().slice(0, 40)}`)
      .slice(0, 8);
}"""


def test_every_screen_in_english_in_both_themes(house: House, person: Callable[..., Who]) -> None:
    expert = house.on_line("cangling", "first", "orthopaedics")
    case = _a_case_with_an_opinion(house, expert)
    keys = under_way(house, case)
    mission, guidance = f"/missions/{keys['mission']}/", f"/guidance/{keys['guidance']}/"
    ring = _a_ring_of(house, expert)
    screens = [
        ("", "/signin/"),
        ("SCH-0001", "/board/"),
        ("SCH-0001", "/duty/"),
        ("SCH-0001", "/duty/telephones/"),
        ("SCH-0001", "/pager/"),
        ("SCH-0001", "/pager/probes/in_app/"),
        ("SW-0802", "/cases/new/"),
        ("SW-0802", case),
        ("SW-0802", f"{case}handovers/"),
        ("SW-0802", f"{case}decisions/new/"),
        ("SW-0802", f"{case}measurements/"),
        ("SW-0802", mission),
        ("SW-0802", "/missions/"),
        ("SW-0802", f"{case}missions/new/"),
        ("SW-0802", f"{case}transfers/new/"),
        ("SW-0802", f"{case}procedures/new/"),
        ("SW-0802", f"{case}guidance/"),
        ("SW-0802", guidance),
        (expert, guidance),
        (expert, mission),
        ("SCH-0001", "/missions/"),
        ("SCH-0001", "/office/"),
        ("KS-0001", "/record/roots/"),
        (expert, f"/rings/{ring}/"),
        (expert, f"{case}opinions/new/"),
        (expert, "/me/"),
        (expert, "/me/security/"),
        (expert, "/me/again/"),
        ("SCH-0001", "/staff/"),
        ("SCH-0001", "/staff/new/"),
        ("KS-0001", "/services/"),
    ]
    faults: list[str] = []
    for theme in ("light", "dark"):
        people: dict[str, Who] = {}
        for number, path in screens:
            if number not in people:
                people[number] = person(number, phone=True, language="en", color_scheme=theme)
            page = people[number].page
            page.goto(path)
            expect(page.locator("h1").first).to_be_visible()
            assert page.locator("html").get_attribute("lang") == "en"
            faults += [f"{theme} {path}: {fault}" for fault in _serious(page, theme)]
            for width in (390, 320) if theme == "light" else ():
                page.set_viewport_size({**PHONE, "width": width})
                faults += [f"{path} at {width}: {node}" for node in page.evaluate(WIDE)]
            page.set_viewport_size(PHONE)
        for who in people.values():
            who.page.close()
    assert not faults, "\n".join(faults)


def _serious(page: Any, theme: str) -> list[str]:
    found = Axe().run(page, options=RULES[theme]).response["violations"]
    return [
        f"{each['id']} {node['target']} {node['failureSummary'][:160]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]


def _a_case_with_an_opinion(house: House, expert: str) -> str:
    case = house.raised(
        "SW-0802", specialty="orthopaedics", problem="骨盆骨折，血红蛋白 72", urgency="U1"
    )
    doctor, adviser = house.door("SW-0802"), house.door(expert)
    request = doctor.json(f"{case}export.json")["requests"][0]["key"]
    known = {"channel": "telephone", "practitioner": _key(house, expert)}
    advice = {
        "indication": "confirmed",
        "assessment": "不稳定骨盆骨折",
        "recommendation": "先外固定",
    }
    steps = [
        (adviser, f"/requests/{request}/acceptance/", {}),
        (doctor, f"/requests/{request}/contact/", known),
        (doctor, f"{case}observations/", {"hr": "128", "sbp": "84", "dbp": "50", "spo2": "93"}),
        (doctor, f"{case}handovers/", {"situation": "车祸伤 3 小时", "ask": "能否先栓塞"}),
        (doctor, f"{case}messages/", {"text": "骨盆带已上"}),
        (doctor, f"{case}consents/", {"kind": "remote_consult", "given_by": "本人"}),
        (adviser, f"{case}opinions/new/", {**advice, "request": request, "password": PASSWORD}),
    ]  # fmt: skip
    for who, path, fields in steps:
        answer = who.post(path, fields, page=None)
        assert answer.status == 303, (path, answer.status, answer.sentence)
    return case


def under_way(house: House, case: str) -> dict[str, str]:
    """The case is decided, a team of it is on the way and an operation has begun; their keys."""
    doctor = house.door("SW-0802")
    opinion = doctor.json(f"{case}export.json")["opinions"][0]
    expert = opinion["author"]["number"]
    choice = {"opinion": opinion["key"], "chosen": "DISPATCH", "text": "请派队"}
    team = {
        "start": "cangling", "person": [_key(house, expert)], "part": ["operator"],
        "leg_name": ["备齐", "到院"], "leg_kind": ["prepare", "road"], "leg_minutes": ["40", "300"],
        "leg_departs": ["", ""], "kit": "外固定架\n骨盆带",
    }  # fmt: skip
    # Another screen test may have sent the same person: here they are free.
    house.place.sql(
        "update missions_member set left_at = now() where left_at is null and practitioner_id ="
        " (select id from directory_practitioner where number = %s)",
        expert,
    )
    steps = [
        (f"/opinions/{opinion['key']}/acknowledgement/", {"understood": "on"}),
        (f"{case}decisions/new/", {**choice, "password": PASSWORD}),
        (f"{case}missions/new/", team),
        (f"{case}procedures/new/", {"name": "骨盆外固定"}),
    ]
    for path, fields in steps:
        answer = doctor.post(path, fields, page=None)
        assert answer.status == 303, (path, answer.status, answer.sentence)
    told = doctor.json(f"{case}export.json")
    mission, procedure = told["missions"][-1]["key"], told["procedures"][-1]["key"]
    for path, fields in (
        (f"/missions/{mission}/approval/", {}),
        (f"/missions/{mission}/departure/", {}),
        (f"/missions/{mission}/entries/", {"kind": "position", "text": "过收费站"}),
    ):
        answer = doctor.post(path, fields, page=None)
        assert answer.status == 303, (path, answer.status, answer.sentence)
    return {"mission": mission, "procedure": procedure, "guidance": _guided(house, case, expert)}


def _guided(house: House, case: str, expert: str) -> str:
    """Guidance from afar is planned, and one thing of its pre-check answered; its key."""
    doctor = house.door("SW-0802")
    [[technique]] = house.place.sql("select code from directory_technique order by id limit 1")
    plan = {
        "name": "骨盆外固定", "technique": technique, "operator": _key(house, "SW-0802"),
        "guide": _key(house, expert),
    }  # fmt: skip
    answer = doctor.post(f"{case}guidance/", plan, page=f"{case}guidance/")
    assert answer.status == 303, (answer.status, answer.sentence)
    stop = doctor.post(f"{answer.path}checks/stop/", {"answer": "yes"}, page=answer.path)
    assert stop.status == 303, (stop.status, stop.sentence)
    return answer.path.split("/")[2]


def _key(house: House, number: str) -> str:
    [[key]] = house.place.sql("select key from directory_practitioner where number = %s", number)
    return str(key)


def _a_ring_of(house: House, expert: str) -> str:
    problem = "股骨颈骨折，抗凝中"
    house.raised("SW-0802", specialty="orthopaedics", problem=problem, urgency="U0")
    [ring] = house.place.sql(
        "select r.key from cases_ring r join directory_practitioner p on p.id = r.practitioner_id"
        " join cases_request q on q.id = r.request_id join cases_case c on c.id = q.case_id"
        " where p.number = %s and c.problem = %s and not r.silent order by r.id desc limit 1",
        expert,
        problem,
    )
    return str(ring[0])
