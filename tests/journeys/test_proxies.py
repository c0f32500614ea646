"""A proxy on the way that holds every stream back until it ends: it rings all the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.link import Link, Through
from tests.journeys.people import House, Who

pytestmark = pytest.mark.journey


@pytest.fixture
def proxy(house: House) -> Iterator[Link]:
    link = Link(house.url, buffers=True)
    yield link
    link.close()


def test_a_ring_and_a_change_come_through_a_proxy_that_buffers(
    house: House, proxy: Link, browser: Any
) -> None:
    number = house.on_line("cangling", "first", "obstetrics")
    expert = Who(Through(house.place, proxy), browser, number)
    doctor = Who(Through(house.place, proxy), browser, "LH-0601")
    page, watching = expert.page, doctor.page
    page.goto("/me/")
    page.wait_for_timeout(3000)  # the stream is open by now, and says nothing
    assert proxy.held
    case = house.raised("LH-0601", specialty="obstetrics", problem="产后出血")
    raised = time.monotonic()
    expect(page.locator(".ringbar")).to_be_visible(timeout=9000)
    assert time.monotonic() - raised < 7  # asked every five seconds, whatever the stream does

    # After some seconds the page asks for answers that end; changes come through again.
    watching.goto(case)
    watching.wait_for_timeout(10_000)
    assert any("once=1" in line for line in proxy.held)
    expect(watching.locator("jl-offline")).to_be_hidden()
    house.accepted(number, case)
    accepted = time.monotonic()
    expect(watching.locator("#part-rings .person")).to_contain_text(house.name_of(number))
    assert time.monotonic() - accepted < 5
    watching.wait_for_timeout(12_000)
    expect(watching.locator("jl-offline")).to_be_hidden()  # and it does not cry wolf

    # The next page of the same tab knows from the start.
    before = len(proxy.held)
    watching.goto("/board/")
    watching.wait_for_timeout(1500)
    assert all("once=1" in line for line in proxy.held[before:] if "board" in line)
    for who in (expert, doctor):
        assert not who.complaints
        who.context.close()
