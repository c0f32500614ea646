"""Board and case page: server time, statements, bytes, and a real browser on a weak network."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from wsgiref.util import setup_testing_defaults

import httpx
import psycopg
from django.db import connection

from bench.data import WORK, Place
from bench.processes import cookie_of, served
from bench.report import Report, percentile, spread
from jieli.cases.models import Case, Request, Ring
from jieli.directory.models import Organisation, Practitioner, Role

WARM_UP, ROUNDS = 10, 150
LIMIT = 60  # ms of server time, p95
LONG_RECORD = 5_000  # events of one case
FIRST_KB, LATER_KB = 100, 30
BITS, LATENCY, USABLE = 400_000, 400, 3.0  # bit/s, ms, s
FEW, MANY = 10, 1_000
TURNS, EACH = 4, 10  # with and without row-level security

Cookies = dict[str, str]


@dataclass(frozen=True)
class Seat:
    """Somebody at a screen, and the cases that they open."""

    name: str
    person: Practitioner
    cookies: Cookies
    cases: list[Case]


def measure(place: Place, report: Report, options: argparse.Namespace) -> None:
    with place.connect(WORK) as link:
        seats = _desks(link)
        record = _long_record(link, seats[0])
    seats += [_expert(), _treating()]
    site = _application()
    for seat in seats:
        server_time(report, site, seat)
    events = [_get(site, f"/cases/{record}/", seats[0].cookies) for _ in range(40)]
    report.at_most(
        f"case of {LONG_RECORD:,} events p95", percentile(events, 0.95), LIMIT, "ms",
        f"; {spread(events)}",
    )  # fmt: skip
    statements(report, site, seats)
    with place.connect(WORK) as link:
        policies(link, report, site, seats)
    with served(place) as url:
        sizes(report, url, seats)
        weak_network(report, url, seats)


# -- who looks ---------------------------------------------------------------------------------


def _desks(link: psycopg.Connection[Any]) -> list[Seat]:
    """Coordinators who may see their alliance, ten cases, a thousand, and all that there are."""
    hubs = list(
        Organisation.objects.filter(code__startswith="gen", agreements_answering__isnull=False)
        .distinct()
        .order_by("id")[:4]
    )
    own = "c.organisation_id IN (SELECT from_organisation_id FROM directory_agreement"
    own += f" WHERE to_organisation_id = {hubs[0].pk})"
    opened = "c.status = 'open' ORDER BY c.id LIMIT "
    wanted = (
        ("coordinator of an alliance", own),
        (f"coordinator, {FEW} cases", opened + str(FEW)),
        (f"coordinator, {MANY:,} open cases", opened + str(MANY)),
        ("coordinator, all cases", "true"),
    )
    seats = []
    for hub, (name, which) in zip(hubs, wanted, strict=True):
        _grant(link, hub.pk, which)
        cases = list(_open_cases().filter(key__in=_granted(link, hub.pk))[:60])
        seats.append(_seat(name, _holder(hub, Role.Kind.COORDINATOR), cases))
    link.execute("VACUUM (ANALYZE) directory_grant")
    return seats


def _grant(link: psycopg.Connection[Any], site: int, which: str) -> None:
    """The grants that raising would have given the desk of the hospital that is asked."""
    statement = (
        "INSERT INTO directory_grant (case_key, patient_key, organisation_id, why, since, until)"
        " SELECT c.key, p.key, %s, 'desk', c.opened_at, c.closed_at + interval '3 days'"
        f" FROM cases_case c JOIN chart_patient p ON p.id = c.patient_id WHERE {which}"
    )
    link.execute(statement.encode(), [site])  # type: ignore[arg-type]


def _granted(link: psycopg.Connection[Any], site: int) -> list[Any]:
    rows = link.execute(
        "SELECT g.case_key FROM directory_grant g JOIN cases_case c ON c.key = g.case_key"
        " WHERE g.organisation_id = %s AND g.why = 'desk' AND c.status = 'open' LIMIT 200",
        [site],
    )
    return [row[0] for row in rows.fetchall()]


def _open_cases() -> Any:
    return Case.objects.filter(status=Case.Status.OPEN).order_by("id")


def _holder(site: Organisation, kind: str) -> Practitioner:
    people = Practitioner.objects.select_related("account").order_by("id")
    return people.filter(roles__organisation=site, roles__kind=kind)[0]


def _seat(name: str, person: Practitioner, cases: list[Case]) -> Seat:
    return Seat(name, person, cookie_of(person.account), cases)


def _expert() -> Seat:
    """The expert who was rung for most of the open cases."""
    rings = Ring.objects.filter(request__case__status=Case.Status.OPEN)
    busiest: dict[int, list[Case]] = {}
    for ring in rings.select_related("request__case"):
        busiest.setdefault(ring.practitioner_id, []).append(ring.request.case)
    person, cases = max(busiest.items(), key=lambda pair: len(pair[1]))
    return _seat("expert", Practitioner.objects.select_related("account").get(pk=person), cases)


def _treating() -> Seat:
    case = _open_cases().select_related("in_charge__account")[0]
    mine = _open_cases().filter(organisation=case.organisation)
    return _seat("county doctor", case.in_charge, list(mine[:60]))


def _long_record(link: psycopg.Connection[Any], seat: Seat) -> str:
    case = seat.cases[-1]
    link.execute(
        "INSERT INTO record_event"
        " (chain_id, seq, verb, data, source, occurred_at, recorded_at, hash)"
        " SELECT %s, 1000 + n, 'note_written', '{}', 'screen', now(), now(), '\\x00'"
        " FROM generate_series(1, %s) n",
        [case.chain_id, LONG_RECORD],
    )
    link.execute(
        "UPDATE record_chain SET length = %s WHERE id = %s", [1000 + LONG_RECORD, case.chain_id]
    )
    return str(case.key)


# -- server time -------------------------------------------------------------------------------


def _application() -> Callable[..., Any]:
    from jieli.web.wsgi import application

    return application


def _get(site: Callable[..., Any], path: str, cookies: Cookies) -> float:
    """Milliseconds from the request's line to the last byte, through every middleware."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    path, _, query = path.partition("?")
    environ |= {
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT_ENCODING": "gzip",
        "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    said: list[str] = []
    began = time.perf_counter()
    answer = site(environ, lambda status, headers, *rest: said.append(status))
    for _part in answer:
        pass
    answer.close()
    took = (time.perf_counter() - began) * 1000
    if not said[0].startswith("200"):
        raise RuntimeError(f"{path} answered {said[0]}")
    return took


def server_time(report: Report, site: Callable[..., Any], seat: Seat) -> None:
    board = [_get(site, "/board/", seat.cookies) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
    paths = [f"/cases/{case.key}/" for case in seat.cases]
    case = [_get(site, paths[n % len(paths)], seat.cookies) for n in range(WARM_UP + ROUNDS)][
        WARM_UP:
    ]
    for name, took in (("board", board), ("case page", case)):
        report.at_most(
            f"{name}, {seat.name} p95", percentile(took, 0.95), LIMIT, "ms", f"; {spread(took)}"
        )


def policies(
    link: psycopg.Connection[Any], report: Report, site: Callable[..., Any], seats: list[Seat]
) -> None:
    """What row-level security costs: the same pages with and without it, in turns."""
    secured = "SELECT oid::regclass::text FROM pg_class WHERE relrowsecurity"
    tables = [name for (name,) in link.execute(secured).fetchall()]
    took: dict[tuple[str, str], list[float]] = {}
    for turn in range(2 * TURNS):
        switch = ("DISABLE", "ENABLE")[turn % 2]
        for table in tables:
            link.execute(f"ALTER TABLE {table} {switch} ROW LEVEL SECURITY".encode())  # type: ignore[arg-type]
        for seat in seats:
            for page, path in (("board", "/board/"), ("case page", f"/cases/{seat.cases[0].key}/")):
                times = [_get(site, path, seat.cookies) for _ in range(3 + EACH)][3:]
                took.setdefault((page, switch), []).extend(times)
    for page in ("board", "case page"):
        without, behind = took[page, "DISABLE"], took[page, "ENABLE"]
        ratio = percentile(behind, 0.5) / percentile(without, 0.5)
        report.at_most(
            f"row-level security, {page}", ratio, 1.15, "x",
            f" (medians {percentile(behind, 0.5):.1f} and {percentile(without, 0.5):.1f} ms)",
        )  # fmt: skip


def statements(report: Report, site: Callable[..., Any], seats: list[Seat]) -> None:
    """As many for ten cases as for all."""
    desks = seats[1:4]
    boards = [_count(site, "/board/", seat.cookies) for seat in desks]
    pages = [_count(site, _same_page(seat), seat.cookies) for seat in desks]
    everything = f"{Case.objects.count():,}"
    for name, counts in (("board", boards), ("case page", pages)):
        said = ", ".join(
            f"{n} ({many})" for n, many in zip(counts, (FEW, f"{MANY:,}", everything), strict=True)
        )
        report.holds(f"statements of the {name}", said, len(set(counts)) == 1, "constant")


def _same_page(seat: Seat) -> str:
    """A case in the same state for everybody: their number differs, not what is shown."""
    asked = Request.objects.filter(status="requested").values("case")
    return (
        f"/cases/{_open_cases().filter(pk__in=asked, key__in=[c.key for c in seat.cases])[0].key}/"
    )


def _count(site: Callable[..., Any], path: str, cookies: Cookies) -> int:
    _get(site, path, cookies)
    with _counted() as seen:
        _get(site, path, cookies)
    return len(seen)


@contextmanager
def _counted() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(execute: Any, statement: str, *rest: Any) -> Any:
        seen.append(statement)
        return execute(statement, *rest)

    with connection.execute_wrapper(note):
        yield seen


# -- bytes -------------------------------------------------------------------------------------

PARTS = re.compile(r'<(?:link|script|img)\b[^>]*?(?:href|src)="(/[^"#]+)')
ICONS = re.compile(r'<use href="(/[^"#]+)')


def _addresses(seats: list[Seat]) -> list[tuple[str, str, Cookies]]:
    desk, treating = seats[0], seats[-1]
    return [
        ("sign-in", "/signin/", {}),
        ("board", "/board/", desk.cookies),
        ("raise", "/cases/new/", treating.cookies),
        ("case page", f"/cases/{desk.cases[0].key}/", desk.cookies),
    ]


def sizes(report: Report, url: str, seats: list[Seat]) -> None:
    """Compressed bytes: with all that a first visit fetches, and the page alone later."""
    for name, path, cookies in _addresses(seats):
        page, text = _bytes(url + path, cookies)
        parts = {*PARTS.findall(text), *ICONS.findall(text)}
        whole = page + sum(_bytes(url + part, {})[0] for part in parts)
        report.at_most(f"{name}: first visit", whole / 1000, FIRST_KB, "KB")
        report.at_most(f"{name}: later", page / 1000, LATER_KB, "KB")


def _bytes(url: str, cookies: Cookies) -> tuple[int, str]:
    with httpx.stream("GET", url, cookies=cookies, timeout=20) as answer:
        answer.read()
        if answer.status_code != 200:
            raise RuntimeError(f"{url} answered {answer.status_code}")
        return answer.num_bytes_downloaded, answer.text if "html" in answer.headers[
            "content-type"
        ] else ""


# -- a weak network ----------------------------------------------------------------------------


def weak_network(report: Report, url: str, seats: list[Seat]) -> None:
    found = os.environ.get("JIELI_CHROMIUM") or shutil.which("chromium")
    if not found:
        report.fact("weak network", "NOT MEASURED: no Chromium on this machine")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for name, path, cookies in _addresses(seats):
            usable, fetched = _visit(chromium, url, path, cookies)
            report.at_most(
                f"{name}: usable at 400 kbit/s, 400 ms", usable, USABLE, "s",
                f"; {fetched / 1000:.0f} KB until then",
            )  # fmt: skip
        chromium.close()


def _visit(chromium: Any, url: str, path: str, cookies: Cookies) -> tuple[float, float]:
    """Seconds until it is painted and its scripts have run, on a telephone with nothing kept."""
    context = chromium.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
    context.add_cookies([{"name": n, "value": v, "url": url} for n, v in cookies.items()])
    page = context.new_page()
    wire = context.new_cdp_session(page)
    fetched: list[float] = []
    wire.on("Network.loadingFinished", lambda e: fetched.append(e["encodedDataLength"]))
    wire.send("Network.enable")
    wire.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY,
            "downloadThroughput": BITS / 8,
            "uploadThroughput": BITS / 8,
        },
    )
    page.goto(url + path, wait_until="domcontentloaded", timeout=60_000)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    usable = page.evaluate(
        "Math.max(performance.getEntriesByName('first-contentful-paint')[0].startTime,"
        " performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd)"
    )
    context.close()
    return float(usable) / 1000, sum(fetched)
