"""Every write to the record: begin an action, lock the chain, append events, sign."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from jieli.directory.models import Practitioner
from jieli.record.models import Chain, Event, IdempotencyKey, Signature
from jieli.record.numbers import opened
from jieli.record.rows import insert
from jieli.record.signatures import SignatureProvider
from jieli.rules import chain as chains
from jieli.rules.chain import Fact
from jieli.rules.refusal import NotProven
from jieli.rules.retention import kept_for

P = ParamSpec("P")
T = TypeVar("T")

# ── an action ────────────────────────────────────────────────────────────────


class Ledger:
    """What one action has to write at its end: one statement a table, however much happened."""

    def __init__(self) -> None:
        self.chains: dict[int, Chain] = {}  # locked or opened by this action
        self.opened: set[int] = set()  # of these: not yet known to anybody else
        self.events: list[Event] = []
        self._rows: dict[Callable[[list[Any]], None], list[Any]] = {}

    def add(self, write: Callable[[list[T]], None], rows: Iterable[T]) -> None:
        self._rows.setdefault(write, []).extend(rows)

    def holds(self, write: Callable[[list[T]], None]) -> bool:
        return bool(self._rows.get(write))

    def write(self) -> None:
        """The events first, since the other rows point to them."""
        events, self.events = self.events, []
        rows, self._rows = self._rows, {}
        if events:
            insert(events)
            moved = dict.fromkeys(event.chain_id for event in events)
            _save_heads([self.chains[pk] for pk in moved])
        for write, added in rows.items():
            write(added)


_LEDGER: ContextVar[Ledger | None] = ContextVar("ledger", default=None)


@contextmanager
def acting() -> Iterator[Ledger]:
    """One transaction, and one ledger that is written before it commits. Nested: the outer one."""
    if held := _LEDGER.get():
        with transaction.atomic(savepoint=False):  # what fails here takes the whole action along
            yield held
        return
    ledger = Ledger()
    token = _LEDGER.set(ledger)
    try:
        with transaction.atomic():
            _hurry()
            yield ledger
            ledger.write()
    finally:
        _LEDGER.reset(token)


_UNHURRIED: ContextVar[bool] = ContextVar("unhurried", default=False)


def unhurried() -> None:
    """For what may take minutes before anything is locked: a file arrives, a picture is made.

    Else the database ends a transaction in which nothing happens for 15 seconds.
    """
    if connection.in_atomic_block:
        _idle("30min")
        _UNHURRIED.set(True)


def _hurry() -> None:
    """From here on rows are locked, and whoever sleeps now keeps others waiting."""
    if _UNHURRIED.get():
        _idle("DEFAULT")
        _UNHURRIED.set(False)


def _idle(longest: Literal["30min", "DEFAULT"]) -> None:
    with connection.cursor() as cursor:
        value = longest if longest == "DEFAULT" else f"'{longest}'"
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = {value}")


def action(work: Callable[P, T]) -> Callable[P, T]:
    """A function that writes: all of it or nothing."""

    @wraps(work)
    def acted(*args: P.args, **kwargs: P.kwargs) -> T:
        with acting():
            return work(*args, **kwargs)

    return acted


def ledger() -> Ledger:
    """The running action's; writing outside one is a mistake of ours."""
    held = _LEDGER.get()
    if held is None:
        raise RuntimeError("This writes to the record and needs an action around it.")
    return held


def _save_heads(chains: Sequence[Chain]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE record_chain c SET length = n.length, head = n.head"
            " FROM unnest(%s::bigint[], %s::int[], %s::bytea[]) AS n (id, length, head)"
            " WHERE c.id = n.id",
            [
                [chain.pk for chain in chains],
                [chain.length for chain in chains],
                [bytes(chain.head) for chain in chains],
            ],
        )


# ── the chain ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact to be recorded: who did what, when it happened, and the flat data of it."""

    verb: str
    by: Practitioner | None
    occurred_at: datetime
    data: Mapping[str, Fact] = field(default_factory=dict)
    source: str = Event.Source.SCREEN


def open_chain(subject: UUID) -> Chain:
    """The chain of something new; nobody else can know it before this action ends."""
    [chain] = insert([Chain(subject=subject)])
    ledger().chains[chain.pk] = chain
    ledger().opened.add(chain.pk)
    return chain


def lock(chain_id: int) -> Chain:
    """Every action takes this lock first, so two actions never wait for each other."""
    held = ledger().chains
    if chain_id not in held:
        held[chain_id] = Chain.objects.select_for_update().get(pk=chain_id)
    return held[chain_id]


def lock_free(chain_ids: Iterable[int]) -> dict[int, Chain]:
    """Those of many that nobody else holds, always in one order. For runners: never waits."""
    free = Chain.objects.select_for_update(skip_locked=True).filter(pk__in=set(chain_ids))
    found = {chain.pk: chain for chain in free.order_by("pk")}
    ledger().chains.update(found)
    return found


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
    """Append one event to a chain whose lock is held. Its row is written at the action's end."""
    return append(chain, [Entry(verb, by, occurred_at or now, data or {}, source)], now=now)[0]


def append(chain: Chain, entries: Sequence[Entry], *, now: datetime) -> list[Event]:
    """Append several events in order."""
    held = ledger()
    if held.chains.get(chain.pk) is not chain:
        raise RuntimeError("This chain is not locked by the action that writes to it.")
    events = [_seal(chain, entry, now) for entry in entries]
    held.events += events
    return events


def _seal(chain: Chain, entry: Entry, now: datetime) -> Event:
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
        "data": opened(event.data),
        "source": event.source,
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
    }


FORGOTTEN = 2000  # keys at a time


def forget_keys(now: datetime) -> int:
    """Answers to writes that no device will send again."""
    past = IdempotencyKey.objects.filter(created_at__lte=now - kept_for("keys_of_writes"))
    return IdempotencyKey.objects.filter(pk__in=past.values("pk")[:FORGOTTEN]).delete()[0]


def sign(
    content: Mapping[str, object], *, by: Practitioner, secret: str, now: datetime
) -> Signature:
    """Sign `content` as it stands. The provider decides whether `secret` proves the person."""
    provider: SignatureProvider = import_string(settings.SIGNATURE_PROVIDER)()
    if not provider.proves(by, secret):
        raise NotProven("The password is not right. Nothing was signed; your text is kept.")
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1)
    return Signature.objects.create(
        practitioner=by,
        provider=provider.name,
        content=text,
        content_hash=hashlib.sha256(text.encode()).digest(),
        signed_at=now,
    )
