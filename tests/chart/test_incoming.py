"""Files in pieces: what is kept of each, who comes first, and what is judged at the end."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.http import Http404

from jieli.chart import actions
from jieli.chart.access import get_incoming_for
from jieli.chart.models import Incoming
from jieli.chart.store import incoming as store
from jieli.directory.models import Practitioner
from jieli.rules import uploads
from jieli.rules.refusal import Refused
from tests.chart.conftest import NOW, photo

pytestmark = pytest.mark.django_db


def announced(doctor: Practitioner, content: bytes, **more: object) -> Incoming:
    said = {"name": "腹部平片.jpg", "size": len(content), "case_key": uuid4(), **more}
    said.setdefault("sha256", hashlib.sha256(content).hexdigest())
    return actions.announce_file(said.pop("case_key"), by=doctor, now=NOW, **said)  # type: ignore[arg-type]


def send(one: Incoming, content: bytes, at: int = 0) -> None:
    actions.receive_part(one, at, io.BytesIO(content), now=NOW)


def test_pieces_become_the_file(files: Path, doctor: Practitioner) -> None:
    content = photo((900, 700))
    one = announced(doctor, content)
    for at in range(0, len(content), 50_000):
        send(one, content[at : at + 50_000], at)
        assert actions.reached(one) == min(at + 50_000, len(content))
    kept = actions.keep_incoming(one)
    assert (kept.kind, kept.width, kept.height, kept.name) == ("photo", 900, 700, "腹部平片.jpg")


def test_a_piece_twice_or_from_elsewhere_changes_nothing(files: Path, doctor: Practitioner) -> None:
    content = os.urandom(300_000)
    one = announced(doctor, content)
    send(one, content[:100_000])
    send(one, b"x" * 100_000)  # the answer was lost: it is sent again
    send(one, content[200_000:], 200_000)
    assert actions.reached(one) == 100_000
    send(one, content[100_000:], 100_000)
    assert store.digest(one.key) == one.sha256


def test_two_connections_at_once_do_not_mix(files: Path, doctor: Practitioner) -> None:
    content = os.urandom(1_500_000)
    one = announced(doctor, content)
    both = [threading.Thread(target=send, args=(one, content)) for _ in range(4)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert store.digest(one.key) == one.sha256


def test_a_connection_that_hangs_does_not_shut_out_the_next(
    files: Path, doctor: Practitioner
) -> None:
    content = os.urandom(200_000)
    one = announced(doctor, content)
    stuck, waiting = threading.Event(), threading.Event()

    class Dead:
        given = False

        def read(self, size: int) -> bytes:
            if self.given:
                waiting.set()
                stuck.wait(20)
                return content[store.PIECE : store.PIECE * 2]
            self.given = True
            return content[: store.PIECE]

    dead = threading.Thread(target=actions.receive_part, args=(one, 0, Dead()), kwargs={"now": NOW})
    dead.start()
    assert waiting.wait(5)
    at = actions.reached(one)
    assert at == store.PIECE
    send(one, content[at:], at)
    stuck.set()
    dead.join()
    assert store.digest(one.key) == one.sha256


def test_no_more_is_written_than_was_announced(files: Path, doctor: Practitioner) -> None:
    one = announced(doctor, b"a" * 1000)
    send(one, b"a" * 50_000)
    assert actions.reached(one) == 1000
    large = announced(doctor, b"", size=uploads.FILE_LIMIT, sha256="0" * 64)
    send(large, b"a" * (uploads.PART_LIMIT + 70_000))
    assert actions.reached(large) == uploads.PART_LIMIT


def test_a_torn_file_is_refused_and_begins_anew(files: Path, doctor: Practitioner) -> None:
    content = photo()
    one = announced(doctor, content)
    send(one, content[:-10] + b"0123456789")
    with pytest.raises(Refused, match="damaged"):
        actions.keep_incoming(one)
    assert actions.reached(one) == 0


def test_missing_parts_are_named_and_kept(files: Path, doctor: Practitioner) -> None:
    one = announced(doctor, photo())
    send(one, photo()[:1000])
    with pytest.raises(Refused, match="missing"):
        actions.keep_incoming(one)
    assert actions.reached(one) == 1000


def test_a_program_is_refused_by_its_content(files: Path, doctor: Practitioner) -> None:
    content = b"MZ" + b"\0" * 5000
    one = announced(doctor, content)
    send(one, content)
    with pytest.raises(Refused, match="program"):
        actions.keep_incoming(one)
    assert not store.path_of(one.key).exists()


@pytest.mark.parametrize(("size", "words"), [(0, "empty"), (uploads.FILE_LIMIT + 1, "50 MB")])
def test_an_impossible_size_is_refused_before_anything_is_sent(
    files: Path, doctor: Practitioner, size: int, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        announced(doctor, b"", size=size)
    assert Incoming.objects.count() == 0


def test_the_same_file_goes_on_where_it_stopped(files: Path, doctor: Practitioner) -> None:
    case = uuid4()
    one = announced(doctor, b"a" * 90, case_key=case)
    send(one, b"a" * 40)
    again = announced(doctor, b"a" * 90, case_key=case)
    assert again == one
    assert actions.reached(again) == 40
    assert announced(doctor, b"a" * 90) != one  # in another case it is another upload


def test_nobody_fills_the_disk_with_beginnings(files: Path, doctor: Practitioner) -> None:
    for n in range(uploads.OPEN_LIMIT):
        announced(doctor, str(n).encode())
    with pytest.raises(Refused, match="under way"):
        announced(doctor, b"one more")
    other = Practitioner.objects.create(number="2", name="别人")
    announced(other, b"one more")


def test_an_upload_is_its_senders_alone(files: Path, doctor: Practitioner) -> None:
    case = uuid4()
    one = announced(doctor, b"a", case_key=case)
    assert get_incoming_for(doctor, case, one.key) == one
    other = Practitioner.objects.create(number="2", name="别人")
    for person, key in ((other, case), (doctor, uuid4())):
        with pytest.raises(Http404):
            get_incoming_for(person, key, one.key)


def test_what_nobody_continues_is_swept_after_a_day(files: Path, doctor: Practitioner) -> None:
    old, young = announced(doctor, b"old"), announced(doctor, b"young")
    empty = announced(doctor, b"never sent")
    send(old, b"ol")
    later = NOW + timedelta(hours=20)
    actions.receive_part(young, 0, io.BytesIO(b"you"), now=later)
    assert actions.sweep_incoming(now=NOW + timedelta(hours=23)) == 0
    assert actions.sweep_incoming(now=NOW + timedelta(hours=25)) == 2
    assert list(Incoming.objects.all()) == [young]
    assert [path.name for path in store.path_of(young.key).parent.iterdir()] == [young.key.hex]
    assert empty.key != young.key
