"""The patient's own copy: all their cases at the hospital, in words, and nothing of others."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from jieli.cases import actions
from jieli.cases.actions import Correction
from jieli.cases.models import Case, PatientCopy
from jieli.cases.queries import copies
from jieli.chart.models import Identifier, Observation
from jieli.directory.models import Role
from jieli.record.models import Reading
from jieli.record.queries import broken_at
from tests.cases.test_disposal import story
from tests.cases.world import PASSWORD, World, minutes, verbs

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def world(settings, tmp_path, monkeypatch) -> World:
    settings.MEDIA_ROOT = tmp_path / "files"
    made = World()
    made.person("clerk", made.county, Role.Kind.COORDINATOR)
    made.at = minutes(600)
    monkeypatch.setattr("jieli.web.middleware.now", lambda: made.at)
    return made


@pytest.fixture
def case(world) -> Case:
    """One patient with two cases at the hospital and one elsewhere; and somebody else."""
    first = story(world, "马某之子")
    second = story(world, "第二次来")
    elsewhere = story(world, "在别处")
    Case.objects.filter(pk__in=[second.pk, elsewhere.pk]).update(patient=first.patient)
    Case.objects.filter(pk=elsewhere.pk).update(organisation=world.hub)
    story(world, "别的病人")
    Identifier.objects.create(patient=first.patient, kind="telephone", value="13911112222")
    return Case.objects.get(pk=first.pk)


def as_(person, language="en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(person.account)
    return client


FORM = {"given_to": "马父", "relation": "parent", "identity": "on"}


def made(world, case) -> PatientCopy:
    answer = as_(world.clerk).post(f"/cases/{case.key}/copies/", FORM)
    assert answer.status_code == 303
    copy = PatientCopy.objects.latest("pk")
    assert answer["Location"] == f"/office/copies/{copy.key}/"
    return copy


def said(world, copy) -> str:
    answer = as_(world.clerk).get(f"/office/copies/{copy.key}/copy.json")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_is_on_record_in_each_case_before_it_is_read(world, case):
    copy = made(world, case)
    for one in Case.objects.filter(patient=case.patient, organisation=world.county):
        event = one.chain.events.latest("seq")
        assert (event.verb, event.actor, event.data["given_to"]) == (
            "copy_given",
            world.clerk,
            "马父",
        )
        assert event.data["copy"] == str(copy.key)
        one.chain.refresh_from_db()
        assert broken_at(one.chain) is None
    other = Case.objects.get(organisation=world.hub)
    assert "copy_given" not in verbs(other)


def test_each_download_is_a_reading_of_each_case(world, case):
    copy = made(world, case)
    Reading.objects.all()._raw_delete("default")
    world.at += timedelta(minutes=5)
    said(world, copy)
    alike = Case.objects.filter(patient=case.patient, organisation=world.county)
    assert set(Reading.objects.values_list("case_key", flat=True)) == {c.key for c in alike}
    assert set(Reading.objects.values_list("what", flat=True)) == {"cases:patient_copy_json"}


def test_it_holds_all_cases_of_this_patient_at_this_hospital(world, case):
    text = said(world, made(world, case))
    assert text.count('"number": "JL-') == 2
    assert "第二次来" in text
    assert "别的病人" not in text
    assert "在别处" not in text


def test_it_is_chinese_and_has_words_for_codes(world, case):
    paper = json.loads(said(world, made(world, case)))
    text = json.dumps(paper, ensure_ascii=False)
    assert paper["title"] == "病历资料副本（交患者）"
    with translation.override("zh-hans"):
        for word in (
            "Emergency",
            "Indicated",
            "Heart rate",
            "Given",
            "Better",
            "Bring an expert team",
        ):
            assert gettext(word) != word
            assert gettext(word) in text, word
    for code in ("confirmed", "DISPATCH", "LOCAL", "better", "remote_consult", "operation",
                 "not_indicated", "situation", "outpatient", "password"):  # fmt: skip
        assert f'"{code}' not in text, code


def test_it_has_no_telephone_number_and_no_talk_of_others(world, case):
    actions.write_note(case, "家属很难沟通", by=world.doctor, now=world.at)
    Case.objects.filter(pk=case.pk).update(problem="疑似肠闭锁，回电 0998-5550126 或 13812345678")
    request = case.requests.get()
    text = said(world, made(world, case))
    for hidden in ("0998-5550126", "13812345678", "13911112222", "13800000000", "家属很难沟通"):
        assert hidden not in text, hidden
    assert "号码略" in text
    for name in ("bob", "carol", "officer"):  # on the list, never came
        assert f'"{name}' not in text
        assert f" {name}" not in text
    assert request.callback not in text


def test_what_was_struck_out_is_struck_out_here_too(world, case):
    row = Observation.objects.filter(case_key=case.key).first()
    actions.mark_observation(case, row, why="别人的", by=world.doctor, now=world.at)
    opinion = case.opinions.get()
    advice = actions.Advice("not_indicated", "改为观察")
    actions.sign_opinion(
        opinion.request, advice, by=world.alice, secret=PASSWORD, now=world.at,
        correction=Correction(opinion, True, "复查后更正"),
    )  # fmt: skip
    paper = json.loads(said(world, made(world, case)))
    [first] = [c for c in paper["cases"] if c["number"] == case.number]
    sections = {s["title"]: s for s in first["sections"]}
    assert [r[-1] for r in sections["测量值"]["rows"]] == [True]
    assert [s["struck"] for s in sections["专家意见"]["signed"]] == [False, True]


def test_the_pdf_is_one(world, case):
    copy = made(world, case)
    answer = as_(world.clerk).get(f"/office/copies/{copy.key}/copy.pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF")
    assert "attachment" in answer["Content-Disposition"]


def test_typed_text_cannot_become_markup_of_the_paper(world, case):
    nasty = '#panic("x") $ \\ ] [ #image("/etc/passwd") *_`'
    Case.objects.filter(pk=case.pk).update(problem=nasty)
    copy = made(world, case)
    assert copies.as_pdf(copy).startswith(b"%PDF")
    assert copies.paper(copy)["cases"][0]["title"] == nasty


def test_a_link_ends_after_a_day(world, case):
    copy = made(world, case)
    world.at += timedelta(hours=23)
    assert as_(world.clerk).get(f"/office/copies/{copy.key}/copy.json").status_code == 200
    world.at += timedelta(hours=1)
    for end in ("", "copy.json", "copy.pdf"):
        assert as_(world.clerk).get(f"/office/copies/{copy.key}/{end}").status_code == 404


@pytest.mark.parametrize("change", [{"given_to": ""}, {"relation": "friend"}, {"identity": ""}])
def test_who_gets_it_must_be_said(change, world, case):
    form = {k: v for k, v in {**FORM, **change}.items() if v}
    assert as_(world.clerk).post(f"/cases/{case.key}/copies/", form).status_code == 422
    assert not PatientCopy.objects.exists()
    assert "copy_given" not in verbs(case)


def test_addresses_of_copies(world, case):
    path = f"/cases/{case.key}/copies/"
    for who in ("doctor", "alice", "outsider", "county_officer", "director"):
        assert as_(world.people[who]).get(path).status_code == 404, who
        assert as_(world.people[who]).post(path, FORM).status_code == 404, who
    for who in ("clerk", "county_director"):
        page = as_(world.people[who]).get(path)
        assert page.status_code == 200
        assert page.content.decode().count("JL-") >= 2
    copy = made(world, case)
    for end in ("", "copy.json", "copy.pdf"):
        for who in ("doctor", "alice", "outsider", "director"):
            assert as_(world.people[who]).get(f"/office/copies/{copy.key}/{end}").status_code == 404
        assert as_(world.county_director).get(f"/office/copies/{copy.key}/{end}").status_code == 200
        assert as_(world.clerk).post(f"/office/copies/{copy.key}/{end}").status_code == 405
    assert as_(world.clerk).put(path).status_code == 405


def test_it_is_offered_to_the_office_on_the_case(world, case):
    assert (
        f"/cases/{case.key}/copies/" in as_(world.clerk).get(f"/cases/{case.key}/").content.decode()
    )
    assert "/copies/" not in as_(world.doctor).get(f"/cases/{case.key}/").content.decode()
