"""指导记录: the timed log. One tap is one entry; an entry is struck out, never edited."""

from datetime import datetime
from uuid import UUID

from jieli.cases.actions.spine import need_late_reason, when
from jieli.directory.models import Practitioner
from jieli.guidance.actions.sessions import lock_session, note
from jieli.guidance.models import GuidanceEntry, GuidanceSession
from jieli.record.actions import action
from jieli.rules import guidance as rules
from jieli.rules.refusal import Refused

SHORTEST_WHY = 2


@action
def write_entry(
    session: GuidanceSession,
    kind: str,
    *,
    client_key: UUID,
    by: Practitioner,
    now: datetime,
    text: str = "",
    amount: int | None = None,
    occurred_at: datetime | None = None,
    late_reason: str = "",
) -> GuidanceEntry:
    """The same tap sent twice, under the key of the device, is one entry."""
    session = lock_session(session.pk)
    text = text.strip()[:300]
    if held := session.entries.filter(client_key=client_key).first():
        if (held.kind, held.text, held.amount) != (kind, text, amount):
            raise Refused("Something else was sent under this key already.")
        return held
    if session.started_at is None:
        raise Refused("This guidance has not started.")
    rules.check_entry(kind, text, amount)
    at = when(occurred_at, now)
    need_late_reason(at, now, late_reason)
    row = GuidanceEntry.objects.create(
        session=session,
        number=session.entries.count() + 1,
        kind=kind,
        text=text,
        amount=amount,
        client_key=client_key,
        occurred_at=at,
        recorded_at=now,
        late_reason=late_reason.strip()[:200],
        by=by,
    )
    note(
        session, "guidance_entry", by, now, occurred_at=at,
        number=row.number, guided=kind, lead=text if kind == "lead" else "",
        text="" if kind == "lead" else text, amount=amount, reason=row.late_reason,
    )  # fmt: skip
    return row


@action
def strike_entry(
    session: GuidanceSession, number: int, *, why: str, by: Practitioner, now: datetime
) -> GuidanceEntry:
    """Entered in error: it stays, struck out."""
    session = lock_session(session.pk)
    row = session.entries.get(number=number)
    if row.wrong_at:
        raise Refused("This has been marked as entered in error already.")
    if len(why.strip()) < SHORTEST_WHY:
        raise Refused("Say in a few words what is wrong.")
    row.wrong_at, row.wrong_by, row.wrong_why = now, by, why.strip()[:200]
    row.save(update_fields=["wrong_at", "wrong_by", "wrong_why"])
    note(
        session, "guidance_entry_struck", by, now, number=number, guided=row.kind, why=row.wrong_why
    )
    return row
