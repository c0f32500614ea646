"""From the facts of one case to the options that the planner compares. Pure.

`generate(facts, corrections)` gives the planner's instance, the words for people, the inputs and
what was pruned. Minutes count from t0; nothing starts before now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jieli.rules.options.corrected import corrected
from jieli.rules.options.facts import Facts, Said
from jieli.rules.options.inputs import Inputs
from jieli.rules.options.judging import ALONE, local_day
from jieli.rules.options.made import Made, entry, unlike, words
from jieli.rules.options.moving import (
    destinations,
    note_stocks,
    rendezvous,
    staged,
    transfer,
)
from jieli.rules.options.staying import TEAM_SITES, dispatch, live, local
from jieli.rules.options.ways import Ways
from jieli.rules.pathways import LIST

MOST_OPTIONS = 30


@dataclass(frozen=True)
class Options:
    instance: dict[str, Any]
    words: dict[str, dict[str, Any]]
    inputs: list[dict[str, Any]]
    pruned: list[dict[str, Any]]


def generate(
    facts: Facts, corrections: Mapping[str, str] | None = None, left_out: int = 0
) -> Options:
    """Raises Refused for a correction that cannot be read. `left_out`: able hospitals that were
    too far away to be among the facts."""
    facts = corrected(facts, corrections or {})
    inputs = Inputs(facts)
    _note_case(facts, inputs)
    ways = Ways(facts, inputs)
    chosen, farther = destinations(facts, ways)
    made = [local(facts, ways), *live(facts, ways), *dispatch(facts, ways)]
    made += [*transfer(facts, ways, chosen), *rendezvous(facts, ways)]
    made += staged(facts, made)
    note_stocks(ways, facts.here)
    kept = unlike(made)[:MOST_OPTIONS]
    return Options(
        {"case": _case(facts), "options": [entry(each) for each in kept]},
        {each.id: words(each, facts) for each in kept},
        inputs.listed(),
        _pruned(facts, made, kept, farther + left_out),
    )


def _case(facts: Facts) -> dict[str, Any]:
    case: dict[str, Any] = {
        "windows": sorted(set(facts.pathway.windows(facts.signs))),
        "release": float(facts.corrections.get("release", 0)),
        "events": [
            _event(facts, event.code, event.median, event.sigma) for event in facts.pathway.events
        ],
    }
    if facts.stability:
        case["stability"] = facts.stability
    return case


def _event(facts: Facts, code: str, median: float, sigma: float) -> dict[str, Any]:
    """As the content says from t0, or as somebody fits it now, from now on."""
    said = facts.corrections.get(f"now-fit-event:{code}")
    spread = [float(said), sigma, facts.elapsed] if said else [median, sigma]
    return {"name": code, "time": {"lognormal": spread}}


def _note_case(facts: Facts, inputs: Inputs) -> None:
    pathway = facts.pathway
    inputs.note("stability", "stability", facts.stability or "unknown", "", facts.stability_said)
    target, hard = pathway.windows(facts.signs)
    said = Said(pathway.source)
    inputs.note("window:target", pathway.code, target, "min", said, correctable=False)
    inputs.note("window:hard", pathway.code, hard, "min", said, correctable=False)
    if pathway.theatre == LIST or "release" in facts.corrections:
        inputs.note("release", "release", float(facts.corrections.get("release", 0)), "min")
    for sign in pathway.signs:
        value = "yes" if sign.code in facts.signs else "no"
        inputs.note(f"sign:{sign.code}", sign.code, value, "", Said(sign.source))
    for event in pathway.events:
        value = facts.corrections.get(f"now-fit-event:{event.code}", f"{event.median:g}")
        inputs.note(f"now-fit-event:{event.code}", event.code, value, "min", Said(event.source))


def _pruned(
    facts: Facts, made: Sequence[Made], kept: Sequence[Made], farther: int
) -> list[dict[str, Any]]:
    """What was not computed, and why: keys of sentences with their facts."""
    found: list[dict[str, Any]] = []
    if farther > 0:
        found.append({"say": "farther_destinations", "facts": {"count": farther}})
    senders = {h.site for h in facts.people if h.site != facts.site}
    if len(senders) > TEAM_SITES:
        found.append({"say": "farther_teams", "facts": {"count": len(senders) - TEAM_SITES}})
    if not any(o.template == "DISPATCH" for o in made):
        day = local_day(facts, facts.elapsed)
        operation = facts.pathway.operator
        able = any(h.best(operation, day) >= ALONE and h.site != facts.site for h in facts.people)
        found.append({"say": "no_way", "facts": {}} if able else {"say": "no_team", "facts": {}})
    if not any(o.template == "LIVE" for o in made):
        found.append({"say": "no_expert", "facts": {}})
    if not any(o.template == "TRANSFER" for o in made):
        found.append({"say": "no_destination", "facts": {}})
    if len(made) > len(kept):
        found.append({"say": "too_many", "facts": {"count": len(made) - len(kept)}})
    return found
