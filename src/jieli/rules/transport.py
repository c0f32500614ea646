"""How a patient is moved: the escort and the things by stability. Draft content, not approved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from jieli.rules.refusal import Refused

SOURCE = "Jieli clinical content, transport, draft [P]; neonatal and critical transport guideline"
VERSION = "transport-1"
FRESH = timedelta(minutes=30)  # a grade older than this is asked for again before leaving
GRADES = ("S0", "S1", "S2", "S3")
ESCORTS = ("nurse", "doctor", "critical_care_team", "retrieval_team")
_BASIC = ("monitor", "oxygen", "suction", "records")
_VENTILATED = ("bag_mask", "airway_set", "ventilator", "infusion_pumps", "emergency_drugs")


@dataclass(frozen=True, slots=True)
class Grade:
    """Who goes along, and what must be in the vehicle, for one stability class."""

    escort: str
    kit: tuple[str, ...]
    moves: bool = True  # False: only a retrieval team that the pathway allows may move it


TABLE: Mapping[str, Grade] = {
    "S0": Grade("nurse", _BASIC),
    "S1": Grade("doctor", (*_BASIC, "bag_mask", "emergency_drugs")),
    "S2": Grade("critical_care_team", (*_BASIC, *_VENTILATED)),
    "S3": Grade("retrieval_team", (*_BASIC, *_VENTILATED, "blood", "second_oxygen"), moves=False),
}
NEWBORN = ("incubator",)


def grade(stability: str, *, newborn: bool = False) -> Grade:
    """The escort and the checklist for a class."""
    if stability not in TABLE:
        raise Refused("Grade the patient first: S0 to S3.")
    found = TABLE[stability]
    return Grade(found.escort, (*found.kit, *NEWBORN), found.moves) if newborn else found


def suffices(escort: str, stability: str) -> bool:
    """Whether this escort is at least the one that the class asks for."""
    return ESCORTS.index(escort) >= ESCORTS.index(TABLE[stability].escort)


def check_before_leaving(
    stability: str, scored_at: datetime | None, escort: str, now: datetime
) -> None:
    """Refuse to leave on an old grade, or with less escort than the grade asks for."""
    if scored_at is None or now - scored_at > FRESH:
        raise Refused("Grade the patient again before leaving: the last grade is over 30 min old.")
    if not suffices(escort, stability):
        raise Refused("The escort is not enough for %(grade)s.", grade=stability)
