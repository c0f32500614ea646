"""先稳住: what is done at once while the way is chosen, ticked off item by item."""

from datetime import datetime

from django.utils.translation import get_language

from jieli.cases.actions.spine import lock_case, log, need_late_reason, stop_clocks, when
from jieli.cases.models import Case, Clock
from jieli.directory.models import Practitioner
from jieli.missions.actions.sheets import make_sheet
from jieli.missions.models import Temporised
from jieli.missions.queries.facts import pathway_of, temporised
from jieli.record.actions import action
from jieli.rules.pathways import Named, Temporise
from jieli.rules.refusal import Refused


@action
def tick(
    case: Case,
    item: str,
    *,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
    late_reason: str = "",
) -> None:
    """One thing is done. The last one stops the clock, and opens the way that it buys time for."""
    case = _open(case)
    given, thing = _item(case, item)
    at = when(occurred_at, now)
    need_late_reason(at, now, late_reason)
    if item in temporised(case):
        raise Refused("This is done already.")
    Temporised.objects.create(case=case, item=item, by=by, occurred_at=at, recorded_at=now)
    log(
        case,
        "temporised",
        by=by,
        now=now,
        occurred_at=at,
        what=thing.say(get_language() or "zh"),
        reason=late_reason,
    )
    if {one.code for one in given.items} <= temporised(case):
        last = case.temporised.filter(undone_at=None).order_by("-occurred_at").first()
        stop_clocks(case, Clock.Name.TEMPORISE, last.occurred_at if last else at, by=by, now=now)
        _compare(case, given, by, now)


@action
def untick(case: Case, item: str, *, by: Practitioner, now: datetime) -> None:
    """It was ticked by mistake. A clock that has stopped stays stopped; the record says why."""
    case = _open(case)
    given, thing = _item(case, item)
    was_whole = {one.code for one in given.items} <= temporised(case)
    if not case.temporised.filter(item=item, undone_at=None).update(undone_at=now):
        raise Refused("This is not ticked.")
    log(case, "temporised_undone", by=by, now=now, what=thing.say(get_language() or "zh"))
    if was_whole:
        _compare(case, given, by, now)


def _compare(case: Case, given: Temporise, by: Practitioner, now: datetime) -> None:
    """Only where it changes an option."""
    if given.buys and case.sheets.exists():
        make_sheet(case, trigger="temporised", by=by, now=now)


def _open(case: Case) -> Case:
    case = lock_case(case.pk)
    if case.status != Case.Status.OPEN:
        raise Refused("This case is closed.")
    return case


def _item(case: Case, item: str) -> tuple[Temporise, Named]:
    pathway = pathway_of(case)
    given = pathway.temporise if pathway else None
    found = next((one for one in given.items if one.code == item), None) if given else None
    if given is None or found is None:
        raise Refused("This is not one of the things to be done at once.")
    return given, found
