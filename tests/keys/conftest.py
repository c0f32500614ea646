"""A folder of keys of its own for each test, and a way to forget what a process knows of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from jieli.keys import phase, ring


def forget() -> None:
    """As a process that has just been started."""
    ring.forget()
    phase.forget()


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.KEYS = tmp_path / "keys"
    ring.forget()
    yield settings.KEYS
    settings.NUMBER_KEYS = ()
    forget()


@pytest.fixture
def in_plain(db: None) -> Callable[[], None]:
    """A database that an older version has filled: numbers are not sealed yet."""
    with connection.cursor() as cursor:
        cursor.execute(phase.SAY.replace("{answer}", "false"))
    phase.forget()
    return phase.forget


def stored(table: str, column: str) -> list[Any]:
    """As it lies in the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def everything(link: Any = connection) -> dict[str, str]:
    """Every table, every column, as text: what somebody with the database alone can read."""
    found = {}
    with link.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                       "'public'::regnamespace")  # fmt: skip
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows = "\n".join(row[0] for row in cursor.fetchall())
            # Bytes are written in hexadecimal digits: as they are, too.
            found[table] = rows + "\n" + _bytes_in(cursor, table)
    return found


def _bytes_in(cursor: Any, table: str) -> str:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        " AND table_schema = 'public' AND data_type = 'bytea'",
        [table],
    )
    text = []
    for (column,) in cursor.fetchall():
        cursor.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL')
        text += [bytes(row[0]).decode("utf-8", "ignore") for row in cursor.fetchall()]
    return "\n".join(text)
