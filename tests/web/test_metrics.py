"""Figures for Prometheus: who may read them, that they are true, and that they name nobody."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from jieli.cases.models import Ring
from jieli.notify import actions as notify
from jieli.notify.actions import sending
from jieli.pager import actions as pager
from jieli.web.now import now
from tests.cases.world import World

pytestmark = pytest.mark.django_db


def read(client: Client, **headers: str) -> dict[str, dict[tuple[str, ...], float]]:
    pager.take_gauge(now())
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = tuple(value for _name, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_this_machine_alone_without_a_token(client: Client) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 404
    for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via"):
        assert client.get("/metrics", headers={name: "10.0.0.7"}).status_code == 404
    assert client.post("/metrics").status_code == 405


def test_with_a_token_from_anywhere_and_never_without(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "long-and-secret"
    assert client.get("/metrics").status_code == 404
    for wrong in ("Bearer wrong", "Bearer", "长"):
        assert client.get("/metrics", headers={"Authorization": wrong}).status_code == 404
    right = {"Authorization": "Bearer long-and-secret"}
    assert client.get("/metrics", headers=right, REMOTE_ADDR="10.0.0.7").status_code == 200


def test_rings_answers_and_waiting_are_true(client: Client) -> None:
    before = read(client)
    world = World()
    request = world.raised("U1")
    request.rings.update(started_at=now())
    told = read(client)
    rings = Ring.objects.filter(silent=False).count()
    assert rings > 0
    assert told["jieli_rings_started_total"][()] == before["jieli_rings_started_total"][()] + rings
    request.rings.filter(silent=False).update(answer="accepted")
    assert read(client)["jieli_rings_ended_total"][("accepted",)] == rings


def test_a_runner_and_its_clock_are_counted(client: Client) -> None:
    pager.Pulse("runner", lambda: -90.0).beat()
    told = read(client)
    assert told["jieli_processes"][("runner",)] == 1
    assert 89 < told["jieli_clock_skew_seconds"][()] < 91
    assert told["jieli_disk_free_share"][()] < 1


def test_a_request_is_named_by_its_route_and_nothing_names_a_person(client: Client) -> None:
    world = World()
    request = world.raised("U1")
    client.force_login(world.doctor.account)
    client.get(f"/cases/{request.case.key}/")
    client.get(f"/cases/{request.case.key}/nowhere")
    said = client.get("/metrics").content.decode()
    assert 'page="cases:case"' in said
    assert str(request.case.key) not in said
    assert world.doctor.name not in said
    assert "肠闭锁" not in said


@pytest.mark.django_db(transaction=True)
def test_test_rings_are_counted_apart(client: Client, settings: Any) -> None:
    settings.JIELI_GATEWAY_URL = "http://127.0.0.1:9/"  # nobody is there
    settings.PROBE_TELEPHONE = "+8600000000"
    settings.PROBE_URL = "http://127.0.0.1:9"
    pager.probe(now())
    notify.send_due(now())
    assert sending.held.wait_empty(20)
    told = read(client)
    assert told["jieli_messages_waiting"][()] == 0
    assert "jieli_sends_total" not in told
