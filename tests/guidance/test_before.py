"""What is asked before an expert guides: computed or answered, and what a missing one stops."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import translation

from jieli.directory.models import Approval, Privilege, Specialty
from jieli.guidance import actions
from jieli.guidance.models import GuidanceSession, PreCheck
from jieli.guidance.queries import link
from jieli.guidance.queries.precheck import Look, teaching_consent
from jieli.missions.queries.gates import asked
from jieli.notify.models import Message
from jieli.rules.guidance import Measured
from tests.cases.world import minutes, verbs
from tests.guidance.world import Theatre, status
from tests.missions.world import refused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def world() -> Theatre:
    return Theatre()


@pytest.fixture
def case(world):
    return world.decided()


def begin(world, session, minute=20):
    return actions.start(session, by=world.doctor, now=minutes(minute))


def states(session, minute=15):
    return {check.code: check.state for check in Look(session, minutes(minute)).checks()}


def approved(world) -> None:
    Approval.objects.create(
        alliance=world.alliance, content="precheck-1", by="x",
        approved_on=date(2026, 1, 1), expires_on=date(2027, 1, 1),
    )  # fmt: skip


# ── planned ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": " "}, "what is done"),
        ({"techniques": []}, "Choose the techniques"),
        ({"operator": "alice"}, "belongs to the hospital that treats"),
        ({"guide": "second_doctor"}, "belongs to another hospital"),
        ({"guide": "hub_doctor"}, "no access to this case"),
        ({"guide": "outsider"}, "no access to this case"),
    ],
)
def test_who_operates_and_who_guides(world, case, more, said):
    given = {k: world.people[v] if k in ("operator", "guide") else v for k, v in more.items()}
    with refused(said):
        world.planned(case, 10, **given)
    assert not GuidanceSession.objects.exists()


def test_a_plan_is_on_record_with_the_level_of_its_techniques(world, case):
    world.level(4)
    session = world.planned(case)
    assert (session.number, session.status, session.level) == (1, "planned", 4)
    event = case.chain.events.get(verb="guidance_planned")
    assert (event.actor, event.data["guide"], event.data["level"]) == (world.doctor, "alice", 4)
    actions.move(session, "cancel", why="改期", by=world.doctor, now=minutes(12))
    assert status(session) == "cancelled"
    with refused("has ended"):
        begin(world, session)


# ── started when nothing lacks ───────────────────────────────────────────────


def test_a_start_with_everything(world, case):
    session = world.ready(case)
    assert set(states(session).values()) == {"yes"}
    begun = begin(world, session)
    assert (begun.status, begun.started_at) == ("running", minutes(20))
    event = case.chain.events.get(verb="guidance_started")
    assert (event.data["missing"], event.data["excepted"]) == ("", "")


@pytest.mark.parametrize(
    ("item", "named"),
    [("stop", "stop or convert safely"), ("telephone", "telephone"), ("responsible", "legally")],
)
def test_what_is_not_answered_stops_the_start_and_is_named(world, case, item, named):
    world.consented(case)
    session = world.planned(case)
    world.answered(session, skip=[item])
    with refused(f"Not ready to start: .*{named}"):
        begin(world, session)
    actions.answer(session, item, "no", by=world.doctor, now=minutes(12))
    with refused(named):
        begin(world, session)
    assert status(session) == "planned"
    assert "guidance_started" not in verbs(case)


def test_a_draft_stops_nothing_and_an_approved_version_does(world, case):
    world.consented(case)
    session = world.planned(case)
    world.answered(session, skip=["link", "introduced"])
    assert states(session)["link"] == "open"
    approved(world)
    with refused("link measured over 15 minutes、guide introduced by name"):
        begin(world, session)
    Approval.objects.all().delete()
    begin(world, session)
    event = case.chain.events.get(verb="guidance_started")
    assert "guide introduced by name" in event.data["missing"]  # said all the same


# ── the guide's privilege, and no way round it ───────────────────────────────


@pytest.mark.parametrize("lost", ["gone", "expired", "too_little", "too_low", "elsewhere"])
def test_an_unverified_guide_cannot_start_whatever_anybody_says(world, case, lost):
    session = world.ready(case)
    world.level(3)
    held = Privilege.objects.filter(practitioner=world.alice)
    if lost == "gone":
        held.delete()
    elif lost == "expired":
        held.update(valid_to=date(2026, 2, 28))
    elif lost == "too_little":
        held.update(entrustment=3)
    elif lost == "too_low":
        held.update(level=2)
    else:
        held.update(organisation=world.city)  # where she has no post
    actions.except_for_life(
        session, decider=world.county_director, reason="抢救", by=world.doctor, now=minutes(12)
    )
    with refused("Not ready to start: privilege of the guide is valid"):
        begin(world, session)
    assert status(session) == "planned"


def test_a_privilege_counts_at_the_hospital_that_treats_as_well(world, case):
    session = world.ready(case)
    Privilege.objects.filter(practitioner=world.alice).update(organisation=world.county)
    begin(world, session)


@pytest.mark.parametrize("change", ["mode", "over", "unsigned", "specialty"])
def test_without_an_agreement_on_live_guidance(world, case, change):
    session = world.ready(case)
    agreement = world.agreement
    if change == "mode":
        agreement.modes = ["consult", "dispatch"]
    elif change == "over":
        agreement.valid_to = date(2026, 2, 28)
    elif change == "unsigned":
        agreement.signed = False
    else:
        other = Specialty.objects.create(code="x", name="x", name_en="x")
        agreement.specialties.add(other)
        world.technique.specialty = world.surgery
        world.technique.save()
    agreement.save()
    with refused("agreement for live guidance"):
        begin(world, session)


# ── authority, consent, and the exception for life ───────────────────────────


@pytest.mark.parametrize("change", ["gone", "level", "entrustment"])
def test_the_operators_authority_or_a_named_exception(world, case, change):
    session = world.ready(case)
    world.level(3)
    held = Privilege.objects.filter(practitioner=world.doctor)
    if change == "gone":
        held.delete()
    else:
        held.update(**{change: 2})
    with refused("operator's authority"):
        begin(world, session)
    with refused("belongs to the treating hospital"):
        actions.except_for_life(
            session, decider=world.alice, reason="抢救", by=world.doctor, now=minutes(12)
        )
    with refused("few words"):
        actions.except_for_life(
            session, decider=world.county_director, reason=" ", by=world.doctor, now=minutes(12)
        )
    actions.except_for_life(
        session, decider=world.county_director, reason="抢救，来不及", by=world.doctor,
        now=minutes(12),
    )  # fmt: skip
    with refused("already"):
        actions.except_for_life(
            session, decider=world.county_director, reason="x y", by=world.doctor, now=minutes(13)
        )
    begin(world, session)
    event = case.chain.events.get(verb="guidance_excepted")
    assert (event.data["person"], event.data["text"]) == ("county_director", "抢救，来不及")
    started = case.chain.events.get(verb="guidance_started")
    assert "authority" in started.data["excepted"]
    told = Message.objects.get(event__verb="guidance_excepted")
    assert told.practitioner == world.county_officer


def test_an_exception_is_filed_once(world, case):
    session = world.ready(case)
    with refused("no exception"):
        actions.file_exception(session, by=world.county_officer, now=minutes(30))
    actions.except_for_life(
        session, decider=world.doctor, reason="抢救", by=world.doctor, now=minutes(12)
    )
    row = actions.file_exception(session, by=world.county_officer, now=minutes(30))
    assert row.filed_by == world.county_officer
    with refused("already"):
        actions.file_exception(session, by=world.county_officer, now=minutes(31))


def test_consent_is_looked_up_and_a_refusal_is_no_exception(world, case):
    session = world.planned(case)
    world.answered(session)
    with refused("consent to remote consult and operation"):
        begin(world, session)
    world.consent(case, 12, kind="remote_consult")
    with refused("consent to remote consult and operation"):
        begin(world, session)
    actions.except_for_life(
        session, decider=world.doctor, reason="抢救，家属在路上", by=world.doctor, now=minutes(13)
    )
    assert states(session)["consent"] == "exception"
    world.consent(case, 14, kind="operation", answer="refused")
    assert states(session)["consent"] == "no"
    with refused("consent to remote consult and operation"):
        begin(world, session)
    world.consent(case, 16, kind="operation", given_by="母亲")
    begin(world, session)


# ── level 4 ──────────────────────────────────────────────────────────────────


def test_level_4_needs_its_mdt_and_its_time_out(world, case):
    session = world.ready(case)
    assert not {"mdt", "time_out"} & states(session).keys()
    world.level(4)
    with refused("pre-operative MDT document of a level 4 operation、time out signed"):
        begin(world, session)
    document = world.document(case)
    with refused("who signed"):
        actions.choose_mdt(session, document, signed_by=" ", by=world.doctor, now=minutes(13))
    paper = actions.choose_mdt(
        session, document, signed_by="秦越（普外）、纪云舒（麻醉）", signed_at=minutes(7),
        by=world.doctor, now=minutes(13),
    )  # fmt: skip
    assert (paper.signed_at, paper.document) == (minutes(7), document)
    with refused("Not ready to start: time out signed before the incision\\.$"):
        begin(world, session)
    world.gate(case, "sign_in", 15)
    world.gate(case, "time_out", 16)
    assert begin(world, session).level == 4


def test_a_document_of_another_case_or_struck_out_is_none(world, case):
    world.level(4)
    session = world.ready(case)
    other = world.document(world.decided(40))
    with refused("of this case"):
        actions.choose_mdt(session, other, signed_by="秦越", by=world.doctor, now=minutes(13))
    mine = world.document(case)
    actions.choose_mdt(session, mine, signed_by="秦越", by=world.doctor, now=minutes(13))
    assert states(session)["mdt"] == "yes"
    mine.wrong_at, mine.wrong_by = minutes(14), world.doctor
    mine.save()
    assert states(session)["mdt"] == "open"


def test_a_time_out_after_the_incision_is_none(world, case):
    world.level(4)
    session = world.ready(case)
    world.gate(case, "sign_in", 12)
    world.incision(case, 13)
    world.gate(case, "time_out", 14)
    assert states(session)["time_out"] == "no"


def test_an_earlier_operations_time_out_is_not_taken_for_this_one(world, case):
    world.level(4)
    session = world.ready(case)
    world.gate(case, "sign_in", 12)
    world.gate(case, "time_out", 12.5)
    done = world.incision(case, 13)
    assert states(session)["time_out"] == "yes"
    world.stitched(done, case, 14)
    assert states(session)["time_out"] == "open"


# ── the link before the start ────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("measured", "declared", "state"),
    [
        (Measured(900, 80, 160, 1), False, "yes"),
        (Measured(600, 80, 160, 1), False, "no"),
        (Measured(900, 80, 700, 1), False, "no"),
        (Measured(900, 80, 700, 1), True, "yes"),
        (None, True, "yes"),
        (None, False, "open"),
    ],
)
def test_the_link_is_measured_or_declared(world, case, monkeypatch, measured, declared, state):
    monkeypatch.setattr(link, "_measures", [lambda key, now: measured])
    session = world.planned(case)
    with refused("declared by a named person, with a reason"):
        actions.answer(session, "link", "yes", by=world.doctor, now=minutes(12))
    if declared:
        actions.answer(
            session, "link", "yes", person=world.doctor, text="专线", by=world.doctor,
            now=minutes(12),
        )  # fmt: skip
    [check] = [c for c in Look(session, minutes(13)).checks() if c.code == "link"]
    assert check.state == state
    assert ("declared by doctor: 专线" in check.said) is (declared and state == "yes")
    if measured:
        assert f"95% within {measured.p95_ms} ms" in check.said


# ── answers ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("item", "value", "more", "said"),
    [
        ("privilege", "yes", {}, "looked up, not answered"),
        ("stop", "maybe", {}, "yes or no"),
        ("telephone", "yes", {"text": "随便"}, "telephone number"),
        ("responsible", "yes", {}, "Name a person of the treating hospital"),
        ("responsible", "yes", {"person": "alice"}, "Name a person of the treating hospital"),
        ("teaching", "yes", {}, "who gave the consent"),
    ],
)
def test_an_answer_that_says_too_little(world, case, item, value, more, said):
    session = world.planned(case)
    given = {k: world.people[v] if k == "person" else v for k, v in more.items()}
    with refused(said):
        actions.answer(session, item, value, **given, by=world.doctor, now=minutes(12))
    assert not PreCheck.objects.exists()


def test_the_last_answer_counts_and_all_stay(world, case):
    session = world.ready(case)
    actions.answer(session, "stop", "no", text="无人会开腹", by=world.doctor, now=minutes(13))
    with refused("stop or convert safely"):
        begin(world, session)
    actions.answer(session, "stop", "yes", by=world.second_doctor, now=minutes(14))
    begin(world, session)
    assert PreCheck.objects.filter(item="stop").count() == 3
    with refused("has started"):
        actions.answer(session, "stop", "no", by=world.doctor, now=minutes(21))


def test_consent_to_teaching_is_its_own_and_may_be_taken_back(world, case):
    assert teaching_consent(case) is None
    session = world.ready(case)
    assert teaching_consent(case) is True
    begin(world, session)
    actions.answer(session, "teaching", "no", text="母亲", by=world.doctor, now=minutes(30))
    assert teaching_consent(case) is False


def test_one_at_a_time(world, case):
    begin(world, world.ready(case))
    second = world.planned(case, 21)
    world.answered(second, 22)
    with refused("Another guidance"):
        begin(world, second, 23)


def test_a_closed_case_starts_nothing(world, case):
    session = world.ready(case)
    case.status = "closed"
    case.save()
    with refused("closed"):
        begin(world, session)


def test_a_planned_guide_makes_the_time_out_ask_about_the_link(world, case):
    """The decision was for a team; a session is planned all the same."""
    remote = {"link", "expert", "responsible"}
    assert not remote & {item.code for item in asked(case, "time_out")}
    session = world.planned(case)
    assert remote <= {item.code for item in asked(case, "time_out")}
    actions.move(session, "cancel", why="改期", by=world.doctor, now=minutes(12))
    assert not remote & {item.code for item in asked(case, "time_out")}


@pytest.mark.parametrize("content", ["checklists-1", "precheck-1"])
def test_named_clinicians_can_approve_the_content(world, content):
    call_command(
        "approve", world.alliance.code, content, by="秦越", on="2026-01-01", until="2027-01-01",
        stdout=StringIO(),
    )  # fmt: skip
    assert Approval.objects.get().content == content
