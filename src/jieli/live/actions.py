"""Telling browsers and runners that something changed, once it is committed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.db import transaction

from jieli.record.actions import ledger
from jieli.record.models import Event
from jieli.record.rows import insert
from jieli.rules.retention import kept_for

from .models import Note
from .relay import relay

KEPT = kept_for("live_notes")
PRUNE_BATCH = 10_000


def publish(topics: Iterable[str], event: Event | int | None, verb: str) -> None:
    """Tell all who listen that something changed; written with the action, told after its commit.

    The rows are the truth: streams also read them every second or so, hence a telling that is
    lost with its process only comes a little later.
    """
    ledger().add(_write, [(topic, verb, event) for topic in topics])


def _write(told: list[tuple[str, str, Event | int | None]]) -> None:
    """One note a topic and verb: a page that hears it fetches all that is new."""
    latest = {(topic, verb): event for topic, verb, event in told}
    notes = insert(
        [
            Note(topic=topic, verb=verb, event_id=getattr(event, "pk", event))
            for (topic, verb), event in latest.items()
        ]
    )
    transaction.on_commit(
        partial(relay.tell, [(note.pk, note.topic, note.verb) for note in notes]), robust=True
    )


def wake() -> None:
    """After the commit, let the runners look for work now instead of at their next round."""
    transaction.on_commit(partial(relay.tell, []), robust=True)


def prune(now: datetime) -> int:
    """Forget notes that no reconnecting browser can still ask for."""
    old = Note.objects.filter(at__lt=now - KEPT).order_by("at").values("pk")[:PRUNE_BATCH]
    return Note.objects.filter(pk__in=old).delete()[0]
