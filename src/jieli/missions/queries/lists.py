"""Missions of all cases that a person may see: under way, planned, with papers owed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jieli.cases.access import visible_cases
from jieli.cases.queries import words_under_way as words
from jieli.cases.queries.lists import heading
from jieli.cases.queries.words import word
from jieli.directory.models import Practitioner
from jieli.missions.models import Mission, Paper
from jieli.missions.queries.way import Way, way, with_legs
from jieli.record import reading
from jieli.rules import missions as rules

SHOWN = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One mission on a list."""

    mission: Mission
    title: str
    kind: str
    status: str
    where: str
    way: Way


def overview(person: Practitioner, now: datetime) -> dict[str, Any]:
    cases = visible_cases(person, now).values("pk")
    rows = with_legs(
        Mission.objects.filter(case__in=cases).select_related(
            "case__patient", "case__organisation", "start", "end"
        )
    )
    away = rows.filter(status__in=("under_way", "on_site", "returning")).order_by("left_at")
    planned = rows.filter(status__in=("planned", "approved")).order_by("planned_at")
    papers = (
        Paper.objects.filter(mission__case__in=cases, done_at=None)
        .exclude(due_at=None)
        .exclude(mission__status=Mission.Status.CANCELLED)
        .select_related("mission", "organisation")
        .order_by("due_at")
    )
    lists = {"away": lines(away[:SHOWN], now), "planned": lines(planned[:SHOWN], now)}
    reading.listed(line.mission.case.key for found in lists.values() for line in found)
    return {**lists, "papers": [(p, word(words.PAPERS, p.kind)) for p in papers[:SHOWN]]}


def lines(missions: Iterable[Mission], now: datetime) -> list[Line]:
    return [line(mission, now) for mission in missions]


def line(mission: Mission, now: datetime) -> Line:
    end = mission.end.name if mission.end else mission.end_outside
    return Line(
        mission=mission,
        title=heading(mission.case),
        kind=word(words.KINDS, mission.kind),
        status=status_word(mission),
        where=f"{mission.start.name} → {end}",
        way=way(mission, now),
    )


def status_word(mission: Mission) -> str:
    """A patient is accepted where a team is approved."""
    own = words.STATUSES if mission.kind == Mission.Kind.DISPATCH else words.PATIENT_STATUSES
    return word({**words.STATUSES, **own}, mission.status)


def is_open(mission: Mission) -> bool:
    return mission.status in rules.OPEN
