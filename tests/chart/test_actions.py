"""Patients are found again; values, files and consent are recorded on the case's chain."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.http import Http404
from django.test import RequestFactory
from django.utils import translation

from jieli.chart import actions, queries
from jieli.chart.models import Consent, Document, Identifier, Observation, Patient
from jieli.chart.views import serve_document
from jieli.directory.models import Organisation, Practitioner
from jieli.record.actions import acting, lock
from jieli.record.models import Chain
from jieli.record.queries import broken_at
from jieli.rules.refusal import Refused
from tests.chart.conftest import dicom, photo, upload
from tests.chart.test_store import RAMP

pytestmark = pytest.mark.django_db

NATIONAL = ("national_id", "653101199003071234")


# ── patients ─────────────────────────────────────────────────────────────────


def register(hospital: Organisation, **more: Any) -> Patient:
    given = {"name": "阿依努尔·卡德尔", "identifiers": [NATIONAL], **more}
    return actions.register_patient(organisation=hospital, **given)


def test_found_again_by_a_number_written_differently(hospital: Organisation) -> None:
    first = register(hospital)
    again = register(hospital, identifiers=[("national_id", " 653101 1990-0307 １２３４ ")])
    assert again == first
    assert Identifier.objects.count() == 1


def test_an_emergency_form_fills_gaps_and_overwrites_nothing(hospital: Organisation) -> None:
    register(hospital, sex="female")
    again = register(hospital, name="?", sex="male", age_text="34 岁")
    again.refresh_from_db()
    assert (again.name, again.sex, again.age_text) == ("阿依努尔·卡德尔", "female", "34 岁")


def test_hospital_numbers_count_only_in_their_hospital(hospital: Organisation) -> None:
    other = Organisation.objects.create(code="other", name="岚水县人民医院", tier="county")
    number = [("hospital_number", "1")]
    first = register(hospital, identifiers=number)
    assert register(other, identifiers=number) != first
    assert queries.find_patient(number, hospital.pk) == first


def test_twins_share_a_mother_but_are_two_patients(hospital: Organisation) -> None:
    mother = ("mother", "M1")
    twins = [
        register(hospital, unknown=True, name=name, identifiers=[mother, ("hospital_number", name)])
        for name in ("甲", "乙")
    ]
    assert twins[0] != twins[1]
    assert set(queries.patients_like([mother], hospital.pk)) == set(twins)


@pytest.mark.parametrize("name", ["𠮷田䶮", "阿依努尔·卡德尔", "O’Neil-Ғани", "\U00031350某"])
def test_rare_names_survive(hospital: Organisation, name: str) -> None:
    found = register(hospital, name=name)
    found.refresh_from_db()
    assert found.name == name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": ""}, "Write the name"),
        ({"name": "\u202e\n"}, "Write the name"),
        ({"identifiers": []}, "Two identifiers"),
        ({"identifiers": [("hospital_number", " ")]}, "Two identifiers"),
        ({"identifiers": [("passport", "1")]}, "which kind"),
        ({"identifiers": [("national_id", "1" * 61)]}, "too long"),
    ],
)
def test_identity_refused(hospital: Organisation, given: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        register(hospital, **given)
    assert not Patient.objects.exists()


def test_unknown_needs_no_number(hospital: Organisation) -> None:
    assert register(hospital, name="未知新生儿", unknown=True, identifiers=[]).unknown


@pytest.mark.django_db(transaction=True)
def test_two_who_register_at_the_same_time_get_one_patient(hospital: Organisation) -> None:
    from django.db import transaction

    found: list[int] = []

    def one() -> None:
        try:
            with transaction.atomic():
                found.append(register(hospital).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


# ── values ───────────────────────────────────────────────────────────────────

STORY = {"rr": "72", "hr": "168", "sbp": "58", "spo2": "90", "o2": "2", "crt": "3",
         "effort": "moderate", "temp": "", "weight": "2650"}  # fmt: skip


@pytest.fixture
def case(
    patient: Patient, chain: Chain, case_key: UUID, doctor: Practitioner, now: datetime
) -> dict[str, Any]:
    return {"chain": chain, "patient": patient, "case_key": case_key, "by": doctor, "now": now}


def acted(write: Callable[..., Any], case: dict[str, Any], **more: Any) -> Any:
    """As the spine does it: in one action, on the locked chain."""
    with acting():
        found = write(**{**case, "chain": lock(case["chain"].pk)}, **more)
    case["chain"].refresh_from_db()
    return found


def observe(case: dict[str, Any], values: dict[str, str], at: datetime) -> Any:
    return acted(actions.observe, case, values=values, occurred_at=at)


def test_values_are_kept_and_recorded(case: dict[str, Any], now: datetime) -> None:
    at = now - timedelta(minutes=45)
    rows, event = observe(case, STORY, at)
    assert len(rows) == 8
    assert event.verb == "vitals_observed"
    assert (event.occurred_at, event.recorded_at) == (at, now)
    assert event.data["crt"] == "3.0"
    assert Observation.objects.get(code="spo2").value == Decimal(90)
    assert Observation.objects.get(code="effort").text == "moderate"
    assert broken_at(case["chain"]) is None


def test_one_bad_value_keeps_none(case: dict[str, Any], now: datetime) -> None:
    with pytest.raises(Refused, match=r"36\.6\?"):
        observe(case, {"hr": "160", "temp": "366"}, now)
    with pytest.raises(Refused, match="at least one"):
        observe(case, {"hr": " "}, now)
    assert not Observation.objects.exists()
    assert case["chain"].events.count() == 0


def test_the_sentence_names_the_vital_in_the_readers_language(case: dict[str, Any]) -> None:
    with translation.override("zh-hans"), pytest.raises(Refused) as refused:
        actions.read_vitals({"temp": "366"})
    assert refused.value.facts["label"] == translation.gettext("Temperature")


def test_trend(case: dict[str, Any], now: datetime, django_assert_num_queries: Any) -> None:
    observe(case, STORY, now - timedelta(minutes=30))
    observe(case, {"hr": "162", "spo2": "96", "o2": "1.5", "sbp": "60", "dbp": "38"}, now)
    with django_assert_num_queries(1):
        trend = queries.trend(case["case_key"])
    tiles = {tile.code: tile for tile in trend.tiles}
    assert trend.band == "newborn"
    assert list(tiles) == ["hr", "rr", "spo2", "sbp", "crt", "weight"]
    assert (tiles["hr"].value, tiles["hr"].grade, tiles["hr"].arrow) == ("162", "high", "↓")
    assert (tiles["spo2"].value, tiles["spo2"].note) == ("96", "O₂ 1.5 L")
    assert tiles["sbp"].value == "60/38"
    assert tiles["weight"].grade == ""
    assert trend.words == ["Moderate breathing effort"]
    assert tiles["hr"].spark is not None


def test_trend_of_nothing(case_key: UUID) -> None:
    assert queries.trend(case_key).tiles == []


def test_trend_of_a_long_case_is_one_short_read(
    case: dict[str, Any], now: datetime, django_assert_num_queries: Any
) -> None:
    Observation.objects.bulk_create(
        Observation(patient=case["patient"], case_key=case["case_key"], code="hr", value=100,
                    occurred_at=now + timedelta(minutes=n), recorded_at=now, by=case["by"])
        for n in range(5000)
    )  # fmt: skip
    with django_assert_num_queries(1):
        [tile] = queries.trend(case["case_key"]).tiles
    assert tile.spark is not None
    assert tile.spark.line.count("L") < 40


# ── documents ────────────────────────────────────────────────────────────────


def add(case: dict[str, Any], content: bytes, title: str, name: str = "x") -> Document:
    kept = actions.keep_file(upload(content, name))
    document, event = acted(
        actions.add_document, case, kept=kept, title=title, occurred_at=case["now"]
    )
    assert event.data["sha256"] == document.sha256
    return document


def test_document_is_attached(case: dict[str, Any]) -> None:
    document = add(case, photo(), "平扫/增强 ")
    assert (document.title, document.kind, document.has_picture) == ("平扫/增强", "photo", True)
    assert add(case, photo(), "", "腹部平片.jpg").title == "腹部平片.jpg"
    assert queries.get_document(case["case_key"], document.key) == document
    with pytest.raises(Http404):
        queries.get_document(uuid4(), document.key)  # another case


@pytest.mark.parametrize("size", ["thumb", "screen", "original"])
def test_photo_is_served_where_nothing_can_run(case: dict[str, Any], size: str) -> None:
    document = add(case, photo(), '片"\r\nX-Bad: 1.jpg')
    answer = serve_document(document, size)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "X-Bad" not in answer.headers
    again = RequestFactory().get("/", headers={"If-None-Match": answer.headers["ETag"]})
    assert serve_document(document, size, again).status_code == 304
    answer.close()


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"%PDF-1.4\n%%EOF", "application/pdf"), (dicom(RAMP), "application/dicom")],
)
def test_what_is_no_picture_is_downloaded(case: dict[str, Any], content: bytes, kind: str) -> None:
    document = add(case, content, "")
    answer = serve_document(document, "original")
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Content-Disposition"].startswith("attachment")
    answer.close()


def test_what_does_not_exist_is_not_found(case: dict[str, Any]) -> None:
    document = add(case, b"%PDF-1.4\n%%EOF", "报告")
    for size in ("thumb", "screen", "../../secret-key"):
        with pytest.raises(Http404):
            serve_document(document, size)
    document.sha256 = "f" * 64
    with pytest.raises(Http404):
        serve_document(document, "original")


# ── consent ──────────────────────────────────────────────────────────────────


def consent(case: dict[str, Any], **more: Any) -> Any:
    given = {"kind": "remote_consult", "given_by": "父亲", "occurred_at": case["now"], **more}
    return acted(actions.record_consent, case, **given)


def test_consent_names_who_and_through_whom(case: dict[str, Any]) -> None:
    made, event = consent(case, interpreter="马骁", language="ug", remotely=True)
    assert event.verb == "consent_given"
    assert event.data["interpreter"] == "马骁"
    assert list(queries.consents_of(case["case_key"])) == [made]


def test_refusal_is_recorded_too(case: dict[str, Any]) -> None:
    made, event = consent(case, answer="refused")
    assert (made.answer, event.verb) == (Consent.Answer.REFUSED, "consent_refused")


@pytest.mark.parametrize("more", [{"given_by": " "}, {"kind": "other"}, {"answer": "maybe"}])
def test_consent_refused(case: dict[str, Any], more: dict[str, str]) -> None:
    with pytest.raises(Refused):
        consent(case, **more)
    assert not Consent.objects.exists()
