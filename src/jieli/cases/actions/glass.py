"""Break the glass: open a case without a grant, seen by its hospital at once, reviewed later."""

from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from jieli.cases.actions.spine import lock_case, log
from jieli.cases.models import BreakGlass, Case
from jieli.cases.queries.people import Desks
from jieli.directory.models import Practitioner
from jieli.notify import actions as notify
from jieli.record.actions import action
from jieli.rules import glass
from jieli.rules.refusal import Refused


@action
def break_glass(
    number: str, *, code: str, reason: str, by: Practitioner, now: datetime
) -> BreakGlass:
    """Open the case with this number for some hours. Whoever treats the patient is told at once."""
    if code not in glass.REASONS:
        raise Refused("Choose why you must see this case now.")
    if len(reason.strip()) < glass.SHORTEST_REASON:
        raise Refused("Say in a few words why you must see this case now.")
    key = _open(number.strip().upper(), glass.ends(now))
    if key is None:
        raise Refused(
            "Your alliances have no case with this number. Check it, or call the hospital."
        )
    case = lock_case(Case.objects.values_list("pk", flat=True).get(key=key))
    broken = BreakGlass.objects.create(
        case=case,
        organisation=case.organisation,
        by=by,
        code=code,
        reason=reason.strip()[:300],
        at=now,
        until=glass.ends(now),
    )
    event = log(
        case, "glass_broken", by=by, now=now, glass_code=code, text=broken.reason, number=by.number
    )
    desks = Desks(now)
    people = [case.in_charge, *desks.duty(case.organisation), *desks.director(case.organisation)]
    notify.tell(
        event,
        people,
        manner="push",
        title=f"{case.number} {case.organisation.name}",
        text=_("%(name)s opened this case by breaking the glass.") % {"name": by.name},
        path=f"/cases/{case.key}/",
        urgency=case.urgency,
        now=now,
    )
    return broken


def _open(number: str, until: datetime) -> UUID | None:
    """The database itself finds the case and lets the person in: nothing else may."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT jieli_break_glass(%s, %s)", [number, until])
        found: UUID | None = cursor.fetchone()[0]
    return found


@action
def review_glass(
    broken: BreakGlass, *, verdict: str, note: str, by: Practitioner, now: datetime
) -> BreakGlass:
    """Another person of the treating hospital says whether it was right."""
    case = lock_case(broken.case_id)
    broken.refresh_from_db()
    if verdict not in glass.VERDICTS:
        raise Refused("Say whether it was justified.")
    if broken.by_id == by.pk:
        raise Refused("Somebody else must review what you opened.")
    if broken.reviewed_at:
        raise Refused("This has been reviewed already.")
    broken.verdict, broken.note = verdict, note.strip()[:300]
    broken.reviewed_by, broken.reviewed_at = by, now
    broken.save(update_fields=["verdict", "note", "reviewed_by", "reviewed_at"])
    log(case, "glass_reviewed", by=by, now=now, verdict=verdict, text=broken.note)
    return broken
