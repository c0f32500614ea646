"""Weak networks in numbers: bytes of every screen, and seconds until its main button works."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from PIL import Image

from tests.exchange.books import book, turn
from tests.journeys.people import PASSWORD, PHONE, House
from tests.journeys.test_screens import _a_case_with_an_opinion, _a_ring_of, under_way

pytestmark = pytest.mark.journey
FIRST, LATER = 100_000, 30_000  # bytes: all that a first visit fetches, and the page alone
ROOM = 150_000  # bytes of the video room, with all that a first visit fetches
ROOMS = {"cases:room", "lectures:door"}
LECTURE = ("lectures:lecture.key", "lectures:door.key", "lectures:attendance.key")
BITS, LATENCY, USABLE = 400_000, 400, 3.0  # bit/s, ms, s
SHELL = re.compile(r'<(?:link|script|img)\b[^>]*?(?:href|src)="(/[^"#]+)|<use href="(/[^"#]+)')
DOCTOR, COORDINATOR, ADMINISTRATOR = "SW-0802", "SCH-0001", "KS-0001"
# Files and answers to machines: what is fetched on purpose, in its own time.
NO_SCREEN = {"worker", "seal", "healthz", "readyz", "cases:my_rings", "cases:upload"}
NO_SCREEN |= {"cases:export_pdf", "cases:export_json", "cases:document_file"}
NO_SCREEN |= {"exchange:template", "exchange:people", "exchange:roster"}
NO_SCREEN |= {"exchange:csv_template", "exchange:attendance"}
NO_SCREEN |= {"missions:papers_pdf", "rooms:frame"}
NO_SCREEN |= {"metrics", "service", "directory:telephones_data", "record:roots_export"}
NO_SCREEN |= {"mfa_login_webauthn", "code_passkey", "again_passkey", "passkeys"}
NO_SCREEN |= {"rooms:recording", "rooms:recording_file", "rooms:clip_file"}
NO_SCREEN |= {"cases:recordings_data", "cases:recording_download"}
# They lead elsewhere, or nowhere without what was given just before.
NOT_WALKED = {"set_language", "exchange:roster_import", "home", "invitation_link"}
NOT_WALKED |= {"mfa_authenticate", "openid_connect_login", "openid_connect_callback"}
NOT_WALKED |= {"invitation", "invitation_shown", "recovery_codes"}
# The hospital of this case has no records office in the demonstration.
NOT_WALKED |= {"cases:patient_copies", "cases:patient_copy"}
NOT_WALKED |= {"cases:patient_copy_pdf", "cases:patient_copy_json"}
NOT_WALKED |= {"cases:clip"}  # nobody has cut one
NOT_WALKED |= {"exchange:csv_upload"}  # as exchange:upload, after another file
SAMPLES = {"uuid": str(uuid.uuid4()), "int": "1"}


def patterns(entries: Any = None, prefix: str = "/") -> Iterator[tuple[str, str]]:
    for entry in entries if entries is not None else get_resolver().url_patterns:
        if isinstance(entry, URLResolver):
            space = f"{entry.namespace}:" if entry.namespace else ""
            for name, route in patterns(entry.url_patterns, prefix + str(entry.pattern)):
                yield space + name, route
        elif isinstance(entry, URLPattern):
            yield entry.name or "", prefix + str(entry.pattern)


@dataclass
class Walk:
    """Everything that three people can open, and what it costs them."""

    house: House
    seats: dict[str, httpx.Client]
    values: dict[str, list[str]]
    static: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    heaviest: list[tuple[int, int, str, str]] = field(default_factory=list)

    def screen(self, name: str, route: str) -> None:
        for path in self._filled(name, route):
            for who, client in self.seats.items():
                self._visit(name, path, who, client)

    def _filled(self, name: str, route: str) -> list[str]:
        paths = [route]
        for sort, kind in re.findall(r"<(?:(\w+):)?(\w+)>", route):
            some = [SAMPLES.get(sort, "x")]
            chosen = self.values.get(f"{name}.{kind}", self.values.get(kind, some))
            paths = [re.sub(rf"<(?:\w+:)?{kind}>", v, p) for p in paths for v in chosen]
        return paths

    def _visit(self, name: str, path: str, who: str, client: httpx.Client) -> None:
        with client.stream("GET", path) as answer:
            answer.read()
            if answer.status_code == 405:
                self.seen[name] = -1  # takes posts only
            if answer.status_code != 200:
                return
            page = answer.num_bytes_downloaded
        if "html" not in answer.headers["content-type"]:
            self.faults.append(f"{name} is not html: list it in NO_SCREEN")
            return
        assert answer.headers.get("content-encoding") == "gzip" or page < 500, path
        parts = {one or other for one, other in SHELL.findall(answer.text)}
        whole = page + sum(self._static(part) for part in parts if "/static/" in part)
        self.seen[name] = max(page, self.seen.get(name, 0))
        self.heaviest.append((page, whole, who, path))
        if page > LATER:
            self.faults.append(f"{who} {path}: {page:,} bytes later")
        if whole > (ROOM if name in ROOMS else FIRST):
            self.faults.append(f"{who} {path}: {whole:,} bytes at a first visit")

    def _static(self, path: str) -> int:
        if path not in self.static:
            with self.seats["anonymous"].stream("GET", path) as answer:
                answer.read()
                assert answer.status_code == 200, path
                self.static[path] = answer.num_bytes_downloaded
        return self.static[path]


@pytest.fixture(scope="module")
def shown(house: House) -> dict[str, str]:
    """A case in which everything has happened, a ring, and who may see them."""
    expert = house.on_line("cangling", "first", "orthopaedics")
    case = _a_case_with_an_opinion(house, expert)
    of_mission = under_way(house, case)
    return {"expert": expert, "case": case, "ring": _a_ring_of(house, expert), **of_mission}


def _seat(house: House, number: str) -> httpx.Client:
    """Asked for the password just now: the pages of one's own security are open."""
    door = house.door(number)
    answer = door.post("/me/again/", {"password": PASSWORD}, page="/me/again/")
    assert answer.status == 303, answer.sentence
    return door.client


def _values(house: House, shown: dict[str, str]) -> dict[str, list[str]]:
    def keys(statement: str) -> list[str]:
        return [str(key) for (key,) in house.place.sql(statement)]

    case, lecture = shown["case"].split("/")[2], _lecture(house)
    of = f" join cases_case c on c.id = x.case_id where c.key = '{case}'"
    return {
        "key": [case],
        "cases:ring.key": [shown["ring"]],
        "missions:mission.key": [shown["mission"]],
        "missions:mission_part.key": [shown["mission"]],
        "missions:mission_part.part": ["head", "way", "papers", "team", "things", "entries"],
        "missions:procedure_end.key": [shown["procedure"]],
        **{name: [lecture] for name in LECTURE},
        **{
            f"guidance:{part}.key": [shown["guidance"]]
            for part in ("session", "panel", "strip", "checks", "entries")
        },
        "cases:verification.key": keys("select x.key from cases_opinion x" + of),
        "document": keys(f"select key from chart_document where case_key = '{case}'") or ["1"],
        "part": ["head", "clocks", "rings", "timeline", "advice", "situation", "chart", "thread"],
        "language": ["zh-hans", "en"],
        "transport": ["in_app"],
        "person": keys("select key from directory_practitioner where number = 'SCH-0121'"),
        "turn": keys("select id from directory_duty order by id limit 1"),
    }


def _lecture(house: House) -> str:
    """One of a coordinator's; it is planned by hand, for this house has no media server."""
    [[key]] = house.place.sql(
        """with room as (
               insert into rooms_room
                 (key, kind, title, engine, opened_at, opened_by_id, length, head)
               select gen_random_uuid(), 'lecture', '课', 'sfu', now(), id, 0, ''
                 from directory_practitioner where number = %s returning id, key
           ), lecture as (
               insert into lectures_lecture (room_id, host_id, alliance_id, starts_at, ends_at)
               select room.id, m.organisation_id, m.alliance_id, now(), now() + interval '1 hour'
                 from room, directory_membership m
                 join directory_organisation o on o.id = m.organisation_id
                where o.code = 'sch' limit 1
           ) select key from room""",
        COORDINATOR,
    )
    return str(key)


def _picture(house: House, case: str) -> None:
    """A photo on the case, so that the page of a document is measured, too."""
    client = _seat(house, DOCTOR)
    out = io.BytesIO()
    Image.new("RGB", (80, 60)).save(out, "JPEG")
    headers = {"X-CSRFToken": client.cookies["csrftoken"], "Origin": house.url}
    files = {"file": ("film.jpg", out.getvalue())}
    answer = client.post(f"{case}documents/", files=files, headers=headers)
    assert answer.status_code == 303, answer.text[:300]


def _preview(house: House) -> str:
    """A workbook that waits for its confirmation."""
    client = _seat(house, COORDINATOR)
    start = (datetime.now(UTC) + timedelta(days=40)).replace(hour=8, minute=0, second=0)
    rows = [
        turn(
            机构代码="sch", 专科="新生儿科", 工号="SCH-0121", 姓名=house.name_of("SCH-0121"),
            开始=f"{start + timedelta(days=n):%Y-%m-%d %H:%M}",
            结束=f"{start + timedelta(days=n + 1):%Y-%m-%d %H:%M}",
        )
        for n in range(28)
    ]  # fmt: skip
    headers = {"X-CSRFToken": client.cookies["csrftoken"], "Origin": house.url}
    files = {"file": ("roster.xlsx", book(值班=rows))}
    answer = client.post("/directory/import/", files=files, headers=headers)
    assert answer.status_code == 303, answer.text[:900]
    return str(answer.headers["location"])


def test_every_screen_keeps_to_its_bytes(house: House, shown: dict[str, str]) -> None:
    _picture(house, shown["case"])
    seats = {
        "doctor": _seat(house, DOCTOR),
        "expert": _seat(house, shown["expert"]),
        "coordinator": _seat(house, COORDINATOR),
        "administrator": _seat(house, ADMINISTRATOR),
        "anonymous": httpx.Client(base_url=house.url, trust_env=False),
    }
    walk = Walk(house, seats, _values(house, shown))
    walk.screen("whole week", "/duty/?whole")
    walk.screen("directory:turns", "/duty/turns/?organisation=sch")
    walk.screen("exchange:upload", _preview(house))
    walk.screen("departure", "/staff/<uuid:person>/departure/?organisation=sch")
    for name, route in patterns():
        if name not in NO_SCREEN:
            walk.screen(name, route)
    for page, whole, who, path in sorted(walk.heaviest, reverse=True)[:12]:
        print(f"{page:>7,} later {whole:>8,} first  {who:12} {path}")  # noqa: T201 shown by -s
    assert not walk.faults, "\n".join(walk.faults)
    unseen = {name for name, _ in patterns()} - NO_SCREEN - set(walk.seen) - NOT_WALKED
    assert not unseen, f"nobody could open: {unseen}"


MAIN = [
    (DOCTOR, "/cases/new/", ".sendbar button"),
    (DOCTOR, "/board/", ".rail a, .tabbar a.call"),
    (DOCTOR, "case", "form.say button"),
    (DOCTOR, "handovers", "form button"),
    (DOCTOR, "/duty/", "a[href='/duty/telephones/']"),
    ("expert", "ring", "form[action$='/acceptance/'] button"),
    ("expert", "opinion", "form[data-draft] button"),
    ("", "/signin/", "form.stack button"),
]


@pytest.mark.parametrize(("who", "screen", "button"), MAIN)
def test_a_first_visit_is_usable_within_seconds(
    house: House, shown: dict[str, str], browser: Any, who: str, screen: str, button: str
) -> None:
    case = shown["case"]
    path = {
        "case": case,
        "handovers": f"{case}handovers/",
        "ring": f"/rings/{shown['ring']}/",
        "opinion": f"{case}opinions/new/",
    }.get(screen, screen)
    seconds = min(_usable(house, shown, browser, who, path, button) for _ in range(2))
    print(f"{path} {button}: {seconds:.2f} s")  # noqa: T201 shown by -s
    assert seconds < USABLE


def _usable(
    house: House, shown: dict[str, str], browser: Any, who: str, path: str, button: str
) -> float:
    """From asking for the address until the button is there and the page's script has run."""
    context = browser.new_context(base_url=house.url, viewport=PHONE, locale="zh-CN")
    try:
        if who:
            client = house.door(shown.get(who, who)).client
            context.add_cookies(
                [{"name": n, "value": v, "url": house.url} for n, v in client.cookies.items()]
            )
        page = context.new_page()
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        rate = {"downloadThroughput": BITS / 8, "uploadThroughput": BITS / 8}
        wire.send(
            "Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY, **rate}
        )
        page.goto(path, wait_until="commit", timeout=60_000)
        page.locator(button).first.wait_for(state="visible", timeout=60_000)
        ready = "customElements.whenDefined('jl-offline').then(() => performance.now())"
        return float(page.evaluate(ready)) / 1000
    finally:
        context.close()
