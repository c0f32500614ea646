"""When the pager is ill: from what it measured of itself, what is wrong and how badly. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

BEAT_SECONDS = 5.0  # a process says this often that it lives
SILENT_SECONDS = 30.0  # not heard of for so long: dead, or cut off
PATIENCE_SECONDS = 45.0  # a test ring that has not arrived by then is lost
FAILED_IN_A_ROW = 2
SLOW_SECONDS = 10.0  # a test ring that took longer arrived late
UNTRIED_SECONDS = 210.0  # three rounds of test rings and a half
RING_WAITS = 30.0  # seconds that a ring may wait for its first try
CLOCK_WAITS = 30.0  # seconds that a due clock may wait to fire
REAL_FAILED = 2  # so many people's channels of one kind failed in ten minutes, and none went
DISK_ILL, DISK_WARN = 0.03, 0.10  # of the disk is free
SKEW_ILL, SKEW_WARN = 30.0, 2.0  # seconds between a machine's clock and the database's

ILL, WARN = "ill", "warn"


@dataclass(frozen=True, slots=True)
class Heart:
    """One process, as last heard of."""

    kind: str  # runner, web
    machine: str
    age: float  # seconds since it was heard of
    ended: bool = False  # it was stopped and said so
    skew: float = 0.0
    hanging: tuple[str, ...] = ()
    disk_free: int = 0
    disk_total: int = 0

    @property
    def lives(self) -> bool:
        return not self.ended and self.age <= SILENT_SECONDS


@dataclass(frozen=True, slots=True)
class Tried:
    """One finished test ring."""

    arrived: bool
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a watcher sees at one instant."""

    hearts: tuple[Heart, ...] = ()
    probes: Mapping[str, tuple[Tried, ...]] | None = None  # by transport, newest first
    probe_age: float | None = None  # seconds since the newest test ring; none in memory: None
    ring_waits: float = 0.0  # the oldest ring that was never tried
    clock_waits: float = 0.0  # the oldest clock that is due and did not fire
    real: Mapping[str, tuple[int, int]] | None = None  # by kind: sent, failed in ten minutes


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late something was, in seconds, over some time."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None
    worst: float | None
    never: int = 0  # of those that did not happen at all


@dataclass(frozen=True, slots=True)
class Finding:
    cause: str
    grade: str
    detail: str = ""


def findings(facts: Facts) -> list[Finding]:
    """The worst first; each cause once."""
    found = [
        *_processes(facts.hearts),
        *_machines(facts.hearts),
        *_waiting(facts),
        *_transports(facts.probes or {}),
        *_real_sends(facts.real or {}),
    ]
    once: dict[str, Finding] = {}
    for finding in found:
        held = once.get(finding.cause)
        if held is None or (held.grade, finding.grade) == (WARN, ILL):
            once[finding.cause] = finding
    return sorted(once.values(), key=lambda finding: finding.grade != ILL)


def _processes(hearts: tuple[Heart, ...]) -> list[Finding]:
    runners = [heart for heart in hearts if heart.kind == "runner"]
    living = [heart for heart in runners if heart.lives]
    if not living:
        return [Finding("runner", ILL)]
    alive_on = {heart.machine for heart in living}
    silent = {h.machine for h in runners if not h.lives and not h.ended} - alive_on
    found = [Finding(f"runner.{machine}", WARN) for machine in sorted(silent)]
    stuck = sorted({name for heart in living for name in heart.hanging})
    return found + [Finding(f"work.{name}", ILL) for name in stuck]


def _machines(hearts: tuple[Heart, ...]) -> list[Finding]:
    found = []
    for heart in hearts:
        if not heart.lives:
            continue
        if abs(heart.skew) > SKEW_WARN:
            grade = ILL if abs(heart.skew) > SKEW_ILL else WARN
            found.append(Finding(f"skew.{heart.machine}", grade, f"{heart.skew:+.0f}"))
        if heart.disk_total and heart.disk_free < DISK_WARN * heart.disk_total:
            grade = ILL if heart.disk_free < DISK_ILL * heart.disk_total else WARN
            left = f"{heart.disk_free / heart.disk_total:.0%}"
            found.append(Finding(f"disk.{heart.machine}", grade, left))
    return found


def _waiting(facts: Facts) -> list[Finding]:
    found = []
    if facts.ring_waits > RING_WAITS:
        found.append(Finding("rings", ILL, f"{facts.ring_waits:.0f}"))
    if facts.clock_waits > CLOCK_WAITS:
        found.append(Finding("clocks", ILL, f"{facts.clock_waits:.0f}"))
    if facts.probe_age is not None and facts.probe_age > UNTRIED_SECONDS:
        found.append(Finding("probes", ILL, f"{facts.probe_age:.0f}"))
    return found


def _transports(probes: Mapping[str, tuple[Tried, ...]]) -> list[Finding]:
    found = []
    for transport, tried in probes.items():
        last = tried[:FAILED_IN_A_ROW]
        if len(last) < FAILED_IN_A_ROW:
            continue
        if not any(one.arrived for one in last):
            found.append(Finding(f"transport.{transport}", ILL, last[0].error))
        elif all(one.arrived and one.seconds > SLOW_SECONDS for one in last):
            slow = f"{last[0].seconds:.0f} s"
            found.append(Finding(f"transport.{transport}", WARN, slow))
    return found


def _real_sends(real: Mapping[str, tuple[int, int]]) -> list[Finding]:
    """Test rings may pass while real ones do not: the other half is only tried by these."""
    return [
        Finding(f"sends.{kind}", ILL, str(failed))
        for kind, (sent, failed) in real.items()
        if sent == 0 and failed >= REAL_FAILED
    ]
