"""The books compared: what was acknowledged, what the database holds, what the gateway received.

Written in SQL against the tables and not with the product's own functions, which may be wrong in
the same way. Each finding names its kind and the row.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, NamedTuple

from tests.faults.gateway import Gateway
from tests.faults.ledger import Ledger, Write

Sql = Callable[..., list[tuple[Any, ...]]]
KINDS = ("lost", "doubled", "refused yet done", "half stored", "chain", "clock", "untold", "stuck")
LATE = 3  # seconds: a runner that works is never that late
LEASE = 20  # seconds: a message that a dead process held is taken up again before


class Finding(NamedTuple):
    kind: str
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"


@dataclass(frozen=True)
class Books:
    """What is compared. `heard`: whether the gateway tells the truth, so that its list counts."""

    sql: Sql
    ledger: Ledger
    gateway: Gateway
    heard: bool = True


def audit(books: Books) -> list[Finding]:
    return [
        *writes(books),
        *halves(books.sql),
        *chains(books.sql),
        *clocks(books.sql),
        *telling(books),
        *_still_stuck(books.sql),
    ]


# -- each write: as often as it was acknowledged ----------------------------------------------

EFFECTS = {
    "raise": "SELECT count(*) FROM cases_case WHERE problem LIKE '%%' || %s",
    "note": "SELECT count(*) FROM cases_note WHERE text LIKE '%%' || %s",
    "opinion": "SELECT count(*) FROM cases_opinion WHERE assessment LIKE '%%' || %s",
    "decline": "SELECT count(*) FROM record_event WHERE data ->> 'note' = %s"
    " AND verb IN ('ring_declined', 'acceptance_given_back')",
    "accept": "SELECT count(*) FROM record_event e"
    " JOIN directory_practitioner p ON p.id = e.actor_id"
    " JOIN cases_case c ON c.chain_id = e.chain_id JOIN cases_request r ON r.case_id = c.id"
    " WHERE r.key = %s::uuid AND p.number = %s"
    " AND e.verb IN ('request_accepted', 'request_received')",
    "acknowledge": "SELECT count(*) FROM record_event e"
    " JOIN cases_case c ON c.chain_id = e.chain_id"
    " JOIN cases_opinion o ON o.case_id = c.id AND o.version = (e.data ->> 'version')::int"
    " WHERE o.key = %s::uuid AND e.verb = 'opinion_acknowledged' AND o.acknowledged_at IS NOT NULL",
    "read": "SELECT count(*) FROM notify_message WHERE key = %s::uuid AND read_at IS NOT NULL",
    "document": "SELECT count(*) FROM chart_document WHERE title = %s",
}
BY_MARK_AND_PERSON = ("accept",)
BY_STATE = ("accept", "acknowledge", "read")  # several writes may ask for one and the same state


def writes(books: Books) -> Iterator[Finding]:
    for write in books.ledger.all():
        given = [write.mark, write.by] if write.kind in BY_MARK_AND_PERSON else [write.mark]
        [[count]] = books.sql(EFFECTS[write.kind], *given)
        name = f"{write.kind} by {write.by} ({write.mark}), {write.tries} tries, {write.status}"
        if count > 1:
            yield Finding("doubled", f"{name}: there {count} times")
        if write.acknowledged and count == 0:
            yield Finding("lost", name)
        if write.refused and count and not _asked_elsewhere(write):
            yield Finding("refused yet done", name)
    yield from _led_to_its_own(books)
    yield from _keys(books)


def _asked_elsewhere(write: Write) -> bool:
    return write.kind in BY_STATE


def _led_to_its_own(books: Books) -> Iterator[Finding]:
    """The answer to a page leads to the case of that page, and to no other."""
    for write in books.ledger.acknowledged("raise"):
        found = books.sql("SELECT problem FROM cases_case WHERE key = %s::uuid", write.case)
        if not found or not found[0][0].endswith(write.mark):
            yield Finding("lost", f"raise ({write.mark}) was led to {write.location}")


def _keys(books: Books) -> Iterator[Finding]:
    kept = {
        str(key): status
        for key, status in books.sql("SELECT key, status FROM record_idempotencykey")
    }
    for key, status in kept.items():
        if status is None:
            yield Finding("half stored", f"idempotency key {key} without its answer")
    for write in books.ledger.all():
        if write.acknowledged and kept.get(write.key) is None:
            yield Finding("lost", f"the answer kept for {write.kind} ({write.mark})")


# -- no action is half there -------------------------------------------------------------------

HALVES = {
    "a case without its request": "SELECT c.number FROM cases_case c"
    " WHERE NOT EXISTS (SELECT FROM cases_request r WHERE r.case_id = c.id)",
    "a case without its grant": "SELECT c.number FROM cases_case c"
    " WHERE NOT EXISTS (SELECT FROM directory_grant g WHERE g.case_key = c.key)",
    "a chain without its case": "SELECT h.subject FROM record_chain h"
    " WHERE NOT EXISTS (SELECT FROM cases_case c WHERE c.chain_id = h.id)",
    "a request without its clocks": "SELECT r.key FROM cases_request r"
    " WHERE NOT EXISTS (SELECT FROM cases_clock k WHERE k.request_id = r.id)",
    "a request without its list": "SELECT r.key FROM cases_request r"
    " WHERE NOT EXISTS (SELECT FROM cases_candidate n WHERE n.request_id = r.id)",
    "a ring without its message": "SELECT i.key FROM cases_ring i WHERE"
    " (SELECT count(*) FROM notify_message m WHERE m.ring_key = i.key) <> 1",
    "an escalation that tells nobody": "SELECT e.id FROM record_event e WHERE e.verb = 'escalated'"
    " AND NOT EXISTS (SELECT FROM notify_message m WHERE m.event_id = e.id)",
    "an opinion without its signature": "SELECT o.key FROM cases_opinion o"
    " LEFT JOIN record_signature s ON s.id = o.signature_id WHERE s.id IS NULL",
    "an accepted request whose others ring": "SELECT i.key FROM cases_ring i JOIN cases_request r"
    " ON r.id = i.request_id WHERE r.status IN ('accepted', 'completed', 'cancelled')"
    " AND i.answer = '' AND i.started_at < r.accepted_at AND i.practitioner_id <> r.accepted_by_id",
    "a stopped clock that is due": "SELECT k.id FROM cases_clock k WHERE k.due_at IS NOT NULL"
    " AND (k.stopped_at IS NOT NULL OR k.cancelled_at IS NOT NULL)",
}
# Rows of a case and events of its chain that belong to each other, one to one.
PAIRS = {
    "case opened": ("SELECT id AS case_id FROM cases_case", "'case_opened'"),
    "request raised": ("SELECT case_id FROM cases_request", "'request_raised'"),
    "ring started": (
        "SELECT r.case_id FROM cases_ring i JOIN cases_request r ON r.id = i.request_id"
        " WHERE NOT i.silent",
        "'ring_started'",
    ),
    "told silently": (
        "SELECT r.case_id FROM cases_ring i JOIN cases_request r ON r.id = i.request_id"
        " WHERE i.silent",
        "'told_silently'",
    ),
    "opinion signed": ("SELECT case_id FROM cases_opinion", "'opinion_signed'"),
    "opinion read": (
        "SELECT case_id FROM cases_opinion WHERE acknowledged_at IS NOT NULL",
        "'opinion_acknowledged', 'opinion_disagreed'",
    ),
    "note written": ("SELECT case_id FROM cases_note", "'note_written'"),
    "document added": (
        "SELECT c.id AS case_id FROM chart_document d JOIN cases_case c ON c.key = d.case_key",
        "'document_added'",
    ),
}


def halves(sql: Sql) -> Iterator[Finding]:
    for words, statement in HALVES.items():
        for (name,) in sql(statement):
            yield Finding("half stored", f"{words}: {name}")
    for words, (rows, verbs) in PAIRS.items():
        found = sql(
            f"SELECT c.number, coalesce(a.n, 0), coalesce(b.n, 0) FROM cases_case c LEFT JOIN"
            f" (SELECT case_id, count(*) n FROM ({rows}) r GROUP BY 1) a ON a.case_id = c.id"
            f" LEFT JOIN (SELECT chain_id, count(*) n FROM record_event WHERE verb IN ({verbs})"
            f" GROUP BY 1) b ON b.chain_id = c.chain_id"
            " WHERE coalesce(a.n, 0) <> coalesce(b.n, 0)"
        )
        for number, there, recorded in found:
            yield Finding("half stored", f"{words}: {number} has {there} rows, {recorded} events")


# -- the record --------------------------------------------------------------------------------


EVENTS = """
    SELECT chain_id, seq, verb, actor_id, data, source, occurred_at, recorded_at, hash
      FROM record_event ORDER BY chain_id, seq
"""


def chains(sql: Sql) -> Iterator[Finding]:
    """Nothing is missing, nothing is twice, and each hash is that of its event and all before."""
    heads = {
        pk: (subject, length, bytes(head))
        for pk, subject, length, head in sql("SELECT id, subject, length, head FROM record_chain")
    }
    reached: dict[int, tuple[int, bytes]] = {}
    for chain, seq, *fields, stored in sql(EVENTS):
        count, previous = reached.get(chain, (0, b""))
        if seq != count + 1:
            yield Finding("chain", f"{heads[chain][0]}: event {count + 1} is missing or twice")
        if _hash(previous, seq, *fields) != bytes(stored):
            yield Finding("chain", f"{heads[chain][0]}: event {seq} is not what was written")
        reached[chain] = (seq, bytes(stored))
    for pk, (subject, length, head) in heads.items():
        if reached.get(pk, (0, b"")) != (length, head):
            yield Finding("chain", f"{subject}: the head does not fit its {length} events")


def _hash(previous: bytes, seq: int, *fields: Any) -> bytes:
    names = ("verb", "actor", "data", "source", "occurred_at", "recorded_at")
    said = {"seq": seq, **dict(zip(names, fields, strict=True))}
    for name in ("occurred_at", "recorded_at"):
        said[name] = said[name].astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()


# -- clocks ------------------------------------------------------------------------------------

FIRED = """
    SELECT (data ->> 'clock_id')::bigint, verb, count(*) FROM record_event
     WHERE verb IN ('clock_reminded', 'clock_second', 'clock_target_missed', 'clock_hard_missed')
     GROUP BY 1, 2
"""
OVERDUE = """
    SELECT k.id, k.name, s.verb FROM cases_clock k
     CROSS JOIN LATERAL (VALUES
       ('clock_reminded', k.started_at + (k.target_at - k.started_at) * 0.5),
       ('clock_second', k.started_at + (k.target_at - k.started_at) * 0.8),
       ('clock_target_missed', k.target_at), ('clock_hard_missed', k.hard_at)) AS s (verb, at)
     WHERE k.stopped_at IS NULL AND k.cancelled_at IS NULL AND k.paused_until IS NULL
       AND s.at < statement_timestamp() - make_interval(secs => %s)
"""
EARLY = """
    SELECT e.id, e.verb, e.data ->> 'clock' FROM record_event e
     WHERE e.verb LIKE 'clock%%' AND e.occurred_at > e.recorded_at
"""


def clocks(sql: Sql) -> Iterator[Finding]:
    fired = {(clock, verb): count for clock, verb, count in sql(FIRED)}
    for (clock, verb), count in fired.items():
        if count > 1:
            yield Finding("clock", f"{clock} fired {verb} {count} times")
    for clock, name, verb in sql(OVERDUE, LATE):
        if (clock, verb) not in fired:
            yield Finding("clock", f"{clock} ({name}) is overdue and did not fire {verb}")
    for event, verb, name in sql(EARLY):
        yield Finding("clock", f"{name} fired early: {verb}, event {event}")


# -- telling -----------------------------------------------------------------------------------

RINGS = """
    SELECT m.key::text, i.answer, i.started_at < now() - interval '20 seconds', p.number, r.key,
           EXISTS (SELECT FROM notify_attempt a WHERE a.message_id = m.id AND a.state = 'failed')
           AND EXISTS (SELECT FROM record_event e JOIN cases_case c ON c.chain_id = e.chain_id
                        WHERE c.id = r.case_id AND e.verb = 'ring_unheard'
                          AND e.data ->> 'number' = p.number)
      FROM cases_ring i JOIN notify_message m ON m.ring_key = i.key
      JOIN cases_request r ON r.id = i.request_id
      JOIN directory_practitioner p ON p.id = i.practitioner_id WHERE NOT i.silent
"""
PAGES = """
    SELECT r.key, array_agg(m.key::text) FILTER (WHERE m.id IS NOT NULL),
           EXISTS (SELECT FROM record_event e JOIN cases_case c ON c.chain_id = e.chain_id
                    WHERE c.id = r.case_id AND e.verb IN ('list_exhausted', 'fallback_shown',
                          'escalated', 'request_accepted', 'request_received'))
      FROM cases_request r LEFT JOIN cases_ring i ON i.request_id = r.id
      LEFT JOIN notify_message m ON m.ring_key = i.key GROUP BY r.id
"""
OWED = """
    SELECT m.key::text, m.manner, m.sent_at, p.number FROM notify_message m
      JOIN directory_practitioner p ON p.id = m.practitioner_id
     WHERE m.purpose = 'case' AND m.withdrawn_at IS NULL AND m.read_at IS NULL
       AND m.created_at < now() - make_interval(secs => %s)
       AND EXISTS (SELECT FROM directory_channel c WHERE c.practitioner_id = p.id
                    AND c.disabled_at IS NULL AND (m.manner <> 'silent' OR NOT c.rings))
"""


def telling(books: Books) -> Iterator[Finding]:
    taken = {letter.partition(".")[0] for letter in books.gateway.taken()}
    for key, answer, over, number, request, said in books.sql(RINGS):
        # A gateway that says no is no reason to wait; then the record says that nobody was called.
        if answer == "no_answer" and books.heard and key not in taken and not said:
            yield Finding("untold", f"{number} was passed over for {request} and never called")
        if answer == "" and over and books.heard and key not in taken:
            yield Finding("untold", f"{number} rings for {request} and was never called")
    for request, keys, shown in books.sql(PAGES):
        if not shown and not taken.intersection(keys or []):
            yield Finding("untold", f"the page {request}: nobody was called, nothing escalated")
    for key, manner, sent, number in books.sql(OWED, LEASE):
        if sent is None:
            yield Finding("untold", f"{number} was not told: message {key} ({manner})")
        elif books.heard and key not in taken:
            yield Finding("untold", f"{number}: message {key} is called sent and never arrived")
    yield from _letters_of_nothing(books)


def _letters_of_nothing(books: Books) -> Iterator[Finding]:
    """Nobody is called because of something that was never committed."""
    known = {key for (key,) in books.sql("SELECT key::text FROM notify_message")}
    said = Counter(letter.id for letter in books.gateway.letters if "." in letter.id)
    for letter in said:
        if letter.partition(".")[0] not in known:
            yield Finding("doubled", f"a letter without its message: {letter}")


# -- after quiet time nothing is left over ------------------------------------------------------

STUCK = {
    "a due message": "SELECT key FROM notify_message WHERE purpose = 'case'"
    " AND withdrawn_at IS NULL AND read_at IS NULL"
    f" AND due_at < now() - interval '{LEASE} seconds'",
    "a due clock": f"SELECT id FROM cases_clock WHERE due_at < now() - interval '{LATE} seconds'",
    "people whom a clock owes": "SELECT id FROM cases_clock WHERE owes <> '{}'",
    "a request whose next move is due": "SELECT key FROM cases_request"
    f" WHERE due_at < now() - interval '{LATE} seconds'",
    "a ring that is over and not rolled on": "SELECT i.key FROM cases_ring i JOIN cases_request r"
    " ON r.id = i.request_id WHERE NOT i.silent AND i.answer = '' AND r.due_at IS NOT NULL"
    f" AND i.ends_at < now() - interval '{LATE} seconds'",
    "an open ring with nobody to roll it on": "SELECT i.key FROM cases_ring i JOIN cases_request r"
    " ON r.id = i.request_id WHERE NOT i.silent AND i.answer = '' AND r.due_at IS NULL",
    "a report of a transport": "SELECT id FROM notify_attempt WHERE report_due",
    "an attempt that never ends": "SELECT a.id FROM notify_attempt a JOIN notify_message m"
    " ON m.id = a.message_id WHERE a.state = 'sending' AND m.purpose = 'case'"
    " AND a.started_at < now() - interval '60 seconds'",
    "a test ring without an end": "SELECT id FROM pager_probe WHERE finished_at IS NULL"
    " AND due_at < now() - interval '60 seconds'",
}


def _still_stuck(sql: Sql) -> list[Finding]:
    """What is left over, and is still left over once a runner that works has had its time for it.

    Some of it is owed for an instant by a runner that is well: a stage that has just fired.
    """
    found = list(stuck(sql))
    if not found:
        return []
    time.sleep(LATE)
    still = set(stuck(sql))
    return [finding for finding in found if finding in still]


def stuck(sql: Sql) -> Iterator[Finding]:
    for words, statement in STUCK.items():
        for (name,) in sql(statement):
            yield Finding("stuck", f"{words}: {name}")
