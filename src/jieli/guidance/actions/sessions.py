"""A session: planned, started when nothing lacks, ended. Every change of state is an event."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jieli.cases.access import visible_cases
from jieli.cases.actions.spine import lock_case, log
from jieli.cases.models import Case
from jieli.directory.access import TREATING_KINDS, active_roles, today
from jieli.directory.models import Organisation, Practitioner, Technique
from jieli.guidance.models import GuidanceSession, LinkGap
from jieli.guidance.queries.link import is_linked, lost_since, open_gap
from jieli.guidance.queries.precheck import Look
from jieli.record.actions import action
from jieli.record.models import Event
from jieli.rules import guidance as rules
from jieli.rules import operations
from jieli.rules.refusal import Refused

Follower = Callable[[Case, Practitioner | None, datetime], None]
_followers: list[Follower] = []
VERBS = {
    "cancel": "guidance_cancelled",
    "stop": "guidance_stopped",
    "continue": "guidance_continued",
    "resume": "guidance_resumed",
    "convert": "guidance_converted",
    "end": "guidance_ended",
}
SHORTEST_WHY = 2


def use_live_time(follower: Follower) -> None:
    """The front door names what follows, in the same action, when more or less of a session is
    known to have been guided live."""
    if follower not in _followers:
        _followers.append(follower)


def follow(session: GuidanceSession, by: Practitioner | None, now: datetime) -> None:
    for follower in _followers:
        follower(session.case, by, now)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be guided, who operates and who guides."""

    name: str
    techniques: Sequence[Technique]
    operator: Practitioner
    guide: Practitioner


def lock_session(session_id: int) -> GuidanceSession:
    """The case's chain first, then the session as it is under that lock."""
    case = lock_case(GuidanceSession.objects.values_list("case_id", flat=True).get(pk=session_id))
    session = GuidanceSession.objects.select_related("operator", "guide", "organisation").get(
        pk=session_id
    )
    session.case = case
    return session


def note(
    session: GuidanceSession,
    verb: str,
    by: Practitioner | None,
    now: datetime,
    *,
    occurred_at: datetime | None = None,
    source: str = Event.Source.SCREEN,
    **data: Any,
) -> Event:
    """Record one event of a session on its case."""
    return log(
        session.case, verb, by=by, now=now, occurred_at=occurred_at, source=source,
        guidance=str(session.key), session=session.number, **data,
    )  # fmt: skip


def need_open(session: GuidanceSession) -> None:
    if session.case.status != Case.Status.OPEN:
        raise Refused("This case is closed.")


# ── planned ──────────────────────────────────────────────────────────────────


@action
def plan(case: Case, wanted: Plan, *, by: Practitioner, now: datetime) -> GuidanceSession:
    """Somebody of the treating hospital operates, an expert of another one guides."""
    case = lock_case(case.pk)
    site = case.organisation
    _check(case, wanted, site, now)
    session = GuidanceSession.objects.create(
        case=case,
        number=case.guidance.count() + 1,
        organisation=site,
        name=wanted.name.strip()[:120],
        level=operations.level_of(technique.level for technique in wanted.techniques),
        operator=wanted.operator,
        guide=wanted.guide,
        planned_by=by,
        planned_at=now,
    )
    session.techniques.set(wanted.techniques)
    note(
        session, "guidance_planned", by, now,
        name=session.name, person=session.operator.name, guide=session.guide.name,
        level=session.level or 0, place=site.name,
    )  # fmt: skip
    return session


def _check(case: Case, wanted: Plan, site: Organisation, now: datetime) -> None:
    if case.status != Case.Status.OPEN:
        raise Refused("This case is closed.")
    if not wanted.name.strip():
        raise Refused("Write what is done.")
    if not wanted.techniques:
        raise Refused("Choose the techniques: privileges are looked up by them.")
    if not _is_of(wanted.operator, site, now):
        raise Refused("Who operates belongs to the hospital that treats.")
    if _is_of(wanted.guide, site, now):
        raise Refused("Who guides from afar belongs to another hospital.")
    if not visible_cases(wanted.guide, now).filter(pk=case.pk).exists():
        raise Refused("%(name)s has no access to this case yet: ask them first.",
                      name=wanted.guide.name)  # fmt: skip


def _is_of(person: Practitioner, site: Organisation, now: datetime) -> bool:
    roles = active_roles(person, today(now))
    return roles.filter(organisation=site, kind__in=TREATING_KINDS).exists()


# ── started, moved on, ended ─────────────────────────────────────────────────


@action
def start(session: GuidanceSession, *, by: Practitioner, now: datetime) -> GuidanceSession:
    """Everything that is required is there: looked at once more, now."""
    session = lock_session(session.pk)
    need_open(session)
    status = rules.after(session.status, "start")
    if GuidanceSession.objects.filter(case=session.case, status__in=rules.GOING).exists():
        raise Refused("Another guidance of this case is going on.")
    look = Look(session, now)
    checks = look.checks()
    if missing := [check.name for check in checks if check.blocks and not check.there]:
        raise Refused("Not ready to start: %(what)s.", what="、".join(missing))
    session.level, session.status, session.started_at = look.level, status, now
    session.due_at = now + rules.DEGRADED_AFTER
    session.save(update_fields=["level", "status", "started_at", "due_at"])
    # Until the first report nobody knows that the link is up.
    LinkGap.objects.create(session=session, since=now, silent=True)
    note(
        session, "guidance_started", by, now,
        name=session.name, person=session.operator.name, guide=session.guide.name,
        level=session.level or 0,
        excepted="、".join(c.name for c in checks if c.state == rules.EXCEPTION),
        missing="、".join(c.name for c in checks if not c.there),
    )  # fmt: skip
    return session


@action
def move(
    session: GuidanceSession, step: str, *, by: Practitioner, now: datetime, why: str = ""
) -> GuidanceSession:
    """What people in the theatre say: stop, continue, resume, convert, end; or cancel a plan."""
    session = lock_session(session.pk)
    linked = is_linked(session, now)
    confirmed = session.confirmed_at is not None
    if step not in VERBS:
        raise Refused("There is no such step.")
    status = rules.after(session.status, step, confirmed=confirmed, linked=linked)
    why = why.strip()[:200]
    if step in rules.NEEDS_REASON and len(why) < SHORTEST_WHY:
        raise Refused("Say in a few words why.")
    session.status = status
    if step == "continue":
        session.confirmed_at, session.confirmed_by = now, by
    elif status != rules.SUSPENDED:
        session.confirmed_at, session.confirmed_by = None, None
    set_due(session)
    if status in rules.OVER:
        _finish(session, now)
    session.save()
    note(session, VERBS[step], by, now, name=session.name, text=why)
    if status in rules.OVER and session.started_at:
        follow(session, by, now)
    return session


def set_due(session: GuidanceSession) -> None:
    """When the next stage without the link falls due, from what is known of it now."""
    lost = lost_since(session)
    stage = rules.next_stage(session.status, lost) if lost else None
    session.due_at = stage[1] if stage else None


def _finish(session: GuidanceSession, now: datetime) -> None:
    """The guide is gone and the link is no longer looked at."""
    session.ended_at = now
    if gap := open_gap(session):
        gap.until = max(now, gap.since)
        gap.save(update_fields=["until"])
    session.stays.filter(until=None).update(until=now)
