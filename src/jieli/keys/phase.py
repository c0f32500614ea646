"""Whether this database seals its numbers yet.

A new one does from the start. One that an older version has filled does from `jieli seal` on: until
then older processes may run beside us, and they read plain text. The answer is a function of the
database, which only the owner of the tables can change.
"""

import time

from django.db import connection

ASK_AGAIN = 2.0  # seconds
FUNCTION = "jieli_numbers_are_sealed"
SAY = (
    f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS boolean LANGUAGE sql IMMUTABLE AS "
    "'SELECT {answer}'"
)
_yes: set[object] = set()  # there is no way back: asked once
_no: dict[object, float] = {}


def sealing() -> bool:
    database = connection.settings_dict["NAME"]
    if database in _yes:
        return True
    if time.monotonic() - _no.get(database, -ASK_AGAIN) < ASK_AGAIN:
        return False
    with connection.cursor() as cursor:
        # Not called: where it is missing, that would end the transaction.
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [FUNCTION])
        row = cursor.fetchone()
    if row is not None and row[0] == "SELECT true":
        _yes.add(database)
        return True
    _no[database] = time.monotonic()
    return False


def begin() -> None:
    """From now on numbers are sealed. Only the owner of the tables may."""
    with connection.cursor() as cursor:
        cursor.execute(SAY.format(answer="true"))


def forget() -> None:
    """As after a start."""
    _yes.clear()
    _no.clear()
