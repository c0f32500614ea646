"""A coordinator brings the roster from Excel: one bad cell, mended, imported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.exchange.books import book, turn
from tests.journeys.people import House, Who

pytestmark = pytest.mark.journey
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def test_a_bad_cell_is_named_mended_and_imported(house: House, person: Callable[..., Who]) -> None:
    coordinator = person("SCH-0001")
    page = coordinator.page
    page.goto("/duty/")
    expect(page.locator("#roster")).to_be_visible()
    start = (datetime.now(UTC) + timedelta(days=20)).replace(hour=8, minute=0, second=0)
    rows = [
        turn(
            机构代码="sch",
            专科="新生儿科",
            工号=number,
            姓名=house.name_of(number),
            开始=f"{start + timedelta(days=day):%Y-%m-%d %H:%M}",
            结束=f"{start + timedelta(days=day + 1):%Y-%m-%d %H:%M}",
        )
        for day, number in enumerate(("SCH-0121", "SCH-0122"))
    ]
    bad = [rows[0], rows[1] | {"结束": "明天早上"}]
    page.goto("/directory/import/")
    _choose(page, book(值班=bad))
    error = page.locator("[data-error]")
    expect(error).to_be_visible()
    expect(page.locator("table.rows").first).to_contain_text("值班 G3")
    expect(page.locator("table.rows").first).to_contain_text("明天早上")
    assert _turns(house, start) == 0

    page.goto("/directory/import/")
    _choose(page, book(值班=rows))
    page.wait_for_url("**/directory/import/*-*/")
    assert _turns(house, start) == 0  # seen, not stored
    page.locator("form[action$='/confirmation/'] button").click()
    page.wait_for_url("**/directory/import/")
    assert _turns(house, start) == 2


def _choose(page: object, content: bytes) -> None:
    page.set_input_files(  # type: ignore[attr-defined]
        "input[type=file]", {"name": "值班.xlsx", "mimeType": SHEET, "buffer": content}
    )
    page.locator("main form button.go").click()  # type: ignore[attr-defined]


def _turns(house: House, start: datetime) -> int:
    [[count]] = house.place.sql(
        "select count(*) from directory_duty where lower(period) >= %s and lower(period) < %s",
        start - timedelta(days=1),
        start + timedelta(days=3),
    )
    return int(count)
