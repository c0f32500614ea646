"""What machines ask: is the process alive, is it ready, and how well do messages go out."""

import pytest

from jieli.pager import actions as pager
from jieli.web.now import now
from tests.cases.world import World

pytestmark = pytest.mark.django_db


def test_the_process_answers(client):
    assert client.get("/healthz").content == b"ok\n"


def test_readiness_tells_how_many_messages_wait(client):
    assert client.get("/readyz").json()["messages"]["age_seconds"] is None
    World().raised("U1")
    pager.take_gauge(now())  # as a runner does: a request that is nobody's sees no message
    told = client.get("/readyz").json()
    assert told["database"] == "ok"
    assert told["messages"]["waiting"] == 1
    assert told["messages"]["age_seconds"] < 10


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
