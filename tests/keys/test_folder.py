"""One secret for all processes, on the disk before it is used, readable by us alone."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from jieli.keys import folder, ring
from jieli.keys.folder import KeyFault

MAKER = """
import sys, django
from django.conf import settings
django.setup()
from jieli.keys import folder, ring
import os
print(folder.secret("root.key", lambda: os.urandom(32)).hex(), ring.current().id)
"""


def test_made_at_first_use_and_kept(keys: Path) -> None:
    made = folder.secret("root.key", lambda: b"a" * 32)
    assert made == folder.secret("root.key", lambda: b"b" * 32) == b"a" * 32
    assert oct((keys / "root.key").stat().st_mode)[-3:] == "600"
    assert oct(keys.stat().st_mode)[-3:] == "700"
    assert not [path for path in keys.iterdir() if path.name.startswith(".root")]


def test_many_processes_begin_at_once_with_one_key(keys: Path) -> None:
    import os

    environment = {
        **os.environ,
        "JIELI_KEYS": str(keys),
        "DJANGO_SETTINGS_MODULE": "jieli.web.settings",
    }
    started = [
        subprocess.Popen([sys.executable, "-c", MAKER], env=environment, stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    said = {process.communicate(timeout=60)[0] for process in started}
    assert len(said) == 1 and said != {b""}
    assert len(folder.names("numbers-*.key")) == 1


def test_a_file_that_was_cut_is_named(keys: Path) -> None:
    keys.mkdir()
    (keys / "numbers-001-00000000.key").write_text("c2hvcnQ=\n")
    (keys / "numbers-002-00000000.key").write_text("§§§")
    key = ring.current()
    assert key is not None  # a new one: the page goes out
    assert len(ring.ring().faults) == 2
    assert "c2hvcnQ" not in " ".join(ring.ring().faults)
    assert len(folder.names("numbers-003-*.key")) == 1


def test_where_nothing_can_be_written_it_is_said(settings, tmp_path: Path, caplog) -> None:
    settings.KEYS = tmp_path / "a-file" / "keys"
    (tmp_path / "a-file").write_text("")
    ring.forget()
    assert ring.current() is None
    assert "written in plain" in caplog.text
    with pytest.raises(KeyFault, match="No key can be made"):
        folder.secret("root.key", lambda: b"x" * 32)


def test_a_second_key_writes_and_the_first_still_reads() -> None:
    first = ring.current()
    second = ring.make()
    assert first and second and first.id != second.id
    assert ring.current() == second and ring.key(first.id) == first
    ring.forget()
    assert ring.current().id == second.id  # type: ignore[union-attr]


def test_a_key_of_another_process_is_seen_when_its_seal_comes(keys: Path) -> None:
    ring.current()
    secret = b"s" * 32
    (keys / "numbers-777-x.key").write_text(base64.b64encode(secret).decode())
    identity = ring.key_of(secret).id
    ring._ring.looked_at -= 0.1
    assert ring.key(identity) is not None
    assert ring.current().id == identity  # type: ignore[union-attr]


def test_keys_from_outside_go_first(settings) -> None:
    own = ring.current()
    settings.NUMBER_KEYS = (b"n" * 32, b"o" * 32)
    ring.forget()
    assert ring.current().id == ring.key_of(b"n" * 32).id  # type: ignore[union-attr]
    assert ring.key(ring.key_of(b"o" * 32).id) and own and ring.key(own.id)


def test_a_folder_that_goes_away_stops_nothing(keys: Path) -> None:
    key = ring.current()
    keys.rename(keys.with_name("gone"))
    ring._ring.looked_at = 0.0
    assert ring.current() == key
