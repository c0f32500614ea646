"""Every write to the record: lock the chain, append events, sign."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from jieli.directory.models import Practitioner
from jieli.record.models import Chain, Event, Signature
from jieli.record.signatures import SignatureProvider
from jieli.rules import chain as chains
from jieli.rules.chain import Fact
from jieli.rules.refusal import Refused


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact to be recorded: who did what, when it happened, and the flat data of it."""

    verb: str
    by: Practitioner | None
    occurred_at: datetime
    data: Mapping[str, Fact] = field(default_factory=dict)
    source: str = Event.Source.SCREEN


def lock(chain_id: int) -> Chain:
    """Every action takes this lock first, so two actions never wait for each other."""
    return Chain.objects.select_for_update().get(pk=chain_id)


def record(
    chain: Chain,
    verb: str,
    *,
    by: Practitioner | None,
    now: datetime,
    occurred_at: datetime | None = None,
    data: Mapping[str, Fact] | None = None,
    source: str = Event.Source.SCREEN,
) -> Event:
    """Append one event to a chain whose lock is held."""
    entry = Entry(verb, by, occurred_at or now, data or {}, source)
    return append(chain, [entry], now=now)[0]


def append(chain: Chain, entries: Sequence[Entry], *, now: datetime) -> list[Event]:
    """Append several events in order, with one write of the head."""
    events = seal(chain, entries, now=now)
    Event.objects.bulk_create(events)
    chain.save(update_fields=["length", "head"])
    return events


def seal(chain: Chain, entries: Sequence[Entry], *, now: datetime) -> list[Event]:
    """Unsaved events linked to the chain, whose head moves on in memory only."""
    return [_seal_one(chain, entry, now) for entry in entries]


def _seal_one(chain: Chain, entry: Entry, now: datetime) -> Event:
    if bad := [k for k, v in entry.data.items() if not isinstance(v, str | int | None)]:
        raise TypeError(f"Event data must be text, whole numbers or booleans: {bad}")
    chain.length += 1
    event = Event(
        chain=chain,
        seq=chain.length,
        verb=entry.verb,
        actor=entry.by,
        data=dict(entry.data),
        source=str(entry.source),
        occurred_at=entry.occurred_at,
        recorded_at=now,
    )
    event.hash = chains.link(bytes(chain.head), fields_of(event))
    chain.head = event.hash
    return event


def fields_of(event: Event) -> dict[str, object]:
    """The fields of an event that its hash covers."""
    return {
        "seq": event.seq,
        "verb": event.verb,
        "actor": event.actor_id,
        "data": event.data,
        "source": event.source,
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
    }


def sign(
    content: Mapping[str, object], *, by: Practitioner, secret: str, now: datetime
) -> Signature:
    """Sign `content` as it stands. The provider decides whether `secret` proves the person."""
    provider: SignatureProvider = import_string(settings.SIGNATURE_PROVIDER)()
    if not provider.proves(by, secret):
        raise Refused("The password is not right. Nothing was signed; your text is kept.")
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1)
    return Signature.objects.create(
        practitioner=by,
        provider=provider.name,
        content=text,
        content_hash=hashlib.sha256(text.encode()).digest(),
        signed_at=now,
    )
