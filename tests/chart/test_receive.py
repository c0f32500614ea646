"""A file on its way in, through the whole stack of middleware."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jieli.chart.store import receive
from jieli.directory.models import Account, Practitioner
from jieli.rules import uploads
from tests.chart.conftest import left_over, photo

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.chart.doors")]

HEAD = (
    b'--limit\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n"
)
TAIL = b"\r\n--limit--\r\n"


class Stream:
    """A body that is made while it is read, so that no test carries it."""

    def __init__(self, size: int) -> None:
        self.length = len(HEAD) + size + len(TAIL)
        self.given = 0
        self._head, self._middle = HEAD + b"\xff\xd8\xff", size - 3

    def read(self, size: int = -1) -> bytes:
        size = min(size if size >= 0 else 65536, 65536)
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
        elif self._middle:
            part = b"\0" * min(size, self._middle)
            self._middle -= len(part)
        else:
            part = TAIL[: size if self.given < self.length else 0]
        self.given += len(part)
        return part

    def readline(self, size: int = -1) -> bytes:
        raise AssertionError("an upload is read in chunks")


@pytest.fixture
def parts(settings: Any, tmp_path: Path) -> Path:
    """Where uploads lie while they come in."""
    folder = tmp_path / "parts"
    folder.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(folder)
    settings.FILE_UPLOAD_HANDLERS = [f"{receive.__name__}.LimitedUpload"]
    return folder


@pytest.fixture
def mine(client: Client, parts: Path) -> Client:
    client.force_login(_somebody())
    return client


def _somebody() -> Account:
    """An account of a person: one that is nobody's sees nothing."""
    account = Account.objects.create_account("1")
    Practitioner.objects.create(number="1", name="马某", account=account)
    return account


def post(client: Client, body: Stream) -> Any:
    return client.request(
        **{
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/documents/",
            "CONTENT_TYPE": "multipart/form-data; boundary=limit",
            "CONTENT_LENGTH": str(body.length),
            "wsgi.input": body,
            "HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4()),
        }
    )


def test_a_photo_is_taken(mine: Client, parts: Path, files: Path) -> None:
    answer = mine.post("/documents/", {"file": SimpleUploadedFile("a.exe", photo())})
    assert answer.status_code == 201
    assert len(left_over(files)) == 3
    assert left_over(parts) == []


def test_200_megabytes_are_refused_before_they_are_read(
    mine: Client, parts: Path, files: Path
) -> None:
    body = Stream(200_000_000)
    answer = post(mine, body)
    assert answer.status_code == 409
    assert "50 MB" in answer.content.decode()
    assert body.given < 100_000
    assert left_over(files) == left_over(parts) == []


def test_a_little_too_much_stops_while_it_comes_in(mine: Client, parts: Path, files: Path) -> None:
    body = Stream(uploads.FILE_LIMIT + 20_000)
    answer = post(mine, body)
    assert answer.status_code == 409
    assert "50 MB" in answer.content.decode()
    assert left_over(files) == left_over(parts) == []


@pytest.mark.parametrize("names", [[], ["a", "b"]])
def test_exactly_one_file(mine: Client, files: Path, names: list[str]) -> None:
    sent = [SimpleUploadedFile(name, photo()) for name in names]
    answer = mine.post("/documents/", {"file": sent, "other": "x"})
    assert answer.status_code == 409
    assert left_over(files) == []


def test_without_a_token_nothing_is_taken(parts: Path, files: Path) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(_somebody())
    answer = client.post("/documents/", {"file": SimpleUploadedFile("a.jpg", photo())})
    assert answer.status_code == 403
    assert left_over(files) == []
