"""Who holds a lock may not sleep; who only takes in a file may."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from jieli.record.actions import acting, unhurried

pytestmark = pytest.mark.django_db(transaction=True)


def limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        return str(cursor.fetchone()[0])


def test_a_file_may_take_its_time_until_something_is_locked() -> None:
    usual = limit()
    with transaction.atomic():
        unhurried()
        assert limit() == "30min"
        with acting():
            assert limit() == usual
    assert limit() == usual


def test_outside_a_transaction_there_is_nothing_to_wait_for() -> None:
    usual = limit()
    unhurried()
    assert limit() == usual
