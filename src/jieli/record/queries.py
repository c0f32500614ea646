"""Reading the record: a case's events, and whether its chain holds."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from jieli.record.actions import fields_of
from jieli.record.models import Chain, Event
from jieli.record.numbers import opened, unreadable
from jieli.rules.chain import HASHED, Break, first_break

Links = list[tuple[Mapping[str, object], bytes]]

COLUMNS = ("seq", "verb", "actor_id", "data", "source", "occurred_at", "recorded_at")


def events_of(chain: Chain) -> QuerySet[Event]:
    """Newest first, with the people in them."""
    return chain.events.select_related("actor").order_by("-seq")


def newest_of(chain: Chain, many: int) -> QuerySet[Event]:
    """The last `many`, found by their numbers: a long chain is not read to show its end."""
    return events_of(chain).filter(seq__gt=chain.length - many)


def broken_at(chain: Chain) -> Break | None:
    """The first broken link of one chain; None when it holds."""
    events = chain.events.order_by("seq").iterator(chunk_size=2000)
    links = ((fields_of(event), bytes(event.hash)) for event in events)
    return break_of(chain, links)


def break_of(chain: Chain, links: Iterable[tuple[Mapping[str, object], bytes]]) -> Break | None:
    """The first broken link among these, which are the chain's own."""
    found = first_break(links, chain.length, bytes(chain.head))
    if found and any(unreadable(opened(e.data)) for e in chain.events.filter(seq=found.seq)):
        return Break(found.seq, "a number in it cannot be opened: its key is missing or it changed")
    return found


@contextmanager
def one_moment() -> Iterator[None]:
    """Everything inside is read as it was at one moment, while cases go on."""
    inside = connection.in_atomic_block
    with transaction.atomic():
        if not inside:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def walk(chains: QuerySet[Chain]) -> Iterator[tuple[Chain, Links]]:
    """Each chain with all its links, in two streams and not in a query a chain."""
    events = Event.objects.filter(chain__in=chains) if chains.query.where else Event.objects.all()
    rows = events.order_by("chain_id", "seq").values_list("chain_id", "hash", *COLUMNS)
    grouped = groupby(rows.iterator(chunk_size=5000), key=itemgetter(0))
    pk, found = next(grouped, (None, iter(())))
    for chain in chains.order_by("pk").iterator(chunk_size=1000):
        while pk is not None and pk < chain.pk:  # of a chain that is not there any more
            pk, found = next(grouped, (None, iter(())))
        yield chain, _links(found) if pk == chain.pk else []


def _links(rows: Iterator[tuple[Any, ...]]) -> Links:
    return [(_as_hashed(row[2:]), bytes(row[1])) for row in rows]


def _as_hashed(row: tuple[Any, ...]) -> dict[str, object]:
    fields = dict(zip(HASHED, row, strict=True))
    return fields | {"data": opened(fields["data"])}
