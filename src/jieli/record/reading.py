"""One transaction of one person: what the database shows them, and what they read in it.

Behind the application's own check stands row-level security (row_security.sql in `cases`): a
transaction that nobody has entered sees no row of a patient. Reading a patient is itself a fact:
it is written before the answer leaves, without a lock.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from jieli.directory.access import DESK_KINDS, TREATING_KINDS, today
from jieli.directory.models import Account, Practitioner
from jieli.record.models import Reading

WEB_ROLE = "jieli_web"
NOBODY = " jieli_enter(NULL, NULL, NULL, NULL, '{}', '{}')"


@dataclass
class Visit:
    """What one request reads of patients."""

    person: Practitioner | None
    now: datetime
    opened: dict[UUID, None] = field(default_factory=dict)
    listed: dict[UUID, None] = field(default_factory=dict)

    def write(self, what: str) -> None:
        """One row for each case opened, once a minute; one row for all cases of a list."""
        if self.person is None or not (self.opened or self.listed):
            return
        minute = self.now.replace(second=0, microsecond=0)
        by = {"practitioner": self.person, "at": self.now, "minute": minute, "what": what[:60]}
        rows = [Reading(case_key=key, **by) for key in self.opened]
        if self.listed:
            rows.append(Reading(listed=list(self.listed), **by))
        Reading.objects.bulk_create(rows, ignore_conflicts=True)


_VISIT: ContextVar[Visit | None] = ContextVar("visit", default=None)


@contextmanager
def entered(account: Account | None, person: Practitioner | None, now: datetime) -> Iterator[Visit]:
    """Everything inside is one transaction with the rights of the web role and of this person."""
    visit = Visit(person, now)
    token = _VISIT.set(visit)
    inside = connection.in_atomic_block  # of a test, or of a command that plays several people
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('role', %s, true), jieli_enter(%s, %s, %s, %s, %s, %s)",
                    [
                        WEB_ROLE,
                        account.pk if account else None,
                        person.pk if person else None,
                        now,
                        today(now),
                        sorted(TREATING_KINDS),
                        sorted(DESK_KINDS),
                    ],
                )
            yield visit
            if inside and not connection.needs_rollback:  # else the transaction's end forgets it
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('role', 'none', true)," + NOBODY)
    finally:
        _VISIT.reset(token)


@contextmanager
def unentered() -> Iterator[None]:
    """The web role without a person, each statement for itself: nothing of a patient is there.

    For signing in: a wrong password is counted before the next one is looked at, not after.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {WEB_ROLE}")
    try:
        yield
    finally:
        _leave_role()


def _leave_role() -> None:
    if connection.connection is None or (connection.in_atomic_block and connection.needs_rollback):
        return  # closed meanwhile; or of a test, whose end forgets it
    try:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
    except DatabaseError:
        connection.close()  # never back to the pool as somebody else


def opened(case_key: UUID) -> None:
    """Somebody reads this case now. Outside a request (a runner, a command) nobody reads."""
    if visit := _VISIT.get():
        visit.opened[case_key] = None


def listed(case_keys: Iterable[UUID]) -> None:
    """Somebody reads a list on which these cases stand."""
    if visit := _VISIT.get():
        visit.listed.update(dict.fromkeys(case_keys))
