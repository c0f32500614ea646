"""派出: a team is planned, approved by name and reinforced; how it travels is in `journey`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from jieli.cases.actions.spine import grant_desks, lock_case
from jieli.cases.models import Case, Decision, Template
from jieli.cases.queries.people import official_day
from jieli.directory.access import valid_on
from jieli.directory.models import Agreement, Grant, Organisation, Practitioner
from jieli.missions.actions.privileges import admit
from jieli.missions.actions.under_way import (
    STAYS,
    Crew,
    Stretch,
    add_crew,
    add_legs,
    add_papers,
    crew_of,
    home_side,
    host_side,
    lock_mission,
    move,
    new_mission,
    note,
    owe,
    planned_arrival,
    tell,
)
from jieli.missions.models import KitItem, Mission, Paper
from jieli.record.actions import action
from jieli.rules.refusal import Refused


@action
def plan_dispatch(
    case: Case,
    decision: Decision | None,
    *,
    start: Organisation,
    crew: Sequence[Crew],
    by: Practitioner,
    now: datetime,
    legs: Sequence[Stretch] = (),
    kit: Sequence[str] = (),
    template: str = Template.DISPATCH,
    until: datetime | None = None,
    exception_reason: str = "",
) -> Mission:
    """Plan a team of `start` for a case with a signed decision. `until`: back at home."""
    case = lock_case(case.pk)
    _check(case, decision, start, crew, exception_reason, now)
    mission = new_mission(
        case,
        by=by,
        now=now,
        decision=decision,
        kind=Mission.Kind.DISPATCH,
        template=template,
        start=start,
        end=case.organisation,
    )
    add_legs(mission, legs, now)
    ends = until or planned_arrival(mission, now) + STAYS
    add_crew(mission, _led(crew), now, max(ends, now + timedelta(hours=1)))
    add_papers(mission, now)
    _admitted(mission, decision, now)
    names = list(dict.fromkeys(name.strip()[:120] for name in kit if name.strip()))
    KitItem.objects.bulk_create(
        KitItem(mission=mission, position=i, name=name) for i, name in enumerate(names)
    )
    grant_desks(case, [start.pk], Grant.Why.DESK, now)
    people = "、".join(one.person.name for one in crew)
    event = note(
        mission, "mission_planned", by, now, people=people, place=start.name, text=exception_reason
    )
    sides = [*home_side(mission, now), *host_side(mission, now)]
    tell(mission, event, sides, _("A team is planned: approve it by name."), now=now, by=by)
    return mission


def _admitted(mission: Mission, decision: Decision | None, now: datetime) -> None:
    """A decision that asks for a team is the host's word: what the agreement lends, it lends now.

    So a team that lands at night may work at once, and nobody has to be found for a signature.
    """
    if decision is not None and decision.chosen in (Template.DISPATCH, Template.RENDEZVOUS):
        agreement = agreement_between(mission.case, mission.start, "dispatch", now)
        admit(mission, agreement, decision.author, now)


def _check(
    case: Case,
    decision: Decision | None,
    start: Organisation,
    crew: Sequence[Crew],
    exception_reason: str,
    now: datetime,
) -> None:
    if case.status != Case.Status.OPEN:
        raise Refused("This case is closed: no team can be sent.")
    if decision is None or decision.case_id != case.pk:
        raise Refused("Sign the decision first; then the team goes.")
    if not crew:
        raise Refused("Name at least one person of the team.")
    if len({one.person.pk for one in crew}) < len(crew):
        raise Refused("Name each person of the team once.")
    if start.pk == case.organisation_id:
        raise Refused("The team comes from another hospital than the one that treats.")
    if not exception_reason and agreement_between(case, start, "dispatch", now) is None:
        raise Refused(
            "No valid agreement lets %(name)s send a team here: say why it must go all the same.",
            name=start.name,
        )


def agreement_between(
    case: Case, other: Organisation, mode: str, now: datetime
) -> Agreement | None:
    """The agreement of today under which the other hospital helps; the longest rule first."""
    held = Agreement.objects.filter(
        valid_on(official_day(now)),
        from_organisation=case.organisation_id,
        to_organisation=other,
        signed=True,
        modes__contains=[mode],
    )
    return held.order_by("-emergency_privilege_hours").first()


def _led(crew: Sequence[Crew]) -> list[Crew]:
    """The first leads if nobody was named."""
    if any(one.leads for one in crew):
        return list(crew)
    return [Crew(one.person, one.part, leads=i == 0) for i, one in enumerate(crew)]


@action
def approve(
    mission: Mission, *, side: str, by: Practitioner, now: datetime, spoken_by: str = ""
) -> Mission:
    """One side says yes by name, by telephone if need be; what must be written is owed later.

    `side` is "home" (whoever sends the team) or "host" (whoever treats: it admits the team).
    """
    mission = lock_mission(mission.pk)
    move(mission, "approve")
    if mission.approved_at is None:
        mission.approved_by, mission.approved_at = by, now
    mission.save(update_fields=["status", "approved_by", "approved_at"])
    name = (spoken_by or by.name).strip()[:80]
    event = note(mission, "mission_approved", by, now, person=name, side=side)
    if side == "home":
        Paper.objects.filter(mission=mission, kind="home_approval", note="").update(note=name)
        owe(mission, "approved", now)
    else:
        admit(mission, agreement_between(mission.case, mission.start, "dispatch", now), by, now)
    tell(mission, event, crew_of(mission), _("The team is approved."), now=now, by=by)
    return mission
