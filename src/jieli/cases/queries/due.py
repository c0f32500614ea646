"""What time owes: the next instant at which a clock, a ring or an outcome asks for something."""

from datetime import datetime

from django.db.models import Min

from jieli.cases.models import Clock, OutcomeDue, Request


def next_due(before: datetime | None = None) -> datetime | None:
    """The earliest instant at which `actions.run_due` has work, not after `before`."""
    found = (
        Clock.objects.filter(due_at__isnull=False).aggregate(at=Min("due_at"))["at"],
        Request.objects.filter(due_at__isnull=False).aggregate(at=Min("due_at"))["at"],
        OutcomeDue.objects.filter(asked_at=None, answered_at=None).aggregate(at=Min("due_at"))[
            "at"
        ],
    )
    earliest = min((at for at in found if at), default=None)
    if earliest is None or (before is not None and earliest > before):
        return None
    return earliest
