"""Each transport alone, against the loop-back."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from jieli.notify.transports.apprise import transport as messenger
from jieli.notify.transports.email import transport as email
from jieli.notify.transports.gateway import transport as gateway
from jieli.notify.transports.in_app import transport as in_app
from jieli.notify.transports.letter import Letter, TransportError
from tests.notify.conftest import NOW, Make, Receiver

LETTER = Letter(
    id="m.1", attempt="a", practitioner=1, address="+86 138 0000 0001", rings=True, manner="ring",
    title="U1 儿普外", text="打开查看", link="https://jieli.example/rings/x/", at=NOW,
)  # fmt: skip


# ── gateway ──────────────────────────────────────────────────────────────────


def test_gateway_accepts_and_rings(receiver: Receiver) -> None:
    receiver.script = ["accept", "ringing"]
    assert gateway.send(LETTER, timeout=2).ringing is False
    assert gateway.send(replace(LETTER, rings=False), timeout=2).ringing is True
    assert [request["kind"] for request in receiver.requests] == ["voice", "sms"]
    assert receiver.requests[0]["id"] == receiver.requests[1]["id"] == "m.1"


@pytest.mark.parametrize(
    ("act", "words", "permanent"),
    [
        ("refuse", "refused", False),
        ("500", "status 500", False),
        ("401", "status 401", False),  # our fault, not this person's number
        ("302", "status 302", False),
        ("410", "status 410", True),
        ("drop", "cannot be reached", False),
        ("hang", "in time", False),
    ],
)
def test_gateway_failures(receiver: Receiver, act: str, words: str, permanent: bool) -> None:
    receiver.script = [act]
    with pytest.raises(TransportError, match=words) as fault:
        gateway.send(LETTER, timeout=0.5)
    assert fault.value.permanent is permanent
    assert "138" not in str(fault.value)


def test_gateway_without_a_token(receiver: Receiver, settings: Any) -> None:
    settings.JIELI_GATEWAY_TOKEN = ""
    assert gateway.send(LETTER, timeout=2).ringing is False
    assert "Authorization" not in receiver.headers[0]


@pytest.mark.parametrize("address", ["", "http://127.0.0.1/", "12", "+86\n1", "1" * 40])
def test_gateway_takes_only_telephone_numbers(receiver: Receiver, address: str) -> None:
    with pytest.raises(TransportError) as fault:
        gateway.send(replace(LETTER, address=address), timeout=1)
    assert fault.value.permanent
    assert receiver.requests == []


def test_gateway_not_set_up(settings: Any) -> None:
    settings.JIELI_GATEWAY_URL = ""
    with pytest.raises(TransportError, match="set up") as fault:
        gateway.send(LETTER, timeout=1)
    assert not fault.value.permanent


# ── messenger ────────────────────────────────────────────────────────────────


def test_messenger_speaks_to_the_receiver(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messenger, "SERVICES", {"json"})
    address = receiver.url.replace("http", "json")
    messenger.send(replace(LETTER, address=address), timeout=2)
    [request] = receiver.requests
    assert request["title"] == LETTER.title
    assert LETTER.link in request["message"]
    receiver.script = ["500"]
    with pytest.raises(TransportError) as fault:
        messenger.send(replace(LETTER, address=address), timeout=2)
    assert not fault.value.permanent


@pytest.mark.parametrize(
    "address",
    [
        "json://127.0.0.1:1/",
        "syslog://",
        "mailto://a:b@c",
        "http://169.254.169.254/",
        "wecombot://",
    ],
)
def test_messenger_addresses_that_are_refused_for_good(address: str) -> None:
    with pytest.raises(TransportError) as fault:
        messenger.send(replace(LETTER, address=address), timeout=1)
    assert fault.value.permanent


@pytest.mark.parametrize("service", sorted(messenger.SERVICES))
def test_allowed_messengers_exist_in_apprise(service: str) -> None:
    token = "8b799edf6f984d3a9be72862fb4e5752"
    assert messenger._service(f"{service}://{token}") is not None


def test_a_wrong_address_leaves_no_secret_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(TransportError):
        messenger._service("dingtalk://secret-token-")
    assert "secret" not in caplog.text


# ── mail ─────────────────────────────────────────────────────────────────────


class Smtp(socketserver.StreamRequestHandler):
    """Just enough of a mail server; `refuse` says how recipients are answered."""

    refuse = b""
    mails: list[bytes] = []

    def handle(self) -> None:
        self.wfile.write(b"220 loop-back\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                mail = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    mail += part
                self.mails.append(mail)
            self.wfile.write(self.refuse if self.refuse and word == b"RCPT" else b"250 ok\r\n")


@pytest.fixture
def smtp(settings: Any) -> Iterator[type[Smtp]]:
    class Own(Smtp):
        mails: list[bytes] = []

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Own)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address[:2]
    settings.EMAIL_USE_TLS = False  # the little server in this file has no certificate
    yield Own
    server.shutdown()
    server.server_close()


MAIL = replace(LETTER, address="doctor@example.org", title="U1\n儿普外")


def test_mail_arrives(smtp: type[Smtp]) -> None:
    email.send(MAIL, timeout=2)
    assert b"Message-ID: <m.1@jieli>" in smtp.mails[0]


@pytest.mark.parametrize(
    ("answer", "permanent"), [(b"550 no such user\r\n", True), (b"451 later\r\n", False)]
)
def test_mail_refused(smtp: type[Smtp], answer: bytes, permanent: bool) -> None:
    smtp.refuse = answer
    with pytest.raises(TransportError) as fault:
        email.send(MAIL, timeout=2)
    assert fault.value.permanent is permanent


def test_no_mail_server(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    with pytest.raises(TransportError, match="cannot be reached"):
        email.send(MAIL, timeout=2)
    with pytest.raises(TransportError) as fault:
        email.send(replace(MAIL, address="a@b\r\nBcc: c@d.e"), timeout=2)
    assert fault.value.permanent


# ── open page ────────────────────────────────────────────────────────────────


def test_in_app_takes_only_whom_it_has_lately_seen(make_person: Make) -> None:
    away, here = make_person("1"), make_person("2", online=True)
    with pytest.raises(TransportError, match="open"):
        in_app.send(replace(LETTER, practitioner=away.pk), timeout=1)
    in_app.send(replace(LETTER, practitioner=here.pk), timeout=1)
    later = replace(LETTER, practitioner=here.pk, at=NOW + timedelta(minutes=3))
    with pytest.raises(TransportError, match="open"):
        in_app.send(later, timeout=1)
