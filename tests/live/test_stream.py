"""The live stream, over real HTTP: who may hear, what is told, and what a break costs (nothing)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core import signing
from django.db import connection, connections, transaction

from jieli.live import access, actions, queries, views
from jieli.live.hub import POLL_SECONDS, QUEUE_LIMIT, Hub, Message, Subscriber
from jieli.live.models import Note
from jieli.live.relay import direct_parameters
from jieli.record.actions import action

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_engines]

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


class Listener(threading.Thread):
    """A browser's EventSource, as far as the tests need one."""

    def __init__(
        self, url: str, topics: list[str], cookies: dict[str, str], place: str = ""
    ) -> None:
        super().__init__(daemon=True)
        self.url, self.topics, self.cookies, self.place = url, topics, cookies, place
        self.status = 0
        self.headers: httpx.Headers = httpx.Headers()
        self.events: list[dict[str, Any]] = []
        self.raw = b""
        self.ended = threading.Event()
        self.stopping = False
        self.start()

    def run(self) -> None:
        headers = {"Last-Event-ID": self.place} if self.place else {}
        query = {"topic": self.topics}
        try:
            with (
                httpx.Client(cookies=self.cookies, timeout=30) as client,
                client.stream("GET", f"{self.url}/live/", params=query, headers=headers) as answer,
            ):
                self.status, self.headers = answer.status_code, answer.headers
                event: dict[str, Any] = {}
                for line in answer.iter_lines():
                    if self.stopping:
                        return
                    self.raw += line.encode() + b"\n"
                    name, _, value = line.partition(": ")
                    if name in {"id", "event", "data"}:
                        event[name] = json.loads(value) if name == "data" else value
                    elif not line and event:
                        self.place = event.get("id", self.place)
                        self.events.append(event)
                        event = {}
        except httpx.HTTPError:
            pass
        finally:
            self.ended.set()

    def told(self) -> list[tuple[str, str]]:
        return [(e["data"]["topic"], e["data"]["verb"]) for e in self.events if "event" not in e]

    def named(self, name: str) -> list[Any]:
        return [e["data"] for e in self.events if e.get("event") == name]


def until(condition: Callable[[], Any], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class Rights:
    """Stands in for jieli.web.live_access."""

    def __init__(self) -> None:
        self.topics: dict[str, str] = {"case:a": "case:a", "person:7": "me"}

    def allowed(self, account: Any, wanted: set[str], now: datetime) -> dict[str, str]:
        assert now == NOW
        return {topic: name for topic, name in self.topics.items() if name in wanted}


@pytest.fixture
def rights() -> Rights:
    return Rights()


@pytest.fixture
def hub() -> Hub:
    return Hub(direct_parameters)


@pytest.fixture
def url(rights: Rights, hub: Hub) -> Iterator[str]:
    stream = views.Stream(hub, rights.allowed, lambda: NOW)
    server = uvicorn.Server(uvicorn.Config(stream, port=0, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    hub.close()
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def cookies() -> dict[str, str]:
    account = get_user_model().objects.create_account("wang")
    return {settings.SESSION_COOKIE_NAME: session_of(account)}


def session_of(account: Any) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session.save()
    assert session.session_key
    return session.session_key


publish = action(actions.publish)


def joined(url: str, cookies: dict[str, str], *topics: str, place: str = "") -> Listener:
    listener = Listener(url, list(topics or ("case:a", "me")), cookies, place)
    until(lambda: listener.named("hello") or listener.ended.is_set())
    return listener


def test_nobody_hears_without_a_session(url: str) -> None:
    listener = joined(url, {})
    assert listener.status == 401
    assert joined(url, {settings.SESSION_COOKIE_NAME: "x" * 32}).status == 401


def test_an_account_that_was_closed_hears_nothing(url: str, cookies: dict[str, str]) -> None:
    get_user_model().objects.update(is_active=False)
    assert joined(url, cookies).status == 401


def test_a_process_of_ours_hears_what_its_token_names_and_no_more(url: str) -> None:
    token = {access.LISTENER_COOKIE: access.listener_token(["person:7"], NOW)}
    listener = joined(url, token, "person:7")
    assert listener.events[0]["data"] == {"topics": ["person:7"]}
    curious = joined(url, token, "person:7", "case:1", "board")
    assert curious.events[0]["data"] == {"topics": ["person:7"]}


@pytest.mark.parametrize("change", ["forged", "old", "another salt"])
def test_a_token_that_is_not_ours_or_too_old_opens_nothing(url: str, change: str) -> None:
    long_ago = timedelta(seconds=access.LISTENER_SECONDS + 1)
    token = access.listener_token(["person:7"], NOW - long_ago * (change == "old"))
    if change == "forged":
        token = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    elif change == "another salt":
        token = signing.dumps([NOW.timestamp() + 60, "person:7"], salt="another")
    listener = Listener(url, ["person:7"], {access.LISTENER_COOKIE: token})
    until(listener.ended.is_set)
    assert listener.status == 401


def test_topics_without_a_right_do_not_exist(url: str, cookies: dict[str, str]) -> None:
    assert joined(url, cookies, "case:secret").status == 404
    partly = joined(url, cookies, "case:secret", "case:a")
    assert partly.named("hello") == [{"topics": ["case:a"]}]


def test_tells_after_the_commit_and_under_the_browsers_name(
    url: str, cookies: dict[str, str]
) -> None:
    listener = joined(url, cookies)
    assert listener.headers["x-accel-buffering"] == "no"
    assert "no-store" in listener.headers["cache-control"]
    assert len(listener.raw) > 2048  # what proxies hold back is padding
    with transaction.atomic():
        publish(["case:a", "person:7", "case:a"], 5, "accepted")
        publish(["case:secret"], 6, "accepted")
        time.sleep(0.2)
        assert listener.told() == []
    began = time.monotonic()
    until(lambda: len(listener.told()) == 2)
    assert time.monotonic() - began < 1.0  # by NOTIFY, not by the poll
    time.sleep(POLL_SECONDS * 1.3)  # the poll tells nothing twice
    assert listener.told() == [("case:a", "accepted"), ("me", "accepted")]


def test_what_was_rolled_back_is_never_told(url: str, cookies: dict[str, str]) -> None:
    listener = joined(url, cookies)
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            publish(["case:a"], 1, "undone")
            raise ZeroDivisionError
        publish(["case:a"], 2, "kept")
    until(listener.told)
    assert listener.told() == [("case:a", "kept")]


def test_a_telling_lost_with_its_process_comes_by_the_poll(
    url: str, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions.relay, "tell", lambda notes: None)
    listener = joined(url, cookies)
    publish(["case:a"], 1, "quiet")
    until(listener.told)
    assert listener.told() == [("case:a", "quiet")]


def test_after_a_break_it_goes_on_without_a_gap(url: str, cookies: dict[str, str]) -> None:
    first = joined(url, cookies)
    publish(["case:a"], 1, "one")
    until(first.told)
    first.stopping = True
    publish(["case:a"], 2, "two")
    publish(["case:a"], 3, "three")
    second = joined(url, cookies, place=first.place)
    until(lambda: len(second.told()) >= 2)
    assert [verb for _, verb in second.told()][-2:] == ["two", "three"]


def test_a_slow_transaction_with_an_early_number_is_not_skipped(
    url: str, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its note has the lower id and is committed last: a cursor on ids alone would lose it."""
    monkeypatch.setattr(actions.relay, "tell", lambda notes: None)
    listener = joined(url, cookies)
    insert = "insert into live_note (topic, verb) values ('case:a', %s)"
    with psycopg.connect(**direct_parameters()) as slow:
        slow.execute(insert, ["slow"])
        publish(["case:a"], 1, "quick")
        time.sleep(2 * POLL_SECONDS)
        slow.commit()
    until(lambda: len(listener.told()) == 2)
    assert sorted(verb for _, verb in listener.told()) == ["quick", "slow"]


def test_too_much_to_replay_asks_the_page_to_fetch_anew(url: str, cookies: dict[str, str]) -> None:
    place = str(queries.newest())
    publish([f"case:{n}" for n in range(10)], 1, "other")
    Note.objects.bulk_create(
        Note(topic="case:a", verb="many") for _ in range(queries.REPLAY_LIMIT + 1)
    )
    listener = joined(url, cookies, place=place)
    until(lambda: listener.named("resync"))


@pytest.mark.parametrize("place", ["nonsense", "1.2.3", "-1.4", "9" * 60 + ".1", "1'.2"])
def test_a_forged_place_is_ignored(url: str, cookies: dict[str, str], place: str) -> None:
    assert joined(url, cookies, place=place).named("hello")


def test_loses_access_while_joined(
    url: str, cookies: dict[str, str], rights: Rights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "RECHECK_SECONDS", 0.2)
    listener = joined(url, cookies)
    del rights.topics["case:a"]
    assert listener.ended.wait(5)
    assert listener.named("gone") == [{"topics": ["case:a"]}]
    publish(["case:a"], 1, "after")
    again = joined(url, cookies)
    assert again.named("hello") == [{"topics": ["me"]}]
    assert again.told() == []


def test_signing_out_ends_the_stream(
    url: str, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "RECHECK_SECONDS", 0.2)
    listener = joined(url, cookies)
    SessionStore(cookies[settings.SESSION_COOKIE_NAME]).flush()
    assert listener.ended.wait(5)
    assert listener.named("gone")
    assert joined(url, cookies).status == 401


def test_says_that_it_is_still_there(
    url: str, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "HEARTBEAT_SECONDS", 0.1)
    listener = joined(url, cookies)
    until(lambda: len(listener.named("beat")) > 3)
    assert listener.named("beat")[0] == 0.1  # a page knows how long a silence may last


def test_the_database_connection_is_cut(url: str, cookies: dict[str, str], hub: Hub) -> None:
    """As when PostgreSQL restarts: every session of the stream's process ends."""
    listener = joined(url, cookies)
    with connection.cursor() as sql:
        sql.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where pid <> pg_backend_pid() and datname = current_database()"
        )
    publish(["case:a"], 1, "meanwhile")
    until(listener.told)
    publish(["case:a"], 2, "later")
    until(lambda: len(listener.told()) == 2)
    assert [verb for _, verb in listener.told()] == ["meanwhile", "later"]


def test_a_browser_that_does_not_read_is_let_go(hub: Hub) -> None:
    async def overflow() -> bool:
        subscriber = Subscriber(["case:a"])
        for number in range(QUEUE_LIMIT + 1):
            subscriber.offer(Message(None, number, "case:a", "x"))
        return subscriber.closed

    assert asyncio.run(overflow())


def test_publish_never_fails_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("no thread")

    monkeypatch.setattr(actions.relay, "_start", broken)
    publish(["case:a"], 1, "kept")
    assert Note.objects.count() == 1


def test_notes_are_forgotten_after_a_day() -> None:
    publish(["case:a"], 1, "old")
    written = Note.objects.get().at
    assert actions.prune(written + actions.KEPT) == 0
    assert actions.prune(written + actions.KEPT * 2) == 1


def test_killing_the_writer_right_after_its_commit_loses_nothing(
    url: str, cookies: dict[str, str]
) -> None:
    listener = joined(url, cookies)
    child = os.fork()
    if child == 0:
        try:
            with psycopg.connect(**direct_parameters(), autocommit=True) as link:
                link.execute("insert into live_note (topic, verb) values ('case:a', 'orphan')")
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    until(listener.told)
    assert listener.told() == [("case:a", "orphan")]


# -- one person who opens too many, and proxies that hold answers back --------------------------


def test_an_account_keeps_its_newest_streams_and_no_more(
    url: str, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "STREAMS_LIMIT", 3)
    streams = [joined(url, cookies) for _ in range(5)]
    until(lambda: sum(stream.ended.is_set() for stream in streams) == 2)
    assert [stream.ended.is_set() for stream in streams] == [True, True, False, False, False]
    assert [bool(stream.named("crowded")) for stream in streams[:3]] == [True, True, False]
    other = {settings.SESSION_COOKIE_NAME: session_of(get_user_model().objects.create_account("2"))}
    neighbour = joined(url, other)
    publish(["case:a"], 1, "news")
    until(lambda: all(stream.told() for stream in [*streams[2:], neighbour]))
    streams[4].stopping = True


def test_a_thousand_streams_of_one_client_starve_nobody(
    url: str, cookies: dict[str, str], hub: Hub
) -> None:
    """They are refused while they wait for the door, and the oldest go when they are in."""
    other = {settings.SESSION_COOKIE_NAME: session_of(get_user_model().objects.create_account("2"))}
    answers: list[int] = []
    waited: list[float] = []

    async def one(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", f"{url}/live/?topic=me") as answer:
            answers.append(answer.status_code)
            async for _ in answer.aiter_bytes():
                pass

    async def storm() -> None:
        limits = httpx.Limits(max_connections=1000)
        async with httpx.AsyncClient(cookies=cookies, timeout=60, limits=limits) as client:
            tasks = [asyncio.create_task(one(client)) for _ in range(1000)]
            async with httpx.AsyncClient(cookies=other, timeout=60) as neighbour:
                while len(answers) < 900:
                    await asyncio.sleep(0.02)
                began = time.monotonic()
                async with neighbour.stream("GET", f"{url}/live/?topic=me") as answer:
                    assert answer.status_code == 200
                    waited.append(time.monotonic() - began)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(storm())
    assert waited[0] < 2
    assert answers.count(429) > 900
    assert len(hub._subscribers) <= views.STREAMS_LIMIT + 1


def told_from_elsewhere(topics: list[str], event: int, verb: str) -> None:
    """In a thread: its connection ends with it."""
    publish(topics, event, verb)
    connections.close_all()


def test_a_stream_that_ends_after_its_first_news(
    url: str, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "ONCE_SECONDS", 1.0)
    with httpx.Client(cookies=cookies, timeout=30) as client:
        began = time.monotonic()
        silent = client.get(f"{url}/live/?topic=me&once=1").text
        assert 0.9 < time.monotonic() - began < 4
        assert "event: beat" in silent
        later = threading.Timer(0.3, told_from_elsewhere, [["person:7"], 1, "ring_started"])
        later.start()
        said = client.get(f"{url}/live/?topic=me&once=1").text
        later.join()
        assert '"verb": "ring_started"' in said
        # From where it stopped: what came meanwhile is told at once, and once.
        place = said.split("id: ")[1].split("\n")[0]
        publish(["person:7"], 2, "ring_ended")
        until(lambda: str(queries.newest()) != place)
        began = time.monotonic()
        again = client.get(f"{url}/live/?topic=me&once=1", headers={"Last-Event-ID": place}).text
        assert '"verb": "ring_ended"' in again
        assert time.monotonic() - began < 0.9
