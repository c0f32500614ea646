"""Whether clinical content may be acted on for a case: else it is shown as a draft and inert."""

from datetime import datetime

from jieli.cases.models import Case
from jieli.directory.access import today
from jieli.directory.models import Approval


def is_approved(version: str, case: Case, now: datetime) -> bool:
    """Named clinicians of the case's alliance have approved this version, and not too long ago."""
    on = today(now)
    return (
        case.alliance_id is not None
        and Approval.objects.filter(
            alliance_id=case.alliance_id,
            content=version,
            approved_on__lte=on,
            expires_on__gte=on,
        ).exists()
    )
