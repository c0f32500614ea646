"""Connections that notice a restart of the database together.

The pool looks at a connection before it hands it out. After a restart all of them are dead, and
the pool would find that out one by one, with a longer pause after each: a page would fail for
many seconds although the database is back. The first that is found dead sends the rest away.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connection


class PooledConnection(psycopg.Connection[Any]):
    """`execute` is what the pool's look uses; Django's own work goes through cursors."""

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:
        try:
            return super().execute(*args, **kwargs)
        except psycopg.OperationalError:
            if self.closed and (pool := connection.pool) is not None:  # type: ignore[attr-defined]
                pool.drain()
            raise
