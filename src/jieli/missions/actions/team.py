"""The team and what it needs: people who join and are replaced, turns at home, things packed."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from jieli.cases.actions.spine import end_access, when
from jieli.directory.actions.rosters import hand_turn
from jieli.directory.models import Grant, Practitioner
from jieli.missions.actions.dispatch import agreement_between
from jieli.missions.actions.privileges import admit
from jieli.missions.actions.under_way import (
    STAYS,
    Crew,
    add_crew,
    away_with_team,
    home_side,
    host_side,
    let_go,
    lock_mission,
    note,
    planned_arrival,
    tell,
)
from jieli.missions.models import Cover, Entry, KitItem, Member, Mission
from jieli.record.actions import action
from jieli.rules import missions as rules
from jieli.rules.refusal import Refused


@action
def add_member(mission: Mission, crew: Crew, *, by: Practitioner, now: datetime) -> Mission:
    mission = lock_mission(mission.pk)
    _need_open(mission)
    _join(mission, crew, by, now)
    event = note(mission, "mission_member_added", by, now, person=crew.person.name, part=crew.part)
    text = _("You are in a team: open the mission.")
    tell(mission, event, [crew.person], text, now=now, by=by)
    return mission


@action
def replace_member(
    member: Member, instead: Practitioner | None, *, reason: str, by: Practitioner, now: datetime
) -> Mission:
    """Somebody falls out, under way too; the mission goes on, with somebody else or without."""
    mission = lock_mission(member.mission_id)
    _need_open(mission)
    member = Member.objects.select_related("practitioner").get(pk=member.pk)
    if member.left_at:
        raise Refused("%(name)s has left this team already.", name=member.practitioner.name)
    if not reason:
        raise Refused("Say why, in a few words.")
    if instead is None and mission.members.filter(left_at=None).count() == 1:
        raise Refused("Nobody else is in this team: name who goes instead, or cancel the mission.")
    let_go([member], now, reason[:200])
    end_access(mission.case, [member.practitioner_id], [], Grant.Why.INVITED, now)
    if instead is not None:
        _join(mission, Crew(instead, member.part, member.leads), by, now)
    elif member.leads:
        following = mission.members.filter(left_at=None).order_by("pk")[:1]
        mission.members.filter(pk__in=following.values("pk")).update(leads=True)
    event = note(
        mission,
        "mission_member_replaced",
        by,
        now,
        person=member.practitioner.name,
        to=instead.name if instead else "",
        text=reason[:200],
    )
    people = [*home_side(mission, now), *host_side(mission, now)]
    tell(mission, event, people, _("The team has changed."), now=now, by=by)
    return mission


def _need_open(mission: Mission) -> None:
    if mission.kind != Mission.Kind.DISPATCH or mission.status not in rules.OPEN:
        raise Refused("This mission has ended.")


def _join(mission: Mission, crew: Crew, by: Practitioner, now: datetime) -> None:
    ends = max(planned_arrival(mission, now), now) + STAYS
    add_crew(mission, [crew], now, max(ends, now + timedelta(hours=1)))
    if mission.status in (Mission.Status.UNDER_WAY, Mission.Status.ON_SITE):
        away_with_team(mission)
    if mission.privileges.exists():  # the host has admitted this team
        admit(mission, agreement_between(mission.case, mission.start, "dispatch", now), by, now)


# ── turns at home ────────────────────────────────────────────────────────────


@action
def accept_cover(
    cover: Cover, substitute: Practitioner, *, by: Practitioner, now: datetime
) -> Cover:
    """Somebody takes this turn: the roster changes with it, so that the right phone rings."""
    mission = lock_mission(cover.mission_id)
    cover = Cover.objects.select_related("duty__organisation", "away").get(pk=cover.pk)
    if cover.accepted_at:
        raise Refused("This turn has been taken already.")
    if cover.duty is None or cover.duty.practitioner_id != cover.away_id:
        raise Refused("This turn is no longer on the roster.")
    if (
        substitute.pk == cover.away_id
        or mission.members.filter(practitioner=substitute, left_at=None).exists()
    ):
        raise Refused("Somebody who stays at home must take this turn.")
    start = max(cover.period.lower, now)
    hand_turn(cover.duty, substitute, start=start, end=cover.period.upper, now=now)
    cover.substitute, cover.accepted_at = substitute, now
    cover.save(update_fields=["substitute", "accepted_at"])
    event = note(
        mission,
        "mission_cover_taken",
        by,
        now,
        person=substitute.name,
        to=cover.away.name,
        text=cover.what,
    )
    text = _("You take a turn of a colleague who is away.")
    tell(mission, event, [substitute], text, now=now, by=by)
    return cover


# ── things and lines ─────────────────────────────────────────────────────────


@action
def set_kit(
    item: KitItem, state: str, *, host: bool, by: Practitioner, now: datetime, text: str = ""
) -> KitItem:
    """Packed or missing, as the team says; provided here, as only the host can say."""
    mission = lock_mission(item.mission_id)
    if mission.status in rules.ENDED:
        raise Refused("This mission has ended.")
    if state not in KitItem.State.values:
        raise Refused("Say whether it is packed, provided or missing.")
    if state == KitItem.State.HOST and not host:
        raise Refused("Only the host hospital can say that it provides this.")
    item.refresh_from_db()
    item.state, item.note, item.by, item.at = state, text[:120], by, now
    item.save(update_fields=["state", "note", "by", "at"])
    event = note(mission, "mission_kit_set", by, now, name=item.name, kit=state, text=item.note)
    if state == KitItem.State.MISSING:
        text = _("Something is missing: can you provide it? Open the mission.")
        tell(mission, event, host_side(mission, now), text, now=now, by=by)
    return item


@action
def write_entry(
    mission: Mission,
    kind: str,
    text: str,
    *,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
) -> Entry:
    """One line under way; it may be sent hours later, when there is a network again."""
    mission = lock_mission(mission.pk)
    if kind not in rules.ENTRIES:
        raise Refused("Choose what kind of line this is.")
    if not text.strip():
        raise Refused("Write something first.")
    entry = Entry.objects.create(
        mission=mission,
        kind=kind,
        text=text.strip()[:500],
        by=by,
        occurred_at=when(occurred_at, now),
        recorded_at=now,
    )
    note(
        mission,
        "mission_entry",
        by,
        now,
        entry=kind,
        text=entry.text,
        occurred_at=entry.occurred_at,
    )
    return entry
