"""Reading the record: a case's events, and whether its chain holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from jieli.record.actions import fields_of
from jieli.record.models import Chain, Event
from jieli.rules.chain import HASHED, Break, first_break

Links = list[tuple[Mapping[str, object], bytes]]

COLUMNS = ("seq", "verb", "actor_id", "data", "source", "occurred_at", "recorded_at")


def events_of(chain: Chain) -> QuerySet[Event]:
    """Newest first, with the people in them."""
    return chain.events.select_related("actor").order_by("-seq")


def broken_at(chain: Chain) -> Break | None:
    """The first broken link of one chain; None when it holds."""
    events = chain.events.order_by("seq").iterator(chunk_size=2000)
    links = ((fields_of(event), bytes(event.hash)) for event in events)
    return first_break(links, chain.length, bytes(chain.head))


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
    return [(dict(zip(HASHED, row[2:], strict=True)), bytes(row[1])) for row in rows]
