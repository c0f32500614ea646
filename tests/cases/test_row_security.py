"""Behind every view's own check the database shows a person only the cases that are theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction

from jieli.cases import actions
from jieli.cases.actions import Advice, Choice
from jieli.cases.models import (
    Case,
    Disposal,
    Hold,
    Opinion,
    Outcome,
    PatientCopy,
    Request,
)
from jieli.cases.queries.lists import numbers_of
from jieli.chart.models import Patient
from jieli.directory.models import Grant, Practitioner
from jieli.record.models import Event
from jieli.record.reading import entered
from jieli.record.roots import make_root
from tests.cases.world import PASSWORD, World, minutes
from tests.guard.test_row_security import bearing

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]
OFFICE = {"cases_hold", "cases_disposal", "cases_patientcopy"}
ELSEWHERE = {
    "chart_procedure",
    "chart_checklist",
}  # and what missions write: tests/missions/test_row_security.py
MODELS = [
    m
    for m in apps.get_models()
    if m._meta.db_table in bearing()
    and m._meta.app_label not in ("missions", "guidance", "lectures", "rooms")
    and m._meta.db_table not in ELSEWHERE
]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def case(world, settings, tmp_path) -> Case:
    """A case with a row in every table that a whole story writes."""
    request = world.raised("U1")
    case = request.case
    patient = case.patient
    patient.identifiers.create(kind="hospital_number", value="H1")
    actions.accept(request, by=world.alice, now=minutes(1))
    actions.record_contact(
        request, by=world.doctor, practitioner=world.alice, channel="telephone", now=minutes(2)
    )
    actions.save_handover(case, {"situation": "呕吐"}, by=world.doctor, now=minutes(3))
    actions.write_note(case, "已备血", by=world.doctor, now=minutes(4))
    actions.observe(case, {"hr": "160"}, by=world.doctor, now=minutes(5))
    consent = {"kind": "remote_consult", "answer": "given", "given_by": "父亲"}
    actions.record_consent(
        case, **consent, remotely=False, interpreter="", language="", by=world.doctor,
        now=minutes(6),
    )  # fmt: skip
    advice = Advice(indication="confirmed", assessment="肠闭锁", watches=[("腹围", "> 40 cm")])
    opinion = actions.sign_opinion(request, advice, by=world.alice, secret=PASSWORD, now=minutes(9))
    actions.acknowledge(opinion, by=world.doctor, now=minutes(10))
    opinion.refresh_from_db()
    choice = Choice("DISPATCH", "立即派队", alternatives=[("TRANSFER", "太远")])
    actions.sign_decision(
        case, choice, opinion=opinion, by=world.doctor, secret=PASSWORD, now=minutes(12)
    )
    actions.record_outcome(case, day=1, state="better", by=world.doctor, now=minutes(60))
    settings.KEYS = tmp_path / "keys"
    make_root(minutes(61), numbers_of)
    return case


@contextmanager
def as_person(person: Practitioner | None, minute: float = 100) -> Iterator[None]:
    with entered(person.account if person else None, person, minutes(minute)):
        yield


def seen() -> dict[str, int]:
    """Rows of every table with every filter of the application taken away."""
    found = {model._meta.db_table: model.objects.count() for model in MODELS}
    return {table: rows for table, rows in found.items() if rows}


def test_the_story_fills_the_tables(case):
    empty = {m._meta.db_table for m in MODELS} - seen().keys()
    later = {"chart_document", "notify_attempt", "record_idempotencykey", "record_reading"}
    assert empty <= later | {"cases_outcomedue", "cases_breakglass", "chart_incoming"} | OFFICE


def test_what_the_records_office_writes_is_of_its_own_hospital(world, case):
    of_case = {"case": case, "organisation": world.county}
    Hold.objects.create(**of_case, why="诉讼", by=world.doctor, since=minutes(61))
    Disposal.objects.create(
        **of_case, number=case.number, due_on=minutes(61).date(), proposed_by=world.doctor,
        proposed_at=minutes(61),
    )  # fmt: skip
    PatientCopy.objects.create(
        patient=case.patient, organisation=world.county, given_to="父亲", relation="parent",
        by=world.doctor, at=minutes(61),
    )  # fmt: skip
    for person, rows in ((world.outsider, 0), (world.alice, 0), (None, 0), (world.doctor, 3)):
        with as_person(person):
            assert sum(seen().get(table, 0) for table in OFFICE) == rows


@pytest.mark.parametrize("who", ["doctor", "county_officer", "alice", "outsider", "director"])
def test_nobody_else_writes_for_the_records_office(who, world, case):
    person, of_case = world.people[who], {"case": case, "organisation": world.county}
    with as_person(person):
        for write in (
            lambda: Hold.objects.create(**of_case, why="x", by=person, since=minutes(61)),
            lambda: Disposal.objects.create(
                **of_case, number=case.number, due_on=minutes(61).date(), proposed_by=person,
                proposed_at=minutes(61),
            ),
            lambda: PatientCopy.objects.create(
                patient_id=case.patient_id, organisation=world.county, given_to="x",
                relation="self", by=person, at=minutes(61),
            ),
        ):  # fmt: skip
            with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                write()


def test_an_office_writes_under_its_own_name_only(world, case):
    of_case = {"case": case, "organisation": world.county}
    with as_person(world.county_director):
        with pytest.raises(ProgrammingError), transaction.atomic():
            Hold.objects.create(**of_case, why="x", by=world.doctor, since=minutes(61))
        Hold.objects.create(**of_case, why="x", by=world.county_director, since=minutes(61))


def test_a_stranger_sees_no_row_of_any_table(world, case):
    with as_person(world.outsider):
        assert seen() == {}
    with as_person(None):
        assert seen() == {}


def test_both_sides_see_the_whole_case(world, case):
    whole = seen()
    for person in (world.doctor, world.second_doctor, world.county_director, world.alice):
        with as_person(person):
            mine = seen()
        # Of messages everybody's are shown in "what was tried"; of signatures both were given.
        assert mine == whole, person.name


def test_another_case_of_the_same_hospital_stays_closed_to_its_expert(world, case):
    other = world.raised("U1").case
    Grant.objects.filter(case_key=other.key, practitioner=world.alice).delete()
    with as_person(world.alice):
        assert [c.pk for c in Case.objects.all()] == [case.pk]
        assert not Patient.objects.filter(pk=other.patient_id).exists()
        assert not Event.objects.filter(chain=other.chain_id).exists()


def test_who_advised_keeps_the_opinion_and_the_outcome_only(world, case):
    Grant.objects.filter(case_key=case.key, practitioner=world.alice).update(until=minutes(70))
    with as_person(world.alice, 60):
        assert Patient.objects.exists()
    with as_person(world.alice, 71):
        assert (Opinion.objects.count(), Outcome.objects.count()) == (1, 1)
        left = seen()
    kept = {
        "cases_case", "cases_request", "cases_opinion", "cases_watch", "cases_outcome",
        "record_signature", "notify_message", "directory_grant",
    }  # fmt: skip
    assert left.keys() <= kept
    assert left["record_signature"] == 1  # their own


def test_the_rights_end_with_the_request(world, case):
    with as_person(world.doctor):
        assert Case.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('jieli.person'), current_user = session_user")
        assert cursor.fetchone() == ("", True)


def test_a_person_cannot_write_into_what_they_cannot_see(world, case):
    def refused(write):
        with pytest.raises(ProgrammingError), transaction.atomic():
            write()

    with as_person(world.outsider):
        refused(lambda: Outcome.objects.create(
            case_id=case.pk, day=7, state="died", by=world.outsider, occurred_at=minutes(1),
            recorded_at=minutes(1),
        ))  # fmt: skip
        refused(lambda: Grant.objects.create(
            case_key=case.key, patient_key=case.patient.key, practitioner=world.outsider,
            why="invited", since=minutes(1),
        ))  # fmt: skip
        refused(lambda: Grant.objects.create(
            case_key=case.key, patient_key=case.patient.key, organisation=world.outsider.roles.get(
            ).organisation, why="treating", since=minutes(1),
        ))  # fmt: skip
        assert Request.objects.update(urgency="U4") == 0
        assert Case.objects.all().delete()[0] == 0


def test_ranking_counts_also_what_the_asker_may_not_see(world, case):
    """Who has advised often is ranked alike, whoever asks."""
    asked = {}
    for person in (None, world.doctor):
        with transaction.atomic():
            if person is None:
                request = world.raised("U1", minutes(100))
            else:
                with as_person(world.doctor):
                    request = world.raised("U1", minutes(100))
            asked[person] = [
                (c.practitioner_id, c.score) for c in request.candidates.order_by("position")
            ]
            transaction.set_rollback(True)
    assert asked[None] == asked[world.doctor]


# ── the role itself ──────────────────────────────────────────────────────────

ESCAPES = [
    "ALTER TABLE cases_case DISABLE ROW LEVEL SECURITY",
    "DROP POLICY of_my_cases ON cases_case",
    "ALTER POLICY of_my_cases ON cases_case USING (true)",
    "CREATE POLICY all_mine ON cases_case USING (true)",
    "ALTER ROLE jieli_web BYPASSRLS",
    "SET SESSION AUTHORIZATION jieli",
    "SET ROLE jieli_runner",
    "SET ROLE jieli",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION jieli_sees(case_key uuid) RETURNS boolean"
    " LANGUAGE sql AS 'SELECT true'",
    "CREATE SCHEMA mine",
    "CREATE TABLE public.mine (n int)",
    "UPDATE record_event SET verb = 'nothing'",
    "DELETE FROM record_event",
    "UPDATE record_signature SET content = ''",
    "DELETE FROM record_reading",
    "DROP TABLE cases_case",
    "TRUNCATE cases_case CASCADE",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'y', now())",
]


@pytest.fixture
def web_login(db) -> Iterator[psycopg.Connection]:
    """A connection that signs in as the web processes do: nothing above it to fall back on."""
    given = connection.settings_dict
    with psycopg.connect(
        host=given["HOST"], port=given["PORT"], user="jieli_web", dbname=given["NAME"],
        autocommit=True,
    ) as link:  # fmt: skip
        yield link


@pytest.mark.parametrize("escape", ESCAPES)
def test_the_web_role_can_neither_pass_nor_change_the_policies(web_login, escape):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        web_login.execute(escape)


def test_row_security_cannot_be_switched_off_silently(web_login):
    """With `row_security = off` PostgreSQL fails instead of showing everything."""
    web_login.execute("SET row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        web_login.execute("SELECT * FROM cases_case")


@pytest.mark.django_db(transaction=True)
def test_what_a_process_without_a_person_sees(world, case, web_login):
    assert web_login.execute("SELECT count(*) FROM cases_case").fetchone() == (0,)
    given = connection.settings_dict
    with psycopg.connect(
        host=given["HOST"], port=given["PORT"], user="jieli_runner", dbname=given["NAME"]
    ) as runner:
        assert runner.execute("SELECT count(*) FROM cases_case").fetchone() == (1,)


def test_a_grant_ends_for_the_database_too(world, case):
    Grant.objects.filter(case_key=case.key).update(until=minutes(50) + timedelta(seconds=1))
    with as_person(world.doctor, 50):
        assert Case.objects.exists()
    with as_person(world.doctor, 51):
        assert not Case.objects.exists()
