"""The hash chain of one case: each event seals all that came before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

Fact = str | int | bool | None
EMPTIED = "disposed"  # source of an event whose content was disposed of: only its hash is left
LAST = "case_disposed"  # the event that says so, and after which no other comes
HASHED = ("seq", "verb", "actor", "data", "source", "occurred_at", "recorded_at")


def canonical(fields: Mapping[str, object]) -> bytes:
    """The one spelling of an event that is hashed: sorted keys, UTC microseconds, no spaces."""
    plain = {name: _plain(fields[name]) for name in HASHED}
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def link(previous: bytes, fields: Mapping[str, object]) -> bytes:
    """SHA-256 over the previous link and this event; 32 bytes."""
    return hashlib.sha256(previous + canonical(fields)).digest()


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a chain does not hold."""

    seq: int
    why: str


def is_disposed(verbs: Sequence[object]) -> bool:
    """Whether a chain ends with its disposal."""
    return bool(verbs) and verbs[-1] == LAST


def first_break(
    events: Iterable[tuple[Mapping[str, object], bytes]], length: int, head: bytes
) -> Break | None:
    """Walk (fields, stored hash) in order of `seq`; None when the whole chain holds."""
    previous, count, emptied, verb = b"", 0, 0, ""
    for fields, stored in events:
        count += 1
        if fields["seq"] != count:
            return Break(count, "an event is missing")
        is_empty = fields["source"] == EMPTIED and not fields["data"]
        previous = stored if is_empty else link(previous, fields)
        if previous != stored:
            return Break(count, "the event was changed")
        emptied, verb = emptied or count * is_empty, str(fields["verb"])
    if emptied and (verb != LAST or emptied == count):
        return Break(emptied, "the event was emptied, and no disposal says so")
    if count != length:
        return Break(count + 1, "events are missing at the end")
    if previous != head:
        return Break(count, "the head of the chain was changed")
    return None
