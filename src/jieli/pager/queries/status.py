"""The page about the pager: every figure with the rows behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Max, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jieli.pager.models import Heartbeat, Illness, Probe
from jieli.pager.queries.facts import hearts, runner_lives
from jieli.pager.queries.gauge import Figures, newest_gauge
from jieli.pager.queries.words import KINDS as KIND_WORDS
from jieli.pager.queries.words import TRANSPORTS, sentence
from jieli.rules.watching import SILENT_SECONDS, SLOW_SECONDS, UNTRIED_SECONDS, Heart

MINUTES = 60
HAPPENED = 12
DAY = timedelta(hours=24)
ICONS = {
    "clock": "ok",
    "in_app": "ring",
    "voice": "phone",
    "sms": "msg",
    "apprise": "msg",
    "email": "mail",
}
PROVES = {
    Probe.Way.WHOLE.value: gettext_lazy("there and back"),
    Probe.Way.HANDED.value: gettext_lazy("up to the other side, which took it"),
    Probe.Way.LOOPBACK.value: gettext_lazy("our half only: to our own receiver"),
}
CLOCK_PROVES = gettext_lazy("set and fired, by the thread of all clocks")
STREAM_PROVES = gettext_lazy("from the row to an open stream")
LOOPBACK_DOOR = gettext_lazy("our half, and the other side answers at its door")


@dataclass(frozen=True, slots=True)
class Beat:
    """One minute of the strip: y arrived, s arrived late, n failed, x not tried."""

    css: str
    x: str
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Line:
    """One transport over the last hour."""

    transport: str
    label: str
    icon: str
    proves: str
    beats: list[Beat]
    arrived: int
    tried: int
    p50: float | None
    p95: float | None
    p99: float | None
    last_at: datetime | None
    state: str  # met, warn, breach, quiet
    state_words: str
    spoken: str


def transports() -> list[Line]:
    """By transport in the order of the model; two queries."""
    instant = _database_minute()
    hour = instant - timedelta(minutes=MINUTES - 1)
    rows: dict[str, list[Probe]] = {}
    for probe in Probe.objects.filter(minute__gte=hour).order_by("minute"):
        rows.setdefault(probe.transport, []).append(probe)
    last = dict(
        Probe.objects.filter(arrived_at__isnull=False, error="")
        .order_by()
        .values_list("transport")
        .annotate(at=Max("arrived_at"))
    )
    order = [t for t in Probe.Transport.values if t in rows]
    return [_line(transport, rows[transport], hour, last.get(transport)) for transport in order]


def _line(transport: str, probes: list[Probe], hour: datetime, last: datetime | None) -> Line:
    decided = [probe for probe in probes if probe.finished_at]
    arrived = [probe for probe in decided if probe.arrived]
    late = sum((probe.seconds or 0) > SLOW_SECONDS for probe in arrived)
    seconds = sorted(probe.seconds or 0.0 for probe in arrived)
    state, words = _state(decided, hour + timedelta(minutes=MINUTES - 1))
    counts = {"arrived": len(arrived), "late": late, "failed": len(decided) - len(arrived)}
    return Line(
        transport=transport,
        label=str(TRANSPORTS.get(transport, transport)),
        icon=ICONS.get(transport, "msg"),
        proves=str(_proves(transport, probes[-1])),
        beats=_beats(probes, hour),
        arrived=len(arrived),
        tried=len(decided),
        p50=percentile(seconds, 0.5),
        p95=percentile(seconds, 0.95),
        p99=percentile(seconds, 0.99),
        last_at=last,
        state=state,
        state_words=words,
        spoken=_("in the last hour %(arrived)s arrived, %(late)s of them late; %(failed)s failed")
        % counts,
    )


def _proves(transport: str, newest: Probe) -> Any:
    if transport == "clock":
        return CLOCK_PROVES
    if transport == "in_app":
        return STREAM_PROVES
    if newest.way == Probe.Way.LOOPBACK and transport != "apprise":
        return LOOPBACK_DOOR
    return PROVES[newest.way]


def _state(decided: list[Probe], instant: datetime) -> tuple[str, str]:
    if not decided:
        return "quiet", _("not tried yet")
    silent = (instant - decided[-1].minute).total_seconds()
    if silent > UNTRIED_SECONDS:
        return "warn", _("not tried for %(minutes)s min") % {"minutes": int(silent // 60)}
    if decided[-1].arrived:
        slow = (decided[-1].seconds or 0) > SLOW_SECONDS
        return ("warn", _("late")) if slow else ("met", _("well"))
    failing = 0
    for probe in reversed(decided):
        if probe.arrived:
            break
        failing += 1
    return "breach", _("failed for %(minutes)s min") % {"minutes": failing}


def _beats(probes: list[Probe], hour: datetime) -> list[Beat]:
    by_minute = {int((probe.minute - hour).total_seconds() // 60): probe for probe in probes}
    return [
        _beat(by_minute.get(place), place)
        for place in range(MINUTES)
        if place in by_minute or any(earlier < place for earlier in by_minute)
    ]


def _beat(probe: Probe | None, place: int) -> Beat:
    x = f"{place * 100 / MINUTES:.2f}%"
    if probe is None or probe.finished_at is None:
        return Beat("x", x, 6, 12)
    if not probe.arrived:
        return Beat("n", x, 3, 15)
    if (probe.seconds or 0) > SLOW_SECONDS:
        return Beat("s", x, 2, 16)
    return Beat("y", x, 6, 12)


def percentile(ordered: list[float], share: float) -> float | None:
    """The smallest value that so large a share does not exceed; of few values the largest."""
    if not ordered:
        return None
    place = min(len(ordered) - 1, max(0, -(-len(ordered) * share // 1) - 1))
    return ordered[int(place)]


def _database_minute() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('minute', statement_timestamp())")
        return cursor.fetchone()[0]


def probes_of(transport: str) -> list[Probe]:
    """The rows behind a line, newest first."""
    hour = _database_minute() - timedelta(minutes=MINUTES - 1)
    return list(Probe.objects.filter(transport=transport, minute__gte=hour).order_by("-minute"))


# ── illness ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Shown:
    """One illness as a banner or a line of what happened."""

    words: str
    grade: str
    began_at: datetime | None
    ended_at: datetime | None = None
    told_at: datetime | None = None
    told: str = ""

    @property
    def ways(self) -> str:
        """“E-mail: 2, Telephone gateway: 1”"""
        pairs = [pair.rpartition(" ") for pair in self.told.split(", ")]
        said = [(str(KIND_WORDS.get(kind, kind)), count) for kind, _space, count in pairs]
        return ", ".join(_("%(way)s: %(count)s") % {"way": w, "count": c} for w, c in said)

    @property
    def is_ill(self) -> bool:
        return self.grade == Illness.Grade.ILL


def illnesses_now() -> list[Shown]:
    """What stands on every board: what was found, and a silent runner even if nobody found it."""
    rows = Illness.objects.filter(ended_at=None, well_since=None).order_by("grade", "began_at")
    found = [_shown(illness) for illness in rows]
    if not any(row.cause == "runner" for row in rows) and not runner_lives():
        words = sentence("runner", Illness.Grade.ILL, "")
        found.insert(0, Shown(words, Illness.Grade.ILL, None))
    return found


def happened(now: datetime) -> list[Shown]:
    recent = Illness.objects.filter(Q(ended_at=None) | Q(ended_at__gte=Now() - 7 * DAY))
    return [_shown(illness) for illness in recent.order_by("-began_at")[:HAPPENED]]


def _shown(illness: Illness) -> Shown:
    return Shown(
        sentence(illness.cause, illness.grade, illness.detail),
        illness.grade,
        illness.began_at,
        illness.ended_at or illness.well_since,
        illness.told_at,
        illness.told,
    )


# ── processes, lateness, database ────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Process:
    heart: Heart
    label: str
    state: str
    words: str

    @property
    def free(self) -> str:
        total = self.heart.disk_total
        return f"{self.heart.disk_free / total:.0%}" if total else ""

    @property
    def gigabytes(self) -> str:
        return f"{self.heart.disk_free / 1e9:.0f}"


KINDS = {
    Heartbeat.Kind.RUNNER.value: gettext_lazy("Runner"),
    Heartbeat.Kind.WEB.value: gettext_lazy("Web process"),
}


def processes() -> list[Process]:
    """Who lives, and who fell silent within the hour without saying so."""
    shown = [heart for heart in hearts() if not heart.ended]
    return [
        Process(heart, str(KINDS[heart.kind]), *_alive(heart))
        for heart in sorted(shown, key=lambda heart: (heart.kind, heart.machine, heart.age))
    ]


def _alive(heart: Heart) -> tuple[str, str]:
    if heart.age > SILENT_SECONDS:
        return "breach", _("silent")
    return ("warn", _("hangs")) if heart.hanging else ("met", _("well"))


@dataclass(frozen=True, slots=True)
class Database:
    version: str
    connections: int
    most: int
    size: str
    cache: float


DATABASE = """
    SELECT current_setting('server_version'),
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
           current_setting('max_connections')::int,
           pg_size_pretty(pg_database_size(current_database())),
           coalesce((SELECT 100.0 * blks_hit / nullif(blks_hit + blks_read, 0)
                       FROM pg_stat_database WHERE datname = current_database()), 100)::float8
"""


def database() -> Database:
    with connection.cursor() as cursor:
        cursor.execute(DATABASE)
        return Database(*cursor.fetchone())


@dataclass(frozen=True, slots=True)
class Status:
    lines: list[Line]
    checked_at: datetime | None
    ill: list[Shown]
    happened: list[Shown]
    processes: list[Process]
    read: Figures
    database: Database

    @property
    def missed(self) -> list[str]:
        """Whose last test ring did not arrive: not ill yet, and not well either."""
        return [one.label for one in self.lines if one.state == "breach"]

    @property
    def runners(self) -> list[Process]:
        return [one for one in self.processes if one.heart.kind == Heartbeat.Kind.RUNNER]

    @property
    def runners_alive(self) -> int:
        return sum(one.heart.lives for one in self.runners)

    @property
    def skew(self) -> float:
        return max((abs(one.heart.skew) for one in self.processes if one.heart.lives), default=0.0)


def status(now: datetime) -> Status:
    return Status(
        lines=transports(),
        checked_at=Probe.objects.aggregate(at=Max("finished_at"))["at"],
        ill=illnesses_now(),
        happened=happened(now),
        processes=processes(),
        read=newest_gauge(),
        database=database(),
    )
