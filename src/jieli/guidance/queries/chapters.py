"""What of a session one may want to see again when the recording is played."""

from collections.abc import Iterator

from jieli.cases.models import Case
from jieli.cases.queries.recordings import Chapter
from jieli.cases.queries.words import word
from jieli.cases.queries.words_guidance import ENTRIES, LEADS
from jieli.guidance.models import GuidanceEntry

ICONS = {"advice": "msg", "step": "check", "finding": "eye", "blood_loss": "drop", "lead": "swap"}


def chapters_of(case: Case) -> Iterator[Chapter]:
    rows = GuidanceEntry.objects.filter(session__case=case, wrong_at=None).select_related("by")
    for row in rows.order_by("occurred_at", "pk"):
        amount = f" {row.amount} ml" if row.amount is not None else ""
        said = word(LEADS, row.text) if row.kind == "lead" else row.text
        words = f"{word(ENTRIES, row.kind)}{amount} {said}".strip()
        yield Chapter(row.occurred_at, words, ICONS.get(row.kind, "mark"), row.by.name)
