"""Passkey, authenticator app, devices and invitation, as people do them in a real Chromium."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import expect

from tests.journeys.people import PASSWORD, House, Who, until

pytestmark = pytest.mark.journey

TELEPHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
PASSKEY = "form[data-passkey='/signin/passkey/'] button"


def here(house: House) -> str:
    """Passkeys belong to a name; an address in numbers has none."""
    return house.url.replace("127.0.0.1", "localhost")


def with_telephone(who: Who) -> Any:
    """A page whose browser holds passkeys, as a telephone with a fingerprint does."""
    tools = who.context.new_cdp_session(who.page)
    tools.send("WebAuthn.enable")
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": TELEPHONE})
    return who.page


def by_password(page: Any, house: House, number: str, password: str = PASSWORD) -> None:
    page.goto(f"{here(house)}/signin/")
    page.fill("input[name=username]", number)
    page.fill("input[name=password]", password)
    page.locator("form[action='/signin/'] button").click()


def sign_out(page: Any, house: House) -> None:
    page.goto(f"{here(house)}/me/")
    page.locator("main form[data-signout] button").click()
    page.wait_for_url("**/signin/")


def test_a_passkey_opens_the_door_and_signs_an_opinion(
    house: House, person: Callable[..., Who]
) -> None:
    case = house.raised(
        "SW-0802", specialty="interventional-cardiology", problem="胸痛 2 小时，ST 段抬高"
    )
    number = _rung(house, case)
    house.accepted(number, case)
    who = person("")
    page = with_telephone(who)
    by_password(page, house, number)
    page.wait_for_url("**/board/")
    page.goto(f"{here(house)}/me/security/")
    page.fill("input[name=name]", "我的手机")
    page.locator("form[data-passkey-new] button").click()
    page.wait_for_url("**/me/security/codes/")
    expect(page.locator(".codes li")).to_have_count(10)
    page.locator(".btns a.go").click()
    expect(page.locator("main")).to_contain_text("我的手机")
    sign_out(page, house)

    page.locator(PASSKEY).click()
    page.wait_for_url("**/board/")
    assert who.house.place.sql(
        "select count(*) from mfa_authenticator where type = 'webauthn' and last_used_at > now() "
        "- interval '1 minute'"
    ) == [(1,)]

    page.goto(f"{here(house)}{case}opinions/new/")
    page.locator("label:has(input[value=confirmed])").click()
    page.fill("textarea[name=assessment]", "急性心梗，前壁。")
    page.fill("textarea[name=recommendation]", "立即转来做介入。")
    page.locator("jl-stepup button").click()
    page.wait_for_url(f"**{case}")
    expect(page.locator("#part-advice")).to_contain_text("急性心梗")
    found = house.place.sql(
        "select s.provider from record_signature s join cases_opinion o on o.signature_id = s.id"
        " join cases_case c on c.id = o.case_id where c.key = %s",
        case.split("/")[2],
    )
    assert found == [("passkey",)]


def _rung(house: House, case: str) -> str:
    found = until(
        lambda: house.place.sql(
            "select p.number from cases_ring r join cases_request q on q.id = r.request_id"
            " join cases_case c on c.id = q.case_id"
            " join directory_practitioner p on p.id = r.practitioner_id where c.key = %s limit 1",
            case.split("/")[2],
        )
    )
    return str(found[0][0])


def test_a_refused_passkey_says_so_and_the_password_serves(
    house: House, person: Callable[..., Who]
) -> None:
    who = person("")
    page = with_telephone(who)  # it holds no passkey
    page.goto(f"{here(house)}/signin/")
    page.locator(PASSKEY).click()
    expect(page.locator("form[data-passkey] .err")).to_be_visible()
    by_password(page, house, "SW-0801")
    page.wait_for_url("**/board/")


def test_a_code_after_the_password_and_a_recovery_code_without_the_telephone(
    house: House, person: Callable[..., Who]
) -> None:
    who = person("", phone=True)
    page = who.page
    by_password(page, house, "SW-0802")
    page.wait_for_url("**/board/")
    page.goto(f"{here(house)}/me/security/app/")
    expect(page.locator("img.qr")).to_be_visible()
    assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 20
    page.locator("details summary").click()
    secret = page.locator("code.key").inner_text().replace(" ", "")
    page.fill("input[name=code]", "000000")
    page.locator("button.go").click()
    expect(page.locator("#app-error")).to_be_visible()
    page.fill("input[name=code]", _code(secret))
    page.locator("button.go").click()
    page.wait_for_url("**/me/security/codes/")
    recovery = page.locator(".codes code").first.inner_text()
    sign_out(page, house)

    by_password(page, house, "SW-0802")
    page.wait_for_url("**/signin/code/")
    page.fill("input[name=code]", _code(secret, ahead=1))  # the one before is used up
    page.locator("input[name=trust]").uncheck()
    page.locator("button.go").click()
    page.wait_for_url("**/board/")
    sign_out(page, house)

    by_password(page, house, "SW-0802")
    page.fill("input[name=code]", "111111")
    page.locator("input[name=trust]").uncheck()
    page.locator("button.go").click()
    expect(page.locator("#err-code")).to_be_visible()
    page.fill("input[name=code]", recovery)
    page.locator("button.go").click()
    page.wait_for_url("**/board/")
    page.goto(f"{here(house)}/me/security/")
    expect(page.locator("main")).to_contain_text("还剩 9 个")


def _code(secret: str, ahead: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))


def test_a_lost_telephone_is_signed_out_from_the_desk(
    house: House, person: Callable[..., Who]
) -> None:
    number = "KS-0402"
    telephone, desk = person("", phone=True), person("")
    for who in (telephone, desk):
        by_password(who.page, house, number)
        who.page.wait_for_url("**/board/")
    desk.page.goto(f"{here(house)}/me/security/")
    expect(desk.page.locator("#devices li")).to_have_count(2)
    desk.page.locator("#devices li form button").first.click()
    expect(desk.page.locator("#devices li")).to_have_count(1)
    # The board on the telephone finds out by itself, and the next page asks who it is.
    until(
        lambda: telephone.context.request.get(f"{here(house)}/me/", max_redirects=0).status == 302
    )
    telephone.page.goto(f"{here(house)}/me/")
    telephone.page.wait_for_url(re.compile("/signin/"))
    desk.page.goto(f"{here(house)}/me/")
    expect(desk.page.locator("h1")).to_contain_text(house.name_of(number))


def test_somebody_new_joins_by_a_link_and_leaves_again(
    house: House, person: Callable[..., Who]
) -> None:
    office, guest = person(""), person("", phone=True)
    page = office.page
    by_password(page, house, "KS-0001")
    page.wait_for_url("**/board/")
    page.goto(f"{here(house)}/staff/new/")
    page.fill("input[name=number]", "KS-0999")
    page.fill("input[name=name]", "阿依古丽")
    page.select_option("select[name=kind]", "nurse")
    page.locator("button.go").click()
    page.wait_for_url("**/staff/invitation/*")
    link = page.locator("#invitation-link").input_value()

    theirs = with_telephone(guest)
    theirs.goto(link)
    theirs.wait_for_url("**/signin/invitation/")  # the secret is out of the address bar
    theirs.fill("input[name=password]", "password1234")
    theirs.fill("input[name=again]", "password1234")
    theirs.locator("button.go").click()
    expect(theirs.locator(".err").first).to_be_visible()
    theirs.fill("input[name=password]", "sheep over the green hill")
    theirs.fill("input[name=again]", "sheep over the green hill")
    theirs.locator("button.go").click()
    theirs.wait_for_url("**/me/security/?new")
    theirs.locator("form[data-passkey-new] button").click()
    theirs.wait_for_url("**/me/security/codes/")

    page.goto(f"{here(house)}/staff/")
    row = page.locator("tr", has_text="阿依古丽")
    expect(row).to_contain_text("可登录")
    expect(row).to_contain_text("两步验证")
    row.locator("a", has_text="离岗").click()
    page.fill("input[name=reason]", "试用期结束")
    page.locator("button.go").click()
    page.wait_for_url("**/staff/?*")
    expect(page.locator("table")).not_to_contain_text("阿依古丽")
    theirs.goto(f"{here(house)}/me/")
    theirs.wait_for_url(re.compile("/signin/"))
    theirs.locator(PASSKEY).click()
    expect(theirs.locator("#signin-error")).to_be_visible()
