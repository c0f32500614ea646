"""Signed texts are added to or replaced, never edited; what was entered in error is struck out."""

import json
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from jieli.cases import actions
from jieli.cases.actions import Advice, Choice, Correction
from jieli.cases.models import Case, Decision, Handover, Opinion
from jieli.cases.queries import export
from jieli.chart.actions import keep_file
from jieli.chart.models import Observation
from jieli.chart.queries import trend
from jieli.notify.models import Message
from jieli.record.queries import broken_at
from jieli.rules.refusal import Refused
from tests.cases.world import PASSWORD, World, clock, minutes, run, verbs
from tests.chart.conftest import photo

pytestmark = pytest.mark.django_db
WRONG = Advice("confirmed", "左侧肠闭锁", "左侧切口")
RIGHT = Advice("confirmed", "右侧肠闭锁", "右侧切口")


@pytest.fixture
def world(settings, tmp_path, monkeypatch) -> World:
    settings.MEDIA_ROOT = tmp_path
    made = World()
    made.at = minutes(60)
    monkeypatch.setattr("jieli.web.middleware.now", lambda: made.at)
    made.request = made.raised("U1")
    actions.accept(made.request, by=made.alice, now=minutes(1))
    made.first = signed(made, WRONG, minutes(10))
    actions.acknowledge(made.first, by=made.doctor, now=minutes(12))
    return made


def signed(world, advice, now, by=None, **correction) -> Opinion:
    return actions.sign_opinion(
        world.request, advice, by=by or world.alice, secret=PASSWORD, now=now,
        correction=Correction(**correction) if correction else None,
    )  # fmt: skip


def decided(world, now=minutes(20), text="派队", **correction) -> Decision:
    return actions.sign_decision(
        world.request.case, Choice("DISPATCH", text), opinion=world.first, by=world.doctor,
        secret=PASSWORD, now=now, correction=Correction(**correction) if correction else None,
    )  # fmt: skip


def page(world, person, path="") -> str:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person.account)
    answer = client.get(f"/cases/{world.request.case.key}/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


# ── opinion and decision ─────────────────────────────────────────────────────


def test_an_addendum_leaves_what_was_signed_and_has_a_promise_of_its_own(world):
    before = Opinion.objects.values().get(pk=world.first.pk)
    run(minutes(13))
    second = signed(world, RIGHT, minutes(30), of=world.first, replaces=True, why="左右写反")
    assert Opinion.objects.values().get(pk=world.first.pk) == before
    clocks = world.request.case.clocks.filter(name="read_and_understood").order_by("id")
    assert [(c.about, c.started_at, c.stopped_at) for c in clocks] == [
        (world.first.key, minutes(10), minutes(12)),
        (second.key, minutes(30), None),
    ]
    assert clock(world.request.case, "decision").started_at == minutes(12)
    assert Message.objects.filter(practitioner=world.doctor, created_at=minutes(30)).exists()
    assert verbs(world.request.case)[-2:] == ["opinion_amended", "sheet_made"]
    chain = world.request.case.chain
    chain.refresh_from_db()
    assert broken_at(chain) is None


def test_what_is_signed_says_which_text_it_belongs_to(world):
    second = signed(world, RIGHT, minutes(30), of=world.first, replaces=True, why="左右写反")
    content = json.loads(second.signature.content)
    assert content["corrects_version"] == 1
    assert content["corrects_sha256"] == bytes(world.first.signature.content_hash).hex()
    assert (content["replaces"], content["why"]) == (True, "左右写反")
    assert "corrects_version" not in json.loads(world.first.signature.content)


def test_reading_an_addendum_to_a_decided_opinion_starts_no_decision_clock(world):
    decided(world)
    second = signed(world, RIGHT, minutes(30), of=world.first, replaces=True, why="左右写反")
    actions.acknowledge(second, by=world.doctor, now=minutes(35))
    [only] = world.request.case.clocks.filter(name="decision")
    assert (only.started_at, only.stopped_at) == (minutes(12), minutes(20))
    case = Case.objects.get(pk=world.request.case.pk)
    assert (case.unread, case.undecided) == (False, False)


def test_a_decision_on_the_corrected_opinion_settles_the_wrong_one(world):
    second = signed(world, RIGHT, minutes(30), of=world.first, replaces=True, why="左右写反")
    actions.acknowledge(second, by=world.doctor, now=minutes(35))
    world.first = second
    decided(world, minutes(40))
    assert not Case.objects.get(pk=world.request.case.pk).undecided


def test_only_its_author_corrects_an_opinion(world):
    with pytest.raises(Refused, match="Only its author"):
        signed(world, RIGHT, minutes(30), by=world.bob, of=world.first)
    assert Opinion.objects.count() == 1


def test_what_was_replaced_is_not_corrected_again(world):
    signed(world, RIGHT, minutes(30), of=world.first, replaces=True, why="左右写反")
    with pytest.raises(Refused, match="replaced by version 2"):
        signed(world, RIGHT, minutes(31), of=world.first)


def test_the_database_knows_no_replacement_without_a_reason(world):
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        Opinion.objects.filter(pk=world.first.pk).update(replaces=True)


def test_a_closed_case_takes_an_addendum_and_nothing_else(world):
    decision = decided(world)
    actions.close_case(world.request.case, by=world.doctor, reason="", now=minutes(60))
    with pytest.raises(Refused, match="closed"):
        signed(world, RIGHT, minutes(70))
    with pytest.raises(Refused, match="closed"):
        decided(world, minutes(70))
    second = signed(world, RIGHT, minutes(70), of=world.first, replaces=True, why="左右写反")
    actions.acknowledge(second, by=world.doctor, now=minutes(75))
    decided(world, minutes(80), "派两队", of=decision)
    assert not world.request.case.clocks.filter(stopped_at=None, cancelled_at=None).exists()


def test_a_decision_is_corrected_by_anybody_who_decides_there(world):
    first = decided(world)
    second = actions.sign_decision(
        world.request.case, Choice("TRANSFER", "转院"), opinion=world.first, secret=PASSWORD,
        by=world.second_doctor, now=minutes(30), correction=Correction(first, True, "路断"),
    )  # fmt: skip
    assert (second.corrects_id, second.replaces, second.why) == (first.pk, True, "路断")
    assert verbs(world.request.case)[-1] == "decision_amended"


def test_the_page_shows_both_and_strikes_the_one_that_no_longer_stands(world):
    signed(world, RIGHT, minutes(30), of=world.first, replaces=True, why="左右写反")
    first = decided(world)
    decided(world, minutes(40), "并通知血库", of=first)
    shown = page(world, world.doctor)
    struck = shown.split("<del>")[1].split("</del>")[0]
    assert "左侧肠闭锁" in struck
    assert "右侧肠闭锁" not in struck
    assert "右侧肠闭锁" in shown
    assert "左右写反" in shown
    assert "replaces version 1" in shown
    assert "并通知血库" in shown  # both decisions stand
    assert shown.count("<del>") == 1
    assert shown.index("右侧肠闭锁") < shown.index("左侧肠闭锁")


def test_a_decision_taken_anew_strikes_the_one_before(world):
    decided(world)
    decided(world, minutes(40), "改为转院")
    shown = page(world, world.doctor)
    assert "派队" in shown.split("<del>")[1].split("</del>")[0]


def test_the_sheet_signs_an_addendum(world):
    client = Client(headers={"accept-language": "en"})
    client.force_login(world.alice.account)
    path = f"/cases/{world.request.case.key}/opinions/new/"
    sheet = page(world, world.alice, f"opinions/new/?corrects={world.first.key}")
    assert f'name="corrects" value="{world.first.key}"' in sheet
    form = {
        "corrects": str(world.first.key), "manner": "replaces", "indication": "confirmed",
        "assessment": "右侧", "password": PASSWORD,
    }  # fmt: skip
    assert client.post(path, form).status_code == 422  # no reason
    assert client.post(path, {**form, "why": "左右写反"}).status_code == 303
    second = Opinion.objects.get(version=2)
    assert (second.corrects, second.replaces) == (world.first, True)


def test_the_sheet_corrects_nothing_of_another_case(world):
    client = Client()
    client.force_login(world.doctor.account)
    other = world.raised("U1", minutes(50)).case
    first = decided(world)
    form = {"corrects": str(first.key), "chosen": "LOCAL", "text": "x", "password": PASSWORD}
    assert client.post(f"/cases/{other.key}/decisions/new/", form).status_code == 404
    assert not other.decisions.exists()


# ── entered in error ─────────────────────────────────────────────────────────


@pytest.fixture
def value(world) -> Observation:
    case = world.request.case
    actions.observe(case, {"hr": "120"}, by=world.doctor, now=minutes(5))
    [wrong] = actions.observe(case, {"hr": "210"}, by=world.doctor, now=minutes(6))
    return wrong


def test_a_wrong_value_is_kept_and_no_longer_used(world, value):
    case = world.request.case
    assert trend(case.key).tiles[0].value == "210"
    actions.mark_observation(case, value, why="别的病人的", by=world.second_doctor, now=minutes(7))
    value.refresh_from_db()
    assert (value.value, value.wrong_by, value.wrong_at) == (
        Decimal(210), world.second_doctor, minutes(7),
    )  # fmt: skip
    assert trend(case.key).tiles[0].value == "120"
    shown = page(world, world.doctor, "measurements/")
    assert "210" in shown.split("<del>")[1].split("</del>")[0]
    assert "别的病人的" in shown
    event = case.chain.events.latest("seq")
    assert (event.verb, event.data["vital"], event.data["value"]) == (
        "observation_marked_wrong", "hr", "210",
    )  # fmt: skip


def test_it_is_struck_out_once_and_with_a_reason(world, value):
    case = world.request.case
    with pytest.raises(Refused, match="few words"):
        actions.mark_observation(case, value, why=" ", by=world.doctor, now=minutes(7))
    actions.mark_observation(case, value, why="错的", by=world.doctor, now=minutes(7))
    with pytest.raises(Refused, match="already"):
        actions.mark_observation(case, value, why="又错", by=world.doctor, now=minutes(8))


def test_when_all_values_are_wrong_none_is_shown(world, value):
    case = world.request.case
    for row in Observation.objects.filter(case_key=case.key):
        actions.mark_observation(case, row, why="别的病人的", by=world.doctor, now=minutes(7))
    assert trend(case.key).tiles == []
    assert "No vital signs yet" in page(world, world.doctor)


@pytest.fixture
def document(world):
    kept = keep_file(SimpleUploadedFile("x.jpg", photo()))
    return actions.add_document(
        world.request.case, kept, title="腹部平片 马某", by=world.doctor, now=minutes(5)
    )


def test_a_wrong_title_stays_struck_out_beside_the_right_one(world, document):
    case = world.request.case
    with pytest.raises(Refused, match="the title that it has"):
        actions.mark_document(
            case, document, title=document.title, why="写错", by=world.doctor, now=minutes(7)
        )
    actions.mark_document(
        case, document, title="胸片", why="部位写错", by=world.doctor, now=minutes(7)
    )
    document.refresh_from_db()
    assert (document.title, document.title_was, document.wrong_at) == (
        "胸片",
        "腹部平片 马某",
        None,
    )
    assert "<del>腹部平片 马某</del>" in page(world, world.doctor, f"documents/{document.key}/")
    assert case.chain.events.latest("seq").data["was"] == "腹部平片 马某"


def test_a_file_of_another_patient_is_struck_out_and_kept(world, document):
    case = world.request.case
    actions.mark_document(case, document, why="别的病人", by=world.doctor, now=minutes(7))
    shown = page(world, world.doctor)
    assert "<del>腹部平片 马某</del>" in shown
    assert f"/documents/{document.key}/thumb/" not in shown
    assert "别的病人" in page(world, world.doctor, f"documents/{document.key}/")


def test_a_wrong_isbar_gives_way_to_the_version_before(world):
    case = world.request.case
    actions.save_handover(case, {"situation": "胆汁性呕吐"}, by=world.doctor, now=minutes(2))
    wrong = actions.save_handover(case, {"allergies": "青霉素"}, by=world.doctor, now=minutes(3))
    actions.mark_handover(case, wrong, why="别的病人的过敏", by=world.doctor, now=minutes(4))
    shown = page(world, world.doctor, "live/situation/")
    assert "青霉素" not in shown
    assert "别的病人的过敏" in shown
    assert '<del class="blk">' in page(world, world.doctor, "handovers/2/")
    third = actions.save_handover(case, {"diagnoses": "肠闭锁"}, by=world.doctor, now=minutes(5))
    assert (third.version, third.allergies, third.situation) == (3, "", "胆汁性呕吐")
    assert Handover.objects.filter(case=case).count() == 3


# ── exports ──────────────────────────────────────────────────────────────────


def test_the_exports_carry_what_was_corrected_and_struck_out(world, value, document):
    case = world.request.case
    signed(world, RIGHT, minutes(30), of=world.first, replaces=True, why="左右写反")
    actions.mark_observation(case, value, why="别的病人的", by=world.doctor, now=minutes(31))
    case = Case.objects.get(pk=case.pk)
    said = json.loads(json.dumps(export.as_json(case, minutes(60)), default=str))
    assert said["opinions"][1]["corrects"]["version"] == 1
    assert said["opinions"][1]["replaces"] is True
    assert [o["value"] for o in said["observations"] if o["entered_in_error"]] == ["210.000"]
    assert said["observations"][1]["entered_in_error"]["why"] == "别的病人的"
    with translation.override("en"):
        paper = export._paper(case, minutes(60))
    assert [o["struck"] for o in paper["opinions"]] == [False, True]
    assert paper["errors"][0][1] == "别的病人的"
    assert export.as_pdf(case, minutes(60)).startswith(b"%PDF")


# ── who may ──────────────────────────────────────────────────────────────────


def test_addresses_of_errors(world, value, document):
    case = world.request.case
    actions.save_handover(case, {"situation": "呕吐"}, by=world.doctor, now=minutes(2))
    base = f"/cases/{case.key}"
    for path in (
        f"{base}/measurements/{value.pk}/error/",
        f"{base}/documents/{document.key}/error/",
        f"{base}/handovers/1/error/",
    ):
        for who, expected in (("outsider", 404), ("alice", 404), ("doctor", 303)):
            client = Client()
            client.force_login(world.people[who].account)
            assert client.post(path, {"why": "写错了"}).status_code == expected, (path, who)
        assert client.get(path).status_code in (404, 405)
    for path in (f"{base}/measurements/", f"{base}/handovers/1/"):
        for who, expected in (("outsider", 404), ("alice", 200), ("doctor", 200)):
            client = Client()
            client.force_login(world.people[who].account)
            assert client.get(path).status_code == expected, (path, who)
        assert client.post(path).status_code == 405


def test_a_value_of_another_case_cannot_be_struck_out_through_this_one(world, value):
    other = world.raised("U1", minutes(50)).case
    client = Client()
    client.force_login(world.doctor.account)
    path = f"/cases/{other.key}/measurements/{value.pk}/error/"
    assert client.post(path, {"why": "写错了"}).status_code == 404
