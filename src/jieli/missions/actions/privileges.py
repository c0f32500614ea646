"""紧急授权: what somebody of a team may do here, for this case only, until it ends by itself."""

from datetime import datetime

from django.db.models import Q

from jieli.cases.queries.people import official_day
from jieli.directory.access import valid_on
from jieli.directory.models import Agreement, Organisation, Practitioner, Privilege, Technique
from jieli.missions.actions.under_way import crew_of, lock_mission, note, owe
from jieli.missions.models import EmergencyPrivilege, Mission
from jieli.record.actions import action
from jieli.record.models import Event
from jieli.rules import missions as rules
from jieli.rules.refusal import Refused


def admit(
    mission: Mission, agreement: Agreement | None, by: Practitioner, now: datetime
) -> list[EmergencyPrivilege]:
    """The host lets the team do here what it may do at home, as far as the agreement goes."""
    hours = agreement.emergency_privilege_hours if agreement else 0
    if not hours:
        return []
    held = Privilege.objects.filter(
        valid_on(official_day(now)), practitioner__in=crew_of(mission)
    ).exclude(organisation=mission.case.organisation)
    pairs = held.values_list("practitioner_id", "technique_id").distinct().order_by("pk")
    return _give(mission, list(dict.fromkeys(pairs)), hours, None, by, now)


@action
def give_privilege(
    mission: Mission,
    person: Practitioner,
    technique: Technique,
    *,
    hours: int | None,
    agreement: Agreement | None,
    by: Practitioner,
    now: datetime,
) -> EmergencyPrivilege:
    """One technique for one person; no longer than the agreement allows."""
    mission = lock_mission(mission.pk)
    if mission.status in rules.ENDED:
        raise Refused("This mission has ended.")
    if person not in crew_of(mission):
        raise Refused("Only a person of the team can be given an emergency privilege.")
    allowed = agreement.emergency_privilege_hours if agreement else 0
    given = _give(mission, [(person.pk, technique.pk)], allowed, hours, by, now)
    if not given:
        raise Refused("%(name)s holds this privilege already.", name=person.name)
    return given[0]


def _give(
    mission: Mission,
    pairs: list[tuple[int, int]],
    allowed: int,
    hours: int | None,
    by: Practitioner,
    now: datetime,
) -> list[EmergencyPrivilege]:
    until = rules.privilege_until(now, allowed, hours)
    held = set(mission.privileges.values_list("practitioner_id", "technique_id"))
    rows = [
        EmergencyPrivilege(
            mission=mission,
            practitioner_id=person,
            technique_id=technique,
            organisation=mission.case.organisation,
            since=now,
            until=until,
            by=by,
        )
        for person, technique in pairs
        if (person, technique) not in held
    ]
    for row in EmergencyPrivilege.objects.bulk_create(rows):
        note(
            mission,
            "mission_privilege_given",
            by,
            now,
            person=row.practitioner.name,
            technique=row.technique.name,
            until=until.isoformat(timespec="minutes"),
        )
    if rows:
        owe(mission, "privilege", now)
    return rows


def lacking(
    operator: Practitioner,
    techniques: list[Technique],
    *,
    site: Organisation,
    case_id: int,
    at: datetime,
) -> list[Technique]:
    """Techniques for which this person holds neither a privilege here nor one for this case."""
    wanted = Q(technique__in=techniques, practitioner=operator, organisation=site)
    held = Privilege.objects.filter(wanted, valid_on(official_day(at)))
    lent = EmergencyPrivilege.objects.filter(
        wanted, mission__case=case_id, since__lte=at, until__gt=at, ended_at=None
    )
    found = {*held.values_list("technique_id", flat=True)}
    found |= {*lent.values_list("technique_id", flat=True)}
    return [technique for technique in techniques if technique.pk not in found]


def end_privilege(row: EmergencyPrivilege, now: datetime) -> None:
    """Its time is over: put on record once. The case is locked."""
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    note(
        row.mission,
        "mission_privilege_ended",
        None,
        now,
        occurred_at=row.until,
        source=Event.Source.RUNNER,
        person=row.practitioner.name,
        technique=row.technique.name,
    )
