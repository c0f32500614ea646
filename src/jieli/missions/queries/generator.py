"""The draft of a decision sheet: what could be done for one case, ready for the planner."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jieli.cases.models import Case, Opinion
from jieli.missions.queries.facts import read
from jieli.rules.options import generate as options


@dataclass(frozen=True)
class Draft:
    """One instance with its words. `pathway` and `content`: code and version; `approved`: that
    version was approved for the case's alliance, and the approval has not expired."""

    opinion: Opinion | None
    t0: datetime
    pathway: str
    content: str
    approved: bool
    instance: dict[str, Any]
    words: dict[str, dict[str, Any]]
    inputs: list[dict[str, Any]]
    pruned: list[dict[str, Any]]


def generate(case: Case, now: datetime, corrections: Mapping[str, str]) -> Draft | None:
    """None: no pathway of the content fits what was asked, so there is no sheet.

    Raises Refused for a correction that is unknown or malformed.
    """
    found = read(case, now)
    if found is None:
        return None
    made = options(found.facts, corrections, found.farther)
    return Draft(
        opinion=found.opinion,
        t0=found.facts.t0,
        pathway=found.facts.pathway.code,
        content=found.content.version,
        approved=found.approved,
        instance=made.instance,
        words=made.words,
        inputs=made.inputs,
        pruned=made.pruned,
    )
