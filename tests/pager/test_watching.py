"""What is ill stands in rows; people hear of it once, by another way, and once that it is over."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.core import mail
from django.db import DatabaseError, connection

from jieli.directory.models import Channel, Practitioner, Role
from jieli.notify.transports import lanes
from jieli.pager import actions
from jieli.pager.actions import alarming, watching
from jieli.pager.models import Heartbeat, Illness, Probe
from jieli.pager.queries.status import illnesses_now, processes
from jieli.rules.watching import Finding
from tests.directory.world import organisation, person
from tests.pager.conftest import NOW, Receiver, beating

pytestmark = pytest.mark.django_db(transaction=True)

DEAD = [Finding("runner", "ill")]
VOICE = [Finding("transport.voice", "ill", "No answer in 8 seconds.")]


@pytest.fixture
def by_mail(settings: Any) -> None:
    settings.ALARM_TO = ["desk@hospital.example"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def subjects() -> list[str]:
    return [sent.subject for sent in mail.outbox]


def pass_time(minutes: float) -> None:
    with connection.cursor() as cursor:
        for column in ("well_since", "lease_until", "began_at"):
            cursor.execute(
                f"UPDATE pager_illness SET {column} = {column} - make_interval(secs => %s)",
                [minutes * 60],
            )


# ── what is ill ──────────────────────────────────────────────────────────────


def test_without_a_runner_nobody_is_rung_and_it_says_so() -> None:
    assert [found.cause for found in actions.watch(NOW)] == ["runner"]
    assert "nobody is rung" in illnesses_now()[0].words or "没有" in illnesses_now()[0].words
    beating()
    assert actions.watch(NOW) == []


def test_a_board_says_so_even_if_nobody_watches() -> None:
    assert illnesses_now()[0].is_ill
    assert Illness.objects.count() == 0
    beating()
    assert illnesses_now() == []


def test_two_failed_test_rings_are_an_illness_and_one_is_not() -> None:
    beating()
    tried("voice", 2, error="No answer in 8 seconds.")
    assert actions.watch(NOW) == []
    tried("voice", 1, error="No answer in 8 seconds.")
    assert [found.cause for found in actions.watch(NOW)] == ["transport.voice"]


def tried(transport: str, minutes_ago: int, error: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO pager_probe (key, transport, minute, way, due_at, finished_at, error)"
            " SELECT gen_random_uuid(), %s, at, 'whole', at, at, %s"
            " FROM (SELECT date_trunc('minute', now()) - make_interval(mins => %s) AS at) t",
            [transport, error, minutes_ago],
        )


def test_a_machine_whose_clock_is_five_minutes_off_is_named() -> None:
    fast = actions.Pulse("runner", lambda: 300.0)
    fast.beat()
    [found] = actions.watch(NOW)
    assert (found.cause.split(".")[0], found.grade, found.detail) == ("skew", "ill", "+300")
    assert abs(processes()[0].heart.skew - 300) < 1
    assert processes()[0].heart.age < 5, "its age is told by the database's clock, not by its own"


def test_a_process_that_was_stopped_is_not_silent() -> None:
    beating(machine="b")
    pulse = actions.Pulse("runner", lambda: 0.0)
    pulse.beat()
    pulse.end()
    assert actions.watch(NOW) == []
    assert Heartbeat.objects.get(process=pulse.process).ended_at


def test_work_that_does_not_come_back_is_named() -> None:
    actions.Pulse("runner", lambda: 0.0).beat(["messages"])
    assert [found.cause for found in actions.watch(NOW)] == ["work.messages"]


def test_many_watchers_write_one_illness() -> None:
    together = threading.Barrier(8)

    def race() -> None:
        together.wait()
        try:
            watching.keep(DEAD)
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    watching.keep(DEAD)
    assert Illness.objects.filter(cause="runner").count() == 1


def test_what_comes_and_goes_is_one_illness(by_mail: None) -> None:
    for _ in range(5):
        watching.keep(VOICE)
        actions.tell(NOW)
        watching.keep([])
        assert illnesses_now()[0].began_at is None, "the banner is gone as soon as it is well"
        actions.tell(NOW)
        pass_time(minutes=1)
    assert Illness.objects.count() == 1
    assert len(mail.outbox) == 1
    pass_time(minutes=3)
    watching.keep([])
    actions.tell(NOW)
    actions.tell(NOW)
    assert len(mail.outbox) == 2


def test_who_does_not_see_the_cases_does_not_judge_what_waits() -> None:
    """A web process must not end what only a runner can see, nor begin it."""
    beating()
    watching.keep([Finding("rings", "ill", "45"), Finding("transport.voice", "ill", "")])
    assert watching.watch(NOW, of_cases=False) == []
    open_now = Illness.objects.filter(well_since=None).values_list("cause", flat=True)
    assert list(open_now) == ["rings"]
    assert watching.watch(NOW) == []
    assert not Illness.objects.filter(well_since=None).exists()


# ── who is told ──────────────────────────────────────────────────────────────


def test_told_once_and_cleared_once(by_mail: None) -> None:
    watching.keep(DEAD)
    assert [actions.tell(NOW) for _ in range(3)] == [1, 0, 0]
    assert Illness.objects.get().told == "email 1"
    watching.keep([])
    pass_time(minutes=3)
    watching.keep([])
    assert [actions.tell(NOW) for _ in range(3)] == [1, 0, 0]
    assert len(mail.outbox) == 2
    assert subjects()[0] != subjects()[1]
    assert all(sent.to == ["desk@hospital.example"] for sent in mail.outbox)


def test_a_warning_wakes_nobody(by_mail: None) -> None:
    watching.keep([Finding("disk.a", "warn", "9%")])
    assert actions.tell(NOW) == 0
    watching.keep([Finding("disk.a", "ill", "2%")])
    assert actions.tell(NOW) == 1, "it became worse"


def test_not_by_the_way_that_fails(receiver: Receiver, settings: Any) -> None:
    settings.ALARM_TO = []
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    director = boss()
    Channel.objects.create(practitioner=director, kind="gateway", address="13800000001", order=1)
    Channel.objects.create(practitioner=director, kind="email", address="d@h.example", order=2)
    watching.keep(VOICE)
    actions.tell(NOW)
    assert receiver.requests == []
    assert mail.outbox[0].to == ["d@h.example"]


def test_by_the_way_that_fails_if_there_is_no_other(receiver: Receiver, settings: Any) -> None:
    settings.ALARM_TO = ["sms:13800000001"]
    watching.keep(VOICE)
    actions.tell(NOW)
    assert [request["to"] for request in receiver.requests] == ["13800000001"]


def test_the_operators_telephone_rings_and_a_director_is_not_woken(
    receiver: Receiver, settings: Any
) -> None:
    settings.ALARM_TO = ["+8613800000009"]
    Channel.objects.create(practitioner=boss(), kind="gateway", address="138", rings=True)
    watching.keep(DEAD)
    actions.tell(NOW)
    [call] = receiver.requests
    assert (call["to"], call["kind"]) == ("+8613800000009", "voice")


def test_nobody_could_be_told_so_it_is_tried_again(receiver: Receiver, settings: Any) -> None:
    settings.ALARM_TO = ["sms:13800000001"]
    receiver.script = ["500", "accept"]
    watching.keep(DEAD)
    assert actions.tell(NOW) == 0
    assert actions.tell(NOW) == 0, "not at once"
    pass_time(minutes=2)
    assert actions.tell(NOW) == 1


def test_one_way_that_hangs_does_not_keep_the_others_from_being_told(
    receiver: Receiver, settings: Any, by_mail: None
) -> None:
    settings.ALARM_TO = ["sms:13800000001", "desk@hospital.example"]
    receiver.script = ["hang"]
    watching.keep(DEAD)
    assert actions.tell(NOW) == 1
    assert len(mail.outbox) == 1
    lanes.lane("gateway")


def test_a_hanging_way_does_not_outlast_the_lease(
    receiver: Receiver, settings: Any, by_mail: None
) -> None:
    settings.ALARM_TO = [f"sms:138000000{n:02}" for n in range(40)] + ["desk@hospital.example"]
    receiver.script = ["hang"]
    began = time.monotonic()
    watching.keep(DEAD)
    assert actions.tell(NOW) == 1
    assert time.monotonic() - began < 15, "forty times the time limit would be a minute"
    assert len(mail.outbox) == 1


def test_who_dies_while_telling_leaves_it_to_others(
    by_mail: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any, **__: Any) -> None:
        raise SystemExit

    watching.keep(DEAD)
    with monkeypatch.context() as patch:
        patch.setattr(alarming, "send_all", dies)
        with pytest.raises(SystemExit):
            actions.tell(NOW)
    assert actions.tell(NOW) == 0, "its lease holds"
    pass_time(minutes=6)
    assert actions.tell(NOW) == 1


def test_no_name_and_no_number_in_what_is_told(by_mail: None) -> None:
    watching.keep([*VOICE, *DEAD])
    actions.tell(NOW)
    for sent in mail.outbox:
        assert "8600" not in sent.body
        assert "/pager/" in sent.body


def test_the_database_is_away(by_mail: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from jieli.web.watchman import Watchman

    def away(*_: Any, **__: Any) -> None:
        raise DatabaseError

    watchman = Watchman(lambda: NOW, lambda: 0.0, lambda: 0)
    with monkeypatch.context() as patch:
        patch.setattr("jieli.web.watchman.pager.watch", away)
        watchman.look()
        assert mail.outbox == [], "a restart is no illness"
        watchman._away_since -= 61  # type: ignore[operator]
        for _ in range(3):
            watchman.look()
        assert len(mail.outbox) == 1
    watchman.look()
    assert len(mail.outbox) >= 2


def boss() -> Practitioner:
    place = organisation("centre", "中心医院", "city")
    return person("boss", "院长", place, Role.Kind.DIRECTOR)


def test_a_test_ring_that_never_came_to_an_end_is_no_verdict() -> None:
    beating()
    Probe.objects.create(transport="voice", minute=NOW, way="whole")
    assert not any(found.cause.startswith("transport") for found in actions.watch(NOW))


def test_a_look_that_does_not_come_back_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that neither answers nor refuses: the watch waits, and another thread tells."""
    from jieli.web.watchman import Watchman

    said: list[bool] = []
    monkeypatch.setattr(
        "jieli.web.watchman.alarming.tell_without_database",
        lambda cause, *, over, now: said.append(over),
    )
    watchman = Watchman(lambda: NOW, lambda: 0.0, lambda: 0)
    watchman.look_at_the_watch()
    watchman._looking_since = time.monotonic() - 59
    watchman.look_at_the_watch()
    assert said == []
    watchman._looking_since = time.monotonic() - 61
    watchman.look_at_the_watch()
    watchman.look_at_the_watch()
    assert said == [False]
