"""Look at everything, keep what is ill in rows, and let people be told once.

Called by every runner, by every web process (a dead runner cannot say that it is dead) and by
`jieli watch`. Whoever comes first writes; the others find it written.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models.functions import Now

from jieli.live import actions as live
from jieli.live import topics
from jieli.pager.models import Illness
from jieli.pager.queries.facts import facts
from jieli.record.actions import action
from jieli.rules.watching import Finding, findings

TURN = 7_209_513  # any number: one watcher at a time
VERB = "pager"
OF_CASES = ("rings", "clocks", "sends.")
SETTLED = timedelta(minutes=2)


def watch(now: datetime, *, of_cases: bool = True) -> list[Finding]:
    """What is ill now, written down. Telling is `alarming.tell`.

    `of_cases`: a runner also sees what waits; a web process leaves the judgement of that to it.
    """
    found = findings(facts(now, of_cases=of_cases))
    keep(found, of_cases=of_cases)
    return found


@action
def keep(found: list[Finding], *, of_cases: bool = True) -> bool:
    """Open what is new, end what is over. False: another watcher is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [TURN])
        if not cursor.fetchone()[0]:
            return False
    wrong = {finding.cause: finding for finding in found}
    held = {illness.cause: illness for illness in Illness.objects.filter(ended_at=None)}
    changed = _well(
        [illness for cause, illness in held.items()
         if cause not in wrong and (of_cases or not cause.startswith(OF_CASES))]
    )  # fmt: skip
    for cause, finding in wrong.items():
        changed |= _still(held[cause], finding) if cause in held else _begun(finding)
    if changed:
        live.publish([topics.BOARD], None, VERB)
    return True


def _well(illnesses: list[Illness]) -> bool:
    """Over when it stays away for a while: what comes and goes is one illness, told once."""
    mine = Illness.objects.filter(pk__in=[illness.pk for illness in illnesses])
    mine.filter(well_since__lt=Now() - SETTLED).update(ended_at=Now())
    return bool(mine.filter(well_since=None).update(well_since=Now()))


def _begun(finding: Finding) -> bool:
    Illness.objects.create(
        cause=finding.cause[:120], grade=finding.grade, detail=finding.detail[:300]
    )
    return True


def _still(illness: Illness, finding: Finding) -> bool:
    """It may become worse while it lasts, and is then told; it never becomes a new one."""
    seen = (illness.grade, illness.detail, illness.well_since)
    if seen == (finding.grade, finding.detail[:300], None):
        return False
    Illness.objects.filter(pk=illness.pk).update(
        grade=finding.grade, detail=finding.detail[:300], well_since=None
    )
    return seen[0] != finding.grade or seen[2] is not None
