"""The decision sheet: made with the opinion, corrected, chosen from, signed by one."""

from datetime import timedelta
from functools import partial

import pytest

from jieli.cases import actions as cases
from jieli.cases.models import Clock, Decision
from jieli.missions import actions
from jieli.missions.actions import Chosen, sheets
from jieli.missions.models import Choice, Correction
from jieli.notify.models import Message
from jieli.record.queries import broken_at
from jieli.rules.refusal import NotProven, Refused
from tests.cases.world import PASSWORD, World, minutes, verbs
from tests.missions.compared import DISPATCH, WORDS, advised, draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def drafted(monkeypatch):
    """What the generator says; `drafted(windows=…)` makes it say something else."""

    def say(**change):
        monkeypatch.setattr(sheets, "generate", partial(draft, **change))

    say()
    return say


@pytest.fixture
def case(world, drafted):
    return advised(world)


def chosen(option="dispatch-1", reason=""):
    return Chosen(option, "马上出发：请派手术与麻醉专家来院", reason)


def choose(case, world, option="dispatch-1", reason="", secret=PASSWORD, at=40):
    sheet = case.sheets.first()
    return actions.choose(
        sheet, chosen(option, reason), by=world.doctor, secret=secret, now=minutes(at)
    )


# ── made ─────────────────────────────────────────────────────────────────────


def test_a_confirmed_indication_is_compared_at_once(case):
    sheet = case.sheets.get()
    assert (sheet.version, sheet.best, sheet.trigger) == (1, "dispatch-1", "opinion_signed")
    assert sheet.made_at == sheet.t0 == minutes(30)
    figures = sheet.answer["options"]["dispatch-1"]["p"]
    assert figures["840"] == pytest.approx(0.0, abs=0.002)
    assert figures["1440"] == pytest.approx(0.998, abs=0.002)
    assert sheet.answer["options"]["road"]["barred"] == ["C4"]
    assert broken_at(case.chain) is None


def test_the_missed_target_is_announced_at_once_and_once(case, world):
    said = case.chain.events.get(verb="target_out_of_reach")
    assert (said.occurred_at, said.data["minutes"]) == (minutes(30), 840)
    told = Message.objects.filter(event=said).values_list("practitioner__name", flat=True)
    assert set(told) == {"doctor", "alice"}
    actions.make_sheet(case, trigger="asked", by=world.doctor, now=minutes(50))
    assert case.chain.events.filter(verb="target_out_of_reach").count() == 1
    assert case.sheets.count() == 2


@pytest.mark.parametrize("indication", ["not_indicated", "undetermined"])
def test_without_an_indication_nothing_is_compared(world, drafted, indication):
    assert not advised(world, indication=indication).sheets.exists()


def test_a_planner_that_breaks_does_not_undo_the_opinion(world, monkeypatch, caplog):
    def broken(*_args, **_more):
        raise ZeroDivisionError

    monkeypatch.setattr(sheets, "generate", broken)
    case = advised(world)
    assert case.opinions.count() == 1
    assert not case.sheets.exists()
    assert "no sheet could be made" in caplog.text
    assert broken_at(case.chain) is None


def test_no_pathway_no_sheet(world, monkeypatch):
    monkeypatch.setattr(sheets, "generate", lambda *_: None)
    case = advised(world)
    assert actions.make_sheet(case, trigger="asked", now=minutes(40)) is None


def test_approved_windows_start_c2_at_the_indication(case):
    clock = case.clocks.get(name=Clock.Name.DEFINITIVE_CARE)
    assert clock.started_at == minutes(30)
    assert clock.target_at == minutes(30 + 840)
    assert clock.hard_at == minutes(30 + 1440)
    assert clock.due_at == minutes(30 + 420)  # half of the target


def test_a_draft_starts_no_clock(world, drafted):
    drafted(approved=False)
    case = advised(world)
    assert case.sheets.get().approved is False
    assert "target_out_of_reach" not in verbs(case)  # inert: it is shown, and calls nobody
    assert not case.clocks.filter(name=Clock.Name.DEFINITIVE_CARE).exists()


def test_a_sign_shortens_the_window_and_is_on_record(case, world, drafted):
    short = {"case": {"windows": [360], "stability": "S3"}, "options": [DISPATCH]}
    drafted(instance=short)
    actions.make_sheet(case, trigger="correction", by=world.doctor, now=minutes(50))
    clock = case.clocks.get(name=Clock.Name.DEFINITIVE_CARE)
    assert (clock.target_at, clock.hard_at) == (minutes(390), minutes(390))
    assert clock.started_at == minutes(30)
    assert case.chain.events.get(verb="window_shortened").data["by_minutes"] == 1080
    drafted()
    actions.make_sheet(case, trigger="correction", by=world.doctor, now=minutes(60))
    clock.refresh_from_db()
    assert clock.hard_at == minutes(390)  # a promise is not made longer


def test_nothing_feasible_rings_the_director(case, world, drafted):
    hopeless = {"case": {"windows": [360], "stability": "S3"}, "options": [DISPATCH]}
    drafted(instance=hopeless)
    sheet = actions.make_sheet(case, trigger="correction", by=world.doctor, now=minutes(50))
    assert sheet.best == ""
    said = case.chain.events.get(verb="nothing_feasible")
    rung = Message.objects.filter(event=said, manner="ring")
    assert "county_director" in rung.values_list("practitioner__name", flat=True)


def test_a_better_option_by_little_does_not_change_the_advice(case, world, drafted):
    rival = {"id": "rival", "template": "RENDEZVOUS", "time": 1000, "quality": 1.0, "burden": 1.0}
    instance = draft(case, minutes(50)).instance
    instance["options"].append(rival)
    words = {**WORDS, "rival": {"template": "RENDEZVOUS", "barred": [], "legs": []}}
    drafted(instance=instance, words=words)
    sheet = actions.make_sheet(case, trigger="asked", by=world.doctor, now=minutes(50))
    assert sheet.answer["ranked"][0] == "rival"  # equal, and less of a burden
    assert sheet.best == "dispatch-1"


# ── corrected ────────────────────────────────────────────────────────────────


def test_a_correction_makes_a_version_and_is_kept(case, world):
    sheet = actions.correct(
        case, "stability", "S1", reason="复评", by=world.doctor, now=minutes(35)
    )
    assert sheet.version == 2
    assert sheet.instance["case"]["stability"] == "S1"
    assert "road" in sheet.answer["ranked"]
    held = Correction.objects.get()
    assert (held.was, held.value, held.reason) == ("S3", "S1", "复评")
    assert "input_corrected" in verbs(case)
    assert case.sheets.get(version=1).instance["case"]["stability"] == "S3"


def test_a_correction_is_taken_back(case, world):
    actions.correct(case, "stability", "S1", reason="", by=world.doctor, now=minutes(35))
    sheet = actions.undo_correction(case, "stability", by=world.alice, now=minutes(36))
    assert sheet.instance["case"]["stability"] == "S3"
    with pytest.raises(Refused, match="taken back"):
        actions.undo_correction(case, "stability", by=world.alice, now=minutes(37))


@pytest.mark.parametrize(
    ("name", "value"), [("stability", "S9"), ("weather", "bad"), ("stability", "")]
)
def test_what_cannot_be_is_refused_and_nothing_is_stored(case, world, name, value):
    with pytest.raises(Refused):
        actions.correct(case, name, value, reason="", by=world.doctor, now=minutes(35))
    assert not Correction.objects.exists()
    assert case.sheets.count() == 1


# ── chosen ───────────────────────────────────────────────────────────────────


def test_the_treating_doctor_signs_the_first_option(case, world):
    decision = choose(case, world)
    held = Choice.objects.get(decision=decision)
    assert (held.option, held.place, held.against, held.exception) == (
        "dispatch-1",
        1,
        False,
        False,
    )
    assert decision.chosen == "DISPATCH"
    why = dict(decision.alternatives.values_list("option", "why_not"))
    assert set(why) == {"LOCAL", "LIVE", "TRANSFER"}
    assert all(why.values())
    assert verbs(case)[-2:] == ["decision_signed", "option_chosen"]


def test_another_option_needs_a_reason(case, world):
    actions.correct(case, "stability", "S1", reason="", by=world.doctor, now=minutes(35))
    with pytest.raises(Refused, match="not the option that ranks first"):
        choose(case, world, "road")
    decision = choose(case, world, "road", "家属坚持")
    assert decision.choice.against
    assert decision.choice.place == 2


def test_a_barred_option_is_signed_only_as_an_exception(case, world):
    with pytest.raises(Refused, match="life-saving exception"):
        choose(case, world, "local")
    decision = choose(case, world, "local", "无法等待，抢救")
    assert decision.choice.exception
    assert decision.choice.place is None


def test_the_expert_cannot_decide(case, world):
    with pytest.raises(Refused, match="two people"):
        actions.choose(
            case.sheets.first(), chosen(), by=world.alice, secret=PASSWORD, now=minutes(40)
        )


def test_only_the_latest_version_is_signed(case, world):
    old = case.sheets.first()
    actions.make_sheet(case, trigger="asked", by=world.alice, now=minutes(39))
    with pytest.raises(Refused, match="compared anew"):
        actions.choose(old, chosen(), by=world.doctor, secret=PASSWORD, now=minutes(40))
    assert not Decision.objects.exists()


def test_a_wrong_password_signs_nothing(case, world):
    with pytest.raises(NotProven):
        choose(case, world, secret="no")
    assert not Choice.objects.exists()
    assert not Decision.objects.exists()


def test_an_unread_opinion_cannot_be_decided_on(world, drafted):
    case = advised(world, read=False)
    with pytest.raises(Refused, match="read and understood"):
        choose(case, world)


def test_an_option_that_is_not_on_the_sheet(case, world):
    with pytest.raises(Refused, match="not on the sheet"):
        choose(case, world, "teleport")


def test_a_closed_case_is_not_compared(case, world):
    cases.close_case(case, by=world.doctor, reason="好转", now=minutes(60))
    with pytest.raises(Refused, match="closed"):
        actions.make_sheet(case, trigger="asked", by=world.doctor, now=minutes(61))


# ── said to it ───────────────────────────────────────────────────────────────


def test_the_expert_agrees_or_dissents_once(case, world):
    decision = choose(case, world)
    with pytest.raises(Refused, match="why"):
        actions.assent(decision, agrees=False, note="", by=world.alice, now=minutes(41))
    actions.assent(decision, agrees=False, note="应先降压", by=world.alice, now=minutes(41))
    assert verbs(case)[-1] == "dissent_given"
    assert Message.objects.filter(practitioner=world.doctor, manner="push").exists()
    with pytest.raises(Refused, match="already"):
        actions.assent(decision, agrees=True, note="", by=world.alice, now=minutes(42))
    with pytest.raises(Refused, match="as well"):
        actions.assent(decision, agrees=True, note="", by=world.doctor, now=minutes(42))
    assert decision.assents.count() == 1
    assert decision.signed_at == minutes(40)
    assert minutes(41) - decision.signed_at == timedelta(minutes=1)
