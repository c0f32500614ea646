# ruff: noqa: E501 a table of addresses reads best with one row a line
"""Every address of the spine: works for whom it should, 404 for the wrong person, 405 for the method."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jieli.cases import actions
from jieli.cases.actions import Advice
from jieli.cases.models import Case, Decision, Opinion
from jieli.stories.models import DemoTime
from tests.cases.world import PASSWORD, World, minutes

pytestmark = pytest.mark.django_db
OK = {200, 204, 303}


@pytest.fixture
def world(settings) -> World:
    settings.JIELI_DEMO = True  # the shown time stands still at T0 + 50 minutes
    DemoTime.objects.create(shown_at=minutes(50), real_at=minutes(50), speed=0)
    return World()


@pytest.fixture
def case(world) -> Case:
    """A case with an opinion that was read; a second request that still rings."""
    request = world.raised("U1")
    actions.accept(request, by=world.alice, now=minutes(1))
    advice = Advice("confirmed", "先天性小肠闭锁", "剖腹探查")
    opinion = actions.sign_opinion(
        request, advice, by=world.alice, secret=PASSWORD, now=minutes(45)
    )
    actions.acknowledge(opinion, by=world.doctor, now=minutes(48))
    world.opinion, world.request = opinion, request
    world.open = world.raised("U1", now=minutes(49.9))
    world.ring = world.open.rings.first()
    world.clock = request.case.clocks.get(name="decision")
    return request.case


def sign_in(client, person):
    client.force_login(person.account)


def addresses(world: World, case: Case):
    """(method, path, data, who may, who of the signed-in may not)."""
    base = f"/cases/{case.key}"
    new = {
        "specialty": "paediatric-surgery", "urgency": "U1", "problem": "疑似肠闭锁",
        "callback": "0998-1", "patient_name": "马某", "id1_kind": "hospital_number",
        "id1_value": "Z1",
    }  # fmt: skip
    ring = world.open.rings.first()
    opened = world.open
    return [
        ("get", "/cases/", {}, "doctor", None),
        ("get", "/cases/new/", {}, "doctor", "officer"),
        ("post", "/cases/new/", new, "doctor", "officer"),
        ("post", "/cases/new/open-cases/", {"id1_value": "Z1"}, "doctor", None),
        ("get", f"{base}/", {}, "alice", "outsider"),
        *[
            ("get", f"{base}/live/{part}/", {}, "alice", "outsider")
            for part in ("clocks", "rings", "timeline", "advice", "situation", "chart", "thread", "outcome")
        ],
        ("get", f"{base}/events/", {}, "alice", "outsider"),
        ("get", f"{base}/handovers/", {}, "doctor", "alice"),
        ("post", f"{base}/handovers/", {"situation": "胆汁性呕吐"}, "doctor", "alice"),
        ("post", f"{base}/observations/", {"hr": "168"}, "doctor", "alice"),
        ("post", f"{base}/messages/", {"text": "腹壁颜色？"}, "alice", "outsider"),
        ("post", f"{base}/consents/", {"kind": "remote_consult", "given_by": "父亲"}, "doctor", "alice"),
        ("post", f"{base}/urgency/", {"urgency": "U0"}, "doctor", "outsider"),
        ("post", f"{base}/handover-of-care/", {"to": str(world.second_doctor.key)}, "doctor", "alice"),
        ("post", f"{base}/outcomes/", {"day": "1", "state": "better"}, "doctor", "alice"),
        ("post", f"{base}/clocks/{world.clock.pk}/pause/", {"code": "family_decision"}, "doctor", "alice"),
        ("get", f"{base}/opinions/new/", {}, "alice", "doctor"),
        ("post", f"{base}/opinions/new/", {"indication": "confirmed", "assessment": "同前", "password": PASSWORD}, "alice", "doctor"),
        ("get", f"{base}/decisions/new/", {}, "doctor", "alice"),
        ("post", f"{base}/decisions/new/", {"opinion": str(world.opinion.key), "chosen": "DISPATCH", "text": "派队", "password": PASSWORD}, "doctor", "alice"),
        ("get", f"{base}/export.json", {}, "alice", "outsider"),
        ("get", f"{base}/export.pdf", {}, "alice", "outsider"),
        ("post", f"{base}/closure/", {"reason": "好转"}, "doctor", "alice"),
        ("get", f"/opinions/{world.opinion.key}/verification/", {}, "alice", "outsider"),
        ("post", f"/opinions/{world.opinion.key}/acknowledgement/", {"understood": "on"}, "doctor", "alice"),
        ("get", "/rings/", {}, "alice", None),
        ("get", f"/rings/{ring.key}/", {}, ring.practitioner.name, "doctor"),
        ("post", f"/rings/{ring.key}/ringing/", {}, ring.practitioner.name, "doctor"),
        ("post", f"/requests/{opened.key}/referral/", {"to": str(world.carol.key)}, ring.practitioner.name, "outsider"),
        ("post", f"/requests/{opened.key}/refusal/", {"reason": "operating"}, "bob", "outsider"),
        ("post", f"/requests/{opened.key}/rings/", {"person": str(world.second.key)}, "doctor", "outsider"),
        ("post", f"/requests/{opened.key}/acceptance/", {}, "carol", "outsider"),
        ("post", f"/requests/{opened.key}/contact/", {"channel": "video"}, "carol", "outsider"),
        ("post", f"/requests/{opened.key}/appointment/", {"meets_at": "2026-03-05T09:00"}, "carol", "outsider"),
        ("post", f"/requests/{opened.key}/withdrawal/", {"reason": "误报"}, "doctor", "carol"),
        ("get", "/me/advice/", {}, "alice", None),
    ]  # fmt: skip


def test_every_address_works_for_whom_it_should(client, world, case):
    for method, path, data, who, _not in addresses(world, case):
        sign_in(client, world.people[who])
        if path.endswith("/closure/"):
            Opinion.objects.filter(acknowledged_at=None).update(acknowledged_at=minutes(50))
        response = getattr(client, method)(path, data)
        assert response.status_code in OK, (
            method,
            path,
            who,
            response.status_code,
            response.content[:900],
        )


def test_the_wrong_person_gets_404_and_nothing_changes(client, world, case):
    for method, path, data, _who, wrong in addresses(world, case):
        for name in filter(None, {wrong, "outsider"} if wrong else set()):
            sign_in(client, world.people[name])
            length = case.chain.events.count()
            response = getattr(client, method)(path, data)
            if name == "outsider" and path == "/cases/new/":
                continue  # a county doctor elsewhere may page for their own hospital
            assert response.status_code == 404, (method, path, name, response.status_code)
            assert case.chain.events.count() == length


def test_the_wrong_method_gets_405(client, world, case):
    sign_in(client, world.doctor)
    both = {
        "/cases/new/",
        f"/cases/{case.key}/handovers/",
        f"/cases/{case.key}/opinions/new/",
        f"/cases/{case.key}/decisions/new/",
    }
    for method, path, _data, _who, _not in addresses(world, case):
        wrong = "put" if path in both else ("post" if method == "get" else "get")
        assert getattr(client, wrong)(path).status_code == 405, path


def test_anonymous_people_are_sent_to_the_sign_in(client, world, case):
    for method, path, data, _who, _not in addresses(world, case):
        response = getattr(client, method)(path, data)
        assert response.status_code == 302, path
        assert response.headers["Location"].startswith("/signin/"), path


def test_unknown_keys_are_404(client, world, case):
    sign_in(client, world.doctor)
    other = uuid.uuid4()
    for path in (f"/cases/{other}/", f"/rings/{other}/", f"/opinions/{other}/verification/"):
        assert client.get(path).status_code == 404


def test_a_bad_form_names_each_field_and_stores_nothing(client, world):
    sign_in(client, world.doctor)
    response = client.post("/cases/new/", {"problem": "", "patient_unknown": ""})
    assert response.status_code == 422
    assert response.content.count(b'class="err"') >= 4
    assert not Case.objects.exists()


def test_a_wrong_password_keeps_the_text_and_signs_nothing(client, world, case):
    sign_in(client, world.doctor)
    sent = {
        "opinion": str(world.opinion.key),
        "chosen": "LOCAL",
        "text": "在本院手术",
        "password": "x",
    }
    response = client.post(f"/cases/{case.key}/decisions/new/", sent)
    assert response.status_code == 409
    assert "在本院手术" in response.content.decode()
    assert not Decision.objects.exists()


def test_xinjiang_time_is_converted(client, world):
    sign_in(client, world.doctor)
    client.post("/cases/new/", {
        "specialty": "paediatric-surgery", "urgency": "U1", "problem": "肠闭锁", "callback": "1",
        "patient_name": "马某之子", "patient_unknown": "on",
        "onset_at": "2026-03-01T10:45", "zone": "xinjiang",
    })  # fmt: skip
    case = Case.objects.get()
    assert case.anchor_at.isoformat() == "2026-03-01T04:45:00+00:00"


def test_the_expert_keeps_opinion_and_outcome_after_access_has_ended(client, world, case):
    actions.withdraw(world.open, by=world.doctor, reason="误报", now=minutes(50))
    actions.close_case(case, by=world.doctor, reason="", now=minutes(50))
    actions.record_outcome(case, day=1, state="better", by=world.doctor, now=minutes(50))
    DemoTime.objects.update(shown_at=minutes(50 + 5 * 24 * 60))
    sign_in(client, world.alice)
    assert client.get(f"/cases/{case.key}/").status_code == 404
    page = client.get("/me/advice/").content.decode()
    assert "好转" in page
    signed = client.get(f"/opinions/{world.opinion.key}/verification/").content.decode()
    assert "先天性小肠闭锁" in signed


def test_two_experts_one_wins_and_the_other_reads_why(client, world, case):
    sign_in(client, world.alice)
    client.post(f"/requests/{world.open.key}/acceptance/")
    sign_in(client, world.bob)
    response = client.post(f"/requests/{world.open.key}/acceptance/")
    assert response.status_code == 409
    assert "alice" in response.content.decode()


def test_a_document_is_added_and_shown_to_those_who_may(client, world, case):
    sign_in(client, world.doctor)
    pixel = (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"
        b"\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef"
        b"\x00\x00\x00\x00IEND\xaeB`\x82"
    )
    sent = {"file": SimpleUploadedFile("片子.png", pixel), "title": "腹平片"}
    assert client.post(f"/cases/{case.key}/documents/", sent).status_code == 303
    document = case.patient.documents.get()
    path = f"/cases/{case.key}/documents/{document.key}/"
    assert client.get(path).status_code == 200
    assert client.get(path + "thumb/").status_code == 200
    sign_in(client, world.outsider)
    assert client.get(path).status_code == 404
    assert client.get(path + "original/").status_code == 404


def test_the_export_holds_everything(client, world, case):
    sign_in(client, world.alice)
    told = client.get(f"/cases/{case.key}/export.json").json()
    assert told["chain"]["verified"] is True
    assert told["opinions"][0]["author"]["number"] == "alice"
    accept = next(c for c in told["clocks"] if c["name"] == "accept")
    assert (accept["minutes"], accept["target_met"]) == (1.0, True)
    pdf = client.get(f"/cases/{case.key}/export.pdf")
    assert pdf.content.startswith(b"%PDF")
