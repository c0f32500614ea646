"""先稳住: the set that is done at once while the way is chosen, as far as it is done."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import get_language

from jieli.cases.models import Case
from jieli.missions.models import Temporised
from jieli.missions.queries import saying
from jieli.missions.queries.content import pathways


@dataclass(frozen=True, slots=True)
class Step:
    """One thing, and who did it."""

    code: str
    name: str
    row: Temporised | None


@dataclass(frozen=True, slots=True)
class AtOnce:
    steps: Sequence[Step]
    done: int
    within: str
    buys: str


def at_once(case: Case, pathway: str) -> AtOnce | None:
    """None: the pathway has no such set."""
    found = pathways().pathways.get(pathway)
    given = found.temporise if found else None
    if given is None:
        return None
    rows = case.temporised.filter(undone_at=None).select_related("by")
    done = {row.item: row for row in rows}
    language = get_language() or "zh"
    return AtOnce(
        [Step(one.code, one.say(language), done.get(one.code)) for one in given.items],
        sum(one.code in done for one in given.items),
        saying.minutes(given.within) if given.within else "",
        saying.minutes(given.buys) if given.buys else "",
    )
