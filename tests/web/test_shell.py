"""The service worker, the page without a network, and the key of a device."""

from __future__ import annotations

import base64
import json
import re

import pytest
from django.conf import settings
from django.templatetags.static import static

from jieli.web import device, shell
from tests.cases.world import World

pytestmark = pytest.mark.django_db


def head() -> dict[str, object]:
    first = shell.worker().split(b"\n", 1)[0]
    return json.loads(first.removeprefix(b"self.JIELI=").removesuffix(b";"))


def test_the_worker_stands_above_every_page_and_may_do_little(client):
    answer = client.get("/sw.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; connect-src 'self'"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert client.post("/sw.js").status_code == 405


def test_the_shell_is_what_a_page_asks_for(client):
    """Whatever a page links is kept under the very same address."""
    client.force_login(World().doctor.account)
    page = client.get("/cases/").content.decode()
    links = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', page))
    assert len(links) >= 5
    assert links <= set(head()["shell"])


def test_a_changed_file_changes_its_address_and_the_worker(monkeypatch):
    before, old = static("web/jieli.css"), head()["version"]
    assert re.fullmatch(r"/static/web/jieli\.css\?v=[0-9a-f]{10}", before)
    monkeypatch.setattr(shell, "_version", lambda name: "changed")
    assert static("web/jieli.css").endswith("?v=changed")
    assert json.loads(shell._worker().split(b"\n")[0][11:-1])["version"] != old


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "没有网络"), ("en", "no network")])
def test_the_page_without_a_network_names_nobody(client, language, words):
    person = World().doctor
    client.force_login(person.account)
    page = client.get(f"/offline/{language}/").content.decode()
    assert words in page
    assert person.name not in page
    assert "csrf" not in page.lower()
    assert "data-me" not in page
    assert "data-seal" not in page
    assert client.get("/offline/xx/").status_code == 404
    assert client.post(f"/offline/{language}/").status_code == 405


def opened(masked: str) -> bytes:
    both = base64.b64decode(masked)
    return bytes(one ^ other for one, other in zip(both[:32], both[32:], strict=True))


def test_the_key_is_the_accounts_own_and_never_the_same_text(client):
    world = World()
    client.force_login(world.doctor.account)
    pages = [client.get("/cases/").content.decode() for _ in range(2)]
    masked = [re.search(r'data-seal="([^"]+)"', page)[1] for page in pages]
    assert masked[0] != masked[1]
    mine = device.seal_of(world.doctor.account)
    assert {opened(text) for text in masked} == {mine}
    said = client.get("/me/seal/").json()
    assert opened(said["seal"]) == mine
    assert said["me"] == str(world.doctor.pk)
    assert said["token"]
    assert device.seal_of(world.alice.account) != mine
    world.doctor.account.set_password("another correct horse")
    assert device.seal_of(world.doctor.account) != mine


def test_the_key_is_for_whoever_is_signed_in(client):
    answer = client.get("/me/seal/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/signin/?next=/me/seal/")
    client.force_login(World().doctor.account)
    assert client.post("/me/seal/").status_code == 405


def test_signing_out_tells_the_browser_to_forget_everything(client):
    client.force_login(World().doctor.account)
    assert client.post("/signout/").headers["Clear-Site-Data"] == '"cache", "storage"'


def test_pages_are_compressed_and_their_length_is_masked(client):
    """BREACH: the same page never has the same compressed length twice for long."""
    client.force_login(World().doctor.account)
    answers = [client.get("/cases/", headers={"Accept-Encoding": "gzip"}) for _ in range(12)]
    assert all(answer.headers["Content-Encoding"] == "gzip" for answer in answers)
    assert len({len(answer.content) for answer in answers}) > 3
    assert "jieli.web.headers.Pages" in settings.MIDDLEWARE
