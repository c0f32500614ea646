"""Days on which something breaks in the middle: nothing is lost, nothing happens twice."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jieli.cases import actions
from jieli.cases.actions import clocks as clock_actions
from jieli.cases.actions.spine import rule_of
from jieli.cases.models import Case, Clock, Request
from jieli.directory.models import Account, Channel, Practitioner, Role
from jieli.live.relay import direct_parameters
from jieli.notify.models import Message
from jieli.record import actions as records
from jieli.record.models import Event
from jieli.record.queries import broken_at
from jieli.rules import clocks as rules
from jieli.rules import escalation
from jieli.stories.doors import Person
from jieli.stories.models import DemoTime
from jieli.web import postgres
from tests.cases.races import DONE, at_once
from tests.cases.real import PAGE, RealWorld, browser_of, present, until
from tests.cases.world import T0, World, minutes, run, verbs
from tests.installation import Installation

real = pytest.mark.django_db(transaction=True)
NEEDED = {"DJANGO_SETTINGS_MODULE": "jieli.web.settings"}


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def place(transactional_db: None, tmp_path: Path) -> Iterator[Installation]:
    """Real processes on the test's own database: what they do is seen through the models."""
    found = Installation(tmp_path, direct_parameters(), SECRET_KEY=settings.SECRET_KEY)
    yield found
    found.close()


@pytest.fixture
def real_world(transactional_db: None) -> RealWorld:
    return RealWorld()


def holds(case: Case) -> bool:
    case.chain.refresh_from_db()
    return broken_at(case.chain) is None


# ── the runner dies ──────────────────────────────────────────────────────────

FIRES_AND_HANGS = """
import datetime, sys, time, django
django.setup()
from jieli.cases import actions
print(actions.fire_clocks(datetime.datetime.fromisoformat(sys.argv[1])), flush=True)
time.sleep(60)
"""


@real
@pytest.mark.both_engines
def test_a_runner_killed_between_overdue_and_escalation_tells_exactly_once(place, tmp_path):
    world = World()
    request = world.raised("U1")
    at = minutes(10)  # C1a is overdue: director and treating side must hear of it
    child = subprocess.Popen(
        [sys.executable, "-c", FIRES_AND_HANGS, at.isoformat()],
        env={**place.environment, **NEEDED},
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert int(child.stdout.readline()) > 0
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    assert "clock_target_missed" in verbs(request.case)
    assert "escalated" not in verbs(request.case)  # recorded, and nobody told yet

    at_once(*[lambda: actions.escalate_clocks(at)] * 2)  # two new runners come at once
    run(at)
    run(minutes(11))
    told = request.case.chain.events.filter(
        verb="escalated", data__clock="accept", data__stage="target", data__audience="treating"
    )
    assert told.count() == 1
    assert Message.objects.filter(event=told.get(), practitioner=world.doctor).count() == 1
    assert holds(request.case)


RUNNERS = """
import os, random, signal, sys, django
django.setup()
from django.core.management import call_command
import jieli.web.recurring, jieli.web.runner
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        call_command("run")
        os._exit(0)
    print(child, flush=True)
"""
KILLS = 20


@real
@pytest.mark.slow
def test_twenty_kills_of_the_runner_lose_no_clock_and_double_none(place):
    """`jieli run`, forked from one warm process so that twenty starts cost seconds."""
    world, chance = RealWorld(), random.Random(7)
    began = present()
    nursery = subprocess.Popen(
        [sys.executable, "-c", RUNNERS],
        env={**place.environment, **NEEDED, "JIELI_LOG_LEVEL": "ERROR"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    place.processes.append(nursery)  # closed with its children, whatever happens
    into, out = nursery.stdin, nursery.stdout
    assert into is not None and out is not None and out.readline() == "ready\n"

    def start() -> int:
        into.write("go\n")
        into.flush()
        return int(out.readline())

    met = 0
    for turn in range(KILLS):
        _due_within(chance, world.raised("U1", now=present()), seconds=1.5)
        before = Event.objects.filter(source="runner").count()
        runners = [start() for _ in range(1 + turn % 2)]  # one alone, or two side by side
        with suppress(AssertionError):
            until(lambda n=before: Event.objects.filter(source="runner").count() > n, 3)
            met += 1
        for runner in runners:
            time.sleep(chance.uniform(0, 0.25))
            os.kill(runner, signal.SIGKILL)
    assert met > KILLS / 2, "the kills did not meet any work"
    _finish(began + timedelta(minutes=10))
    _nothing_lost_and_nothing_twice()


def _due_within(chance: random.Random, request: Request, seconds: float) -> None:
    """Let every stage of a case's clocks fall due in the next moments."""
    with records.acting():
        records.lock(request.case.chain_id)
        clocks = list(Clock.objects.filter(case=request.case_id, target_at__isnull=False))
        for clock in clocks:
            clock.started_at -= timedelta(seconds=chance.uniform(0, seconds))
            clock.target_at = clock.started_at + timedelta(seconds=seconds)
            clock.hard_at = clock.hard_at and clock.target_at + timedelta(seconds=1)
            clock.due_at = rules.next_due(rule_of(clock))
        Clock.objects.bulk_update(clocks, ["started_at", "target_at", "hard_at", "due_at"])


def _finish(now: Any) -> None:
    """The runner that is not killed: until nothing is owed."""
    owed = Clock.objects.filter(~Q(owes=[]) | Q(due_at__lte=now))
    deadline = time.monotonic() + 20
    while owed.exists() and time.monotonic() < deadline:
        if not actions.fire_clocks(now) + actions.escalate_clocks(now):
            time.sleep(0.05)  # the database has not noticed yet that a killed one is gone
    assert not owed.exists()


def _nothing_lost_and_nothing_twice() -> None:
    for case in Case.objects.select_related("chain"):
        events = case.chain.events
        fired = Counter(
            events.filter(data__has_key="clock_id").values_list("data__clock_id", "verb")
        )
        told = Counter(
            events.filter(verb="escalated").values_list(
                "data__clock", "data__stage", "data__audience", "data__manner"
            )
        )
        assert set(told.values()) == {1}, told
        for clock in case.clocks.filter(stopped_at=None, cancelled_at=None):
            for stage, _at in rules.stage_times(rule_of(clock)):
                assert fired.pop((clock.pk, clock_actions.STAGE_VERBS[stage])) == 1
                for tell in escalation.tells(clock.name, stage):
                    if tell.audience == "treating":
                        assert told[(clock.name, stage, "treating", tell.manner)] == 1
        assert not fired
        assert holds(case)
    twice = Counter(Message.objects.values_list("event", "practitioner"))
    assert set(twice.values()) == {1}


# ── one bad row ──────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_a_clock_whose_telling_fails_cannot_stop_the_others(world, monkeypatch):
    """Also when so many fail that they fill a whole batch."""
    requests = [world.raised("U1") for _ in range(4)]
    bad = {request.case_id for request in requests[:3]}
    tell = clock_actions._tell

    def fails(clock: Clock, *more: Any) -> None:
        if clock.case_id in bad:
            raise ValueError("broken row")
        tell(clock, *more)

    monkeypatch.setattr(clock_actions, "_tell", fails)
    actions.fire_clocks(minutes(10))
    for second in range(12):
        actions.escalate_clocks(minutes(10) + timedelta(seconds=second), limit=3)
    assert "escalated" in verbs(requests[3].case)
    assert Clock.objects.filter(case__in=bad).exclude(owes=[]).exists()  # still owed, not dropped
    bad.clear()
    for second in range(60, 72):
        actions.escalate_clocks(minutes(10) + timedelta(seconds=second), limit=3)
    assert all("escalated" in verbs(request.case) for request in requests)


@pytest.mark.django_db
def test_a_clock_that_cannot_fire_is_pushed_aside(world, monkeypatch):
    requests = [world.raised("U1") for _ in range(3)]
    bad = requests[0].case_id
    fire = clock_actions._fire

    def fails(clock: Clock, now: Any) -> Any:
        if clock.case_id == bad:
            raise ValueError("broken row")
        return fire(clock, now)

    monkeypatch.setattr(clock_actions, "_fire", fails)
    actions.fire_clocks(minutes(10))
    for request in requests[1:]:
        assert "clock_target_missed" in verbs(request.case)
    monkeypatch.undo()
    actions.fire_clocks(minutes(11))
    assert "clock_target_missed" in verbs(requests[0].case)


# ── the web process dies, the network too ────────────────────────────────────

COMMITS_AND_HANGS = """
import sys, time
from jieli.live.relay import Relay
tell = Relay.tell
def hang(self, notes):
    if any(verb == "ring_started" for _id, _topic, verb in notes):
        print("COMMITTED", flush=True)
        time.sleep(60)
    tell(self, notes)
Relay.tell = hang
from jieli.web.manage import main
sys.argv = ["jieli", "serve", "--port=" + sys.argv[1]]
main()
"""


class Stream(threading.Thread):
    """An open page's live stream: what it was told, and the place to go on from."""

    def __init__(self, url: str, door: Person, *topics: str, place: str = "") -> None:
        super().__init__(daemon=True)
        self.url, self.cookies = url, dict(door.client.cookies)
        self.query: dict[str, Any] = {"topic": list(topics)}
        if place:
            self.query["since"] = place
        self.told: list[str] = []
        self.place = place
        self.open = threading.Event()
        self.start()

    def run(self) -> None:
        try:
            with (
                httpx.Client(cookies=self.cookies, timeout=20, trust_env=False) as client,
                client.stream("GET", f"{self.url}/live/", params=self.query) as answer,
            ):
                for line in answer.iter_lines():
                    self.open.set()
                    name, _, value = line.partition(": ")
                    if name == "id":
                        self.place = value
                    elif name == "data":
                        self.told += re.findall(r'"verb": "(\w+)"', value)
        except httpx.HTTPError:
            return


@real
@pytest.mark.slow
def test_a_web_process_killed_after_the_commit_and_before_the_telling(place, tmp_path):
    world = RealWorld()
    Channel.objects.create(practitioner=world.alice, kind="in_app", order=1)
    place.serve()
    place.run()
    (tmp_path / "doomed").mkdir()
    doomed = Installation(tmp_path / "doomed", place.database)
    doomed.environment = place.environment
    with (tmp_path / "doomed.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMITS_AND_HANGS, str(doomed.port)],
            env={**place.environment, **NEEDED},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    doomed.processes.append(process)
    try:
        alice = browser_of(world.alice, place.url)
        alice.get("/rings/")
        stream = Stream(place.url, alice, "me")
        assert stream.open.wait(10)
        place_before = stream.place
        doomed.until_served(process)
        doctor = browser_of(world.doctor, doomed.url)
        key, answers = str(uuid4()), []
        sending = threading.Thread(target=lambda: answers.append(_send_once(doctor, key)))
        sending.start()
        until(lambda: b"COMMITTED" in (tmp_path / "doomed.log").read_bytes(), 15)
        doomed.kill(process)
        sending.join(20)
        assert answers == ["no answer"]
        assert Case.objects.count() == 1

        until(lambda: "ring_started" in stream.told, 6, "the open page never heard of the ring")
        late = Stream(place.url, alice, "me", place=place_before or "1.1")
        until(lambda: "ring_started" in late.told, 6, "a page that comes back hears nothing")
        assert alice.json("/rings/")["rings"][0]["urgency"] == "U1"
        owed = Message.objects.get(practitioner=world.alice, manner="ring")
        until(lambda: Message.objects.get(pk=owed.pk).sent_at, 8, "the message was not sent")

        # The doctor's device never heard an answer: it sends again, to whoever serves now.
        again = browser_of(world.doctor, place.url).post(
            "/cases/new/", PAGE, page="/cases/new/", key=key
        )
        case = Case.objects.get()
        assert (again.status, again.replayed, again.path) == (303, True, f"/cases/{case.key}/")
        assert Request.objects.count() == 1
        assert holds(case)
    finally:
        doomed.close()


def _send_once(door: Person, key: str) -> str:
    try:
        answer = door.client.post(
            "/cases/new/",
            data={**PAGE, "csrfmiddlewaretoken": door.client.cookies["csrftoken"]},
            headers={"Idempotency-Key": key, "Origin": door.base_url},
        )
    except httpx.TransportError:
        return "no answer"
    return str(answer.status_code)


@real
@pytest.mark.both_engines
def test_two_web_processes_and_two_runners_behave_as_one(place):
    """The same request twice at the same moment, two acceptances at the same moment, by HTTP."""
    world = RealWorld()
    place.serve(workers=2)
    place.run()
    place.run()
    doctors = [browser_of(world.doctor, place.url) for _ in range(2)]
    experts = {name: browser_of(world.people[name], place.url) for name in ("alice", "bob")}
    for turn in range(6):
        key, page = str(uuid4()), {**PAGE, "urgency": "U0", "callback": f"0998-55501{turn:02}"}
        sent: list[Any] = []

        def send(door: Person, key: str = key, page: Any = page, to: list[Any] = sent) -> None:
            to.append(door.post("/cases/new/", page, page="/cases/new/", key=key))

        assert at_once(*(lambda d=d, s=send: s(d) for d in doctors)) == [(DONE, "")] * 2
        assert {answer.status for answer in sent} == {303}
        assert len({answer.path for answer in sent}) == 1
        assert sorted(answer.replayed for answer in sent) == [False, True]
        request = Request.objects.get(case__key=sent[0].path.split("/")[2])
        path, got = f"/requests/{request.key}/acceptance/", {}

        def take(name: str, path: str = path, got: Any = got) -> None:
            got[name] = experts[name].post(path, {}, page=None)

        at_once(*(lambda n=n, t=take: t(n) for n in experts))
        request.refresh_from_db()
        won = request.accepted_by.name
        lost = next(name for name in experts if name != won)
        assert (got[won].status, got[lost].status) == (303, 409)
        assert f"{won} accepted first" in got[lost].sentence
        assert holds(request.case)
    assert Case.objects.count() == 6
    twice = Counter(
        Event.objects.values_list("chain", "verb", "data__person").filter(
            verb__in=("ring_started", "request_accepted")
        )
    )
    assert set(twice.values()) == {1}


@real
def test_files_that_must_not_come_in_over_http(place):
    world = RealWorld()
    request = world.raised("U1", now=present())
    place.serve()
    doctor = browser_of(world.doctor, place.url)
    path = f"/cases/{request.case.key}/documents/"
    headers = {
        "X-CSRFToken": doctor.client.cookies["csrftoken"],
        "Origin": place.url,
        "Accept-Language": "en",
    }

    def send(name: str, content: bytes) -> httpx.Response:
        return doctor.client.post(path, files={"file": (name, content)}, headers=headers)

    renamed = send("film.jpg", b"MZ\x90\x00" + b"\x00" * 4000)
    assert renamed.status_code in (409, 422)
    bomb = send("film.png", _bomb())
    assert bomb.status_code in (409, 422)
    began = time.monotonic()
    huge = _send_200_megabytes(doctor, path, headers)
    assert huge == "refused"
    assert time.monotonic() - began < 10
    assert doctor.get(f"/cases/{request.case.key}/").status == 200  # the server is well
    assert "document_added" not in verbs(request.case)


def _bomb() -> bytes:
    """A small PNG that unfolds to 40,000 × 40,000 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 5_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _send_200_megabytes(door: Person, path: str, headers: dict[str, str]) -> str:
    boundary = "x" * 20
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(200):
            yield b"\xff\xd8" * 500_000
        yield tail

    size = str(len(head) + 200_000_000 + len(tail))
    more = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": size}
    try:
        answer = door.client.post(path, content=body(), headers={**headers, **more})
    except httpx.TransportError:
        return "refused"  # the server hung up while it was still being sent
    assert answer.status_code == 409, answer.status_code
    assert "50 MB" in answer.text
    return "refused"


@pytest.mark.slow
def test_the_database_restarts_while_pages_are_served():
    """A cluster of its own, stopped hard and started again under a server that is asked on."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)  # the database's own account must get in
    place = Installation(folder, {"dbname": "-"}, DATABASE_URL="", JIELI_DEMO="1")
    home = folder / "home"
    try:
        place.jieli("migrate", "--verbosity=0")
        place.jieli("demo", "--without-cases")
        place.serve()
        doctor = Person(place.url, "KS-0401")
        doctor.sign_in_demo()
        stream = Stream(place.url, doctor, "me", "board")
        assert stream.open.wait(10)
        assert doctor.get("/cases/new/").status == 200
        postgres.stop(home)
        began = time.monotonic()
        assert doctor.client.get("/cases/").status_code >= 500  # an honest answer, no hang
        assert time.monotonic() - began < 6
        # Away for so long that waits which double would outlast its return by far.
        while time.monotonic() - began < 8:
            doctor.client.get("/cases/")
        key, answers = str(uuid4()), []
        sending = threading.Thread(target=lambda: answers.append(_until_sent(doctor, key)))
        sending.start()
        time.sleep(0.5)
        postgres.ensure(home)
        back = time.monotonic()
        until(lambda: doctor.client.get("/cases/").status_code == 200, 5, "no recovery in 5 s")
        sending.join(10)
        assert time.monotonic() - back < 8
        assert answers == [303]
        until(lambda: "request_raised" in stream.told, 8, "the open stream did not recover")
        assert _send_once(doctor, key) == "303"  # and once more: the same case
        cases = doctor.get("/cases/").text
        assert len(set(re.findall(r"/cases/([0-9a-f-]{36})/", cases))) == 1

        # Once more, while nobody asks anything: every idle connection is dead, and one page comes.
        browsers = [threading.Thread(target=doctor.client.get, args=["/cases/"]) for _ in range(8)]
        for each in browsers:
            each.start()
        for each in browsers:
            each.join()
        postgres.stop(home)
        postgres.ensure(home)
        until(lambda: doctor.client.get("/cases/").status_code == 200, 5, "no recovery in 5 s")
    finally:
        place.close()
        postgres.stop(home)
        shutil.rmtree(folder)


def _until_sent(door: Person, key: str) -> int:
    """As the form does: again and again with the same key, until the server answers."""
    for _ in range(40):
        said = _send_once(door, key)
        if said.isdigit() and int(said) < 500:
            return int(said)
        time.sleep(0.25)
    return 0


# ── people and paper ─────────────────────────────────────────────────────────


@pytest.fixture
def at_minute_50(world: World, settings: Any) -> World:
    """Pages show the instant T0 + 50 minutes."""
    settings.JIELI_DEMO = True
    DemoTime.objects.create(shown_at=minutes(50), real_at=minutes(50), speed=0)
    return world


def signed_in(person: Practitioner) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person.account)
    return client


def test_an_expired_agreement_says_so_with_the_telephone_and_keeps_the_way_out(at_minute_50):
    world = at_minute_50
    world.agreement.valid_to = date(2026, 2, 1)
    world.agreement.save()
    doctor = signed_in(world.doctor)
    assert world.surgery.name_en in doctor.get("/cases/new/").content.decode()
    refused = doctor.post("/cases/new/", PAGE)
    page = refused.content.decode()
    assert refused.status_code == 409
    assert "ended on 2026-02-01" in page
    assert "010-5550100" in page
    assert not Case.objects.exists()
    exception = doctor.post("/cases/new/", {**PAGE, "exception_reason": "夜间无其他儿外科"})
    assert exception.status_code == 303
    assert "夜间无其他儿外科" in doctor.get(exception["Location"] + "export.json").content.decode()


def test_a_person_without_a_role_is_told_what_to_do_and_sees_nothing(at_minute_50):
    world = at_minute_50
    request = world.raised("U1")
    nobody = Practitioner.objects.create(
        number="N-77", name="新来的人", account=Account.objects.create_account("N-77")
    )
    client = signed_in(nobody)
    home = client.get("/")
    assert home.status_code == 200
    assert "N-77" in home.content.decode()
    assert "medical affairs office" in home.content.decode()
    base = f"/cases/{request.case.key}"
    for path in (f"{base}/", f"{base}/export.json", f"{base}/live/clocks/", "/cases/new/"):
        assert client.get(path).status_code == 404, path
    for path in ("/board/", "/cases/"):
        page = client.get(path)
        assert "疑似肠闭锁" not in page.content.decode()
        assert page.status_code < 500
    assert client.post("/cases/new/", PAGE).status_code == 404
    without_person = Client()
    without_person.force_login(Account.objects.create_account("ghost"))
    for path in ("/", "/board/", "/cases/", "/rings/", "/me/", "/duty/", f"{base}/"):
        assert without_person.get(path).status_code < 500, path
    # A role that has ended is no role.
    Role.objects.filter(practitioner=world.doctor).update(valid_to=date(2026, 2, 1))
    former = signed_in(world.doctor)
    assert former.get("/").status_code == 200
    assert former.get(f"{base}/").status_code == 404


NAMES = [
    "𠮷野家",
    "䶮䶮",
    "阿依努尔·卡德尔",
    "Nguye\u0302\u0303n Thi\u0323",
    "ئاينۇر",
    "O'Brien <b>&",
]


@pytest.mark.parametrize("name", NAMES)
def test_rare_names_from_the_page_to_the_paper(at_minute_50, name):
    world = at_minute_50
    doctor = signed_in(world.doctor)
    page = {**PAGE, "patient_name": name, "problem": f"{name}，腹胀", "id1_value": "Z 1"}
    raised = doctor.post("/cases/new/", page)
    assert raised.status_code == 303
    base = raised["Location"]
    shown = doctor.get(base).content.decode()
    said = doctor.get(f"{base}export.json").json()
    kept = said["case"]["patient"]["name"]
    assert _same(kept, name)
    from django.utils.html import escape

    assert escape(kept) in shown
    assert "<b>&" not in shown
    paper = doctor.get(f"{base}export.pdf")
    assert paper.content.startswith(b"%PDF")
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", "-", "-"], input=paper.content, capture_output=True, check=True
        ).stdout.decode()
        assert _letters(name) <= _letters(text), "a letter of the name is missing on paper"


def _same(one: str, other: str) -> bool:
    import unicodedata

    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)


def _letters(text: str) -> set[str]:
    import unicodedata

    return set(unicodedata.normalize("NFC", text)) - set(" \n")


# ── a case with 5,000 events ─────────────────────────────────────────────────


def test_a_case_with_5000_events_stays_usable(at_minute_50):
    world = at_minute_50
    small = world.raised("U1")
    long = world.raised("U1")
    with records.acting():
        chain = records.lock(long.case.chain_id)
        entries = [
            records.Entry("observation_recorded", world.doctor, T0, {"hr": 100 + n % 60, "n": n})
            for n in range(5000)
        ]
        records.append(chain, entries, now=T0)
    doctor = signed_in(world.doctor)
    counts = {}
    for request in (small, long):
        doctor.get(f"/cases/{request.case.key}/")
        with CaptureQueriesContext(connection) as queries:
            began = time.monotonic()
            assert doctor.get(f"/cases/{request.case.key}/").status_code == 200
        counts[request.pk] = len(queries)
    assert time.monotonic() - began < 2
    assert counts[long.pk] <= counts[small.pk]

    seen, path = [], f"/cases/{long.case.key}/events/"
    pages = 0
    while path and pages < 60:
        with CaptureQueriesContext(connection) as queries:
            page = doctor.get(path).content.decode()
        assert len(queries) < 20
        pages += 1
        seen.append(page)
        older = re.search(r'href="\?before=(\d+)"', page)
        path = f"/cases/{long.case.key}/events/?before={older.group(1)}" if older else ""
    length = long.case.chain.events.count()
    assert pages == -(-length // 100)

    began = time.monotonic()
    assert holds(long.case)
    assert time.monotonic() - began < 5
    said = doctor.get(f"/cases/{long.case.key}/export.json").json()
    assert said["chain"]["verified"] is True
    assert len(said["events"]) == length
    began = time.monotonic()
    assert doctor.get(f"/cases/{long.case.key}/export.pdf").content.startswith(b"%PDF")
    assert time.monotonic() - began < 20
