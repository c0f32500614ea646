"""What a device keeps and what it gives up: service worker, sealed drafts, signing out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.device import KEPT, READY
from tests.journeys.link import Link, Through
from tests.journeys.people import House, Who, until
from tests.journeys.test_uploads import dicom

pytestmark = pytest.mark.journey
Person = Callable[..., Who]


@pytest.fixture
def link(house: House) -> Iterator[Link]:
    link = Link(house.url)
    yield link
    link.close()


@pytest.fixture
def far(house: House, link: Link, browser: Any) -> Iterator[Person]:
    """Like `person`, at the far end of a link that can be cut."""
    people: list[Who] = []

    def sign_in(number: str, **how: Any) -> Who:
        people.append(Who(Through(house.place, link), browser, number, **how))
        return people[-1]

    yield sign_in
    for who in people:
        who.context.close()


def settled(page: Any, path: str) -> None:
    """Open a page and wait until the service worker looks after it."""
    page.goto(path)
    until(lambda: page.evaluate(READY), 15, "no service worker took the page")


def cached(page: Any, path: str) -> Any:
    return page.evaluate(KEPT)["cached"].get(path)


def test_the_duty_telephones_open_without_a_network(link: Link, far: Person, house: House) -> None:
    doctor = far("SCH-0101", phone=True)
    page = doctor.page
    settled(page, "/board/")
    until(lambda: cached(page, "/duty/telephones/"), 10, "the telephones were not kept")
    kept = cached(page, "/duty/telephones/")
    assert "csrf" not in kept.lower()
    assert "data-seal" not in kept
    name = house.name_of(house.on_line("sch", "first", "paediatric-surgery"))
    [telephone] = re.findall(name + r"[^<]{0,9}<[^>]*tel:([0-9+]+)", kept)[:1]

    link.cut()
    page.goto("/duty/telephones/")
    expect(page.locator(f"a[href='tel:{telephone}']").first).to_be_visible()
    expect(page.locator("jl-offline")).to_contain_text("存在本机的副本")
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") != "32px"

    # A page about patients is not there: the page that says so is, and leads to the telephones.
    page.goto("/cases/")
    expect(page.locator("h1")).to_contain_text("没有网络")
    page.locator("a[href='/duty/telephones/']").click()
    expect(page.locator(f"a[href='tel:{telephone}']").first).to_be_visible()

    link.mend()
    page.goto("/cases/")
    expect(page.locator("h1")).not_to_contain_text("没有网络")


def test_without_a_network_in_english(link: Link, far: Person) -> None:
    page = far("SCH-0101", language="en").page
    settled(page, "/me/")
    link.cut()
    page.goto("/cases/")
    expect(page.locator("h1")).to_contain_text("There is no network")


def test_no_page_about_a_patient_is_ever_kept(house: House, person: Person) -> None:
    secret = "阑尾炎穿孔，腹膜刺激征阳性"
    case = house.raised("SW-0802", specialty="general-surgery", problem=secret, urgency="U3")
    doctor = person("SW-0802")
    page = doctor.page
    settled(page, "/board/")
    for path in (case, f"{case}events/", f"{case}handovers/", "/cases/", "/board/"):
        page.goto(path)
    page.goto(case)
    expect(page.locator("body")).to_contain_text(secret)
    page.fill("#say", "引流管已拔，患者姓名马某")
    until(lambda: page.evaluate(KEPT)["rows"] == 1, 5, "the draft was not kept")
    kept = page.evaluate(KEPT)
    everything = kept["text"] + "".join(kept["cached"].values())
    for words in (secret, "引流管", "马某", case):
        assert words not in everything, words
    known = {path for path in kept["cached"] if not path.startswith(("/static/", "/offline/"))}
    assert known <= {"/duty/telephones/"}
    assert "KEY" not in kept["text"]  # the key itself is nowhere


def test_signing_out_leaves_nothing(house: House, person: Person) -> None:
    case = house.raised("SW-0802", specialty="general-surgery", problem="疝嵌顿", urgency="U3")
    doctor = person("SW-0802")
    page, other = doctor.page, doctor.tab()
    settled(page, "/board/")
    page.goto(case)
    page.fill("#say", "留在这台设备上的话")
    until(lambda: cached(page, "/duty/telephones/"), 10, "the telephones were not kept")
    other.goto(f"{case}handovers/")
    other.locator("textarea").first.fill("另一个标签页里的病情")
    until(lambda: page.evaluate(KEPT)["rows"] == 2, 5, "the drafts were not kept")
    before = page.evaluate(KEPT)
    assert before["rows"] == 2

    page.goto("/board/")
    page.locator("form[data-signout] button:visible").first.click()
    page.wait_for_url(re.compile("/signin/"))
    kept = page.evaluate(KEPT)
    left = [path for path in kept["cached"] if not path.startswith(("/static/", "/offline/"))]
    assert (kept["rows"], kept["stores"], left) == (0, "{}{}", [])

    # The other tab does not put anything back, shows nothing, and ends at the sign-in.
    expect(other.locator("textarea")).to_have_count(0)
    other.wait_for_url(re.compile("/signin/"))
    assert other.evaluate(KEPT)["rows"] == 0


def test_another_account_finds_nothing_of_the_one_before(house: House, person: Person) -> None:
    """The first session just ends, as when it is too old: nobody pressed a button."""
    case = house.raised("SW-0802", specialty="general-surgery", problem="肠扭转", urgency="U3")
    doctor = person("SW-0802")
    page = doctor.page
    settled(page, case)
    page.fill("#say", "前一位医生的草稿")
    until(lambda: page.evaluate(KEPT)["rows"] == 1, 5, "the draft was not kept")
    until(lambda: cached(page, "/duty/telephones/"), 10, "the telephones were not kept")
    cookies = [c for c in doctor.context.cookies() if c["name"] != "sessionid"]
    doctor.context.clear_cookies()
    doctor.context.add_cookies(cookies)
    page.goto("/signin/")
    assert page.evaluate(KEPT)["rows"] == 1  # still theirs, still noise: they may come back
    doctor.number = "SW-0801"
    doctor._sign_in()
    page.goto("/me/")
    until(lambda: page.evaluate(KEPT)["rows"] == 0, 5, "the other's draft is still there")
    until(lambda: house.name_of("SW-0801") in (cached(page, "/duty/telephones/") or ""), 10,
          "the other's telephones are still there")  # fmt: skip


def test_an_old_session_gives_the_draft_back_to_its_own_person(
    house: House, person: Person
) -> None:
    case = house.raised("SW-0802", specialty="general-surgery", problem="胆囊炎", urgency="U3")
    doctor = person("SW-0802")
    page = doctor.page
    page.goto(case)
    page.fill("#say", "会话到期前写的")
    until(lambda: page.evaluate(KEPT)["rows"] == 1, 5, "the draft was not kept")
    doctor.context.clear_cookies()
    page.goto("/signin/")
    doctor._sign_in()
    page.goto(case)
    expect(page.locator("#say")).to_have_value("会话到期前写的")


def test_a_queued_send_goes_out_after_its_page_was_closed(
    house: House, link: Link, far: Person
) -> None:
    """The browser wakes the service worker; no page of ours is open."""
    doctor = far("HK-0902", phone=True)
    problem = "桡骨远端骨折，手指发凉"
    page = doctor.page
    settled(page, "/cases/new/")
    doctor.fill_page("orthopaedics", problem, urgency="U3")
    link.cut()
    page.locator(".sendbar button").click()
    expect(page.locator("output.banner")).to_contain_text("未发送")
    kept = page.evaluate(KEPT)
    assert kept["rows"] == 1
    assert problem not in kept["text"]
    page.goto("/board/")  # a page without a network says what waits here
    expect(page.locator("jl-waiting")).to_contain_text("1 份内容还没发出去")
    blank = doctor.context.new_page()
    wire = doctor.context.new_cdp_session(blank)
    found: list[dict[str, Any]] = []
    wire.on("ServiceWorker.workerRegistrationUpdated", lambda e: found.extend(e["registrations"]))
    wire.send("ServiceWorker.enable")
    page.close()
    assert house.cases_about(problem) == []
    link.mend()
    until(lambda: blank.wait_for_timeout(50) or _ours(found, link), 5, "no registration")
    wire.send(
        "ServiceWorker.dispatchSyncEvent",
        {"origin": link.url, "registrationId": _ours(found, link), "tag": "jl-outbox",
         "lastChance": False},
    )  # fmt: skip
    until(lambda: blank.wait_for_timeout(50) or house.cases_about(problem), 15, "it was not sent")
    later = doctor.tab()
    later.goto("/cases/new/")
    until(lambda: later.evaluate(KEPT)["rows"] == 0, 5, "it is still kept")
    expect(later.locator("textarea[name=problem]")).to_have_value("")
    assert len(house.cases_about(problem)) == 1


def _ours(found: list[dict[str, Any]], link: Link) -> str:
    mine = [one for one in found if one["scopeURL"] == f"{link.url}/" and not one["isDeleted"]]
    return str(mine[-1]["registrationId"]) if mine else ""


def test_an_offline_draft_is_sent_when_the_network_returns(
    house: House, link: Link, far: Person
) -> None:
    doctor = far("HK-0901", phone=True)
    problem = "坏死性小肠结肠炎，腹胀血便"
    page = doctor.page
    settled(page, "/cases/new/")
    link.cut()
    doctor.fill_page("neonatology", problem, urgency="U3")
    until(lambda: page.evaluate(KEPT)["rows"] == 1, 5, "the draft was not kept")
    page.reload()  # without a network the form itself is gone, and the page says what is kept
    expect(page.locator("jl-waiting")).to_contain_text("1 份草稿")
    link.mend()
    page.reload()
    expect(page.locator("textarea[name=problem]")).to_have_value(problem)
    link.cut()
    page.locator(".sendbar button").click()
    expect(page.locator("output.banner")).to_contain_text("未发送")
    link.mend()
    page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"), timeout=30_000)
    assert len(house.cases_about(problem)) == 1
    assert page.evaluate(KEPT)["rows"] == 0


def test_behind_plain_http_nothing_is_kept_and_the_page_says_so(
    house: House, plain_browser: Any
) -> None:
    """Browsers have no Web Crypto and no service worker there."""
    port = house.url.rsplit(":", 1)[1]

    class Plain(House):
        @property
        def url(self) -> str:
            return f"http://hospital.test:{port}"

    plain = Plain(house.place)
    doctor = Who(plain, plain_browser, "", phone=True)
    cookies = house.door("HK-0901").client.cookies
    doctor.context.add_cookies(
        [{"name": n, "value": v, "url": plain.url} for n, v in cookies.items()]
    )
    page = doctor.page
    page.goto("/cases/new/")
    assert page.evaluate("isSecureContext") is False
    expect(page.locator("output.banner")).to_contain_text("存不了草稿")
    problem = "新生儿气胸，已穿刺"
    doctor.fill_page("neonatology", problem, urgency="U3")
    page.wait_for_timeout(600)
    assert page.evaluate("indexedDB.databases()") == []
    assert problem not in page.evaluate("JSON.stringify({...localStorage})")
    doctor.send_page()  # sending itself does not need any of it
    assert len(house.cases_about(problem)) == 1
    # A file arrives whole: its hash is computed without Web Crypto.
    scan = {"name": "ct.dcm", "mimeType": "application/dicom", "buffer": dicom(1_300_007)}
    page.set_input_files("input[type=file]", scan)
    expect(page.locator(".ups")).to_contain_text("已上传", timeout=30_000)
    # Chromium says that one header means nothing there; anything else is ours.
    assert [text for text in doctor.complaints if "Opener-Policy" not in text] == []
    doctor.context.close()
