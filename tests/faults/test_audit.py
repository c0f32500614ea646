"""The audit can fail: each tampering with the database or the gateway's list is named."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from tests.faults import people, quiet
from tests.faults.audit import Finding
from tests.faults.device import Device
from tests.faults.gateway import Gateway
from tests.faults.house import Cluster, House, until
from tests.faults.ledger import Ledger, Write
from tests.faults.load import hasten

FIRED = "SELECT count(*) FROM record_event WHERE verb = 'clock_target_missed'"
# What somebody does to the database, and what the audit must say of it.
TAMPERED = [
    ("an event is gone", "DELETE FROM record_event WHERE id = (SELECT max(id) FROM record_event"
     " WHERE verb = 'ring_declined')", {"lost", "chain"}),
    ("an event says something else", "UPDATE record_event SET data = '{\"n\": 1}'"
     " WHERE verb = 'request_raised'", {"chain"}),
    ("a head points elsewhere", "UPDATE record_chain SET length = length + 1", {"chain"}),
    ("a case is gone", "DELETE FROM cases_case", {"lost"}),
    ("the same page made two cases", "copy", {"doubled"}),
    ("a note is there twice", "INSERT INTO cases_note (case_id, by_id, text, occurred_at,"
     " recorded_at) SELECT case_id, by_id, text, occurred_at, recorded_at FROM cases_note",
     {"doubled", "half stored"}),
    ("an opinion is gone", "DELETE FROM cases_watch; DELETE FROM cases_opinion", {"lost"}),
    ("a request without clocks", "DELETE FROM cases_clock", {"half stored"}),
    ("a ring nobody was told of", "UPDATE notify_message SET ring_key = NULL", {"half stored"}),
    ("a kept answer is gone", "DELETE FROM record_idempotencykey", {"lost"}),
    ("a key without its answer", "UPDATE record_idempotencykey SET status = NULL",
     {"half stored", "lost"}),
    ("a stage fired twice", "INSERT INTO record_event (chain_id, seq, verb, data, source,"
     " occurred_at, recorded_at, hash) SELECT chain_id, seq + 1000, verb, data, source,"
     " occurred_at, recorded_at, hash FROM record_event WHERE verb = 'clock_reminded'",
     {"clock", "chain"}),
    ("an overdue stage never fired", "UPDATE cases_clock SET stopped_at = NULL,"
     " started_at = now() - interval '9 hours', target_at = now() - interval '1 hour'", {"clock"}),
    ("a clock fired early", "UPDATE record_event SET occurred_at = recorded_at + interval '5 min'"
     " WHERE verb = 'clock_reminded'", {"clock", "chain"}),
    ("a message is owed for ever", "UPDATE notify_message SET due_at = now() - interval '1 hour',"
     " read_at = NULL, withdrawn_at = NULL, sent_at = NULL", {"stuck", "untold"}),
    ("people are owed by a clock", "UPDATE cases_clock SET owes = '{remind}'", {"stuck"}),
    ("a ring that is not rolled on", "UPDATE cases_request SET due_at = now() - interval '1 hour'",
     {"stuck"}),
    ("an attempt that never ends", "UPDATE notify_attempt SET state = 'sending',"
     " started_at = now() - interval '1 hour'", {"stuck"}),
    ("a report nobody read", "UPDATE notify_attempt SET report_due = true", {"stuck"}),
]  # fmt: skip


@dataclass
class Kept:
    """Books that balance, to be spoilt: a database, the ledger, what the gateway heard."""

    cluster: Cluster
    ledger: Ledger
    gateway: Gateway
    name: str = "told"


@pytest.fixture(scope="module")
def told(standing: House) -> Iterator[Kept]:
    """A case with everything in it."""
    house, ledger = standing, Ledger()
    house.renew()
    server = house.serve()
    house.run()
    doctor, alice, bob = (
        Device(name, lambda: [server.url], ledger).sign_in() for name in ("doctor", "alice", "bob")
    )
    raised = people.raises(doctor, "U0")
    request = people.request_of(house, raised)
    people.called(house, "bob")
    hasten(house, random.Random(0))
    until(lambda: house.one(FIRED), 10)
    people.declines(bob, request)
    people.accepts(alice, request)
    people.advises(alice, raised.case, request)
    people.understands(house, doctor, raised.case)
    people.writes(doctor, raised.case)
    quiet.all_well(house, ledger)
    house.end()
    # An hour ago, so that nothing is still on its way.
    house.sql("UPDATE notify_message SET created_at = created_at - interval '1 hour'")
    with house.cluster.connect("postgres") as link:
        link.execute(f"CREATE DATABASE told_whole TEMPLATE {house.name}")  # type: ignore[arg-type]
    gateway = Gateway()
    gateway.letters[:] = house.gateway.letters
    yield Kept(house.cluster, ledger, gateway)
    gateway.close()


@pytest.fixture
def books(told: Kept) -> Kept:
    with told.cluster.connect("postgres") as link:
        link.execute("DROP DATABASE IF EXISTS told WITH (FORCE)")  # type: ignore[arg-type]
        link.execute("CREATE DATABASE told TEMPLATE told_whole")  # type: ignore[arg-type]
    return told


def kinds(house: Kept, ledger: Ledger) -> set[str]:
    return {finding.kind for finding in quiet.compared(house, ledger)}


def test_untouched_books_balance(books: Kept) -> None:
    house, ledger = books, books.ledger
    assert quiet.compared(house, ledger) == []


@pytest.mark.parametrize(
    ("statement", "named"), [one[1:] for one in TAMPERED], ids=[one[0] for one in TAMPERED]
)
def test_what_was_done_to_the_database_is_named(
    books: Kept, statement: str, named: set[str]
) -> None:
    house, ledger = books, books.ledger
    with house.cluster.connect(house.name) as link:
        link.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        if statement == "copy":
            _copied_case(link)
        else:
            for one in statement.split(";"):
                link.execute(one)  # type: ignore[arg-type]
    found = kinds(house, ledger)
    assert named <= found, found


def _copied_case(link: object) -> None:
    """The same row once more under other keys."""
    [(columns,)] = link.execute(  # type: ignore[attr-defined]
        "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
        " WHERE table_name = 'cases_case' AND column_name NOT IN"
        " ('id', 'key', 'chain_id', 'number') AND is_generated = 'NEVER'"
    ).fetchall()
    link.execute(  # type: ignore[attr-defined]
        f"INSERT INTO cases_case (key, chain_id, number, {columns})"
        f" SELECT gen_random_uuid(), 999999, 'JL-2', {columns} FROM cases_case LIMIT 1"
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda letters: letters.clear(), "untold"),
        (lambda letters: letters.append(_letter(letters[0])), "doubled"),
    ],
    ids=["nobody was called", "somebody was called for nothing"],
)
def test_what_the_gateway_did_not_hear_is_named(
    books: Kept, change: Callable[[list[object]], None], named: str
) -> None:
    house, ledger, gateway = books, books.ledger, books.gateway
    kept = list(gateway.letters)
    try:
        change(gateway.letters)  # type: ignore[arg-type]
        assert named in kinds(house, ledger)
    finally:
        gateway.letters[:] = kept


def _letter(like: object) -> object:
    return replace(like, id="6f9619ff-8b86-d011-b42d-00cf4fc964ff.1")  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("write", "named"),
    [
        (Write("raise", "doctor", "/", "0" * 32, "k", status=303, location="/cases/x/"), "lost"),
        (Write("note", "doctor", "/", "never written", "k", status=303), "lost"),
    ],
)
def test_what_was_acknowledged_and_is_not_there_is_named(
    books: Kept, write: Write, named: str
) -> None:
    house = books
    other = Ledger()
    write.location = "/cases/6f9619ff-8b86-d011-b42d-00cf4fc964ff/"
    other.add(write)
    assert named in kinds(house, other)


def test_what_was_refused_and_yet_is_there_is_named(
    books: Kept,
) -> None:
    house, ledger = books, books.ledger
    note = next(one for one in ledger.all() if one.kind == "note")
    other = Ledger()
    other.add(Write("note", "doctor", note.path, note.mark, "k", status=409))
    assert "refused yet done" in kinds(house, other)


def test_a_finding_is_a_sentence() -> None:
    assert str(Finding("lost", "a page")) == "lost: a page"
