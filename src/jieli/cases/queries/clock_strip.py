"""The clock strip: each promise of a case as a row, running ones first, done ones small."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from jieli.cases.models import Case, Clock
from jieli.cases.queries import words
from jieli.cases.queries.people import official_day
from jieli.cases.queries.words import word
from jieli.directory.models import Approval
from jieli.rules import clocks as rules
from jieli.rules.clocks import Bar


@dataclass(frozen=True, slots=True)
class Row:
    """One clock as a reader sees it. `left` counts to the target, or past the limit."""

    id: int
    name: str
    name_label: str
    since_label: str
    state: str
    state_label: str
    left: timedelta
    left_caption: str
    bar: Bar | None
    unapproved: bool
    done: bool
    small: bool  # done, or not the one that runs out first
    paused: bool
    can_pause: bool
    can_resume: bool
    needs_reason: bool


def rule_of(clock: Clock) -> rules.Clock:
    return rules.Clock(
        clock.name,
        clock.started_at,
        clock.target_at,
        clock.hard_at,
        clock.stopped_at,
        clock.stage,
        clock.paused_at,
        clock.paused_until,
    )


def strip(case: Case, now: datetime, *, may_act: bool, approved: bool) -> list[Row]:
    """All clocks of a case; the one that runs out first stands first."""
    clocks = Clock.objects.filter(case=case, cancelled_at=None).order_by("started_at", "id")
    return rows(clocks, now, approved=approved, may_act=may_act)


def approval_of(case: Case, now: datetime) -> Approval | None:
    """Who approved these limits, if anybody did and the approval still holds."""
    day = official_day(now)
    return Approval.objects.filter(
        alliance=case.alliance_id,
        content=rules.VERSION,
        approved_on__lte=day,
        expires_on__gte=day,
    ).first()


def limits_note(approval: Approval | None) -> str:
    """Version of the limits, and who approved them until when."""
    if approval is None:
        return _("Limits: %(version)s, default, not approved") % {"version": rules.VERSION}
    words = _("Limits: %(version)s, approved by %(by)s until %(day)s")
    return words % {
        "version": rules.VERSION,
        "by": approval.by,
        "day": approval.expires_on.isoformat(),
    }


def rows(clocks: Iterable[Clock], now: datetime, *, approved: bool, may_act: bool) -> list[Row]:
    """Running clocks by the limit that comes first, then what is done, newest first."""
    found = [row(clock, now, approved=approved, may_act=may_act) for clock in clocks]
    far = timedelta(days=3650)
    ordered = sorted(
        found, key=lambda r: (r.done, r.left if not r.done and r.bar and r.bar.target else far)
    )
    return [replace(r, small=r.done or place > 0) for place, r in enumerate(ordered)]


def row(clock: Clock, now: datetime, *, approved: bool, may_act: bool) -> Row:
    rule = rule_of(clock)
    shown_at = clock.paused_at or now
    state = rules.state(rule, shown_at)
    left, caption = _left(rule, shown_at)
    done = rule.stopped is not None
    late = bool(rule.target and (rule.stopped or now) > rule.target)
    paused = clock.paused_until is not None and not done
    return Row(
        id=clock.pk,
        name=clock.name,
        name_label=_label(clock),
        since_label=f"{word(words.CLOCK_SINCE, clock.name)}",
        state=state,
        state_label=_("Paused") if paused else word(words.STATES, state),
        left=left,
        left_caption=_("paused") if paused else caption,
        bar=rules.bar(rule, shown_at, _sentence(clock, left, caption))
        if rule.target or done
        else None,
        unapproved=bool(rule.target) and not approved and clock.name not in OF_PATHWAYS,
        done=done,
        small=done,
        paused=paused,
        can_pause=may_act and not done and not paused and clock.name in PAUSABLE,
        can_resume=may_act and paused,
        needs_reason=may_act and late and not clock.late_reason,
    )


# Their windows are of other content, and there is no clock until that is approved.
OF_PATHWAYS = (Clock.Name.TEMPORISE, Clock.Name.DEFINITIVE_CARE)
PAUSABLE = ("decision", "consent_to_remote_consult", "consent_to_operation", "opinion")


def time_left(clock: Clock, now: datetime) -> timedelta:
    """Until the next limit; negative past the last one."""
    return _left(rule_of(clock), clock.paused_at or now)[0]


def _left(rule: rules.Clock, now: datetime) -> tuple[timedelta, str]:
    """How long until the next limit, how long past it, or how long it took."""
    if rule.stopped:
        return rule.stopped - rule.started, ""
    if rule.target is None:
        return now - rule.started, _("so far, no limit")
    if now < rule.target:
        return rule.target - now, _("to target")
    if rule.hard and now < rule.hard:
        return rule.hard - now, _("to hard limit, target passed")
    return (rule.limit or rule.target) - now, _("past the limit")


def _label(clock: Clock) -> str:
    name = word(words.CLOCKS, clock.name)
    if clock.target_at is None:
        return name
    minutes = round((clock.target_at - clock.started_at).total_seconds() / 60)
    if minutes % 60 == 0 and minutes >= 120:
        return _("%(name)s ≤%(n)s h") % {"name": name, "n": minutes // 60}
    return _("%(name)s ≤%(n)s min") % {"name": name, "n": minutes}


def _sentence(clock: Clock, left: timedelta, caption: str) -> str:
    minutes = round(abs(left.total_seconds()) / 60)
    return _("%(clock)s: %(minutes)s min %(what)s") % {
        "clock": _label(clock),
        "minutes": minutes,
        "what": caption or _("taken"),
    }
