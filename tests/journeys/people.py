"""Who takes part in a journey: a browser of one's own, and what its console complained about."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jieli.stories.doors import Person
from tests.installation import Installation

PASSWORD = "jieli-demo-2026"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
# What Chromium itself says about an answer or a network that a journey brings about on purpose.
EXPECTED = re.compile(
    r"status of 4\d\d|ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|ERR_FAILED|"
    "ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|"
    "ERR_CONTENT_LENGTH_MISMATCH"
)


@dataclass
class House:
    """The installation that the journeys share."""

    place: Installation

    @property
    def url(self) -> str:
        return self.place.url

    def on_line(self, site: str, line: str, specialty: str | None = None) -> str:
        """The staff number of whoever stands on a line now."""
        [[number]] = self.place.sql(
            """select p.number from directory_duty d
                 join directory_practitioner p on p.id = d.practitioner_id
                 join directory_organisation o on o.id = d.organisation_id
                 left join directory_specialty s on s.id = d.specialty_id
                where o.code = %s and d.line = %s and s.code is not distinct from %s
                  and d.period @> now()""",
            site,
            line,
            specialty,
        )
        return str(number)

    def name_of(self, number: str) -> str:
        [[name]] = self.place.sql(
            "select name from directory_practitioner where number = %s", number
        )
        return str(name)

    def cases_about(self, problem: str) -> list[str]:
        found = self.place.sql("select key from cases_case where problem = %s", problem)
        return [str(key) for (key,) in found]

    def door(self, number: str) -> Person:
        """Somebody without a browser, for what a journey only needs to have happened."""
        door = Person(self.url, number)
        door.sign_in_demo()
        return door

    def raised(self, number: str, **fields: str) -> str:
        """A page by HTTP; the address of the case."""
        filled = {"patient_name": "路人", "patient_unknown": "on", "callback": "0998-5550100"}
        filled |= {"urgency": "U1", **fields}
        answer = self.door(number).post("/cases/new/", filled, page="/cases/new/")
        assert answer.status == 303, answer.sentence
        return answer.path

    def accepted(self, number: str, case: str) -> None:
        """Somebody accepts by HTTP what a case asks."""
        door = self.door(number)
        request = door.json(f"{case}export.json")["requests"][0]["key"]
        answer = door.post(f"/requests/{request}/acceptance/", {}, page=None)
        assert answer.status == 303, answer.sentence


class Who:
    def __init__(
        self,
        house: House,
        browser: Any,
        number: str,
        *,
        phone: bool = False,
        language: str = "zh-hans",
        before: str = "",
        **options: Any,
    ) -> None:
        self.house, self.number = house, number
        self.complaints: list[str] = []
        self.context = browser.new_context(
            base_url=house.url,
            locale="en-GB" if language == "en" else "zh-CN",
            viewport=PHONE if phone else DESK,
            has_touch=phone,
            **options,
        )
        self.context.set_default_timeout(10_000)
        if before:
            self.context.add_init_script(before)
        if number:
            self._sign_in()

    def _sign_in(self) -> None:
        self.context.request.get("/demo/")
        token = next(c["value"] for c in self.context.cookies() if c["name"] == "csrftoken")
        answer = self.context.request.post(
            "/demo/signin/",
            form={"number": self.number, "csrfmiddlewaretoken": token, "next": "/me/"},
            headers={"Origin": self.house.url, "Referer": f"{self.house.url}/demo/"},
        )
        assert answer.ok, answer.status

    @cached_property
    def name(self) -> str:
        return self.house.name_of(self.number)

    @cached_property
    def page(self) -> Any:
        return self.tab()

    def tab(self) -> Any:
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda fault: self.complaints.append(f"{self.number}: {fault}"))
        return page

    def _hear(self, message: Any) -> None:
        if message.type == "error" and not EXPECTED.search(message.text):
            self.complaints.append(f"{self.number}: {message.text}")

    # -- what people do on pages

    def fill_page(self, specialty: str, problem: str, page: Any = None, **more: str) -> None:
        """The five answers of the raise form, as a thumb gives them."""
        page = page or self.page
        page.locator(f'label:has(input[name=specialty][value="{specialty}"])').click()
        page.locator("label:has(input[name=patient_unknown])").click()
        page.fill("input[name=patient_name]", more.get("patient", "某女之子"))
        page.fill("textarea[name=problem]", problem)
        page.locator(f'label:has(input[name=urgency][value="{more.get("urgency", "U1")}"])').click()

    def send_page(self, page: Any = None) -> str:
        """Press the button; the address of the case that opens."""
        page = page or self.page
        page.locator(".sendbar button").click()
        page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"))
        return str(page.url).removeprefix(self.house.url)

    def press(self, button: str) -> None:
        """Press a button that leads to a page, and wait for that page: it may be the same one."""
        with self.page.expect_navigation():
            self.page.locator(button).first.click()

    def mark(self, page: Any = None) -> None:
        """Remember this document: a reload would forget it."""
        (page or self.page).evaluate("window.unbroken = true")

    def not_reloaded(self, page: Any = None) -> bool:
        return bool((page or self.page).evaluate("window.unbroken === true"))


def until(condition: Callable[[], Any], seconds: float = 10, why: str = "") -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, why or "it did not happen in time"
        time.sleep(0.03)
    return found
