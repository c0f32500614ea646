"""All sealed columns of the database: what lies in them, and sealing them anew in batches.

A batch is compared and set: a row that somebody writes meanwhile is left to the next round. What
was not reached before a kill still shows its old key, so the same command goes on where it was.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from django.apps import apps
from django.db import connection

from jieli.keys import ring, seals
from jieli.keys.fields import SealedBytes, SealedField

BATCH = 1_000
PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Held:
    """What one row holds: as stored, of which kind, and whether it is found by its mark."""

    id: Any
    stored: Any
    kind: str | None = None
    mark: bytes | None = None


class Store(Protocol):
    """A place where sealed values lie."""

    @property
    def name(self) -> str: ...

    def rows(self, after: Any, *, without: str = "") -> list[Held]:
        """The next rows; `without`: only those not sealed with this key, or not marked."""
        ...

    def put(self, rows: Sequence[tuple[Held, Any]]) -> int: ...

    def seal(self, plain: Any) -> Any: ...

    def opened(self, stored: Any) -> Any: ...


class Column:
    """A sealed column of a table."""

    def __init__(self, field: SealedField | SealedBytes) -> None:
        self.field = field
        self.bytes = isinstance(field, SealedBytes)
        self.marked = getattr(field, "marked", None)

    @property
    def name(self) -> str:
        return self.field.place

    @cached_property
    def _names(self) -> dict[str, str]:
        meta = self.field.model._meta
        assert meta.pk is not None  # noqa: S101 - every table of ours has one
        names = {"t": meta.db_table, "c": self.field.column, "pk": meta.pk.column}
        return {key: f'"{name}"' for key, name in names.items()} | {
            "id": str(meta.pk.db_type(connection)),
            "is": "bytea" if self.bytes else "text",
            "mark": self.marked[0] if self.marked else "NULL::bytea",
            "kind": self.marked[1] if self.marked else "NULL",
        }

    def rows(self, after: Any, *, without: str = "") -> list[Held]:
        names, given = self._names, []
        wanted = "length({c}) > 0".format(**names)
        if after is not None:
            wanted, given = wanted + " AND {pk} > %s".format(**names), [after]
        if without:
            begins = f"s1.{without}."
            other = "substring({c} FROM 1 FOR 12) <> %s".format(**names)
            other += " OR {mark} IS NULL".format(**names) if self.marked else ""
            wanted, given = f"{wanted} AND ({other})", [*given, self._raw(begins)]
        statement = "SELECT {pk}, {c}, {kind}, {mark} FROM {t} WHERE ".format(**names)
        with connection.cursor() as cursor:
            cursor.execute(f"{statement}{wanted} ORDER BY {names['pk']} LIMIT {BATCH}", given)
            found = cursor.fetchall()
        return [Held(pk, self._own(held), kind, _own(mark)) for pk, held, kind, mark in found]

    def put(self, rows: Sequence[tuple[Held, Any]]) -> int:
        names = self._names
        marks = ", {mark} = n.mark".format(**names) if self.marked else ""
        statement = (
            f"UPDATE {{t}} AS t SET {{c}} = n.new{marks} FROM unnest(%s::{{id}}[], %s::{{is}}[],"
            " %s::{is}[], %s::bytea[]) AS n (id, old, new, mark)"
            " WHERE t.{pk} = n.id AND t.{c} = n.old"
        ).format(**names)
        given = [
            [row.id for row, _new in rows],
            [row.stored for row, _new in rows],
            [new for _row, new in rows],
            [self.mark_of(row) for row, _new in rows],
        ]
        with connection.cursor() as cursor:
            cursor.execute(statement, given)
            return cursor.rowcount

    def mark_of(self, row: Held) -> bytes | None:
        return seals.mark(row.kind, self.opened(row.stored)) if row.kind else None

    def seal(self, plain: Any) -> Any:
        return self.field.get_prep_value(plain)

    def opened(self, stored: Any) -> Any:
        return self.field.from_db_value(stored)

    def _raw(self, text: str) -> Any:
        return text.encode() if self.bytes else text

    def _own(self, held: Any) -> Any:
        return bytes(held) if self.bytes else held


def _own(mark: Any) -> bytes | None:
    return None if mark is None else bytes(mark)


def columns() -> list[Column]:
    """Of all models, so that a new one is never forgotten."""
    return [
        Column(field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, SealedField | SealedBytes)
    ]


def key_in(stored: Any) -> str:
    """The id of the key with which it is sealed, or that it is plain."""
    if isinstance(stored, bytes):
        sealed = seals.SEALED_BYTES.fullmatch(stored)
        return sealed[1].decode() if sealed else PLAIN
    found = seals.SEALED.fullmatch(stored)
    return found[1] if found else PLAIN


def is_unreadable(value: Any) -> bool:
    return isinstance(value, seals.Unreadable | seals.UnreadableBytes)


# ── sealing anew ─────────────────────────────────────────────────────────────


def seal_anew(store: Store, current: str) -> Iterator[int]:
    """One pass over what is not sealed with this key; how many rows, batch by batch."""
    after = None
    while rows := store.rows(after, without=current):
        after = rows[-1].id
        opened = [(row, store.opened(row.stored)) for row in rows]
        fresh = [(row, store.seal(plain)) for row, plain in opened if not is_unreadable(plain)]
        yield store.put(fresh) if fresh else 0


def begun_before(stores: Iterable[Store], current: str) -> bool:
    """Whether a rotation was broken off: rows lie under an older key that we have."""
    for store in stores:
        after = None
        while rows := store.rows(after, without=current):
            after = rows[-1].id
            older = {key_in(row.stored) for row in rows} - {PLAIN, current}
            if any(ring.key(one) for one in older):
                return True
    return False


# ── looking ──────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Found:
    """What lies in one place."""

    name: str
    by_key: Counter[str]
    unreadable: list[Any]
    unfindable: list[Any]  # not found by their number: no mark, or one of another key


def look(store: Store) -> Found:
    """Opens everything."""
    found = Found(store.name, Counter(), [], [])
    marked = isinstance(store, Column) and store.marked is not None
    after = None
    while rows := store.rows(after):
        after = rows[-1].id
        for row in rows:
            found.by_key[key_in(row.stored)] += 1
            plain = store.opened(row.stored)
            if is_unreadable(plain):
                found.unreadable.append(row.id)
            elif marked and row.mark not in seals.marks(row.kind or "", plain):
                found.unfindable.append(row.id)
    return found
