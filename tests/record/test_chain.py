"""The chain of a case: append-only in the database, and a change by hand is named."""

import contextlib
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.db.utils import IntegrityError

from jieli.cases import actions
from jieli.record.actions import acting, lock, record
from jieli.record.models import Chain, Event
from jieli.record.queries import broken_at
from tests.cases.world import T0, World, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


@pytest.fixture
def chain():
    request = World().raised("U1")
    return Chain.objects.get(pk=request.case.chain_id)


def write(chain, verb, **more):
    """One event, as an action writes it; `chain` follows."""
    with acting():
        event = record(lock(chain.pk), verb, by=None, **more)
    chain.refresh_from_db()
    return event


def tamper(sql: str, *values: object) -> None:
    """An insider with the rights of the database's owner, who switches triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_the_database_refuses_to_change_or_delete_an_event(chain):
    event = chain.events.first()
    for write in (
        lambda: Event.objects.filter(pk=event.pk).update(verb="nothing"),
        lambda: Event.objects.filter(pk=event.pk).delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


def test_a_whole_chain_holds(chain):
    assert broken_at(chain) is None


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE record_event SET data = '{\"urgency\": \"U4\"}' WHERE id = %s", "changed"),
        ("UPDATE record_event SET occurred_at = occurred_at - interval '1 minute' WHERE id = %s",
         "changed"),
        ("UPDATE record_event SET actor_id = NULL WHERE id = %s", "changed"),
        ("DELETE FROM record_event WHERE id = %s", "missing"),
    ],
)  # fmt: skip
def test_a_change_by_sql_is_named_where_it_is(chain, sql, why):
    second = chain.events.get(seq=2)
    tamper(sql, second.pk)
    found = broken_at(chain)
    assert found is not None
    assert found.seq == 2
    assert why in found.why


def test_cutting_off_the_end_is_found(chain):
    last = write(chain, "note_written", now=T0)
    tamper("DELETE FROM record_event WHERE id = %s", last.pk)
    found = broken_at(chain)
    assert (found.seq, found.why) == (last.seq, "events are missing at the end")


def test_verify_names_the_case_and_exits_1(chain, capsys):
    tamper("UPDATE record_event SET verb = 'other' WHERE id = %s", chain.events.get(seq=2).pk)
    with pytest.raises(SystemExit) as stop:
        call_command("verify")
    assert stop.value.code == 1
    assert f"{chain.case.number}: event 2: the event was changed" in capsys.readouterr().out


def test_verify_is_content_with_whole_chains(chain, capsys):
    call_command("verify")
    assert "1 chains checked, 0 broken." in capsys.readouterr().out


def test_only_plain_facts_can_be_recorded(chain):
    with pytest.raises(TypeError):
        write(chain, "x", now=T0, data={"share": 0.5})


def test_an_event_needs_an_action_and_its_lock(chain):
    with pytest.raises(RuntimeError, match="needs an action"):
        record(chain, "note_written", by=None, now=T0)
    with pytest.raises(RuntimeError, match="not locked"), acting():
        record(chain, "note_written", by=None, now=T0)
    assert broken_at(chain) is None


def test_what_fails_inside_an_action_takes_all_of_it_along(chain):
    with pytest.raises(TransactionManagementError), acting():
        record(lock(chain.pk), "note_written", by=None, now=T0)
        with contextlib.suppress(ValueError), acting():
            record(lock(chain.pk), "note_written", by=None, now=T0)
            raise ValueError
    chain.refresh_from_db()
    assert not chain.events.filter(verb="note_written").exists()
    assert broken_at(chain) is None


def test_instants_survive_the_database_to_the_microsecond(chain):
    at = T0 + timedelta(microseconds=123_457)
    write(chain, "note_written", now=at)
    assert broken_at(chain) is None


def test_a_late_entry_keeps_both_times(chain):
    request = chain.case.requests.get()
    expert = request.candidates.first().practitioner
    actions.accept(request, by=expert, occurred_at=minutes(3), late_reason="断网", now=minutes(20))
    event = chain.events.get(verb="request_accepted")
    assert (event.occurred_at, event.recorded_at) == (minutes(3), minutes(20))
