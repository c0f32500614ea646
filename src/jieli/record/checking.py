"""Do the chains still say what they said, and what the roots say? For `jieli verify`.

Everything is read in two or three long streams, so that a million cases take minutes and little
memory. A fault carries the number of the case or of the root that does not hold.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import groupby, islice

from django.db.models import QuerySet

from jieli.directory.access import today
from jieli.record import keys
from jieli.record.models import Chain, Leaf, Root
from jieli.record.queries import Links, break_of, walk
from jieli.record.roots import Names, as_rule, signed
from jieli.rules import chain as chain_rules
from jieli.rules import retention
from jieli.rules import roots as rules
from jieli.rules.roots import Fault, Signed

Progress = Callable[[int], None]  # how many chains are done

BATCH = 500


class Tally:
    """What was looked at."""

    def __init__(self, progress: Progress) -> None:
        self.chains = self.events = 0
        self.disposed: list[str] = []
        self._progress = progress

    def count(self, links: Links) -> None:
        self.chains += 1
        self.events += len(links)
        self._progress(self.chains)


def chain_faults(
    chains: QuerySet[Chain], names: Names, tally: Tally, *, with_roots: bool
) -> Iterator[Fault]:
    """The first fault of each chain by itself, and the first against its leaves."""
    roots = {root.number: root for root in Root.objects.all()} if with_roots else {}
    leaves = _Leaves(chains, roots) if with_roots else None
    walked = walk(chains)
    while batch := list(islice(walked, BATCH)):
        known = names([chain.subject for chain, _links in batch])
        for chain, links in batch:
            tally.count(links)
            name = known.get(chain.subject, "")
            mine = []
            if leaves:
                yield from leaves.vanished_before(chain.pk)
                mine = leaves.of(chain.pk)
            yield from _faults(chain, links, name, mine, tally, roots)
    if leaves:
        yield from leaves.vanished_before(None)


def _faults(
    chain: Chain,
    links: Links,
    name: str,
    leaves: list[Leaf],
    tally: Tally,
    roots: Mapping[int, Root],
) -> Iterator[Fault]:
    shown = name or (leaves[0].name if leaves else "") or str(chain.subject)
    if found := break_of(chain, links):
        yield Fault(shown, f"event {found.seq}: {found.why}")
    disposed = chain_rules.is_disposed([fields["verb"] for fields, _hash in links])
    if disposed:
        tally.disposed.append(shown)
    if not leaves:
        return
    if leaves[0].name and name != leaves[0].name:
        yield Fault(leaves[0].name, f"the case is {f'now called {name}' if name else 'gone'}")
    told = [(_said(roots, leaf), as_rule(leaf)) for leaf in leaves]
    if unlike := rules.against_leaves([hash_ for _fields, hash_ in links], told):
        yield Fault(shown, f"event {unlike.seq}: {unlike.why}")
    if disposed and (why := _too_early(links, roots[leaves[0].root_id])):
        yield Fault(shown, why)


def _said(roots: Mapping[int, Root], leaf: Leaf) -> str:
    root = roots.get(leaf.root_id)
    return rules.name_of(signed(root).root) if root else f"root {leaf.root_id}"


def _too_early(links: Links, first: Root) -> str:
    """A disposal that cannot have been due: the roots do not know the record for long enough."""
    fields = links[-1][0]
    data, at = fields["data"], fields["recorded_at"]
    since = _day(links[0][0]["recorded_at"]) if first.number == 1 else first.day
    setting = str(data.get("setting", "")) if isinstance(data, Mapping) else ""
    if retention.too_early(setting, since, _day(at)):
        return f"event {fields['seq']}: it says disposed, but was not due"
    return ""


def _day(at: object) -> date:
    assert isinstance(at, datetime)  # noqa: S101 a column of instants
    return today(at)


class _Leaves:
    """Leaves chain by chain, beside a walk over chains in the same order."""

    def __init__(self, chains: QuerySet[Chain], roots: Mapping[int, Root]) -> None:
        rows = Leaf.objects.order_by("chain_id", "root_id")
        if chains.query.where:
            rows = rows.filter(chain_id__in=chains.values("pk"))
        found = groupby(rows.iterator(chunk_size=5000), key=lambda leaf: leaf.chain_id)
        self._groups = ((pk, list(leaves)) for pk, leaves in found)
        self._next = next(self._groups, None)
        self._roots = roots

    def of(self, chain: int) -> list[Leaf]:
        if self._next is None or self._next[0] != chain:
            return []
        leaves = self._next[1]
        self._next = next(self._groups, None)
        return leaves

    def vanished_before(self, chain: int | None) -> Iterator[Fault]:
        """Leaves of chains that are not there any more."""
        while self._next and (chain is None or self._next[0] < chain):
            last = self._next[1][-1]
            said = _said(self._roots, last)
            yield Fault(
                last.name or str(last.subject),
                f"its whole record of {last.length} events is gone; {said} has it",
            )
            self._next = next(self._groups, None)


def gone(number: str) -> Fault | None:
    """A case of which only a leaf is left."""
    leaf = Leaf.objects.filter(name=number).order_by("-root_id").first()
    if leaf is None or Chain.objects.filter(pk=leaf.chain_id).exists():
        return None
    return Fault(
        number, f"its whole record of {leaf.length} events is gone; root {leaf.root_id} has it"
    )


# ── the roots themselves ─────────────────────────────────────────────────────


def root_faults(copy: Iterable[Signed]) -> Iterator[Fault]:
    """Each root by itself and after the one before; then against what was kept elsewhere."""
    copy = list(copy)
    rows = list(Root.objects.order_by("number"))
    roots = [signed(row) for row in rows]
    known = keys.known_keys() | {kept.root.key for kept in copy}
    yield from rules.faults(roots, keys.proves, known)
    yield from _leaf_faults(rows)
    try:
        yield from rules.unlike(roots, keys.kept_roots(), "the copy beside the key")
    except (rules.BadCopy, OSError, UnicodeDecodeError) as fault:
        yield Fault("root copy beside the key", f"it cannot be read: {fault}")
    yield from rules.unlike(roots, copy, "your copy")


def _leaf_faults(rows: Iterable[Root]) -> Iterator[Fault]:
    """Leaves that are not those of which the root has the hash, or that belong to no root."""
    hashes = {row.number: rules.LeavesHash() for row in rows}
    for leaf in Leaf.objects.order_by("root_id", "chain_id").iterator(chunk_size=5000):
        hashes.setdefault(leaf.root_id, rules.LeavesHash()).add(as_rule(leaf))
    for row in rows:
        found = hashes[row.number]
        if (found.hex(), found.count) != (row.leaves_hash, row.leaves_count):
            name = rules.name_of(signed(row).root)
            yield Fault(name, f"its {row.leaves_count} leaves are not those that were signed")


def current_roots() -> list[Signed]:
    """All roots, oldest first, as they are exported."""
    return [signed(root) for root in Root.objects.order_by("number")]
