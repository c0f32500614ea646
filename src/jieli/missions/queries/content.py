"""What patients need and by when, and the gates of an operation: read once a process."""

from datetime import datetime
from functools import cache
from pathlib import Path

from django.conf import settings

from jieli.cases.models import Case
from jieli.cases.queries import approval
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
    """Named clinicians of the case's alliance have approved this version."""
    return approval.is_approved(content.version, case, now)
