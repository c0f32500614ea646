"""The sentences of an answer. Each is a code with its facts: a screen may say it in Chinese."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce

from jieli.rules.planner.planning import Plan, Relaxation, Verdict
from jieli.rules.planner.ranking import decays, leader, preference
from jieli.rules.planner.sensitivities import Change
from jieli.rules.planner.value import CLOSE, EVENT_LIMIT, HOPE, Figures

FILTERS = {
    "C1": "privilege, technique or agreement is not valid",
    "C2": "the local operator may not be guided, or the link has failed without a safe stop",
    "C3": "anaesthesia, ICU, NICU, blood or equipment is missing",
    "C4": "the patient is too unstable to be moved, or an event on the way is too likely",
    "C5": "no suitable escort or vehicle",
    "C6": "fatigue, or the home list cannot be covered",
    "C7": "consent or law",
    "C8": "it has practically no chance by the last window",
}
PREFERENCES = ("delay", "burden", "learning", "load")

SENTENCES: Mapping[str, str] = {
    "ranked": "Ranked %(place)s of %(count)s: care by %(window)s min with probability %(p)s, "
    "times quality %(quality)s and the journey %(survival)s gives U = %(u)s.",
    "ranked_decay": "Ranked %(place)s of %(count)s: the outcome expected at its time is worth "
    "%(worth)s, times quality %(quality)s and the journey %(survival)s gives U = %(u)s.",
    "own_window": "Its own window of %(window)s min stands for those of the case.",
    "behind": "Its U is %(by)s below that of %(other)s.",
    "before_delay": "Equivalent to %(other)s, and before it because it is expected sooner.",
    "before_burden": "Equivalent to %(other)s, and before it because its burden is smaller "
    "(%(own)s against %(its)s).",
    "before_learning": "Equivalent to %(other)s, and before it because the site learns more "
    "(%(own)s against %(its)s).",
    "before_load": "Equivalent to %(other)s, and before it because it loads the experts less "
    "(%(own)s against %(its)s).",
    "before_value": "Equivalent to %(other)s; nothing but a slightly higher U, or the order given, "
    "puts it first.",
    "barred": "Barred by %(code)s: %(words)s.",
    "barred_s3": "Barred by C4: a patient of stability S3 is moved by a retrieval team only.",
    "barred_event": "Barred by C4: %(event)s on the way has probability %(p)s, more than "
    "%(limit)s.",
    "barred_late": "Barred by C8: care by %(window)s min has probability %(p)s, less than "
    "%(limit)s.",
    "exception": "It is shown and not ranked; a named doctor may still sign it as an exception, "
    "with a reason.",
    "missed": "no option meets %(window)s; best by %(last)s is %(option)s (%(p)s)",
    "missed_by_all": "no option meets %(window)s",
    "passed_over": "%(window)s min does not rank: its leader %(option)s reaches it with %(p)s, "
    "more than 0.1 below the best chance by %(last)s min.",
    "other_windows": "The answer depends on the window: %(answers)s.",
    "depends": "the answer depends on the window: %(answers)s",
    "answer": "by %(window)s it is %(option)s (U %(u)s)",
    "none": "no option is feasible: page the director",
    "nearest": "nearest relaxation: %(option)s %(how)s",
    "assumed": "stability is not given: S0 is assumed for the journeys",
    "would_lead": "%(how)s it would be first (U %(u)s)",
    "would_be_free": "%(how)s it would be feasible (U %(u)s)",
    "without": "without %(code)s (%(words)s)",
    "with_window": "with a window of %(window)s min or more",
    "list": "%(one)s; %(other)s",
    "and": "%(one)s and %(other)s",
    "changed": "%(what)s %(sign)s%(percent)s %% (%(old)s to %(new)s): %(option)s becomes first",
    "changed_none": "%(what)s %(sign)s%(percent)s %% (%(old)s to %(new)s): no option is feasible",
}


@dataclass(frozen=True)
class Sentence:
    code: str
    facts: Mapping[str, str | Sentence] = field(default_factory=dict)

    def __str__(self) -> str:
        return SENTENCES[self.code] % {name: str(fact) for name, fact in self.facts.items()}


def say(code: str, /, **facts: str | Sentence) -> Sentence:
    return Sentence(code, facts)


def share(value: float) -> str:
    return f"{value:.3f}"


def plain(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")


# -- why -------------------------------------------------------------------------------------------


def why(plan: Plan, verdict: Verdict) -> list[Sentence]:
    if verdict.place is None:
        return [*_bars(plan, verdict.figures), say("exception")]
    found = [_ranked(plan, verdict)]
    if verdict.figures.option.windows and verdict.figures.worth is None:
        found.append(say("own_window", window=plain(verdict.figures.option.windows[-1])))
    found += _compared(plan, verdict)
    if verdict.place == 1:
        found += _passed_over(plan)
    if verdict.place == 1 and (answers := _answers(plan)):
        found.append(say("other_windows", answers=answers))
    return found


def _passed_over(plan: Plan) -> Iterator[Sentence]:
    """Windows that somebody meets, before the one that ranks."""
    for window, _ in plan.ranking.firsts:
        if window < (plan.ranking.window or window):
            ahead = leader(plan.ranking.order, window)
            facts = {"option": ahead.option.id, "p": share(ahead.chance(window))}
            last = plan.instance.case.windows[-1]
            yield say("passed_over", window=plain(window), last=plain(last), **facts)


def _ranked(plan: Plan, verdict: Verdict) -> Sentence:
    one = verdict.figures
    facts = {
        "place": str(verdict.place),
        "count": str(len(plan.ranking.order)),
        "quality": share(one.option.quality),
        "survival": share(one.survival),
        "u": share(verdict.value),
    }
    if one.worth is not None:
        return say("ranked_decay", worth=share(one.worth), **facts)
    window = one.option.windows[-1] if one.option.windows else plan.ranking.window
    return say("ranked", window=plain(window or 0.0), p=share(one.chance(window)), **facts)


def _compared(plan: Plan, verdict: Verdict) -> Iterator[Sentence]:
    """With the next one if that is equivalent; and with the first if that is better."""
    order, place = plan.ranking.order, verdict.place or 0
    ahead = plan[order[0].option.id]
    if verdict.id not in (ahead.id, *ahead.equivalent_to):
        yield say("behind", by=share(ahead.value - verdict.value), other=ahead.id)
    following = order[place] if place < len(order) else None
    if following is not None and following.option.id in verdict.equivalent_to:
        yield _preferred(plan, verdict.figures, following)


def _preferred(plan: Plan, one: Figures, other: Figures) -> Sentence:
    delay = decays(plan.ranking.order, plan.instance.case)
    own, its = preference(one, delay), preference(other, delay)
    for name, mine, yours in zip(PREFERENCES, own, its, strict=True):
        if mine < yours:
            facts = {"own": plain(abs(mine)), "its": plain(abs(yours))}
            return say(f"before_{name}", other=other.option.id, **facts)
        if mine > yours:
            break  # equivalence does not carry over: it stands here for the sake of another
    return say("before_value", other=other.option.id)


def _bars(plan: Plan, one: Figures) -> Iterator[Sentence]:
    case = plan.instance.case
    for code in one.bars:
        if code in one.option.barred:
            yield say("barred", code=code, words=FILTERS[code])
        elif code == "C8":
            last = (one.option.windows or case.windows)[-1]
            chance = dict(one.chances)[last]
            yield say("barred_late", window=plain(last), p=share(chance), limit=plain(HOPE))
    if "C4" in one.bars and case.stability == "S3" and _moves_alone(one):
        yield say("barred_s3")
    for name, chance in one.journey.en_route:
        if chance > EVENT_LIMIT + CLOSE:
            yield say("barred_event", event=name, p=share(chance), limit=plain(EVENT_LIMIT))


def _moves_alone(one: Figures) -> bool:
    return one.option.patient_moves and not one.option.retrieval


# -- announce --------------------------------------------------------------------------------------


def announce(plan: Plan) -> list[Sentence]:
    found = list(_missed(plan))
    if answers := _answers(plan):
        found.append(say("depends", answers=answers))
    if not plan.ranking.order:
        found.append(say("none"))
        found += [say("nearest", option=r.option, how=how(r)) for r in _nearest(plan)]
    case = plan.instance.case
    if case.stability is None and any(o.transit or o.patient_moves for o in plan.instance.options):
        found.append(say("assumed"))
    return found


def _nearest(plan: Plan) -> list[Relaxation]:
    """All that need as little as the first one."""
    first, *others = plan.relaxations or [None]
    if first is None:
        return []
    like = (first.steps, first.window is None)
    return [first, *(r for r in others if r and (r.steps, r.window is None) == like)]


def _missed(plan: Plan) -> Iterator[Sentence]:
    windows, free = plan.instance.case.windows, plan.ranking.order
    met = [window for window, _ in plan.ranking.firsts]
    for window in (w for w in windows if w not in met):
        if not met:
            yield say("missed_by_all", window=plain(window))
            continue
        last = windows[-1] if windows[-1] in met else met[-1]
        best = max(free, key=lambda f: f.chance(last))
        facts = {"option": best.option.id, "p": share(best.chance(last))}
        yield say("missed", window=plain(window), last=plain(last), **facts)


def _answers(plan: Plan) -> Sentence | None:
    """Who is first by each window, when that is not the same option."""
    firsts = plan.ranking.firsts
    if len({f.option.id for _, f in firsts}) < 2:
        return None
    told = [
        say("answer", window=plain(w), option=f.option.id, u=share(f.value(w))) for w, f in firsts
    ]
    return reduce(lambda one, other: say("list", one=one, other=other), told)


def how(relaxation: Relaxation) -> Sentence:
    parts = [say("without", code=code, words=FILTERS[code]) for code in relaxation.lifted]
    if relaxation.window is not None:
        parts.append(say("with_window", window=plain(math.ceil(relaxation.window))))
    return reduce(lambda one, other: say("and", one=one, other=other), parts)


def relaxed(relaxation: Relaxation | None) -> list[Sentence]:
    """One filter alone: more than one is no single change."""
    if relaxation is None or relaxation.steps > 1:
        return []
    code = "would_lead" if relaxation.leads else "would_be_free"
    return [say(code, how=how(relaxation), u=share(relaxation.value))]


def changed(change: Change) -> Sentence:
    facts = {
        "what": change.what,
        "sign": "+" if change.share > 0 else "−",
        "percent": plain(abs(change.share) * 100),
        "old": plain(change.old),
        "new": plain(change.new),
    }
    if change.first is None:
        return say("changed_none", **facts)
    return say("changed", option=change.first, **facts)
