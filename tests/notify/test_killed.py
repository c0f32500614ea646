"""A real process dies by kill -9 when the gateway has the message and its row does not say so."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from django.db import connection

from jieli.notify import actions
from jieli.notify.actions import attempts
from jieli.notify.models import Attempt
from jieli.record.models import Event
from tests.notify.conftest import Make, Receiver, settle, until
from tests.notify.test_sending import VOICE, tell

CHILD = """
import sys, time, datetime, django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.DATABASES["default"]["HOST"] = sys.argv[2]
settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
settings.JIELI_GATEWAY_URL = sys.argv[3]
settings.JIELI_GATEWAY_TOKEN = "shared-token"
from jieli.notify import actions
actions.send_due(datetime.datetime.fromisoformat(sys.argv[4]))
time.sleep(60)
"""


@pytest.mark.django_db(transaction=True)
def test_kill_minus_nine_between_send_and_mark(
    event: Event, make_person: Make, now: datetime, receiver: Receiver
) -> None:
    receiver.script = ["hang", "accept"]
    [message] = tell(event, make_person("1", VOICE), now=now)
    place = connection.settings_dict
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, place["NAME"], place["HOST"], receiver.url, now.isoformat()],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "jieli.web.settings"},
    )
    try:
        until(lambda: len(receiver.requests) == 1, 20)
    finally:
        child.kill()
        child.wait(10)
    assert Attempt.objects.get().state == "sending"
    assert actions.send_due(now + timedelta(seconds=5)) == []
    settle()
    assert len(receiver.requests) == 1, "the lease of the dead process still holds"
    actions.send_due(now + timedelta(seconds=16))
    settle()
    message.refresh_from_db()
    assert message.sent_at
    assert Attempt.objects.get().state == "accepted"
    assert len(receiver.requests) == 2
    assert len(receiver.effects) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("over", "after", "left"),
    [(True, 31, "failed"), (True, 29, "sending"), (False, 31, "sending")],
)
def test_a_try_of_a_dead_process_does_not_stay_under_way(
    event: Event, make_person: Make, now: datetime, over: bool, after: int, left: str
) -> None:
    """The ring was taken back meanwhile: nobody goes on with it. One that is owed goes on."""
    [message] = tell(event, make_person("1", VOICE), now=now)
    attempts.begin(message, message.practitioner.channels.get(), now)
    if over:
        message.due_at = None
        message.save()
    actions.end_left(now + timedelta(seconds=after))
    assert Attempt.objects.get().state == left
