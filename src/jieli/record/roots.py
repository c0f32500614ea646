"""The root of a day: one pass over the chains that changed, one row, one signature.

Nothing is locked: one statement sees the heads as they are, and a case goes on meanwhile.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from jieli.directory.access import today
from jieli.record import keys
from jieli.record.models import Leaf, Root
from jieli.record.rows import insert
from jieli.rules import roots as rules

log = logging.getLogger(__name__)

Names = Callable[[Sequence[UUID]], Mapping[UUID, str]]  # what people call these chains

BATCH = 1000
ONE_AT_A_TIME = 7_310_001  # number of the lock under which a root is made
# The longest leaves are read once and first: what is written while this runs must not slow it.
CHANGED = """
    WITH longest AS MATERIALIZED (
        SELECT chain_id, max(length) AS length FROM record_leaf GROUP BY chain_id
    )
    SELECT c.id, c.subject, c.length, c.head,
           (SELECT string_agg(substring(e.hash FOR %s), ''::bytea ORDER BY e.seq)
              FROM record_event e
             WHERE e.chain_id = c.id AND e.seq > coalesce(l.length, 0) AND e.seq <= c.length)
      FROM record_chain c LEFT JOIN longest l ON l.chain_id = c.id
     WHERE c.length > coalesce(l.length, -1)
     ORDER BY c.id"""


def make_root(now: datetime, names: Names) -> int:
    """The root of this official day, once, whoever of several runners is first."""
    made = 0
    if _newest_day_is_before(now):
        with transaction.atomic():
            made = _make(now, names) if _alone() else 0
    _keep_beside_the_key()
    return made


def _newest_day_is_before(now: datetime) -> bool:
    return not Root.objects.filter(day__gte=today(now)).exists()


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
        return bool(cursor.fetchone()[0])


def _make(now: datetime, names: Names) -> int:
    if not _newest_day_is_before(now):
        return 0
    last = Root.objects.order_by("-number").first()
    number, day = (last.number + 1 if last else 1), today(now)
    hashed = rules.LeavesHash()
    for batch in _changed(number, names):
        for leaf in batch:
            hashed.add(as_rule(leaf))
        insert(batch)
    key = keys.signing_key()
    root = rules.Root(
        number=number,
        day=day,
        made_at=now,
        days=rules.days_since(last.day if last else None, day),
        previous=last.hash if last else "",
        leaves=hashed.count,
        leaves_hash=hashed.hex(),
        key=keys.public_of(key),
    )
    Root.objects.create(
        number=number,
        day=day,
        made_at=now,
        days=root.days,
        previous=root.previous,
        leaves_count=root.leaves,
        leaves_hash=root.leaves_hash,
        key=root.key,
        hash=rules.hash_of(root),
        signature=key.sign(rules.canonical(root)).hex(),
    )
    log.info("daily root made", extra={"root": number, "leaves": root.leaves, "days": root.days})
    return 1


def _changed(number: int, names: Names) -> Iterator[list[Leaf]]:
    """A leaf for each chain that is longer than in its last one, in the order of chains."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(CHANGED, [rules.MARK])
        while rows := cursor.fetchmany(BATCH):
            known = names([subject for _pk, subject, *_rest in rows])
            yield [
                Leaf(
                    root_id=number,
                    chain_id=pk,
                    subject=subject,
                    name=known.get(subject, ""),
                    length=length,
                    head=bytes(head),
                    marks=bytes(marks or b""),
                )
                for pk, subject, length, head, marks in rows
            ]


def _keep_beside_the_key() -> None:
    """What was made lies outside the database, too, also when the one who made it was killed."""
    kept = keys.last_kept()
    newer = Root.objects.filter(number__gt=kept).order_by("number")
    if newer.exists():
        keys.keep(map(signed, newer))


def as_rule(leaf: Leaf) -> rules.Leaf:
    return rules.Leaf(
        str(leaf.subject), leaf.name, leaf.length, bytes(leaf.head), bytes(leaf.marks)
    )


def signed(root: Root) -> rules.Signed:
    return rules.Signed(
        rules.Root(
            number=root.number,
            day=root.day,
            made_at=root.made_at,
            days=root.days,
            previous=root.previous,
            leaves=root.leaves_count,
            leaves_hash=root.leaves_hash,
            key=root.key,
        ),
        root.hash,
        root.signature,
    )
