"""Holds and disposal: two people, never too early, and the hashes stay."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from jieli.cases import actions
from jieli.cases.actions import Advice, Choice
from jieli.cases.models import Case, Disposal, Hold, PatientCopy
from jieli.cases.queries.lists import numbers_of
from jieli.cases.queries.office import due_cases
from jieli.chart.actions import keep_file
from jieli.chart.models import Document, Identifier, Patient
from jieli.chart.store.keep import path_of
from jieli.directory.models import Grant, Role
from jieli.record.models import Leaf, Reading, Root
from jieli.record.reading import entered
from jieli.record.roots import make_root
from jieli.rules.refusal import Refused
from tests.cases.world import PASSWORD, T0, World, minutes, verbs
from tests.chart.conftest import photo
from tests.record.test_chain import tamper
from tests.record.test_roots import recompute, verify

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]
LONG_AGO = datetime(1995, 3, 1, 5, 30, tzinfo=UTC)  # also an in-patient's 30 years are over
SECRET = "玛依拉之子独一无二"


@pytest.fixture
def world(settings, tmp_path, monkeypatch) -> World:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.KEYS = tmp_path / "keys"
    made = World()
    made.person("clerk", made.county, Role.Kind.COORDINATOR)
    made.at = minutes(600)
    monkeypatch.setattr("jieli.web.middleware.now", lambda: made.at)
    return made


def story(world, name=SECRET) -> Case:
    """A case with a row in every table that a whole story writes, closed today."""
    patient = Patient.objects.create(name=name, unknown=True, organisation=world.county)
    Identifier.objects.create(patient=patient, kind="national_id", value=f"ID{name}")
    request = actions.raise_request(world.ask("U1"), patient, by=world.doctor, now=T0)
    case = request.case
    actions.accept(request, by=world.alice, now=minutes(1))
    actions.record_contact(
        request, by=world.doctor, practitioner=world.alice, channel="telephone", now=minutes(2)
    )
    actions.save_handover(case, {"situation": name}, by=world.doctor, now=minutes(3))
    actions.observe(case, {"hr": "168"}, by=world.doctor, now=minutes(3))
    kept = keep_file(SimpleUploadedFile("x.jpg", photo()))
    actions.add_document(case, kept, title=name, by=world.doctor, now=minutes(3))
    actions.record_consent(
        case, kind="operation", answer="given", given_by=name, remotely=False, interpreter="",
        language="ug", by=world.doctor, now=minutes(4),
    )  # fmt: skip
    actions.write_note(case, name, by=world.doctor, now=minutes(4))
    advice = Advice("confirmed", name, watches=[("乳酸", "升高")])
    opinion = actions.sign_opinion(request, advice, by=world.alice, secret=PASSWORD, now=minutes(5))
    actions.acknowledge(opinion, by=world.doctor, now=minutes(6), disagreement=name)
    choice = Choice("DISPATCH", name, alternatives=[("LOCAL", name)])
    actions.sign_decision(
        case, choice, opinion=opinion, by=world.doctor, secret=PASSWORD, now=minutes(7)
    )
    actions.close_case(case, by=world.doctor, reason=name, setting="outpatient", now=minutes(60))
    actions.record_outcome(case, day=1, state="better", note=name, by=world.doctor, now=minutes(61))
    return case


def age(case: Case, closed=LONG_AGO) -> Case:
    Case.objects.filter(pk=case.pk).update(opened_at=closed, closed_at=closed)
    case.outcomes.update(occurred_at=closed)
    return case


@pytest.fixture
def case(world) -> Case:
    return age(story(world))


def as_(person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person.account)
    return client


def propose(world, case, by="clerk") -> Disposal:
    answer = as_(world.people[by]).post("/office/disposals/", {"case": str(case.key)})
    assert answer.status_code == 303, answer.content.decode()
    return Disposal.objects.get(case=case, refused_at=None)


def confirm(world, proposed, by="county_director"):
    return as_(world.people[by]).post(f"/office/disposals/{proposed.pk}/confirmation/")


# ── what goes, and what stays ────────────────────────────────────────────────


def test_nothing_of_the_patient_is_left_in_any_table(world, case, capsys):
    as_(world.doctor).get(f"/cases/{case.key}/")
    as_(world.doctor).get("/cases/")
    length = case.chain.events.count()
    assert confirm(world, propose(world, case)).status_code == 303
    case.refresh_from_db()
    head = case.chain
    head.refresh_from_db()
    assert head.length == length + 2
    assert case.problem == case.closed_reason == ""
    assert (case.patient.name, case.patient.identifiers.count()) == ("", 0)
    found = []
    for model in apps.get_models():
        table = connection.ops.quote_name(model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s", [f"%{SECRET}%"])
            if cursor.fetchone()[0]:
                found.append(table)
    assert not found
    assert not Grant.objects.filter(case_key=case.key).exists()
    assert not Reading.objects.filter(case_key=case.key, what="cases:case").exists()
    assert verify(capsys)[0] == 0


def test_the_record_still_holds_and_says_disposed(world, case, capsys):
    make_root(minutes(100), numbers_of)
    first = Leaf.objects.get(chain_id=case.chain_id)
    as_far_back(case, first)
    confirm(world, propose(world, case))
    code, said = verify(capsys, "--root")
    assert (code, f"1 disposed, hashes kept: {case.number}" in said) == (0, True), said
    make_root(T0 + timedelta(days=1), numbers_of)
    assert verify(capsys, "--root")[0] == 0
    assert verify(capsys, case.number, "--root")[0] == 0


def as_far_back(case, leaf) -> None:
    """As if case and roots were as old as the case says: the chain is written anew, then rooted."""
    tamper(
        "UPDATE record_event SET recorded_at = %s, occurred_at = %s WHERE chain_id = %s",
        LONG_AGO, LONG_AGO, case.chain_id,
    )  # fmt: skip
    recompute(case.chain_id)
    tamper("DELETE FROM record_leaf")
    tamper("DELETE FROM record_root")
    from django.conf import settings

    (settings.KEYS / "roots.txt").unlink()
    make_root(minutes(101), numbers_of)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE record_event SET hash = decode(repeat('00', 32), 'hex') WHERE {} AND seq = 2",
        "UPDATE record_event SET data = '{{\"x\": 1}}' WHERE {} AND seq = 2",
        "DELETE FROM record_event WHERE {} AND seq = 1",
        "UPDATE record_event SET verb = 'note_written' WHERE {} AND verb = 'case_disposed'",
    ],
)
def test_what_is_changed_after_a_disposal_is_found(change, world, case, capsys):
    make_root(minutes(100), numbers_of)
    as_far_back(case, None)
    confirm(world, propose(world, case))
    with transaction.atomic():
        tamper(change.format("chain_id = %s"), case.chain_id)
        code, said = verify(capsys, "--root")
        assert code == 1
        assert f"{case.number}: event " in said
        transaction.set_rollback(True)


def test_who_empties_a_case_and_calls_it_disposed_is_found(world, case, capsys):
    """All that the door writes, written by an insider for a case that is not old enough."""
    make_root(minutes(100), numbers_of)
    tamper(
        "UPDATE record_event SET data = '{}', source = 'disposed' WHERE chain_id = %s",
        case.chain_id,
    )
    assert f"{case.number}: event 1: the event was emptied" in verify(capsys)[1]
    actions.hold(case, why="x y", by=world.clerk, now=minutes(101))
    tamper("UPDATE record_event SET verb = 'case_disposed' WHERE verb = 'hold_placed'")
    last = case.chain.events.latest("seq")
    from jieli.record.actions import fields_of
    from jieli.rules.chain import link

    before = bytes(case.chain.events.get(seq=last.seq - 1).hash)
    mended = link(before, fields_of(last))
    tamper("UPDATE record_event SET hash = %s WHERE id = %s", mended, last.pk)
    tamper("UPDATE record_chain SET head = %s WHERE id = %s", mended, case.chain_id)
    code, said = verify(capsys, "--root")
    assert code == 1
    assert f"{case.number}: event {last.seq}: it says disposed, but was not due" in said


def test_nobody_sees_it_any_more_but_the_office_sees_that_it_went(world, case):
    confirm(world, propose(world, case))
    for who in ("doctor", "alice", "clerk", "county_director"):
        assert as_(world.people[who]).get(f"/cases/{case.key}/").status_code == 404
    page = as_(world.clerk).get("/office/").content.decode()
    assert case.number in page.split('id="gone"')[1]
    assert case.number not in page.split('id="due"')[1].split('id="gone"')[0]


def test_the_files_go_after_the_commit_and_shared_ones_stay(world, case):
    document = Document.objects.get(case_key=case.key)
    path = path_of(document.sha256, "original")
    confirm(world, propose(world, case))
    assert path.exists()
    assert Disposal.objects.get().files == [document.sha256]
    assert actions.remove_files(world.at) == 1
    assert not path.exists()
    assert not path_of(document.sha256, "thumb").exists()
    assert actions.remove_files(world.at) == 0


def test_a_file_that_another_case_has_too_stays(world, case):
    other = story(world, "别人")
    document = Document.objects.get(case_key=other.key)
    confirm(world, propose(world, case))
    assert Disposal.objects.get().files == []
    actions.remove_files(world.at)
    assert path_of(document.sha256, "original").exists()


def test_a_patient_with_a_record_elsewhere_keeps_their_row(world, case):
    patient = case.patient
    elsewhere = World.site(world, "third", "第三医院", "county")
    Case.objects.filter(pk=story(world, "别处").pk).update(patient=patient, organisation=elsewhere)
    confirm(world, propose(world, case))
    patient.refresh_from_db()
    assert patient.name == SECRET
    case.refresh_from_db()
    assert case.patient_id != patient.pk


# ── when not ─────────────────────────────────────────────────────────────────


def due(world) -> list[Case]:
    return [one.case for one in due_cases({world.county.pk}, world.at)]


def test_an_expired_case_is_on_the_list(world, case):
    assert due(world) == [case]
    assert due_cases({world.hub.pk}, world.at) == []


@pytest.mark.parametrize(
    ("setting", "closed", "is_due"),
    [
        ("outpatient", datetime(2011, 2, 28, 5, tzinfo=UTC), True),
        ("outpatient", datetime(2011, 3, 1, 5, tzinfo=UTC), False),
        ("inpatient", datetime(2011, 2, 28, 5, tzinfo=UTC), False),
        ("inpatient", datetime(1996, 2, 28, 5, tzinfo=UTC), True),
        ("", datetime(1996, 3, 2, 5, tzinfo=UTC), False),
    ],
)
def test_the_day_on_which_it_gets_there(setting, closed, is_due, world, case):
    age(case, closed)
    Case.objects.filter(pk=case.pk).update(setting=setting)
    assert (due(world) == [case]) is is_due
    answer = as_(world.clerk).post("/office/disposals/", {"case": str(case.key)})
    assert answer.status_code == (303 if is_due else 409)


def test_a_later_visit_of_the_patient_keeps_the_old_case(world, case):
    later = story(world, "同一人")
    Case.objects.filter(pk=later.pk).update(patient=case.patient)
    assert due(world) == []
    age(later, datetime(2020, 1, 1, tzinfo=UTC))
    assert due(world) == []
    with pytest.raises(Refused, match="must be kept until 2035-01-02"):
        actions.propose_disposal(case, by=world.clerk, now=world.at)


def test_an_open_case_of_the_patient_keeps_everything(world, case):
    actions.raise_request(world.ask("U1"), case.patient, by=world.doctor, now=minutes(500))
    assert due(world) == []
    with pytest.raises(Refused, match="open case"):
        actions.propose_disposal(case, by=world.clerk, now=world.at)


def test_a_hold_keeps_the_case_until_somebody_ends_it(world, case):
    answer = as_(world.clerk).post("/office/holds/", {"number": case.number, "why": "诉讼中"})
    assert answer.status_code == 303
    held = Hold.objects.get()
    assert (held.by, held.since, held.why) == (world.clerk, world.at, "诉讼中")
    assert due(world) == []
    assert as_(world.clerk).post("/office/disposals/", {"case": str(case.key)}).status_code == 409
    assert (
        as_(world.county_director)
        .post(f"/office/holds/{held.pk}/end/", {"why": "判决已下"})
        .status_code
        == 303
    )
    held.refresh_from_db()
    assert (held.ended_by, held.ended_at, held.end_why) == (
        world.county_director, world.at, "判决已下",
    )  # fmt: skip
    assert verbs(case)[-2:] == ["hold_placed", "hold_ended"]
    assert due(world) == [case]


def test_a_hold_that_comes_after_the_proposal_stops_the_confirmation(world, case):
    proposed = propose(world, case)
    actions.hold(case, why="诉讼中", by=world.clerk, now=world.at)
    assert confirm(world, proposed).status_code == 409
    case.refresh_from_db()
    assert case.disposed_at is None
    assert case.opinions.exists()
    assert "case_disposed" not in verbs(case)


def test_who_proposed_cannot_confirm(world, case):
    proposed = propose(world, case)
    answer = confirm(world, proposed, by="clerk")
    assert answer.status_code == 409
    assert "Somebody else must confirm" in answer.content.decode()
    assert case.opinions.exists()


def test_a_proposal_is_taken_back_and_may_be_made_again(world, case):
    proposed = propose(world, case)
    assert (
        as_(world.county_director).post("/office/disposals/", {"case": str(case.key)}).status_code
        == 409
    )
    assert as_(world.clerk).post(f"/office/disposals/{proposed.pk}/refusal/").status_code == 303
    proposed.refresh_from_db()
    assert (proposed.refused_by, proposed.refused_at) == (world.clerk, world.at)
    assert confirm(world, proposed).status_code == 409
    assert confirm(world, propose(world, case)).status_code == 303
    done = Disposal.objects.get(refused_at=None)
    assert (done.proposed_by, done.confirmed_by, done.due_on) == (
        world.clerk, world.county_director, date(2010, 3, 2),
    )  # fmt: skip


def test_confirming_twice_is_refused(world, case):
    proposed = propose(world, case)
    assert confirm(world, proposed).status_code == 303
    assert confirm(world, proposed).status_code == 404  # nobody sees the case any more
    with pytest.raises(Refused, match="already"):
        actions.confirm_disposal(proposed, by=world.county_director, now=world.at)


# ── the door itself ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "escape",
    [
        "DELETE FROM cases_case",
        "DELETE FROM chart_patient",
        "DELETE FROM chart_observation",
        "DELETE FROM cases_opinion",
        "DELETE FROM chart_identifier",
        "DELETE FROM cases_hold",
        "UPDATE cases_hold SET by_id = 1",
        "UPDATE cases_disposal SET confirmed_at = now()",
        "UPDATE cases_disposal SET proposed_by_id = 1",
        "DELETE FROM cases_disposal",
        "UPDATE record_event SET data = '{}', source = 'disposed'",
        "DELETE FROM record_chain",
        "DELETE FROM cases_patientcopy",
    ],
)
@pytest.mark.parametrize("role", ["jieli_web", "jieli_runner"])
def test_no_process_can_do_it_by_another_way(role, escape, world):
    given = connection.settings_dict
    with psycopg.connect(
        host=given["HOST"], port=given["PORT"], user=role, dbname=given["NAME"], autocommit=True
    ) as link:
        link.execute("SELECT set_config('jieli.disposing', '1', false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            link.execute(escape)


def test_a_runner_may_not_open_the_door(world, case):
    proposed = propose(world, case)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE jieli_runner")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute("SELECT jieli_dispose(%s)", [proposed.pk])
        cursor.execute("RESET ROLE")


def knock(person, proposed, at) -> str:
    """What the door says to a web process that says it is this person at that instant."""
    with entered(person.account, person, at), connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute("SELECT jieli_dispose(%s)", [proposed.pk])
        except DatabaseError as fault:
            return str(fault).splitlines()[0]
    return "open"


def test_the_door_looks_again_and_believes_only_its_own_clock(world, case):
    proposed = propose(world, case)
    director = world.county_director
    assert "record does not say so" in knock(director, proposed, world.at)
    assert "another person" in knock(world.clerk, proposed, world.at)
    assert "another person" in knock(world.doctor, proposed, world.at)
    assert "another person" in knock(world.director, proposed, world.at)  # of another hospital
    age(case, datetime(2020, 1, 1, tzinfo=UTC))
    assert "not due" in knock(director, proposed, datetime(2099, 1, 1, tzinfo=UTC))
    age(case)
    Hold.objects.create(
        case=case, organisation=world.county, why="x", by=world.clerk, since=world.at
    )
    assert "hold" in knock(director, proposed, world.at)
    Hold.objects.all()._raw_delete("default")
    Case.objects.filter(pk=case.pk).update(status="open")
    assert "open" in knock(director, proposed, world.at)
    case.refresh_from_db()
    assert case.opinions.exists()


def test_a_shown_time_ahead_of_the_real_one_disposes_of_nothing(world, case):
    """A demonstration, or a machine whose clock is wrong, may think that a case is due."""
    age(case, datetime(2020, 1, 1, tzinfo=UTC))
    world.at = datetime(2040, 1, 1, 4, tzinfo=UTC)
    proposed = propose(world, case)
    answer = confirm(world, proposed)
    assert answer.status_code == 409
    assert "by its own clock it is not due" in answer.content.decode()
    assert "case_disposed" not in verbs(case)
    assert case.opinions.exists()


def test_the_periods_of_the_door_are_those_of_the_rules():
    from pathlib import Path

    from jieli.cases import migrations
    from jieli.rules.retention import KEPT

    door = Path(migrations.__path__[0], "disposal.sql").read_text()
    inpatient, outpatient = KEPT["inpatient"].years, KEPT["outpatient"].years
    assert f"WHEN 'outpatient' THEN {outpatient} ELSE {inpatient} END" in door


# ── addresses ────────────────────────────────────────────────────────────────


def test_addresses_of_the_office(world, case):
    proposed = propose(world, case)
    held = actions.hold(case, why="诉讼中", by=world.clerk, now=world.at)
    posts = [
        ("/office/holds/", {"number": case.number, "why": "另一件"}),
        (f"/office/holds/{held.pk}/end/", {"why": "结束"}),
        (f"/office/disposals/{proposed.pk}/refusal/", {}),
        ("/office/disposals/", {"case": str(case.key)}),
    ]
    for path, data in posts:
        if path == "/office/disposals/":
            actions.end_hold(
                Hold.objects.get(ended_at=None), why="结束", by=world.clerk, now=world.at
            )
        for who in ("doctor", "alice", "outsider"):
            assert as_(world.people[who]).post(path, data).status_code == 404, (path, who)
        if path != "/office/holds/":  # a director elsewhere has an office, but not this one
            assert as_(world.director).post(path, data).status_code == 404, path
        assert as_(world.clerk).post(path, data).status_code == 303, path
        assert as_(world.clerk).get(path).status_code == 405
    assert as_(world.clerk).get("/office/").status_code == 200
    assert as_(world.clerk).post("/office/").status_code == 405
    assert as_(world.doctor).get("/office/").status_code == 404
    assert (
        "no case with this number"
        in as_(world.director)
        .post("/office/holds/", {"number": case.number, "why": "别院"})
        .content.decode()
    )


def test_copies_made_go_with_the_patient(world, case):
    actions.give_copy(case, given_to="父亲", relation="parent", by=world.clerk, now=world.at)
    confirm(world, propose(world, case))
    assert not PatientCopy.objects.exists()
    assert not Root.objects.exists()
