"""Reading the notes in an order that never overtakes a transaction still running."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from django.db import connection

LAST_ID = 2**63 - 1
REPLAY_LIMIT = 500

# What is `safe` lies behind the oldest running transaction: nothing can still appear before it.
SELECT = """
    select id, transaction::text::bigint, topic, verb,
           transaction < pg_snapshot_xmin(pg_current_snapshot()) as safe
      from live_note
     where (transaction, id) > (%s::text::xid8, %s)
"""
SETTLED = f"""{SELECT} and transaction < pg_snapshot_xmin(pg_current_snapshot())
     order by transaction, id limit 2000"""
REPLAY = f"{SELECT} and topic = any(%s) order by transaction, id limit {REPLAY_LIMIT + 1}"
NEWEST = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1"


class Cursor(NamedTuple):
    """A place in the order of commits; everything up to it has been told."""

    transaction: int
    note: int

    def __str__(self) -> str:
        return f"{self.transaction}.{self.note}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        transaction, _, note = text.partition(".")
        if not (transaction.isdecimal() and note.isdecimal() and len(text) < 42):
            return None
        cursor = cls(int(transaction), int(note))
        return cursor if cursor.transaction < 2**64 and cursor.note <= LAST_ID else None


class Told(NamedTuple):
    """A note as it is read from the table."""

    id: int
    transaction: int
    topic: str
    verb: str
    safe: bool

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.transaction, self.id)


def newest() -> Cursor:
    """Where a page stands that is rendered now: its stream goes on from here, without a gap."""
    with connection.cursor() as sql:
        sql.execute(NEWEST)
        return Cursor(sql.fetchone()[0], LAST_ID)


def since(cursor: Cursor, topics: Collection[str]) -> list[Told]:
    """All that was told after the cursor, at most REPLAY_LIMIT + 1 notes."""
    parameters: list[Any] = [str(cursor.transaction), cursor.note, list(topics)]
    with connection.cursor() as sql:
        sql.execute(REPLAY, parameters)
        return [Told(*row) for row in sql.fetchall()]
