"""A full disk and a slow one: nothing half stored, one sentence, and it goes on by itself."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.faults import people, quiet
from tests.faults.device import Device, together
from tests.faults.disk import fill, small_disk
from tests.faults.house import Cluster, House, until
from tests.faults.house import house as opened
from tests.faults.ledger import Ledger, Write

Devices = Callable[..., Device]
PIECE = 256 * 1024


# -- the database's disk ------------------------------------------------------------------------


@pytest.fixture
def narrow(cluster: Cluster, standing: House, tmp_path: Path) -> Iterator[tuple[House, Path]]:
    """The same database, moved to a disk of 400 MB. (`standing`: its template is made by then.)"""
    with small_disk(400) as disk:
        standing.end()
        moved = cluster.moved_to(disk)
        with opened(moved, tmp_path, "narrow") as house:
            yield house, disk
        moved.close()


@pytest.mark.slow
def test_the_databases_disk_is_full(
    narrow: tuple[House, Path], device: Devices, ledger: Ledger
) -> None:
    house, disk = narrow
    server = house.serve()
    house.run()
    doctor = device("doctor", server, persistence=90)
    case = people.raises(doctor).case
    filler = fill(disk)
    _fill_from_inside(house)
    path = f"/cases/{case}/messages/"
    for _ in range(100):  # what is left of the pages that are there already
        key, words = str(uuid4()), uuid4().hex
        text = {"text": f"{'x' * 1900} {words}"}
        status = doctor.send_once(path, text, key, server.url)
        if status != 303:
            break
    assert status >= 500 or status == 0, "with no room left it still says yes"
    filler.unlink()
    house.cluster.start()  # as a runner does with the embedded one when it has stopped itself
    sent = doctor.write("note", path, text, words, key)
    assert sent.status == 303
    assert not sent.replayed
    quiet.all_well(house, ledger, heard=False)
    assert quiet.verified(house) == []


def _fill_from_inside(house: House) -> None:
    """There is some room inside the database's own files: as the owner, until it refuses."""
    with pytest.raises(psycopg.Error), house.cluster.connect(house.name) as link:
        link.execute("CREATE TABLE filler (stuff text)")
        for _ in range(200):
            link.execute("INSERT INTO filler SELECT md5(n::text) FROM generate_series(1, 20000) n")


# -- the disk of the files ------------------------------------------------------------------------


@pytest.fixture
def shelf(cluster: Cluster, standing: House, tmp_path: Path) -> Iterator[tuple[House, Path]]:
    """A house whose files lie on a disk of 6 MB."""
    standing.end()
    with (
        small_disk(6) as disk,
        opened(cluster, tmp_path, "shelf", JIELI_FILES=str(disk / "files")) as house,
    ):
        yield house, disk
        house.end()


def test_the_disk_of_the_files_is_full_in_the_middle_of_an_upload(
    shelf: tuple[House, Path], device: Devices, ledger: Ledger
) -> None:
    house, disk = shelf
    doctor = device("doctor", house.serve())
    case = people.raises(doctor).case
    film = _film()
    upload = Upload(doctor, case, film)
    upload.announce()
    upload.pieces(until=PIECE)
    filler = fill(disk, leave=PIECE // 2)
    answer = upload.piece()  # fits in part: what is there is kept
    assert PIECE < upload.reached < 2 * PIECE, answer.text
    kept = upload.reached
    answer = upload.piece()
    assert answer.status_code == 507
    assert "disk is full" in answer.text
    assert upload.ask() == kept, "what was acknowledged is still there"
    filler.unlink()
    upload.pieces()
    assert upload.finish(ledger).status == 201
    assert _stored(house, disk) == [len(film)]
    house.run()
    quiet.all_well(house, ledger)


def test_a_full_disk_when_the_pieces_become_a_document(
    shelf: tuple[House, Path], device: Devices, ledger: Ledger
) -> None:
    """Nothing is half stored, no draft is left, the same key succeeds when there is room."""
    house, disk = shelf
    server = house.serve()
    doctor = device("doctor", server)
    upload = Upload(doctor, people.raises(doctor).case, _film())
    upload.announce()
    upload.pieces()
    filler = fill(disk)
    path, key = upload.document_path, str(uuid4())
    assert doctor.send_once(path, {"title": upload.title}, key, server.url) == 507
    assert house.one("SELECT count(*) FROM chart_document") == 0
    assert list((disk / "files" / "drafts").iterdir()) == []
    filler.unlink()
    assert upload.finish(ledger, key).status == 201
    assert len(_stored(house, disk)) == 1
    house.run()
    quiet.all_well(house, ledger)


def test_a_form_with_a_file_says_it_in_one_sentence(
    shelf: tuple[House, Path], device: Devices, ledger: Ledger
) -> None:
    house, disk = shelf
    server = house.serve()
    doctor = device("doctor", server)
    case = people.raises(doctor).case
    fill(disk)
    answer = doctor.client.post(
        f"{server.url}/cases/{case}/documents/",
        files={"file": ("film.pdf", _film())},
        headers={
            "X-CSRFToken": doctor.client.cookies["csrftoken"],
            "Origin": server.url,
            "Idempotency-Key": str(uuid4()),
        },
    )
    assert answer.status_code == 507
    assert answer.text.count("disk is full") == 1
    assert house.one("SELECT count(*) FROM chart_document") == 0


# -- killed while files come in --------------------------------------------------------------------


def test_killed_at_each_step_of_an_upload(house: House, device: Devices, ledger: Ledger) -> None:
    """The device goes on where the other server says it stopped; the document is there once."""
    other = house.serve("other")
    servers = [house.serve("doomed"), other]
    house.run()
    doctor = device("doctor", *servers)
    case = people.raises(doctor).case
    for point in (
        "a piece is written",
        "a file is synced",
        "a file is kept",
        "a file is a document",
        "pieces are forgotten",
    ):
        upload = Upload(doctor, case, _film())
        doctor.first()
        place = house.arm(point, label="doomed")
        upload.announce()
        upload.pieces(through=servers)
        note = upload.finish(ledger)
        assert note.status == 201, point
        house.struck(place, 1)
        until(lambda: not servers[0].lives)
        servers[0] = house.again(servers[0])
        house.until_served(servers[0])
    assert house.one("SELECT count(*) FROM chart_document") == 5
    quiet.all_well(house, ledger)


def test_a_slow_disk_makes_late_and_nothing_else(
    house: House, device: Devices, ledger: Ledger
) -> None:
    """A file takes four seconds to reach the disk: other pages do not wait for it."""
    server = house.serve()
    doctor, alice = device("doctor", server), device("alice", server)
    house.run()
    raised = people.raises(doctor)
    upload = Upload(doctor, raised.case, _film())
    upload.announce()
    upload.pieces()
    house.arm("a file is synced", "slow 4")
    began = time.monotonic()
    request = people.request_of(house, raised)

    def accept() -> float:
        time.sleep(0.5)
        people.accepts(alice, request)
        return time.monotonic() - began

    written, accepted = together(lambda: upload.finish(ledger), accept)
    assert written.status == 201
    assert accepted < 3.5
    assert time.monotonic() - began > 4
    quiet.all_well(house, ledger)


# -- an upload, as frontend/src/pieces.ts does it -----------------------------------------------


def _film() -> bytes:
    """A PDF of a megabyte and a half that is like no other."""
    noise = random.Random(uuid4().hex).randbytes(1_500_000).hex().encode()[:1_500_000]
    return b"%PDF-1.4\n%" + noise + b"\n%%EOF\n"


def _stored(house: House, disk: Path) -> list[int]:
    """Sizes of the documents' files, each checked by its hash."""
    sizes = []
    for (sha256,) in house.sql("SELECT sha256 FROM chart_document"):
        content = (disk / "files" / sha256[:2] / sha256).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256
        sizes.append(len(content))
    return sizes


class Upload:
    def __init__(self, device: Device, case: str, content: bytes) -> None:
        self.device, self.content = device, content
        self.address = f"/cases/{case}/uploads/"
        self.title = uuid4().hex
        self.reached = 0
        self.key = ""

    def announce(self) -> None:
        digest = hashlib.sha256(self.content).hexdigest()
        fields = {"name": "film.pdf", "size": str(len(self.content)), "sha256": digest}
        answer = self.device.until_answered("POST", self.address, lambda: self._form(fields))
        self.key, self.reached = answer.json()["upload"], answer.json()["offset"]

    def ask(self) -> int:
        return int(self.device.get(f"{self.address}{self.key}/").json()["offset"])

    def pieces(self, until: int = 0, through: Any = ()) -> None:
        for _ in range(60):
            if self.reached >= (until or len(self.content)):
                return
            try:
                answer = self.piece()
            except httpx.TransportError:
                self.device.next()
                self.reached = self.ask()
                continue
            assert answer.status_code == 200, answer.text
        raise AssertionError("it never came through")

    def piece(self) -> httpx.Response:
        url = self.device.url
        body = self.content[self.reached : self.reached + PIECE]
        answer = self.device.client.post(
            f"{url}{self.address}{self.key}/",
            content=body,
            headers={
                "X-CSRFToken": self.device.client.cookies["csrftoken"],
                "Origin": url,
                "Upload-Offset": str(self.reached),
                "Content-Type": "application/octet-stream",
            },
        )
        if answer.status_code == 200:
            self.reached = int(answer.json()["offset"])
        return answer

    @property
    def document_path(self) -> str:
        return f"{self.address}{self.key}/document/"

    def finish(self, ledger: Ledger, key: str = "") -> Write:
        return self.device.write(
            "document", self.document_path, {"title": self.title}, self.title, key
        )

    def _form(self, fields: dict[str, str]) -> dict[str, Any]:
        return self.device.form(fields, str(uuid4()))
