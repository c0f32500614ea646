"""What people have corrected on a case's sheet."""

from jieli.cases.models import Case
from jieli.missions.models import Correction


def corrections_of(case: Case) -> dict[str, str]:
    """Name of an input → how it is; the last one said counts."""
    held = Correction.objects.filter(case=case, undone_at=None).order_by("at", "pk")
    return dict(held.values_list("name", "value"))
