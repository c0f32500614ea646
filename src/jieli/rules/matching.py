"""Who is asked: hard filters first, then weights. Never a league table of outcomes.

Source of the weights: planner.md §4, proposal [P], shown as default until approved.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

WEIGHTS = {"speed": 40, "experience": 25, "continuity": 15, "language": 10, "fairness": 10}
PRIOR_N = 5  # answers: how much the general expectation counts against a person's own history
PRIOR_SECONDS = 60.0
SLOW_SECONDS = 180.0  # this slow or slower scores nothing
EXPERIENCED = 20  # cases in the technique or specialty that count as full experience
BUSY_RINGS = 20  # rings in 28 days that count as full load
YEARS_OF_PRACTICE = 3  # independent practice that a remote consult asks of an expert

BARS = {
    "own_case": "raised this case",
    "operating": "operating",
    "abroad": "abroad",
    "resting": "resting after a night",
    "agreement_expired": "the agreement has expired",
    "agreement_mode": "the agreement does not allow this",
    "privilege": "no valid privilege for the technique",
    "practice": "fewer than 3 years of practice",
    "licence": "the department is not licensed for the specialty",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one person on duty, at the moment of the request."""

    person: int
    line: str
    zone: str = "Asia/Shanghai"
    own_case: bool = False
    presence: str = "free"
    agreement: str = "valid"  # valid, expired, mode
    has_privilege: bool = True
    licensed: bool = True
    practising_since: date | None = None
    answers: int = 0
    answer_seconds: float = 0.0
    cases_like_this: int = 0
    knows_patient_or_site: bool = False
    speaks_language: bool = False
    rings_28_days: int = 0
    last_rung: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    person: int
    line: str
    zone: str
    score: float
    barred: str  # reason code, "" when free to be asked


def rank(people: Iterable[Facts], on: date) -> list[Ranked]:
    """Experts by score, then the lines behind them; the barred stand last with their reason."""
    judged = [(f, bar(f, on)) for f in people]
    judged.sort(
        key=lambda pair: (bool(pair[1]), _line_order(pair[0]), -score(pair[0]), *_tie(pair[0]))
    )
    return [Ranked(f.person, f.line, f.zone, round(score(f), 2), why) for f, why in judged]


def bar(facts: Facts, on: date) -> str:
    """The first hard filter that keeps a person from being asked, or ""."""
    if facts.own_case:
        return "own_case"
    if facts.agreement != "valid":
        return "agreement_expired" if facts.agreement == "expired" else "agreement_mode"
    if facts.presence in ("operating", "abroad", "resting"):
        return facts.presence
    if facts.line != "expert":
        return ""  # a duty officer or director finds somebody; they need no technique
    if not facts.licensed:
        return "licence"
    if not facts.has_privilege:
        return "privilege"
    if facts.practising_since and _years(facts.practising_since, on) < YEARS_OF_PRACTICE:
        return "practice"
    return ""


def score(facts: Facts) -> float:
    """0 to 100. Speed is the person's own history, shrunk toward the general expectation."""
    expected = (PRIOR_N * PRIOR_SECONDS + facts.answer_seconds) / (PRIOR_N + facts.answers)
    parts = {
        "speed": max(0.0, 1 - expected / SLOW_SECONDS),
        "experience": min(1.0, facts.cases_like_this / EXPERIENCED),
        "continuity": float(facts.knows_patient_or_site),
        "language": float(facts.speaks_language),
        "fairness": max(0.0, 1 - facts.rings_28_days / BUSY_RINGS),
    }
    return sum(WEIGHTS[name] * part for name, part in parts.items())


def _line_order(facts: Facts) -> int:
    return ("expert", "officer", "second", "director").index(facts.line)


def _tie(facts: Facts) -> tuple[float, int]:
    """The least recently called first; then the number, so that the order is always the same."""
    return (facts.last_rung.timestamp() if facts.last_rung else 0.0, facts.person)


def _years(since: date, on: date) -> int:
    return on.year - since.year - ((on.month, on.day) < (since.month, since.day))
