"""When each step of an urgent case is due. Default limits until clinicians approve them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

SOURCE = "Jieli clinical content §1, proposal [P]"
VERSION = "urgency-1"
WARN_FROM = 0.8  # of the target: the stretch in which a clock asks for a look


@dataclass(frozen=True, slots=True)
class Limit:
    """Minutes to the target and, where there is one, the hard limit. None: measured only."""

    target: int | None
    hard: int | None = None
    source: str = SOURCE


MEASURED = Limit(None)
HOUR = 60

LIMITS: Mapping[str, Mapping[str, Limit]] = {
    "U0": {
        "accept": Limit(2),
        "expert_live": Limit(5),
        "opinion": Limit(15),
        "read_and_understood": Limit(5, 10),
        "decision": Limit(10, 20),
        "consent_to_remote_consult": MEASURED,
        "consent_to_operation": MEASURED,
    },
    "U1": {
        "accept": Limit(10),
        "expert_live": Limit(30),
        "opinion": Limit(60),
        "read_and_understood": Limit(10, 30),
        "decision": Limit(30, 60),
        "consent_to_remote_consult": Limit(30, 60),
        "consent_to_operation": MEASURED,
    },
    "U2": {
        "accept": Limit(30),
        "expert_live": Limit(120),
        "opinion": Limit(240),
        "read_and_understood": Limit(60, 120),
        "decision": Limit(240, 480),
        "consent_to_remote_consult": Limit(240, 480),
        "consent_to_operation": MEASURED,
    },
    "U3": {
        "accept": Limit(240),
        "opinion": Limit(24 * HOUR),
        "read_and_understood": Limit(480, 1440),
        "decision": Limit(1440, 2880),
        "consent_to_remote_consult": MEASURED,
        "consent_to_operation": MEASURED,
    },
    "U4": {
        "schedule": Limit(72 * HOUR),
        "opinion": Limit(24 * HOUR),  # from the end of the meeting
        "consent_to_remote_consult": MEASURED,
        "consent_to_operation": MEASURED,
    },
}

# Clocks that start with the request itself.
AT_REQUEST: Mapping[str, tuple[str, ...]] = {
    "U0": ("accept", "expert_live", "opinion", "consent_to_remote_consult"),
    "U1": ("accept", "expert_live", "opinion", "consent_to_remote_consult"),
    "U2": ("accept", "expert_live", "opinion", "consent_to_remote_consult"),
    "U3": ("accept", "opinion", "consent_to_remote_consult"),
    "U4": ("schedule", "consent_to_remote_consult"),
}

# After this many minutes without an expert the page shows "call by telephone" first.
FALLBACK_AFTER: Mapping[str, int] = {"U0": 3, "U1": 10}

# A pause needs one of these reasons, and ends by itself. Minutes; proposal [P].
PAUSES: Mapping[str, int] = {
    "patient_refused": 60,
    "patient_unstable_procedure_first": 120,
    "family_decision": 60,
}


@dataclass(frozen=True, slots=True)
class Clock:
    """One promise: from `started` until `target`, and until `hard` where there is a hard limit."""

    name: str
    started: datetime
    target: datetime | None
    hard: datetime | None = None
    stopped: datetime | None = None
    stage: str = ""
    paused: datetime | None = None
    paused_until: datetime | None = None

    @property
    def limit(self) -> datetime | None:
        """What turns it red: the hard limit where there is one, else the target."""
        return self.hard or self.target


def start(name: str, urgency: str, at: datetime) -> Clock:
    """A clock of `urgency` that starts at `at`. A level without such a limit only measures."""
    limit = LIMITS[urgency].get(name, MEASURED)
    return Clock(name, at, _after(at, limit.target), _after(at, limit.hard))


def _after(at: datetime, minutes: int | None) -> datetime | None:
    return None if minutes is None else at + timedelta(minutes=minutes)


# ── stages: each fires once, in order ────────────────────────────────────────

STAGES = ("remind", "second", "target", "hard")


def stage_times(clock: Clock) -> list[tuple[str, datetime]]:
    """50, 80 and 100 % of the target, then the hard limit."""
    if clock.target is None:
        return []
    whole = clock.target - clock.started
    times = [
        ("remind", clock.started + whole * 0.5),
        ("second", clock.started + whole * 0.8),
        ("target", clock.target),
    ]
    return [*times, ("hard", clock.hard)] if clock.hard else times


def stages_left(clock: Clock) -> list[tuple[str, datetime]]:
    done = STAGES.index(clock.stage) if clock.stage else -1
    return [(name, at) for name, at in stage_times(clock) if STAGES.index(name) > done]


def stages_due(clock: Clock, now: datetime) -> list[str]:
    """Stages that have come and were never fired; a stopped or paused clock owes none."""
    if clock.stopped or is_paused(clock, now):
        return []
    return [name for name, at in stages_left(clock) if at <= now]


def next_due(clock: Clock) -> datetime | None:
    """When the runner must look again: the end of a pause, or the next stage."""
    if clock.stopped:
        return None
    if clock.paused_until:
        return clock.paused_until
    left = stages_left(clock)
    return left[0][1] if left else None


# ── pause: allowed reasons only, and it ends by itself ───────────────────────


def is_paused(clock: Clock, now: datetime) -> bool:
    return clock.paused_until is not None and now < clock.paused_until


def moved(clock: Clock, by: timedelta) -> tuple[datetime | None, datetime | None]:
    """Target and hard limit after a pause of length `by`; the start never moves."""
    return (
        clock.target + by if clock.target else None,
        clock.hard + by if clock.hard else None,
    )


# ── state: where the clock is now ────────────────────────────────────────────


def state(clock: Clock, now: datetime) -> str:
    """ok, warn, breach while it runs; met or late when it stopped (design/README.md)."""
    if clock.stopped:
        return "met" if clock.target is None or clock.stopped <= clock.target else "late"
    if clock.limit is None:
        return "ok"
    if now >= clock.limit:
        return "breach"
    return "warn" if now >= warn_from(clock) else "ok"


def warn_from(clock: Clock) -> datetime:
    """Where the warning stretch begins; without a target, at the start."""
    return clock.started + ((clock.target or clock.started) - clock.started) * WARN_FROM


def next_limit(clock: Clock, now: datetime) -> datetime | None:
    """The limit that runs out next, for sorting: the target, then the hard limit."""
    if clock.stopped or clock.target is None:
        return None
    if clock.hard and now >= clock.target:
        return clock.hard
    return clock.target


def limits(running: Iterable[Clock], now: datetime) -> tuple[datetime | None, datetime | None]:
    """Of a case's running clocks: the limit that runs out next, and when one is out of time."""
    clocks = list(running)
    following = [at for clock in clocks if (at := next_limit(clock, now))]
    last = [at for clock in clocks if (at := clock.hard or clock.target)]
    return min(following, default=None), min(last, default=None)


def minutes(clock: Clock) -> float | None:
    """Measured length in minutes, None while it runs."""
    return None if clock.stopped is None else (clock.stopped - clock.started).total_seconds() / 60


@dataclass(frozen=True, slots=True)
class Bar:
    """Facts of one clock bar; the geometry is in rules.bars."""

    state: str
    start: datetime
    now: datetime
    target: datetime | None
    hard: datetime | None
    warn_from: datetime | None
    stopped: datetime | None
    end: datetime
    label: str = ""


def bar(clock: Clock, now: datetime, label: str = "") -> Bar:
    """The bar ends at the last limit, or wherever time has got to when that is later."""
    reached = clock.stopped or now
    end = max(clock.limit, reached) if clock.limit else reached
    if end <= clock.started:
        end = clock.started + timedelta(minutes=1)
    return Bar(
        state(clock, now),
        clock.started,
        now,
        clock.target,
        clock.hard,
        warn_from(clock) if clock.target else None,
        clock.stopped,
        end,
        label,
    )
