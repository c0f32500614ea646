"""Reading the record: a case's events, and whether its chain holds."""

from collections.abc import Iterator, Mapping

from django.db.models import QuerySet

from jieli.record.actions import fields_of
from jieli.record.models import Chain, Event
from jieli.record.numbers import opened, unreadable
from jieli.rules.chain import Break, first_break


def events_of(chain: Chain) -> QuerySet[Event]:
    """Newest first, with the people in them."""
    return chain.events.select_related("actor").order_by("-seq")


def broken_at(chain: Chain) -> Break | None:
    """The first broken link of one chain; None when it holds."""
    found = first_break(_links(chain), chain.length, bytes(chain.head))
    if found and any(unreadable(opened(e.data)) for e in chain.events.filter(seq=found.seq)):
        return Break(found.seq, "a number in it cannot be opened: its key is missing or it changed")
    return found


def _links(chain: Chain) -> Iterator[tuple[Mapping[str, object], bytes]]:
    for event in chain.events.order_by("seq").iterator(chunk_size=2000):
        yield fields_of(event), bytes(event.hash)


def all_breaks() -> Iterator[tuple[Chain, Break]]:
    """Every chain that does not hold, with its first broken link."""
    for chain in Chain.objects.order_by("id").iterator(chunk_size=500):
        if found := broken_at(chain):
            yield chain, found
