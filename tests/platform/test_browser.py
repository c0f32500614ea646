"""A real Chromium takes our pages under our own content security policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.installation import Installation


@pytest.mark.journey
def test_a_page_breaks_no_rule_of_its_own_policy(installation: Installation, browser: Any) -> None:
    installation.serve()
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    answer = page.goto(f"{installation.url}/no-such-page/", wait_until="networkidle")
    assert answer.status == 404
    assert page.locator("html").get_attribute("lang").lower() == "zh-hans"
    assert page.evaluate("document.styleSheets.length") >= 1
    # Chromium names the 404 itself; anything else is ours.
    ours = [text for text in complaints if "404" not in text]
    assert ours == []
    context.close()
