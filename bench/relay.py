"""Raise and ring: how many a second, at which cost over bare inserts, how soon it rings."""

from __future__ import annotations

import argparse
import contextlib
import json
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import translation

from bench.alliance import Asking, asking, patients
from bench.data import Place
from bench.processes import cookie_of, served
from bench.report import Report, percentile, spread
from jieli.cases import actions
from jieli.cases.models import Candidate, Case, Clock, Request, Ring
from jieli.cases.queries.people import facts, official_day, on_duty, standings
from jieli.chart.models import Patient
from jieli.directory.models import Grant, Practitioner
from jieli.live.models import Note
from jieli.notify.models import Message
from jieli.record.models import Chain, Event
from jieli.record.reading import entered
from jieli.rules import matching

WARM_UP = 20
RING_ROUNDS = 100
AT_ONCE = 4  # requests that one worker serves


def measure(place: Place, report: Report, options: argparse.Namespace) -> None:
    translation.activate("zh-hans")
    asks = asking(200, _now(), options.seed)
    raise_and_bare(report, asks, options.rounds)
    matching_alone(report, asks, options.rounds)
    rings(place, report, asks)


def _now() -> datetime:
    return datetime.now(UTC)


# -- raise -------------------------------------------------------------------------------------


def raise_and_bare(report: Report, asks: list[Asking], rounds: int) -> None:
    """In turn, so that both meet the same machine: the action, then its rows by a bare view."""
    raised, bare, rows = [], [], 0
    for n in range(WARM_UP + rounds):
        one = asks[n % len(asks)]
        patient = patients(one.ask.organisation, 1)[0]
        began = time.perf_counter()
        request = actions.raise_request(one.ask, patient, by=one.by, now=_now())
        took = (time.perf_counter() - began) * 1000
        post = _post_of(request)
        began = time.perf_counter()
        bare_view(post)
        bare_took = (time.perf_counter() - began) * 1000
        if n >= WARM_UP:
            raised.append(took)
            bare.append(bare_took)
            rows += post.rows.count  # type: ignore[attr-defined]
    per_second, together = _at_once(asks, rounds)
    report.at_least(
        f"raise: one worker, {AT_ONCE} at once", per_second, 100, "/s", f"; {spread(together)}"
    )
    alone = rounds / sum(raised) * 1000
    report.fact("raise: one after the other", f"{alone:.1f} /s; {spread(raised)}")
    report.fact("bare Django view, the same rows", f"{spread(bare)}; {rows / rounds:.1f} rows each")
    behind = [_as_a_request(asks[n % len(asks)]) for n in range(WARM_UP + rounds)][WARM_UP:]
    report.fact("raise behind row-level security", spread(behind))
    ratio = sum(raised) / sum(bare)
    middle = percentile(raised, 0.5) / percentile(bare, 0.5)
    report.at_most("raise / bare view", ratio, 2.5, "x", f" (of the medians {middle:.2f} x)")
    report.fact("statements of one raise", str(_statements(asks[0])))


def _as_a_request(one: Asking) -> float:
    """Milliseconds in the transaction of its person, as every request has one."""
    patient = patients(one.ask.organisation, 1)[0]
    began = time.perf_counter()
    with entered(one.by.account, one.by, _now()):
        actions.raise_request(one.ask, patient, by=one.by, now=_now())
    return (time.perf_counter() - began) * 1000


def _at_once(asks: list[Asking], rounds: int) -> tuple[float, list[float]]:
    """As a web process works: several requests in its threads. How many a second; each one's ms."""
    waiting = [
        (asks[n % len(asks)], patients(asks[n % len(asks)].ask.organisation, 1)[0])
        for n in range(rounds)
    ]
    took: list[float] = []

    def work() -> None:
        translation.activate("zh-hans")
        with contextlib.suppress(IndexError):
            while True:
                one, patient = waiting.pop()
                began = time.perf_counter()
                actions.raise_request(one.ask, patient, by=one.by, now=_now())
                took.append((time.perf_counter() - began) * 1000)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rounds / (time.perf_counter() - began), took


def _statements(one: Asking) -> int:
    seen: list[str] = []

    def note(execute: Any, statement: str, *rest: Any) -> Any:
        seen.append(statement)
        return execute(statement, *rest)

    patient = patients(one.ask.organisation, 1)[0]
    with connection.execute_wrapper(note):
        actions.raise_request(one.ask, patient, by=one.by, now=_now())
    return len(seen)


class Rows:
    """What one raise has written, as plain values: the content of the bare view's form."""

    def __init__(self, request: Request) -> None:
        case = request.case
        self.chain = _values(case.chain)
        self.case = _values(Case.objects.get(pk=case.pk))
        self.request = _values(Request.objects.get(pk=request.pk))
        self.candidates = [_values(c) for c in request.candidates.all()]
        self.rings = [_values(r) for r in request.rings.all()]
        self.clocks = [_values(c) for c in request.clocks.all()]
        self.events = [_values(e) for e in case.chain.events.order_by("seq")]
        self.grants = [_values(g) for g in Grant.objects.filter(case_key=case.key)]
        messages = Message.objects.filter(event__chain=case.chain).select_related("event")
        self.messages = [(m.event.seq, _values(m)) for m in messages]
        events = case.chain.events.values("pk")
        self.notes = [(n.topic, n.verb) for n in Note.objects.filter(event_id__in=events)]
        lists = (self.candidates, self.rings, self.clocks, self.events, self.grants)
        self.count = 3 + sum(map(len, lists)) + len(self.messages) + len(self.notes)


def _values(row: Any) -> dict[str, Any]:
    skip = {"id", "key", "chain_id", "case_id", "request_id", "event_id", "case_key", "subject"}
    columns = [f.attname for f in row._meta.concrete_fields]
    return {name: getattr(row, name) for name in columns if name not in skip}


def _post_of(request: Request) -> HttpRequest:
    post = RequestFactory().post("/bare/")
    post.rows = Rows(request)  # type: ignore[attr-defined]
    return post


def bare_view(request: HttpRequest) -> HttpResponse:
    """The same rows in one transaction, as fast as plain Django says it: no rules, no reads."""
    rows: Rows = request.rows  # type: ignore[attr-defined]
    with transaction.atomic():
        chain = Chain.objects.create(**rows.chain)
        number = uuid.uuid4().hex[:24]
        case = Case.objects.create(**{**rows.case, "number": number}, chain=chain)
        asked = Request.objects.create(**rows.request, case=case)
        Candidate.objects.bulk_create(Candidate(**c, request=asked) for c in rows.candidates)
        Ring.objects.bulk_create(Ring(**r, request=asked) for r in rows.rings)
        Clock.objects.bulk_create(Clock(**c, case=case, request=asked) for c in rows.clocks)
        events = Event.objects.bulk_create(Event(**e, chain=chain) for e in rows.events)
        Grant.objects.bulk_create(Grant(**g, case_key=case.key) for g in rows.grants)
        of_seq = {event.seq: event for event in events}
        Message.objects.bulk_create(Message(**m, event=of_seq[seq]) for seq, m in rows.messages)
        Note.objects.bulk_create(
            Note(topic=topic, verb=verb, event_id=events[0].pk) for topic, verb in rows.notes
        )
    return HttpResponse(status=303, headers={"Location": f"/cases/{case.key}/"})


# -- matching ----------------------------------------------------------------------------------


def matching_alone(report: Report, asks: list[Asking], rounds: int) -> None:
    """Who may be asked, what is known of them, and in which order: reads and rules."""
    took, people = [], 0
    site = asks[0].ask.organisation
    case = Case(organisation=site, patient=Patient(language="zh"))
    for n in range(WARM_UP + rounds):
        one = asks[n % len(asks)]
        case.organisation = one.ask.organisation
        began = time.perf_counter()
        people += _match(one, case, _now())
        if n >= WARM_UP:
            took.append((time.perf_counter() - began) * 1000)
    each = people / (WARM_UP + rounds)
    report.at_most(
        "matching p95", percentile(took, 0.95), 20, "ms", f"; {spread(took)}, {each:.0f} people"
    )


def _match(one: Asking, case: Case, now: datetime) -> int:
    standing = standings(one.ask.organisation.pk, one.ask.specialty, official_day(now))
    found = on_duty(standing, one.ask.specialty, now)
    known = facts(
        found,
        case=case,
        specialty=one.ask.specialty,
        technique=None,
        raised_by=one.by,
        standing=standing,
        exception=False,
        now=now,
    )
    return len(matching.rank(known, official_day(now)))


# -- commit to ring ----------------------------------------------------------------------------


class Browser(threading.Thread):
    """What an expert's page does: hears that something is there, and asks what rings."""

    def __init__(self, url: str, person: Practitioner) -> None:
        super().__init__(daemon=True)
        self.client = httpx.Client(base_url=url, cookies=cookie_of(person.account), timeout=30)
        self.listening = threading.Event()
        self.heard = threading.Condition()
        self.seen: dict[str, float] = {}  # ring -> when this page knew of it

    def run(self) -> None:
        with self.client.stream("GET", "/live/?topic=me") as stream:
            for line in stream.iter_lines():
                if line.startswith("event: hello"):
                    self.listening.set()
                elif line.startswith("data: ") and '"topic": "me"' in line:
                    self._ask(json.loads(line.removeprefix("data: ")))

    def _ask(self, message: dict[str, Any]) -> None:
        if message.get("verb") != "ring_started":
            return
        rings = self.client.get("/rings/").json()["rings"]
        at = time.time()
        with self.heard:
            for ring in rings:
                self.seen.setdefault(ring["key"], at)
            self.heard.notify_all()

    def wait_for(self, key: str, seconds: float = 5) -> float | None:
        with self.heard:
            self.heard.wait_for(lambda: key in self.seen, seconds)
            return self.seen.get(key)


def rings(place: Place, report: Report, asks: list[Asking]) -> None:
    """From the commit (as PostgreSQL dates it) until the expert's page has the ring."""
    took, lost = [], 0
    with served(place) as url:
        browsers: dict[int, Browser] = {}
        one = next(a for a in asks if a.ask.urgency == "U1")
        for n in range(RING_ROUNDS + 3):
            found = _one_ring(url, one, browsers)
            if n < 3:
                continue  # the first ones open pages
            lost += found is None
            took += [found] if found is not None else []
    report.at_most(
        "commit -> ring in the expert's page p95", percentile(took, 0.95), 300, "ms",
        f"; {spread(took)}",
    )  # fmt: skip
    report.holds("rings that never came to the page", str(lost), lost == 0, "0")


def _one_ring(url: str, one: Asking, browsers: dict[int, Browser]) -> float | None:
    """Milliseconds; None when the page never knew."""
    for person in _who_may_ring(one):
        if person.pk not in browsers:
            browsers[person.pk] = Browser(url, person)
            browsers[person.pk].start()
            browsers[person.pk].listening.wait(20)
    patient = patients(one.ask.organisation, 1)[0]
    request = actions.raise_request(one.ask, patient, by=one.by, now=_now())
    ring = request.rings.filter(silent=False).select_related("practitioner").first()
    if ring is None:
        return None
    seen = browsers[ring.practitioner_id].wait_for(str(ring.key))
    committed = _committed(ring)
    actions.withdraw(request, by=one.by, reason="bench", now=_now())
    time.sleep(0.05)
    return (seen - committed) * 1000 if seen else None


def _who_may_ring(one: Asking) -> list[Practitioner]:
    standing = standings(one.ask.organisation.pk, one.ask.specialty, official_day(_now()))
    people = on_duty(standing, one.ask.specialty, _now())
    return [p.practitioner for p in people if p.line == "expert"]


def _committed(ring: Ring) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM cases_ring"
            " WHERE id = %s",
            [ring.pk],
        )
        return float(cursor.fetchone()[0])
