"""Call-back numbers in old events.

An event cannot be changed, and its hash covers its data. Until numbers were sealed, a raised
request noted its call-back number there. `jieli seal` seals it in its place, and what was hashed is
what opens: every chain holds as before. New events name the request instead.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from jieli.keys import seals
from jieli.keys.columns import Held
from jieli.rules.chain import Fact

NAME, PLACE = "callback", "record_event.data"
RESPELL = """
    UPDATE record_event AS e SET data = jsonb_set(e.data, '{callback}', to_jsonb(n.new))
      FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS n (id, old, new)
     WHERE e.id = n.id AND e.data->>'callback' = n.old
"""


def opened(data: Mapping[str, Fact]) -> dict[str, Any]:
    """The facts as they were recorded and hashed."""
    number = data.get(NAME)
    return dict(data) | {NAME: seals.opened(number, PLACE)} if isinstance(number, str) else data  # type: ignore[return-value]


def unreadable(data: Mapping[str, Any]) -> bool:
    return isinstance(data.get(NAME), seals.Unreadable)


class EventNumbers:
    """The call-back numbers in old events, as a place of sealed values (keys.columns.Store)."""

    name = f"{PLACE}.{NAME}"

    def rows(self, after: Any, *, without: str = "") -> list[Held]:
        statement = (
            "SELECT id, data->>'callback' FROM record_event WHERE id > %s"
            " AND verb = 'request_raised' AND data->>'callback' <> ''"
            " AND (%s = '' OR NOT starts_with(data->>'callback', %s))"
            " ORDER BY id LIMIT 1000"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [after or 0, without, f"s1.{without}."])
            return [Held(pk, stored) for pk, stored in cursor.fetchall()]

    def put(self, rows: Sequence[tuple[Held, Any]]) -> int:
        """The database refuses any change of an event; its owner lifts that for one batch.

        Nothing but the spelling of this number changes, and `verify` would show if it did.
        """
        given = [
            [row.id for row, _new in rows],
            [row.stored for row, _new in rows],
            [new for _row, new in rows],
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '10s'")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # with checks pending nothing is lifted
            cursor.execute("ALTER TABLE record_event DISABLE TRIGGER USER")
            cursor.execute(RESPELL, given)
            count = cursor.rowcount
            cursor.execute("ALTER TABLE record_event ENABLE TRIGGER USER")
        return count

    def seal(self, plain: Any) -> Any:
        return seals.seal(plain, PLACE)

    def opened(self, stored: Any) -> Any:
        return seals.opened(stored, PLACE)
