"""Telling browsers and runners that something changed, once it is committed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from .models import Note
from .relay import relay

KEPT = timedelta(hours=24)
PRUNE_BATCH = 10_000


def publish(topics: Iterable[str], event_id: int | None, verb: str) -> None:
    """Write the notes in the caller's transaction; tell them at once after its commit.

    The rows are the truth: streams also read them every second or so, hence a telling that is
    lost with its process only comes a little later.
    """
    notes = Note.objects.bulk_create(
        Note(topic=topic, verb=verb, event_id=event_id) for topic in dict.fromkeys(topics)
    )
    told = [(note.pk, note.topic, note.verb) for note in notes]
    transaction.on_commit(partial(relay.tell, told), robust=True)


def wake() -> None:
    """After the commit, let the runners look for work now instead of at their next round."""
    transaction.on_commit(partial(relay.tell, []), robust=True)


def prune(now: datetime) -> int:
    """Forget notes that no reconnecting browser can still ask for."""
    old = Note.objects.filter(at__lt=now - KEPT).order_by("at").values("pk")[:PRUNE_BATCH]
    return Note.objects.filter(pk__in=old).delete()[0]
