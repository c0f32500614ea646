"""The link: reported by the theatre's browser, and missed by a runner when nothing is heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from jieli.cases.queries.people import Desks
from jieli.directory.models import Practitioner
from jieli.guidance.actions.sessions import follow, lock_session, note, set_due
from jieli.guidance.models import GuidanceSession, GuideStay, LinkGap
from jieli.guidance.queries.link import lost_since, open_gap, standing, telephone_of
from jieli.notify import actions as notify
from jieli.record.actions import action, lock_free
from jieli.record.models import Event
from jieli.rules import guidance as rules
from jieli.rules.guidance import Span
from jieli.rules.refusal import Refused

BATCH = 100


@dataclass(frozen=True, slots=True)
class Report:
    """One report: how the link was at an instant of the server's time.

    `since`: the browser knows that it was up without a break since then. This is what mends a gap
    that came about because the server, not the link, was away.
    """

    state: str
    at: datetime
    since: datetime | None = None
    delay_ms: int | None = None
    step: str = ""


# ── what the theatre's browser says ──────────────────────────────────────────


@action
def report_link(
    session: GuidanceSession, report: Report, *, by: Practitioner, now: datetime
) -> GuidanceSession:
    """Every ten seconds or so. An event only when something changes."""
    session = lock_session(session.pk)
    if session.started_at is None:
        return session  # a room may be open before anybody guides
    at = rules.reported_at(report.at, started=session.started_at, now=now)
    at = min(at, session.ended_at or at)
    fresh = session.ended_at is None and now - at <= rules.DEGRADED_AFTER
    newest = session.up_at is None or at >= session.up_at
    session.heard_at = now
    if report.delay_ms is not None and newest:
        session.delay_ms = report.delay_ms
    mended = False
    if report.state == rules.UP:
        mended = _was_up(session, report.since, at, by, now, fresh=fresh)
    elif newest and fresh:
        _went_down(session, at)
    if report.step and newest and report.step != session.step:
        session.step = report.step
        note(
            session, "guidance_link_step", by, now, occurred_at=at,
            ladder=report.step, delay_ms=report.delay_ms,
        )  # fmt: skip
    set_due(session)
    session.save()
    if mended and session.status in rules.OVER:
        follow(session, by, now)  # an operation may count as guided live only now
    return session


def _was_up(
    session: GuidanceSession,
    since: datetime | None,
    at: datetime,
    by: Practitioner,
    now: datetime,
    *,
    fresh: bool,
) -> bool:
    """Returns whether more is known now of earlier gaps."""
    started = session.started_at or at
    known = rules.covered(max(since, started) if since else None, session.up_at, at)
    lost = open_gap(session)
    changed = [_know(session, gap, known, now, goes_on=fresh) for gap in standing(session)]
    session.up_at = max(session.up_at or at, at)
    if mended := sum(changed):
        note(
            session, "guidance_gap_corrected", by, now, occurred_at=at,
            seconds=round(known.length.total_seconds()), gaps=mended,
        )  # fmt: skip
    if fresh and lost is not None:
        _restore(session, lost, at, by, now)
    return bool(mended)


def _know(
    session: GuidanceSession, gap: LinkGap, known: Span, now: datetime, *, goes_on: bool
) -> bool:
    """What it means for one gap that the link was up in `known`, and, if `goes_on`, still is.

    The end of an open gap is written into it. Where more is known than that, the gap stays as it
    was, marked as corrected, and new rows say what is left of it. Returns whether that happened.
    """
    far = max(now, known.until) + rules.SUSPENDED_AFTER  # beyond everything: "not yet over"
    was = Span(gap.since, gap.until or far)
    if not gap.silent:  # the same browser said that it was down: only its end can be news
        known = Span(known.until if known.since <= gap.since else known.since, known.until)
    if gap.until is None and goes_on:
        known = Span(known.since, far)
        if known.since > gap.since or session.up_at is None:
            gap.until = known.since
            gap.save(update_fields=["until"])
            return False
    left = rules.without(was, known)
    if left == [was] or not known.length:
        return False
    gap.corrected_at = now
    gap.save(update_fields=["corrected_at"])
    LinkGap.objects.bulk_create(
        LinkGap(
            session=session,
            since=part.since,
            until=None if part.until == far else part.until,
            silent=gap.silent,
            later=True,
        )
        for part in left
    )
    return True


def _restore(
    session: GuidanceSession, lost: LinkGap, at: datetime, by: Practitioner, now: datetime
) -> None:
    """The link is back. After a suspension somebody in the theatre has to have confirmed first."""
    waits = session.status == rules.SUSPENDED and session.confirmed_at is None
    if session.status in (rules.DEGRADED, rules.SUSPENDED) and not waits:
        session.status = rules.after(session.status, "restore", confirmed=True)
        session.confirmed_at, session.confirmed_by = None, None
    elif not waits:
        return
    note(
        session, "guidance_link_back", by, now, occurred_at=at, status=session.status,
        seconds=round((at - lost.since).total_seconds()),
    )  # fmt: skip


def _went_down(session: GuidanceSession, at: datetime) -> None:
    if session.status in rules.GOING and open_gap(session) is None:
        LinkGap.objects.create(session=session, since=at)


# ── what nobody says ─────────────────────────────────────────────────────────


@action
def sweep(now: datetime) -> int:
    """40 s without the link: degraded; 120 s: suspended. How many stages were reached."""
    due = GuidanceSession.objects.filter(due_at__lte=now).order_by("due_at")
    wanted = list(due.annotate(chain=F("case__chain_id")).values_list("pk", "chain")[:BATCH])
    if not wanted:
        return 0
    chains = lock_free(chain for _pk, chain in wanted)
    return sum(_look_at(pk, now) for pk, chain in wanted if chain in chains)


def _look_at(pk: int, now: datetime) -> int:
    """Read again, now that nobody else can write: a report may have come meanwhile."""
    session = lock_session(pk)
    reached = 0
    while (lost := lost_since(session)) and (stage := rules.next_stage(session.status, lost)):
        move, at = stage
        if at > now:
            break
        if open_gap(session) is None:
            LinkGap.objects.create(session=session, since=lost, silent=True)
        session.status = rules.after(session.status, move)
        _say(session, move, lost, at, now)
        reached += 1
    set_due(session)
    session.save()
    return reached


def _say(session: GuidanceSession, move: str, lost: datetime, at: datetime, now: datetime) -> None:
    telephone = telephone_of(session)
    event = note(
        session,
        "guidance_degraded" if move == "lose" else "guidance_suspended",
        None,
        now,
        occurred_at=at,
        source=Event.Source.RUNNER,
        seconds=round((at - lost).total_seconds()),
        telephone=telephone,
    )
    tell = partial(
        notify.tell,
        event,
        title=f"{session.case.urgency} {session.case.number}",
        path=f"/guidance/{session.key}/",
        urgency=session.case.urgency,
        now=now,
    )
    called = _("The link to the theatre is lost. Call %(telephone)s.") % {"telephone": telephone}
    tell([session.guide], manner="push", text=called)
    if move == "suspend":
        desk = Desks(now).duty(session.organisation)
        said = _("Guidance is suspended: confirm in the theatre whether you continue or convert.")
        tell([session.operator, *desk], manner="silent", text=said)


def next_due(before: datetime | None = None) -> datetime | None:
    """The earliest instant at which `sweep` has work, not after `before`."""
    rows = GuidanceSession.objects.exclude(due_at=None)
    if before is not None:
        rows = rows.filter(due_at__lte=before)
    return rows.order_by("due_at").values_list("due_at", flat=True).first()


# ── the guide ────────────────────────────────────────────────────────────────


@action
def attend(
    session: GuidanceSession, *, here: bool, by: Practitioner, now: datetime
) -> GuidanceSession:
    """The guide says to be there, or to leave: the other side of "the link is up"."""
    session = lock_session(session.pk)
    if by.pk != session.guide_id:
        raise Refused("Only who guides says so.")
    if session.status in rules.OVER:
        raise Refused("This guidance has ended.")
    stay = session.stays.filter(until=None).first()
    if here == (stay is not None):
        return session
    if stay is None:
        GuideStay.objects.create(session=session, since=now)
    else:
        stay.until = max(now, stay.since)
        stay.save(update_fields=["until"])
    verb = "guidance_joined" if here else "guidance_left"
    note(session, verb, by, now, person=session.guide.name)
    return session


@action
def note_guide(case_key: UUID, people: Sequence[int], *, here: bool, now: datetime) -> None:
    """The guide is in contact in the video room, or has left it: nobody has to press for it."""
    rows = GuidanceSession.objects.filter(case__key=case_key, guide__in=people)
    session = rows.exclude(status__in=rules.OVER).select_related("guide").last()
    if session is not None:
        attend(session, here=here, by=session.guide, now=now)
