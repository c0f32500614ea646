"""What machines ask: is the process alive, is it ready, and how well do messages go out."""

import pytest

from tests.cases.world import World

pytestmark = pytest.mark.django_db


def test_the_process_answers(client):
    assert client.get("/healthz").content == b"ok\n"


def test_readiness_tells_how_many_messages_wait(client):
    World().raised("U1")
    told = client.get("/readyz").json()
    assert told["database"] == "ok"
    assert told["messages"]["waiting"] == 1


def test_a_sent_form_may_ask_where_to_go_next(client):
    world = World()
    client.force_login(world.doctor.account)
    response = client.post("/zone/", {"zone": "xinjiang", "next": "/board/"},
                           headers={"Jieli-Redirect": "say"})  # fmt: skip
    assert (response.status_code, response.headers["Jieli-Location"]) == (204, "/board/")
    assert "Location" not in response.headers


@pytest.mark.parametrize("where", ["https://elsewhere.example/", "//elsewhere", "/\\elsewhere"])
def test_nobody_is_led_to_another_site(client, where):
    assert client.post("/zone/", {"zone": "beijing", "next": where})["Location"] == "/"
