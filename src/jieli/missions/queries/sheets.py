"""The decision sheet as three parties look at it: one version, in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from jieli.cases.access import Standing
from jieli.cases.models import Case, Decision, Template
from jieli.missions.models import Assent, Choice, Correction, Mission, Sheet
from jieli.missions.queries import saying
from jieli.missions.queries.at_once import AtOnce, at_once
from jieli.rules import sheets as rules
from jieli.rules.planner import Plan, changes, explain, instance, plan
from jieli.rules.planner.planning import Verdict
from jieli.rules.planner.sensitivities import Change

SHOWN_CHANGES = 6
GOOD, POOR = 0.9, 0.5  # where a chance is shown as safe, or as a warning


@dataclass(frozen=True, slots=True)
class Odds:
    """The chance of one window."""

    window: str
    at: datetime
    percent: str
    state: str  # ok, warn, breach


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant on the axis of a quantile picture."""

    x: float  # 0 to 1
    kind: str  # target, hard, now, median
    at: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    dots: Sequence[tuple[float, int]]
    marks: Sequence[Mark]
    left_out: int  # percent that comes after the axis, or never


@dataclass(frozen=True, slots=True)
class OptionLine:
    """One option of the sheet."""

    id: str
    place: int | None
    template: str
    title: str
    subtitle: str
    best: bool
    kept: bool
    odds: Sequence[Odds]
    median: datetime | None
    picture: Picture | None
    reasons: Sequence[tuple[str, str]]
    relaxed: Sequence[str]
    like: Sequence[str]  # equivalent to
    en_route: Sequence[tuple[str, str]]
    people: Sequence[Mapping[str, Any]]
    legs: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SheetPage:
    sheet: Sheet
    newest: bool
    free: Sequence[OptionLine]
    barred: Sequence[OptionLine]
    lost: Sequence[Odds]  # windows that nobody makes
    nothing: bool
    changes: Sequence[str]
    inputs: Sequence[Mapping[str, Any]]
    corrected: Mapping[str, Correction]
    pruned: Sequence[str]
    versions: Sequence[Sheet]
    told: bool
    at_once: AtOnce | None
    decision: Decision | None
    choice: Choice | None
    assents: Sequence[Assent] = field(default_factory=tuple)
    missions: Sequence[Mission] = field(default_factory=tuple)  # planned on this decision
    may_plan: bool = False


@lru_cache(maxsize=64)
def _planned(sheet: int, given: "_Instance") -> tuple[Plan, tuple[Change, ...]]:
    """Computed once a version and process: a version never changes."""
    found = plan(instance(given.value))
    return found, tuple(changes(found))


@dataclass(frozen=True)
class _Instance:
    """The instance beside the key of the version that it belongs to."""

    value: Any = field(compare=False, hash=False)


def sheet_page(case: Case, sheet: Sheet, standing: Standing, now: datetime) -> SheetPage:
    found, turned = _planned(sheet.pk, _Instance(sheet.instance))
    titles = {v.id: saying.short(sheet.words[v.id]) for v in found.verdicts}
    lines = [_line(sheet, found, v, titles, now) for v in found.verdicts]
    order = {option: n for n, option in enumerate(found.ranked)}
    free = sorted((one for one in lines if one.place), key=lambda one: order[one.id])
    lost = rules.missed(
        found.instance.case.windows,
        [dict(v.figures.chances) for v in found.verdicts if v.place],
    )
    versions = list(case.sheets.only("key", "version", "made_at", "trigger", "case_id"))
    choice = (
        Choice.objects.filter(decision__case=case)
        .select_related("decision__author", "decision__signature", "sheet")
        .order_by("-decision__version")
        .first()
    )
    decision = choice.decision if choice else None
    held = Correction.objects.filter(case=case, undone_at=None).select_related("by")
    missions = list(decision.missions.exclude(status="cancelled")) if decision else []
    party = standing.treating or standing.asked or standing.desk
    with_team = decision is not None and decision.chosen in (Template.DISPATCH, Template.RENDEZVOUS)
    return SheetPage(
        sheet=sheet,
        newest=not versions or versions[0].pk == sheet.pk,
        free=free,
        barred=[one for one in lines if not one.place],
        lost=[_odds(sheet, w, 0.0) for w in lost.windows],
        nothing=not free,
        changes=_changes(found, turned, titles),
        inputs=[_input(sheet, one) for one in sheet.inputs],
        corrected={one.name: one for one in held.order_by("at", "pk")},
        pruned=[saying.pruned(one) for one in sheet.words.get("pruned", ())],
        versions=versions,
        told=case.chain.events.filter(verb="delay_told").exists() if lost.windows else False,
        at_once=at_once(case, sheet.pathway),
        decision=decision,
        choice=choice,
        missions=missions,
        may_plan=party and with_team and not missions and case.status == Case.Status.OPEN,
        assents=list(decision.assents.select_related("by")) if decision else [],
    )


def _input(sheet: Sheet, one: Mapping[str, Any]) -> dict[str, Any]:
    more = {
        "label": saying.label(one, sheet.pathway),
        "shown": saying.shown(one),
        "source": saying.source(one),
    }
    return {**one, **more}


def _changes(found: Plan, turned: Sequence[Change], titles: Mapping[str, str]) -> list[str]:
    """What would put another option first, each thing once, lifted filters before numbers."""
    said: dict[str, None] = {}
    for verdict in found.verdicts:
        for one in explain.relaxed(verdict.relaxation):
            said[f"{titles[verdict.id]}: {saying.sentence(one, titles)}"] = None
    for change in turned:
        said[saying.sentence(explain.changed(change), titles)] = None
    return list(said)[:SHOWN_CHANGES]


def _line(
    sheet: Sheet, found: Plan, verdict: Verdict, titles: Mapping[str, str], now: datetime
) -> OptionLine:
    words = sheet.words[verdict.id]
    one = verdict.figures
    middle = _at(sheet, verdict.quantiles[1])
    others = [saying.title(sheet.words[o]) for o in verdict.equivalent_to]
    return OptionLine(
        id=verdict.id,
        place=verdict.place,
        template=str(words["template"]),
        title=saying.title(words),
        subtitle=saying.subtitle(words),
        best=verdict.id == sheet.best,
        kept=verdict.id == sheet.best and bool(found.ranked) and found.ranked[0] != sheet.best,
        odds=[_odds(sheet, window, chance) for window, chance in one.chances],
        median=middle,
        picture=_picture(sheet, verdict, now) if verdict.place else None,
        reasons=saying.reasons(words, one.bars, found.instance.case.stability or ""),
        relaxed=[saying.sentence(s, titles) for s in explain.relaxed(verdict.relaxation)],
        like=others,
        en_route=[
            (saying.named(sheet.pathway, name), saying.percent(p))
            for name, p in one.journey.en_route
        ],
        people=words.get("people", ()),
        legs=[saying.leg(one) for one in words.get("legs", ())],
    )


def _at(sheet: Sheet, minute: float | None) -> datetime | None:
    return None if minute is None else sheet.t0 + timedelta(minutes=minute)


def _odds(sheet: Sheet, window: float, chance: float) -> Odds:
    state = "ok" if chance >= GOOD else "warn" if chance >= POOR else "breach"
    return Odds(
        saying.minutes(window),
        sheet.t0 + timedelta(minutes=window),
        saying.percent(chance),
        state,
    )


def _picture(sheet: Sheet, verdict: Verdict, now: datetime) -> Picture:
    """The chances as dots over the time from minute 0 to a little after the last window."""
    time = verdict.figures.time
    shares = [(k + 0.5) / rules.DOTS for k in range(rules.DOTS)]
    quantiles = [time.quantile(share) for share in shares]
    windows = [w for w, _p in verdict.figures.chances]
    last = max(windows) * 1.08
    dots = rules.dots(quantiles, last)
    marks = [
        Mark(w / last, kind, sheet.t0 + timedelta(minutes=w))
        for w, kind in zip(sorted(windows), ("target", "hard"), strict=False)
    ]
    passed = (now - sheet.t0).total_seconds() / 60
    if 0 <= passed <= last:
        marks.append(Mark(passed / last, "now", now))
    median = verdict.quantiles[1]
    if median is not None and median <= last:
        marks.append(Mark(median / last, "median", sheet.t0 + timedelta(minutes=median)))
    return Picture(dots, marks, round((1 - len(dots) / rules.DOTS) * 100))
