"""The same write sent twice is one write with one answer."""

import threading
import uuid

import pytest
from django.db import connection
from django.test import Client

from jieli.cases.models import Case
from jieli.record.models import IdempotencyKey
from tests.cases.world import World

FORM = {
    "specialty": "paediatric-surgery",
    "urgency": "U3",
    "problem": "疑似肠闭锁",
    "callback": "0998-1",
    "patient_name": "马某之子",
    "patient_unknown": "on",
}


@pytest.fixture
def world(db) -> World:
    return World()


def post(client, key, **changes):
    headers = {"Idempotency-Key": str(key)}
    return client.post("/cases/new/", FORM | changes, headers=headers)


def test_a_second_sending_gives_the_first_answer_again(client, world):
    client.force_login(world.doctor.account)
    key = uuid.uuid4()
    first, second = post(client, key), post(client, key)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["Location"] == second.headers["Location"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert Case.objects.count() == 1


def test_the_key_may_come_in_the_form(client, world):
    client.force_login(world.doctor.account)
    sent = FORM | {"_key": str(uuid.uuid4())}
    assert (
        client.post("/cases/new/", sent)["Location"] == client.post("/cases/new/", sent)["Location"]
    )
    assert Case.objects.count() == 1


def test_another_body_under_the_same_key_is_refused(client, world):
    client.force_login(world.doctor.account)
    key = uuid.uuid4()
    post(client, key)
    assert post(client, key, problem="别的病").status_code == 409
    assert Case.objects.count() == 1


def test_somebody_else_does_not_get_the_answer(client, world):
    client.force_login(world.doctor.account)
    key = uuid.uuid4()
    post(client, key)
    client.force_login(world.second_doctor.account)
    response = post(client, key)
    assert response.status_code == 409
    assert "Location" not in response.headers


def test_after_an_error_the_same_key_may_be_sent_again(client, world):
    client.force_login(world.doctor.account)
    key = uuid.uuid4()
    assert post(client, key, problem="").status_code == 422
    assert not IdempotencyKey.objects.exists()
    assert post(client, key).status_code == 303


def test_a_refusal_is_not_kept_either(client, world):
    client.force_login(world.doctor.account)
    world.agreement.delete()
    assert post(client, uuid.uuid4()).status_code == 409
    assert not IdempotencyKey.objects.exists()
    assert not Case.objects.exists()


@pytest.mark.both_engines
@pytest.mark.django_db(transaction=True)
def test_eight_at_once_with_one_key_make_one_case():
    world = World()
    key = uuid.uuid4()
    gate = threading.Barrier(8)
    answers = []

    def send():
        client = Client()
        client.force_login(world.doctor.account)
        gate.wait()
        answers.append(post(client, key)["Location"])
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert Case.objects.count() == 1
