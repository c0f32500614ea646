"""`plan(instance)`: figures, order and reasons of every option, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from jieli.rules.planner.expressions import Memory
from jieli.rules.planner.instances import Instance
from jieli.rules.planner.ranking import Ranking, equivalent, first, rank
from jieli.rules.planner.reading import BadInstance
from jieli.rules.planner.value import HOPE, Figures, figures

BEYOND_LIFTING = "C8"  # no permission makes an option faster


@dataclass(frozen=True)
class Relaxation:
    """What would free a barred option: filters lifted, or a later window."""

    option: str
    lifted: tuple[str, ...]
    window: float | None  # for C8: the first minute by which it has a chance
    value: float
    leads: bool  # it would be first

    @property
    def steps(self) -> int:
        return len(self.lifted) + (self.window is not None)


@dataclass(frozen=True)
class Verdict:
    figures: Figures
    place: int | None  # 1 is first; None is barred
    value: float
    quantiles: tuple[float | None, float | None, float | None]
    equivalent_to: tuple[str, ...]
    relaxation: Relaxation | None  # of a barred option

    @property
    def id(self) -> str:
        return self.figures.option.id


@dataclass(frozen=True)
class Plan:
    instance: Instance
    ranking: Ranking
    verdicts: tuple[Verdict, ...]  # in the order of the instance
    relaxations: tuple[Relaxation, ...]  # nearest first
    memory: Memory = field(repr=False, compare=False)

    @property
    def ranked(self) -> tuple[str, ...]:
        return tuple(f.option.id for f in self.ranking.order)

    def __getitem__(self, option: str) -> Verdict:
        return next(v for v in self.verdicts if v.id == option)


def plan(instance: Instance, memory: Memory | None = None) -> Plan:
    """Pass the memory of an earlier plan to plan anew after an event: only what changed is new."""
    memory = {} if memory is None else memory
    case = instance.case
    every = _figures(instance, memory)
    ranking = rank(every, case)
    places = {f.option.id: n for n, f in enumerate(ranking.order, 1)}
    relaxations = {
        f.option.id: found
        for f in every
        if f.bars and (found := _relaxed(f, every, instance, ranking))
    }
    verdicts = tuple(
        Verdict(
            f,
            places.get(f.option.id),
            f.value(ranking.window),
            _quantiles(f),
            _equivalent_to(f, ranking),
            relaxations.get(f.option.id),
        )
        for f in every
    )
    nearest = sorted(relaxations.values(), key=_distance)
    return Plan(instance, ranking, verdicts, tuple(nearest), memory)


def _figures(instance: Instance, memory: Memory) -> list[Figures]:
    every = []
    for n, option in enumerate(instance.options):
        try:
            every.append(figures(option, instance.case, memory))
        except BadInstance as fault:
            raise BadInstance("", f"options[{n}].{fault}") from None
    return every


def _quantiles(figures: Figures) -> tuple[float | None, float | None, float | None]:
    low, middle, high = (figures.time.quantile(share) for share in (0.1, 0.5, 0.9))
    return low, middle, high


def _distance(relaxation: Relaxation) -> tuple[bool, int, float]:
    """People may lift filters; a window that nature sets comes after all of these."""
    late = relaxation.window is not None
    return (late, relaxation.steps, -round(relaxation.value, 9))


def _equivalent_to(figures: Figures, ranking: Ranking) -> tuple[str, ...]:
    if figures.bars:
        return ()
    own = figures.value(ranking.window)
    others = (f for f in ranking.order if f is not figures)
    return tuple(f.option.id for f in others if equivalent(own, f.value(ranking.window)))


def _relaxed(
    figures: Figures, every: Sequence[Figures], instance: Instance, ranking: Ranking
) -> Relaxation | None:
    """None when it never comes at all: no permission and no window makes it."""
    late = BEYOND_LIFTING in figures.bars
    window = figures.time.quantile(HOPE) if late else None
    if late and window is None:
        return None
    lifted = tuple(code for code in figures.bars if code != BEYOND_LIFTING)
    freed = replace(figures, bars=())
    leads = not late and first([freed if f is figures else f for f in every], instance.case)
    return Relaxation(
        figures.option.id, lifted, window, freed.value(ranking.window), leads is freed
    )
