"""A million armed clocks: those that fall due fire in time, and no kill -9 loses or doubles one."""

from __future__ import annotations

import argparse
import random
import signal
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bench.data import WORK, Place
from bench.processes import end, start
from bench.report import Report, percentile, spread
from jieli.cases.actions.clocks import STAGE_VERBS
from jieli.cases.models import Clock
from jieli.cases.queries.people import Desks, audience
from jieli.record.actions import fields_of
from jieli.record.models import Chain, Event
from jieli.rules import escalation
from jieli.rules.chain import first_break

PER_SECOND = 500
KILL_PER_SECOND = 40
STAGES = ("remind", "second", "target", "hard")
SPAN = timedelta(minutes=100)  # of an armed clock: 50, 80 and 100 minutes, hard limit at 200
STAGE_AT = {
    "remind": timedelta(minutes=50),
    "second": timedelta(minutes=80),
    "target": SPAN,
    "hard": 2 * SPAN,
}
# The stage of the n-th clock before the one that falls due.
BEFORE = (
    "CASE (id - %s) %% 4 WHEN 0 THEN '' WHEN 1 THEN 'remind' WHEN 2 THEN 'second' ELSE 'target' END"
)
VERBS = list(STAGE_VERBS.values())
TELLING = 60  # seconds of telling after the storm, to know how many it is a second
PATIENCE = 300  # seconds until what is owed must be told


@dataclass(frozen=True)
class Armed:
    """A stretch of clocks, one a case, that fall due one after the other."""

    first: int  # the first one's id, and its place among the cases
    many: int

    @property
    def ids(self) -> range:
        return range(self.first, self.first + self.many)


def measure(place: Place, report: Report, options: argparse.Namespace) -> None:
    with place.connect(WORK) as link:
        cases = _quiet(link)
        soon = min(PER_SECOND * options.seconds, len(cases) * 2 // 3)
        kept = arm_far(link, cases, options.clocks - soon, options.seed)
        storm(place, link, report, cases, kept, soon)
        kills(place, link, report, cases, kept + soon, options)
        whole(report, cases)


# -- arming ------------------------------------------------------------------------------------


def _quiet(link: psycopg.Connection[Any]) -> list[tuple[int, int]]:
    """Stop what the generated open cases owe already, so that only our clocks are at work."""
    link.execute(
        "UPDATE cases_clock SET due_at = NULL, stopped_at = coalesce(stopped_at, started_at)"
        " WHERE due_at IS NOT NULL"
    )
    link.execute("UPDATE cases_request SET due_at = NULL WHERE due_at IS NOT NULL")
    rows = link.execute("SELECT case_id, id FROM cases_request ORDER BY md5(id::text)").fetchall()
    return [(int(case), int(request)) for case, request in rows]


def arm_far(
    link: psycopg.Connection[Any], cases: list[tuple[int, int]], many: int, seed: int
) -> int:
    """Clocks of the next thirty days, spread over all cases; the id after the last one."""
    dice = random.Random(seed)
    now = datetime.now(UTC)
    row = link.execute("SELECT max(id) + 1 FROM cases_clock").fetchone()
    first = int(row[0]) if row else 1
    dues = (now + timedelta(seconds=dice.uniform(7_200, 30 * 86_400)) for _ in range(many))
    _copy(link, first, cases, dues)
    link.execute("VACUUM (ANALYZE) cases_clock")
    link.execute("CHECKPOINT")  # the work of arming a million is not the work of firing
    return first + many


def arm(
    link: psycopg.Connection[Any],
    first: int,
    cases: list[tuple[int, int]],
    begin: datetime,
    many: int,
    per_second: float,
) -> Armed:
    """So many a second from `begin` on, each of its own case."""
    dues = (begin + timedelta(seconds=n / per_second) for n in range(many))
    _copy(link, first, cases, dues)
    return Armed(first, many)


def _copy(
    link: psycopg.Connection[Any],
    first: int,
    cases: list[tuple[int, int]],
    dues: Iterator[datetime],
) -> None:
    columns = (
        "id, case_id, request_id, name, about, started_at, target_at, hard_at, stage, owes, due_at,"
        " pause_code, late_reason, lapses"
    )
    with (
        link.cursor() as cursor,
        cursor.copy(f"COPY cases_clock ({columns}) FROM STDIN".encode()) as stream,
    ):
        for n, due in enumerate(dues):
            case, request = cases[n % len(cases)]
            stage = STAGES[n % len(STAGES)]
            done = STAGES[n % len(STAGES) - 1] if n % len(STAGES) else ""
            started = due - STAGE_AT[stage]
            stream.write_row(
                (first + n, case, request, "decision", uuid.uuid4(), started, started + SPAN,
                 started + 2 * SPAN, done, "{}", due, "", "", 0)
            )  # fmt: skip


# -- a storm -----------------------------------------------------------------------------------


def storm(
    place: Place,
    link: psycopg.Connection[Any],
    report: Report,
    cases: list[tuple[int, int]],
    first: int,
    many: int,
) -> None:
    armed = link.execute("SELECT count(*) FROM cases_clock WHERE due_at IS NOT NULL").fetchone()
    runner = start(place, "run")
    try:
        time.sleep(4)
        took = _first_root(link)
        clocks = arm(link, first, cases, _now() + timedelta(seconds=3), many, PER_SECOND)
        left = _wait(link, clocks, until=time.monotonic() + many / PER_SECOND + 60, owed=False)
        fired_in = _lateness(link, clocks)
        began = time.monotonic()
        owing = _owing(link, clocks)
        told_left = _wait(link, clocks, until=began + TELLING, owed=True)
        told_in = time.monotonic() - began
    finally:
        end(runner)
    report.fact("first root of all chains, once, before it", f"{took:.0f} s")
    report.fact("armed clocks", f"{(armed[0] if armed else 0) + many:,}")
    report.holds(
        f"due {PER_SECOND} a second, fired", f"{many - left:,} of {many:,}", left == 0, "all"
    )
    late = percentile(fired_in, 0.99) * 1000
    middle = percentile(fired_in, 0.5) * 1000
    report.at_most("lateness p99 (due -> committed)", late, 1000, "ms", f"; p50 {middle:.0f} ms")
    _once(link, report, clocks, "fired once each")
    telling = many - owing
    report.fact("people told while it lasted", f"{telling:,} of {many:,} stages")
    if owing:
        rate = (owing - told_left) / max(told_in, 0.1)
        report.fact("told after it", f"{owing - told_left:,} in {told_in:.0f} s ({rate:.0f}/s)")
    link.execute("UPDATE cases_clock SET owes = '{}' WHERE owes <> '{}'")  # not for the kills
    told = _told_after(link, clocks)
    report.fact("due -> told", spread(told, "s"))


def _first_root(link: psycopg.Connection[Any], patience: float = 300) -> float:
    """Seconds until the first root is made: over the whole history, once in its life.

    Every later one covers what changed in a day. What it does to clocks is another question.
    """
    began = time.monotonic()
    while _count(link, "SELECT count(*) FROM record_root", []) == 0:
        if time.monotonic() - began > patience:
            break
        time.sleep(0.5)
    return time.monotonic() - began


def _now() -> datetime:
    return datetime.now(UTC)


def _wait(link: psycopg.Connection[Any], clocks: Armed, *, until: float, owed: bool) -> int:
    """How many are left when the time is over: not fired, or (owed) not told."""
    while (left := (_owing if owed else _unfired)(link, clocks)) and time.monotonic() < until:
        time.sleep(0.5)
    return left


def _unfired(link: psycopg.Connection[Any], clocks: Armed) -> int:
    """Every stage moves the clock to another due time, or to none."""
    return _count(
        link,
        "SELECT count(*) FROM cases_clock WHERE id >= %s AND id < %s AND stage = " + BEFORE,
        [clocks.first, clocks.first + clocks.many, clocks.first],
    )


def _owing(link: psycopg.Connection[Any], clocks: Armed) -> int:
    return _count(
        link,
        "SELECT count(*) FROM cases_clock WHERE owes <> '{}' AND id >= %s AND id < %s",
        [clocks.first, clocks.first + clocks.many],
    )


def _count(link: psycopg.Connection[Any], statement: str, given: list[Any]) -> int:
    row = link.execute(statement.encode(), given).fetchone()  # type: ignore[arg-type]
    return int(row[0]) if row else 0


FIRED = (
    "SELECT (data->>'clock_id')::bigint, verb,"
    " extract(epoch FROM pg_xact_commit_timestamp(xmin) - occurred_at)::float"
    " FROM record_event WHERE verb = ANY(%s) AND (data->>'clock_id')::bigint BETWEEN %s AND %s"
)


def _fired(link: psycopg.Connection[Any], clocks: Armed) -> list[tuple[int, str, float]]:
    given = [VERBS, clocks.first, clocks.first + clocks.many - 1]
    return list(link.execute(FIRED, given).fetchall())


def _lateness(link: psycopg.Connection[Any], clocks: Armed) -> list[float]:
    return [late for _clock, _verb, late in _fired(link, clocks)]


def _once(link: psycopg.Connection[Any], report: Report, clocks: Armed, what: str) -> None:
    seen: dict[int, int] = {}
    for clock, _verb, _late in _fired(link, clocks):
        seen[clock] = seen.get(clock, 0) + 1
    lost = sum(pk not in seen for pk in clocks.ids)
    doubled = sum(n > 1 for n in seen.values())
    said = f"{len(seen):,}, lost {lost}, double {doubled}"
    report.holds(what, said, not lost and not doubled, "lost 0, double 0")


def _told_after(link: psycopg.Connection[Any], clocks: Armed) -> list[float]:
    """Seconds from the stage until the first person's message was committed."""
    rows = link.execute(
        "SELECT extract(epoch FROM pg_xact_commit_timestamp(told.xmin) - fired.occurred_at)::float"
        " FROM record_event fired JOIN record_event told ON told.chain_id = fired.chain_id"
        " AND told.verb = 'escalated' AND told.seq > fired.seq"
        " WHERE fired.verb = ANY(%s)"
        " AND (fired.data->>'clock_id')::bigint BETWEEN %s AND %s",
        [VERBS, clocks.first, clocks.first + clocks.many - 1],
    ).fetchall()
    return [float(row[0]) for row in rows]


# -- kill -9 -----------------------------------------------------------------------------------


def kills(
    place: Place,
    link: psycopg.Connection[Any],
    report: Report,
    cases: list[tuple[int, int]],
    first: int,
    options: argparse.Namespace,
) -> None:
    """The runner dies at any instant while clocks fall due; the next one goes on."""
    dice = random.Random(options.seed)
    used = min(PER_SECOND * options.seconds, len(cases) * 2 // 3)
    fresh = cases[used:]
    many = min(len(fresh), KILL_PER_SECOND * options.kills * 4)
    clocks = arm(link, first, fresh, _now() + timedelta(seconds=2), many, KILL_PER_SECOND)
    at_work = 0
    for _ in range(options.kills):
        at_work += _one_life(place, link, dice)
    _shift_rest(link, clocks)
    runner = start(place, "run")
    try:
        left = _wait(link, clocks, until=time.monotonic() + PATIENCE, owed=False)
        left += _wait(link, clocks, until=time.monotonic() + PATIENCE, owed=True)
    finally:
        end(runner)
    report.fact("kill -9 of the runner", f"{options.kills}, at work in {at_work} of them")
    report.holds("left undone after all kills", str(left), left == 0, "0")
    _once(link, report, clocks, "fired once each, kills and all")
    _told_once(report, fresh[:many], clocks)


def _one_life(place: Place, link: psycopg.Connection[Any], dice: random.Random) -> bool:
    """Start, wait until it works, kill at random. Whether it did anything before."""
    before = _last_event(link)
    runner = start(place, "run")
    deadline = time.monotonic() + 8
    while _last_event(link) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(dice.uniform(0, 1.0))
    end(runner, signal.SIGKILL)
    return _last_event(link) > before


def _last_event(link: psycopg.Connection[Any]) -> int:
    return _count(link, "SELECT coalesce(max(id), 0) FROM record_event", [])


def _shift_rest(link: psycopg.Connection[Any], clocks: Armed) -> None:
    """What is not due yet when the last kill is done falls due now."""
    link.execute(
        "WITH late AS (SELECT id, due_at - now() AS early FROM cases_clock"
        f" WHERE id >= %s AND id < %s AND due_at > now() AND stage = {BEFORE})"
        " UPDATE cases_clock c SET due_at = c.due_at - early, started_at = c.started_at - early,"
        " target_at = c.target_at - early, hard_at = c.hard_at - early FROM late"
        " WHERE c.id = late.id",
        [clocks.first, clocks.first + clocks.many, clocks.first],
    )


def _told_once(report: Report, cases: list[tuple[int, int]], clocks: Armed) -> None:
    """Each audience of a stage has exactly one event and each of its people one message."""
    lost = double = 0
    found = Clock.objects.filter(pk__gte=clocks.first, pk__lt=clocks.first + clocks.many)
    for clock in found.select_related("case__organisation", "case__in_charge", "request"):
        wanted: list[str] = []
        told: list[str] = []
        for tell in escalation.tells(clock.name, clock.stage):
            people = audience(tell.audience, clock.case, clock.request, Desks(_now()))
            wanted += [tell.audience] * bool(people)
        events = Event.objects.filter(chain=clock.case.chain_id, verb="escalated")
        for event in events.prefetch_related("messages"):
            told.append(str(event.data["audience"]))
            lost += not event.messages.all()
        lost += sum(told.count(name) < wanted.count(name) for name in set(wanted))
        double += sum(told.count(name) > wanted.count(name) for name in set(told))
    report.holds(
        "told once each", f"{len(clocks.ids):,} stages, lost {lost}, double {double}",
        not lost and not double, "lost 0, double 0",
    )  # fmt: skip


# -- the record --------------------------------------------------------------------------------


def whole(report: Report, cases: list[tuple[int, int]]) -> None:
    """Every chain, in one pass."""
    heads = {c.pk: (c.length, bytes(c.head)) for c in Chain.objects.iterator(chunk_size=5000)}
    broken, links = 0, []
    current = None
    for event in Event.objects.order_by("chain", "seq").iterator(chunk_size=5000):
        if event.chain_id != current and current is not None:
            broken += first_break(links, *heads.pop(current)) is not None
            links = []
        current = event.chain_id
        links.append((fields_of(event), bytes(event.hash)))
    if current is not None:
        broken += first_break(links, *heads.pop(current)) is not None
    broken += sum(length > 0 for length, _head in heads.values())
    report.holds("chains that do not hold", f"{broken} of {len(cases):,}", broken == 0, "0")
