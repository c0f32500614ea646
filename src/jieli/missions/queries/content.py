"""What patients need and by when, and the gates of an operation: read once a process."""

from datetime import datetime
from functools import cache
from pathlib import Path

from django.conf import settings

from jieli.cases.models import Case
from jieli.directory.access import today
from jieli.directory.models import Approval
from jieli.rules import checklists
from jieli.rules.checklists import Checklist
from jieli.rules.pathways import Content, read


@cache
def pathways() -> Content:
    """Raises BadContent with one sentence when the file cannot be read."""
    return read(_text("pathways.yaml"))


@cache
def checklist() -> Checklist:
    """The three gates: content/checklists.yaml. Raises BadContent as above."""
    return checklists.read(_text("checklists.yaml"))


def _text(name: str) -> str:
    beside = Path(settings.CHECKOUT) / "content" / name
    installed = Path(__file__).parents[1] / "content" / name
    return (beside if beside.exists() else installed).read_text(encoding="utf-8")


def is_approved(content: Content | Checklist, case: Case, now: datetime) -> bool:
    """Named clinicians of the case's alliance have approved this version, and not too long ago."""
    on = today(now)
    return (
        case.alliance_id is not None
        and Approval.objects.filter(
            alliance_id=case.alliance_id,
            content=content.version,
            approved_on__lte=on,
            expires_on__gte=on,
        ).exists()
    )
