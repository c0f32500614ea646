"""Sessions of a case."""

from jieli.cases.models import Case
from jieli.guidance.models import GuidanceSession
from jieli.rules import guidance as rules


def sessions_of(case: Case) -> list[GuidanceSession]:
    """The last one first."""
    rows = case.guidance.select_related("operator", "guide", "organisation")
    return list(rows.order_by("-number"))


def is_guided(case: Case) -> bool:
    """Whether an operation of this case is going to be guided from afar, or is just now."""
    return case.guidance.exclude(status__in=rules.OVER).exists()


def going_in(case: Case) -> GuidanceSession | None:
    """The session that is held, or prepared, in the room of this case."""
    return case.guidance.exclude(status__in=rules.OVER).order_by("-number").first()
