"""`jieli seal`: what an older version wrote is sealed, keys change, nothing is lost on the way."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from jieli.cases.models import Request
from jieli.chart import actions as chart
from jieli.chart.models import Identifier
from jieli.chart.queries import find_patient
from jieli.directory.models import Practitioner
from jieli.keys import columns, phase, ring
from jieli.keys.models import NumberKey
from jieli.record.actions import acting, lock, record
from jieli.record.models import Chain, Event
from jieli.record.queries import all_breaks, broken_at
from jieli.web.management.commands import seal
from tests.cases.world import T0, World
from tests.installation import Installation
from tests.keys.conftest import everything, stored

pytestmark = pytest.mark.django_db
PHONE, CALLBACK, NATIONAL = "13899017766", "0998-5550126", "65010119900307123X"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: Any) -> None:
    """One process: nobody else needs time to hear of it."""
    monkeypatch.setattr(seal, "SETTLES", 0.0)


def sealed_by_command(**options: Any) -> str:
    out = io.StringIO()
    call_command("seal", stdout=out, **options)
    return out.getvalue()


def checked() -> tuple[str, bool]:
    out = io.StringIO()
    try:
        call_command("seal", check=True, stdout=out)
    except SystemExit:
        return out.getvalue(), False
    return out.getvalue(), True


@pytest.fixture
def before(in_plain: Callable[[], None]) -> World:
    """Rows as the version before wrote them, event and all."""
    world = World()
    Practitioner.objects.filter(number="alice").update(telephone=PHONE)
    patient = chart.register_patient(
        name="马某", organisation=world.county, identifiers=[("national_id", NATIONAL)]
    )
    world.raised()
    Identifier.objects.filter(patient=patient).update(mark=None)
    with acting():
        chain = lock(Chain.objects.get().pk)
        record(chain, "request_raised", by=None, now=T0,
               data={"callback": CALLBACK, "urgency": "U1", "exception": ""})  # fmt: skip
    world.registered = patient
    return world


# ── from plain to sealed ─────────────────────────────────────────────────────


def test_until_the_step_an_older_version_can_read_everything(before: World) -> None:
    assert stored("cases_request", "callback") == [CALLBACK]
    assert PHONE in stored("directory_practitioner", "telephone")
    assert stored("chart_identifier", "value") == [NATIONAL]
    assert not ring.ring().keys  # and no key is made that somebody could lose
    said, good = checked()
    assert not good and "lie in plain text" in said and "plain 1" in said


def test_until_the_step_patients_are_found(before: World) -> None:
    for typed in (NATIONAL, "650101 19900307 123x"):
        assert find_patient([("national_id", typed)], before.county.pk) == before.registered
    assert find_patient([("national_id", NATIONAL[:-1] + "0")], before.county.pk) is None
    again = chart.register_patient(
        name="马某", organisation=before.county, identifiers=[("national_id", NATIONAL.lower())]
    )
    assert again == before.registered and Identifier.objects.count() == 1


def test_after_the_step_no_number_is_left_and_all_is_as_before(before: World) -> None:
    hashes = list(Event.objects.order_by("pk").values_list("hash", flat=True))
    said = sealed_by_command()
    assert "record_event.data.callback: 1 sealed" in said and "All sealed." in said
    for table, text in everything().items():
        for number in (PHONE, CALLBACK, NATIONAL, "13800000000"):
            assert number not in text, (table, number)
    assert Request.objects.get().callback == CALLBACK
    assert Practitioner.objects.get(number="alice").telephone == PHONE
    assert find_patient([("national_id", NATIONAL)], before.county.pk) == before.registered
    assert list(Event.objects.order_by("pk").values_list("hash", flat=True)) == hashes
    assert not list(all_breaks())
    assert checked()[1]


def test_an_old_event_is_still_refused_any_change_afterwards(before: World) -> None:
    sealed_by_command()
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.update(verb="x")


def test_another_number_in_an_old_event_is_found_by_verify(before: World) -> None:
    sealed_by_command()
    other = seal.EventNumbers().seal("0998-5550127")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE record_event DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE record_event SET data = jsonb_set(data, '{callback}', to_jsonb(%s::text))"
            " WHERE data ? 'callback'",
            [other],
        )
        cursor.execute("ALTER TABLE record_event ENABLE TRIGGER USER")
    found = broken_at(Chain.objects.get())
    assert found and found.why == "the event was changed"


def test_without_its_key_verify_says_what_it_could_not_open(before: World, keys: Path) -> None:
    sealed_by_command()
    keys.rename(keys.with_name("elsewhere"))
    ring.forget()
    found = broken_at(Chain.objects.get())
    assert found and "cannot be opened" in found.why


def test_what_an_older_process_wrote_after_the_step_is_caught(before: World) -> None:
    sealed_by_command()
    with connection.cursor() as cursor:  # it knows of no seal
        cursor.execute("UPDATE cases_request SET callback = '0998-5550199'")
        cursor.execute(
            "INSERT INTO chart_identifier (patient_id, kind, value) VALUES (%s, 'insurance', 'A1')",
            [before.registered.pk],
        )
    assert Request.objects.get().callback == "0998-5550199"
    said, good = checked()
    assert not good and "cases_request.callback: plain 1" in said and "cannot be found" in said
    sealed_by_command()
    assert find_patient([("insurance", "a1")], before.county.pk) == before.registered
    assert checked()[1]


def test_a_second_call_changes_nothing(before: World) -> None:
    sealed_by_command()
    kept = stored("cases_request", "callback")
    assert sealed_by_command() == "All sealed.\n"
    assert stored("cases_request", "callback") == kept


# ── another key ──────────────────────────────────────────────────────────────


@pytest.fixture
def sealed(before: World) -> World:
    sealed_by_command()
    return before


def test_rotation_seals_everything_with_a_new_key(sealed: World) -> None:
    old = ring.current()
    said = sealed_by_command(rotate=True)
    new = ring.current()
    assert old and new and old.id != new.id
    assert f"Nothing needs key {old.id} any more" in said
    for text in (*stored("cases_request", "callback"), *stored("chart_identifier", "value")):
        assert text.startswith(f"s1.{new.id}.")
    assert old.id not in json.dumps(list(Event.objects.values_list("data", flat=True)))
    assert Request.objects.get().callback == CALLBACK
    assert find_patient([("national_id", NATIONAL)], sealed.county.pk) == sealed.registered
    assert not list(all_breaks())
    assert list(NumberKey.objects.values_list("key_id", flat=True)) == [new.id]
    assert old.id in ring.ring().files  # the file stays, for older backups
    assert checked()[1]


def test_a_rotation_that_was_broken_off_goes_on_with_the_same_key(
    sealed: World, monkeypatch: Any
) -> None:
    old = ring.current()
    put, calls = columns.Column.put, []

    def killed(self: Any, rows: Any) -> int:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(self.name)
        return put(self, rows)

    monkeypatch.setattr(columns.Column, "put", killed)
    with pytest.raises(KeyboardInterrupt):
        sealed_by_command(rotate=True)
    monkeypatch.undo()
    monkeypatch.setattr(seal, "SETTLES", 0.0)
    middle = ring.current()
    # Meanwhile everything is readable and found, whichever key it lies under.
    assert Request.objects.get().callback == CALLBACK
    assert find_patient([("national_id", NATIONAL)], sealed.county.pk) == sealed.registered
    assert not list(all_breaks())
    said = sealed_by_command(rotate=True)
    assert "Going on with key" in said
    assert ring.current() == middle != old
    assert checked()[1]


def test_a_row_that_is_written_during_the_batch_is_not_overwritten(
    sealed: World, monkeypatch: Any
) -> None:
    rows = columns.Column.rows

    def slow(self: Any, after: Any, *, without: str = "") -> Any:
        found = rows(self, after, without=without)
        if found and without and self.name == "cases_request.callback" and not done:
            done.append(1)
            Request.objects.update(callback="0991-1")
        return found

    done: list[int] = []
    monkeypatch.setattr(columns.Column, "rows", slow)
    sealed_by_command(rotate=True)
    assert done and Request.objects.get().callback == "0991-1"


def test_a_key_that_is_missing_is_named_and_its_rows_are_left(sealed: World, keys: Path) -> None:
    lost = ring.current()
    kept = stored("cases_request", "callback")
    keys.rename(keys.with_name("elsewhere"))
    ring.forget()
    said, good = checked()
    assert lost and not good
    assert f"Numbers sealed with key {lost.id} cannot be opened: put its file back" in said
    assert "1 cannot be opened: row" in said
    said = sealed_by_command(rotate=True)
    assert f"Some rows cannot be opened (key {lost.id})" in said
    assert stored("cases_request", "callback") == kept
    assert NumberKey.objects.filter(key_id=lost.id).exists()


def test_keys_from_outside_rotate_without_a_new_file(sealed: World, settings: Any) -> None:
    settings.NUMBER_KEYS = (b"n" * 32,)
    ring.forget()
    said = sealed_by_command(rotate=True)
    assert "JIELI_NUMBER_KEYS is the new one" in said
    assert stored("cases_request", "callback")[0].startswith(f"s1.{ring.key_of(b'n' * 32).id}.")
    assert Request.objects.get().callback == CALLBACK


def test_where_no_key_can_be_made_the_command_says_so(
    before: World, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "a-file").write_text("")
    settings.KEYS = tmp_path / "a-file" / "keys"
    ring.forget()
    with pytest.raises(CommandError, match="No key can be made"):
        sealed_by_command()


def test_the_stores_are_these_and_no_number_was_forgotten() -> None:
    """A new column for a number stands here, or somebody says why it is public."""
    assert {store.name for store in seal.stores()} == {
        "cases_request.callback",
        "chart_identifier.value",
        "directory_channel.address",
        "directory_practitioner.telephone",
        "exchange_upload.content",
        "record_event.data.callback",
        "record_idempotencykey.body",
    }
    public = {"directory_alliance", "directory_organisation", "directory_department"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema ="
            " 'public' AND column_name ~ '(telephone|phone|mobile|callback|address|id_card|ssn)$'"
            " AND data_type <> 'inet'"
        )
        named = {f"{t}.{c}" for t, c in cursor.fetchall() if t not in public}
    # Of the address of a guess only a hash is kept.
    assert named <= {store.name for store in seal.stores()} | {"directory_wrongsecret.address"}, (
        named
    )


# ── real processes ───────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_kill_minus_nine_in_the_middle_of_a_rotation(installation: Installation) -> None:
    installation.jieli("generate", "--hospitals=4", "--practitioners=200", "--cases=4000",
                       "--open=20", "--workers=1")  # fmt: skip
    [old] = {key for (key,) in installation.sql(USED)}
    process = installation.start("seal", "--rotate")
    deadline = time.monotonic() + 60
    while len({key for (key,) in installation.sql(USED)}) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
    half = {key for (key,) in installation.sql(USED)}
    assert len(half) == 2, "both keys are in use"
    said = installation.jieli("seal", "--rotate")
    assert "Going on with key" in said
    [new] = {key for (key,) in installation.sql(USED)}
    assert {old, new} == half
    assert "All sealed" in installation.jieli("seal", "--check")
    assert "0 broken" in installation.jieli("verify")


USED = "SELECT DISTINCT substr(value, 4, 8) FROM chart_identifier"


@pytest.mark.slow
def test_processes_say_at_their_start_what_is_missing(installation: Installation) -> None:
    installation.jieli("generate", "--hospitals=4", "--practitioners=200", "--cases=20",
                       "--open=2", "--workers=1")  # fmt: skip
    process = installation.serve()
    installation.kill(process, signal.SIGTERM)
    assert "cannot be opened" not in installation.log("serve")
    keys = Path(installation.environment["JIELI_KEYS"])
    keys.rename(keys.with_name("elsewhere"))
    installation.serve()  # it starts all the same
    assert "cannot be opened: put its file back into" in installation.log("serve")
    assert str(keys) in installation.log("serve")


def test_a_key_in_the_environment_that_is_none_stops_the_start_without_being_shown() -> None:
    secret = "c2VjcmV0LXRoYXQtaXMtdG9vLXNob3J0"
    done = subprocess.run(
        [sys.executable, "-m", "jieli.web.manage", "help"],
        env={**os.environ, "JIELI_NUMBER_KEYS": secret},
        capture_output=True,
        text=True,
    )
    started = subprocess.run(
        [sys.executable, "-c", "import jieli.web.settings"],
        env={**os.environ, "JIELI_NUMBER_KEYS": secret},
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr + started.stdout + started.stderr
    assert "write 32 bytes in base64" in said
    assert secret not in said


def test_new_databases_seal_from_the_start() -> None:
    phase.forget()
    assert phase.sealing()
