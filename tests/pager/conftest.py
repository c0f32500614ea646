"""The pager with a gateway that can misbehave, and a mail server that takes everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from jieli.notify import actions as notify
from jieli.notify.actions import sending
from jieli.pager.models import Heartbeat, Probe
from tests.notify.conftest import NOW, Receiver, fresh_lanes, receiver

__all__ = ["NOW", "Receiver", "fresh_lanes", "receiver"]


def until(condition: Callable[[], Any], seconds: float = 8) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def send_all() -> None:
    notify.send_due(NOW)
    assert sending.held.wait_empty(20)


def of(transport: str) -> Probe:
    return Probe.objects.get(transport=transport)


def beating(kind: str = "runner", machine: str = "a", **more: Any) -> Heartbeat:
    from uuid import uuid4

    return Heartbeat.objects.create(process=uuid4(), kind=kind, machine=machine, pid=1, **more)


@pytest.fixture
def no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a web process: the ring on an open page has tests of its own."""
    from jieli.pager.actions import probing

    ways = probing.ways
    monkeypatch.setattr(
        probing, "ways", lambda: [way for way in ways() if way.transport != "in_app"]
    )
