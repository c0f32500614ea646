"""Which move may follow which, and who rings next. Pure: facts in, a decision out."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from jieli.rules.nights import is_night, morning
from jieli.rules.refusal import Refused

# One request between hospitals, in the words of FHIR Task.status.
MOVES = {
    ("requested", "receive"): "received",  # a duty officer has it; the search goes on
    ("requested", "accept"): "accepted",
    ("received", "accept"): "accepted",
    ("accepted", "release"): "requested",  # cannot come after all: the search goes on
    ("requested", "join"): "in-progress",
    ("received", "join"): "in-progress",
    ("accepted", "join"): "in-progress",
    ("in-progress", "join"): "in-progress",
    ("completed", "join"): "completed",  # talks on after the opinion
    ("requested", "sign"): "completed",
    ("received", "sign"): "completed",
    ("accepted", "sign"): "completed",
    ("in-progress", "sign"): "completed",
    ("completed", "sign"): "completed",  # a further version, or a second expert
    ("requested", "withdraw"): "cancelled",
    ("received", "withdraw"): "cancelled",
    ("accepted", "withdraw"): "cancelled",
    ("in-progress", "withdraw"): "cancelled",
}

REFUSALS = {
    ("cancelled", "accept"): "Cannot accept: the request was withdrawn.",
    ("completed", "accept"): "Cannot accept: an opinion has been signed already.",
    ("completed", "withdraw"): "Cannot withdraw: an opinion has been signed already.",
    ("received", "receive"): "A duty officer has this request already; the search goes on.",
    ("accepted", "receive"): "An expert has accepted this request already.",
    ("cancelled", "join"): "Cannot join: the request was withdrawn.",
    ("cancelled", "sign"): "Cannot sign: the request was withdrawn.",
}


def after(status: str, move: str) -> str:
    """The status after `move`, or a refusal that says why not."""
    try:
        return MOVES[status, move]
    except KeyError:
        raise Refused(
            REFUSALS.get((status, move), "This cannot be done any more: the request has moved on.")
        ) from None


# ── who rings next ───────────────────────────────────────────────────────────

RING = timedelta(seconds=20)  # each person or pair, then on
RING_CAP = timedelta(seconds=45)  # a voice call that is slow to connect
AWAY = timedelta(seconds=10)  # looked at later than this: no runner was at work
AT_ONCE = {"U0": 2, "U1": 1, "U2": 1}
NEVER_RINGS = ("U3", "U4")
WAKES_AT = 0.8  # of the accept clock: then a silent push of the night rings

# Lines in the order in which the list is worked off.
QUEUE = {
    "U0": ("expert", "director"),
    "U1": ("expert", "officer", "second", "director"),
    "U2": ("expert", "officer", "second", "director"),
}
TOLD_SILENTLY = {"U0": ("officer", "second")}


@dataclass(frozen=True, slots=True)
class Person:
    """One who may be asked, in the order of the list."""

    person: int
    line: str
    zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Asked:
    """One ring that was started, and its answer so far ("" while open)."""

    person: int
    line: str
    round: int
    silent: bool
    ends: datetime | None
    answer: str = ""
    started: datetime | None = None
    untold: bool = False  # no channel of theirs was tried yet


@dataclass(frozen=True, slots=True)
class Relay:
    """All that the next move depends on."""

    urgency: str
    raised: datetime
    accept_target: datetime | None
    people: tuple[Person, ...]
    asked: tuple[Asked, ...] = ()
    answered: bool = False  # an expert has it, or the request has ended
    round: int = 1
    fallback_at: datetime | None = None
    fallback_told: bool = False


@dataclass(frozen=True, slots=True)
class Moves:
    """What to do now. `due` is when to look again; None when nothing is owed by time."""

    no_answer: tuple[int, ...] = ()
    longer: tuple[int, ...] = ()  # not yet called: their ring lasts until the cap
    anew: tuple[int, ...] = ()  # not called while nobody was at work: their ring begins now
    ring: tuple[int, ...] = ()
    push: tuple[int, ...] = ()
    exhausted: bool = False
    fallback: bool = False
    due: datetime | None = None


@dataclass(slots=True)
class _Plan:
    ring: list[int] = field(default_factory=list)
    push: list[int] = field(default_factory=list)
    waits: list[datetime] = field(default_factory=list)
    exhausted: bool = False


def ring_ends(
    started: datetime, accepted: datetime | None = None, ringing: datetime | None = None
) -> datetime:
    """When a ring rolls on: 20 s after it really rings, 45 s after it was started at the latest."""
    return min((ringing or accepted or started) + RING, started + RING_CAP)


def advance(relay: Relay, now: datetime) -> Moves:
    """The relay's next moves. Calling it again without new facts asks for nothing new."""
    if relay.answered:
        return Moves()
    longer = tuple(a.person for a in relay.asked if _may_last(a, now))
    anew = tuple(a.person for a in relay.asked if _was_missed(a, now))
    relay = replace(relay, asked=tuple(_until_told(a, now) for a in relay.asked))
    ended = tuple(a.person for a in relay.asked if _rings(a) and a.ends and a.ends <= now)
    relay = replace(relay, asked=tuple(_after_end(a, now) for a in relay.asked))
    plan = _Plan()
    if relay.urgency in NEVER_RINGS:
        plan.push += _unasked(relay, ("expert",), silent=True)
    else:
        _work_list(relay, now, plan)
    fallback = bool(relay.fallback_at and not relay.fallback_told and relay.fallback_at <= now)
    if relay.fallback_at and not relay.fallback_told and not fallback:
        plan.waits.append(relay.fallback_at)
    return Moves(
        no_answer=ended,
        longer=longer,
        anew=anew,
        ring=tuple(plan.ring),
        push=tuple(plan.push),
        exhausted=plan.exhausted,
        fallback=fallback,
        due=min(plan.waits, default=None),
    )


def _may_last(asked: Asked, now: datetime) -> bool:
    """Over by its 20 seconds, but the message has not gone out: nobody is passed over unheard."""
    return _is_over_untold(asked, now) and now < _cap(asked, now)


def _was_missed(asked: Asked, now: datetime) -> bool:
    """Over since long, and nobody was called: there was no runner. They are called now."""
    since = max(_cap(asked, now), (asked.ends or now) + AWAY)
    return _is_over_untold(asked, now) and now >= since


def _is_over_untold(asked: Asked, now: datetime) -> bool:
    return _rings(asked) and asked.untold and asked.ends is not None and asked.ends <= now


def _cap(asked: Asked, now: datetime) -> datetime:
    return (asked.started or now) + RING_CAP


def _until_told(asked: Asked, now: datetime) -> Asked:
    if _may_last(asked, now):
        return replace(asked, ends=_cap(asked, now))
    return replace(asked, ends=ring_ends(now)) if _was_missed(asked, now) else asked


def _after_end(asked: Asked, now: datetime) -> Asked:
    """A ring whose time is over counts as not answered, whether or not that is written yet."""
    over = _rings(asked) and asked.ends is not None and asked.ends <= now
    return replace(asked, answer="no_answer") if over else asked


def _work_list(relay: Relay, now: datetime, plan: _Plan) -> None:
    plan.push += _unasked(relay, TOLD_SILENTLY.get(relay.urgency, ()), silent=True)
    open_rings = [a for a in relay.asked if _rings(a)]
    queue = _unasked(relay, _lines(relay), silent=False)
    sleepers = _sleepers(relay, queue, now)
    if sleepers:
        plan.push += [p for p in _unasked(relay, ("expert",), silent=True) if p in sleepers]
        plan.waits.append(min(sleepers.values()))
        # By night the list is not worked off behind the sleepers' backs.
        queue = queue[: next(i for i, p in enumerate(queue) if p in sleepers)]
    room = AT_ONCE[relay.urgency] - len(open_rings)
    plan.ring += queue[: max(room, 0)]
    if plan.ring or open_rings:
        new_end = [now + RING] if plan.ring else []
        plan.waits.append(min(new_end + [a.ends for a in open_rings if a.ends]))
    plan.exhausted = not plan.ring and not open_rings and not sleepers


def _rings(asked: Asked) -> bool:
    return not asked.silent and asked.answer == ""


def _lines(relay: Relay) -> tuple[str, ...]:
    """With no expert on the list at all, everybody else rings: a page must reach somebody."""
    lines = QUEUE[relay.urgency]
    if any(p.line == "expert" for p in relay.people):
        return lines
    return ("second", "officer", "director")


def _unasked(relay: Relay, lines: tuple[str, ...], *, silent: bool) -> list[int]:
    """People of `lines`, in order, not asked in this round, and who have not said no."""
    said = {a.person for a in relay.asked if a.answer in ("declined", "passed", "accepted")}
    asked = {
        a.person
        for a in relay.asked
        if a.silent == silent and (silent or a.round == relay.round or a.answer == "")
    }
    order = {line: i for i, line in enumerate(lines)}
    people = sorted((p for p in relay.people if p.line in order), key=lambda p: order[p.line])
    return [p.person for p in people if p.person not in said | asked]


def _sleepers(relay: Relay, queue: list[int], now: datetime) -> dict[int, datetime]:
    """U2 at night: who is not rung now, and when they will be."""
    if relay.urgency != "U2":
        return {}
    wake = None
    if relay.accept_target:
        wake = relay.raised + (relay.accept_target - relay.raised) * WAKES_AT
        if now >= wake:
            return {}
    zones = {p.person: p.zone for p in relay.people}
    sleeping = [p for p in queue if is_night(now, zones[p])]
    return {p: min(filter(None, (wake, morning(now, zones[p])))) for p in sleeping}


# ── how loudly somebody may be told ──────────────────────────────────────────


def manner(wanted: str, urgency: str, now: datetime, zone: str) -> str:
    """ "ring", "push" or "silent". U3 and U4 never wake anybody; U2 does not ring at night."""
    if urgency in NEVER_RINGS:
        return "silent"
    if urgency == "U2" and wanted == "ring" and is_night(now, zone):
        return "push"
    return wanted
