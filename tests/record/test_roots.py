"""The daily root: a case rewritten with every hash recomputed is found and named."""

import json
import logging
import subprocess
import sys
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import IntegrityError

from jieli.cases import actions
from jieli.cases.models import Case
from jieli.cases.queries.lists import numbers_of
from jieli.record import keys
from jieli.record.actions import fields_of, forget_keys
from jieli.record.models import Chain, Event, IdempotencyKey, Leaf, Root
from jieli.record.roots import make_root, signed
from jieli.rules import chain as chain_rules
from jieli.rules import roots as rules
from tests.cases.races import at_once
from tests.cases.world import T0, World, minutes
from tests.record.test_chain import tamper

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]
DAY = timedelta(days=1)
HEAD = json.dumps(rules.KEPT_FORMAT)


@pytest.fixture(autouse=True)
def keys_folder(settings, tmp_path):
    settings.KEYS = tmp_path / "keys"
    return settings.KEYS


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def case(world) -> Case:
    """One case with a root over it, beside another."""
    found = world.raised("U1").case
    world.raised("U2")
    assert root(minutes(30)) == 1
    return found


def root(now) -> int:
    return make_root(now, numbers_of)


def verify(capsys, *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    try:
        call_command("verify", *arguments)
    except SystemExit as stop:
        said = capsys.readouterr()
        return int(stop.code), said.out + said.err
    return 0, capsys.readouterr().out


def recompute(chain_id: int) -> None:
    """What an insider does who knows how the chain is made: all hashes anew, and the head."""
    previous, n = b"", 0
    for n, event in enumerate(Event.objects.filter(chain_id=chain_id).order_by("seq"), 1):
        event.seq = n
        previous = chain_rules.link(previous, fields_of(event))
        tamper("UPDATE record_event SET seq = %s, hash = %s WHERE id = %s", n, previous, event.pk)
    tamper("UPDATE record_chain SET length = %s, head = %s WHERE id = %s", n, previous, chain_id)


@pytest.fixture
def undone():
    """What an insider leaves behind fits no foreign key: taken back before that is looked at."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# ── making ───────────────────────────────────────────────────────────────────


def test_a_root_is_made_once_each_official_day(case):
    assert root(minutes(31)) == 0
    assert root(minutes(30) + DAY) == 1
    assert list(Root.objects.order_by("number").values_list("number", "day", "days")) == [
        (1, date(2026, 3, 1), 1),
        (2, date(2026, 3, 2), 1),
    ]


def test_the_day_begins_at_midnight_in_beijing(case):
    before = T0.replace(hour=15, minute=59)
    assert root(before) == 0
    assert root(before + timedelta(minutes=1)) == 1
    assert Root.objects.get(number=2).day == date(2026, 3, 2)


def test_after_a_standstill_one_root_catches_up_and_says_so(case):
    root(T0 + 5 * DAY)
    last = Root.objects.get(number=2)
    assert (last.days, last.previous) == (5, Root.objects.get(number=1).hash)


def test_only_chains_that_changed_have_a_leaf(case, world):
    assert Leaf.objects.count() == 2
    root(T0 + DAY)
    assert Root.objects.get(number=2).leaves_count == 0
    actions.write_note(case, "腹壁颜色？", by=world.doctor, now=T0 + 2 * DAY)
    world.raised("U1", now=T0 + 2 * DAY)
    root(T0 + 3 * DAY)
    assert sorted(Leaf.objects.filter(root=3).values_list("name", flat=True)) == sorted(
        [case.number, Case.objects.latest("id").number]
    )


def test_more_chains_than_fit_into_one_batch(world, monkeypatch, capsys):
    monkeypatch.setattr("jieli.record.roots.BATCH", 2)
    monkeypatch.setattr("jieli.record.checking.BATCH", 2)
    for n in range(5):
        world.raised("U1", now=minutes(n))
    assert root(minutes(30)) == 1
    assert Root.objects.get().leaves_count == 5
    assert verify(capsys, "--root")[0] == 0


def test_a_leaf_has_the_marks_of_the_events_since_the_leaf_before(case, world):
    length = Chain.objects.get(pk=case.chain_id).length
    actions.write_note(case, "一", by=world.doctor, now=T0 + DAY)
    root(T0 + DAY)
    first, second = Leaf.objects.filter(chain_id=case.chain_id).order_by("length")
    assert (len(first.marks), len(second.marks)) == (4 * length, 4)
    assert bytes(second.marks) == bytes(case.chain.events.latest("seq").hash)[:4]


@pytest.mark.django_db(transaction=True)
def test_several_runners_make_one_root_and_one_key(keys_folder):
    World().raised("U1")
    at_once(*[lambda: root(minutes(30)) for _ in range(6)])
    assert Root.objects.count() == 1
    assert len(list(keys_folder.glob("*.key"))) == 1
    assert len(keys.kept_roots()) == 1


def test_a_runner_that_was_killed_before_it_kept_the_root_keeps_it_later(case, keys_folder):
    (keys_folder / "roots.txt").write_text('{"jieli": "roots", "version": 1}\n{"number": 1, "da')
    assert root(minutes(40)) == 0
    assert [kept.root.number for kept in keys.kept_roots()] == [1]
    assert keys.kept_roots() == [signed(Root.objects.get())]


# ── the key ──────────────────────────────────────────────────────────────────


def test_the_private_key_is_for_us_alone_and_in_no_row_or_log(case, keys_folder, caplog):
    with caplog.at_level(logging.DEBUG):
        root(T0 + DAY)
    private = keys_folder / "root.key"
    assert private.stat().st_mode & 0o777 == 0o600
    assert keys_folder.stat().st_mode & 0o777 == 0o700
    secret = "".join(private.read_text().splitlines()[1:-1])
    assert secret not in caplog.text + json.dumps(list(Root.objects.values()), default=str)
    assert Root.objects.get(number=2).key == keys.public_of(keys.signing_key())


def test_processes_that_make_the_key_at_once_end_with_the_same(keys_folder):
    code = (
        "import os, django; django.setup();"
        "from django.conf import settings; from pathlib import Path;"
        f"settings.KEYS = Path({str(keys_folder)!r});"
        "from jieli.record import keys; print(keys.public_of(keys.signing_key()))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    made = {process.communicate(timeout=60)[0] for process in started}
    assert len(made) == 1
    assert len(made.pop().strip()) == 64


@pytest.mark.parametrize("content", ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_damaged_key_stops_the_root_and_its_content_is_not_told(content, keys_folder):
    World().raised("U1")
    keys.signing_key()
    (keys_folder / "root.key").write_text(content)
    with pytest.raises(keys.KeyTrouble, match="no Ed25519 key"):
        root(minutes(30))
    assert not Root.objects.exists()
    assert not Leaf.objects.exists()


def test_a_new_key_is_known_as_long_as_the_public_half_of_the_old_one_lies_there(
    case, keys_folder, capsys
):
    (keys_folder / "root.key").unlink()
    root(T0 + DAY)
    assert Root.objects.values("key").distinct().count() == 2
    assert verify(capsys, "--root")[0] == 0


# ── what an insider does ─────────────────────────────────────────────────────


def test_verify_is_content_with_what_happened_since(case, world, capsys):
    actions.write_note(case, "一", by=world.doctor, now=minutes(40))
    root(T0 + DAY)
    actions.write_note(case, "二", by=world.doctor, now=T0 + DAY)
    code, said = verify(capsys, "--root")
    assert (code, said.splitlines()) == (
        0,
        ["2 chains checked, 0 broken.", "2 roots checked, 0 not right; the last is of 2026-03-02."],
    )


def test_a_case_rewritten_with_every_hash_recomputed_is_named(case, capsys):
    tamper(
        'UPDATE record_event SET data = \'{"urgency": "U4"}\' WHERE chain_id = %s AND seq = 2',
        case.chain_id,
    )
    recompute(case.chain_id)
    assert verify(capsys)[0] == 0  # by itself the chain holds again
    code, said = verify(capsys, "--root")
    assert code == 1
    assert f"{case.number}: event 2: the event is not the one of root 1 of 2026-03-01" in said
    assert verify(capsys, case.number, "--root")[0] == 1


def test_a_deleted_event_is_named_although_the_rest_was_renumbered(undone, case, capsys):
    tamper("DELETE FROM record_event WHERE chain_id = %s AND seq = 3", case.chain_id)
    recompute(case.chain_id)
    code, said = verify(capsys, "--root")
    assert code == 1
    assert f"{case.number}: event 3: " in said


def test_a_cut_off_end_with_the_head_adjusted_is_named(undone, case, capsys):
    length = Chain.objects.get(pk=case.chain_id).length
    tamper("DELETE FROM record_event WHERE chain_id = %s AND seq = %s", case.chain_id, length)
    recompute(case.chain_id)
    code, said = verify(capsys, "--root")
    assert code == 1
    assert f"{case.number}: event {length}: the event is missing; root 1 of 2026-03-01" in said


def test_a_rewritten_case_that_went_on_is_still_named(case, world, capsys):
    tamper("UPDATE record_event SET actor_id = NULL WHERE chain_id = %s AND seq = 1", case.chain_id)
    recompute(case.chain_id)
    actions.write_note(case, "一", by=world.doctor, now=T0 + DAY)
    root(T0 + DAY)
    code, said = verify(capsys, "--root")
    assert code == 1
    assert f"{case.number}: event 1: the event is not the one of root 1" in said


def test_a_case_that_vanished_is_named(undone, case, capsys):
    tamper("DELETE FROM cases_case WHERE id = %s", case.pk)
    tamper("DELETE FROM record_event WHERE chain_id = %s", case.chain_id)
    tamper("DELETE FROM record_chain WHERE id = %s", case.chain_id)
    code, said = verify(capsys, "--root")
    assert code == 1
    assert f"{case.number}: its whole record of " in said
    assert verify(capsys, case.number, "--root")[0] == 1


def test_a_case_without_its_row_is_named_too(undone, case, capsys):
    tamper("DELETE FROM cases_case WHERE id = %s", case.pk)
    code, said = verify(capsys, "--root")
    assert code == 1
    assert f"{case.number}: the case is gone" in said


def test_the_last_case_of_all_that_vanished_is_named(undone, case, capsys):
    last = Case.objects.latest("chain_id")
    tamper("DELETE FROM cases_case WHERE id = %s", last.pk)
    tamper("DELETE FROM record_event WHERE chain_id = %s", last.chain_id)
    tamper("DELETE FROM record_chain WHERE id = %s", last.chain_id)
    assert f"{last.number}: its whole record" in verify(capsys, "--root")[1]


def test_a_leaf_made_to_fit_betrays_its_root(case, capsys):
    tamper("UPDATE record_event SET verb = 'x' WHERE chain_id = %s AND seq = 1", case.chain_id)
    recompute(case.chain_id)
    chain = Chain.objects.get(pk=case.chain_id)
    marks = b"".join(bytes(e.hash)[:4] for e in chain.events.order_by("seq"))
    tamper(
        "UPDATE record_leaf SET head = %s, marks = %s WHERE chain_id = %s",
        bytes(chain.head), marks, chain.pk,
    )  # fmt: skip
    code, said = verify(capsys, "--root")
    assert code == 1
    assert "root 1 of 2026-03-01: its 2 leaves are not those that were signed" in said


@pytest.mark.parametrize("gone", ["UPDATE record_leaf SET root_id = 7", "DELETE FROM record_leaf"])
def test_leaves_that_are_gone_or_moved_betray_the_root(gone, case, capsys):
    tamper(f"{gone} WHERE chain_id = %s", case.chain_id)
    code, said = verify(capsys, "--root")
    assert code == 1
    assert "root 1 of 2026-03-01: its 2 leaves" in said


def test_a_root_that_was_taken_away_is_named_also_when_it_was_the_last(case, capsys):
    root(T0 + DAY)
    tamper("DELETE FROM record_root WHERE number = 2")
    code, said = verify(capsys, "--root")
    assert code == 1
    assert "root 2 of 2026-03-02: it is missing; the copy beside the key has it" in said


@pytest.mark.parametrize("spoilt", ["nonsense\n", HEAD + "\n{}\n", "\u0000\n"])
def test_a_spoilt_copy_beside_the_key_is_said(spoilt, case, keys_folder, capsys):
    (keys_folder / "roots.txt").write_text(spoilt)
    code, said = verify(capsys, "--root")
    assert code == 1
    assert "root copy beside the key: it cannot be read" in said


def test_without_the_keys_folder_no_root_is_believed(case, keys_folder, tmp_path, capsys):
    copy = tmp_path / "copy.txt"
    call_command("roots", "--export", str(copy))
    keys_folder.rename(tmp_path / "elsewhere")
    assert "unknown key" in verify(capsys, "--root")[1]
    assert verify(capsys, "--root", str(copy))[0] == 0  # its keys are believed
    assert not keys_folder.exists()  # looking makes no key


def resign(signer, **change) -> None:
    """Write the first root anew and sign it."""
    made = signed(Root.objects.get(number=1)).root
    new = rules.Root(**{**{f: getattr(made, f) for f in made.__dataclass_fields__}, **change})
    tamper(
        "UPDATE record_root SET leaves_hash = %s, leaves_count = %s, key = %s, hash = %s,"
        " signature = %s WHERE number = 1",
        new.leaves_hash, new.leaves, new.key, rules.hash_of(new),
        signer.sign(rules.canonical(new)).hex(),
    )  # fmt: skip


def test_a_root_signed_by_somebody_else_is_found(case, capsys):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    theirs = Ed25519PrivateKey.generate()
    resign(theirs, key=keys.public_of(theirs), leaves=2)
    code, said = verify(capsys, "--root")
    assert code == 1
    assert "signed with an unknown key" in said


def test_whoever_owns_the_key_and_the_folder_is_found_by_a_copy_elsewhere(
    case, keys_folder, tmp_path, capsys
):
    copy = tmp_path / "kept.txt"
    call_command("roots", "--export", str(copy))
    assert verify(capsys, "--root", str(copy))[0] == 0
    tamper("UPDATE record_event SET verb = 'x' WHERE chain_id = %s AND seq = 1", case.chain_id)
    recompute(case.chain_id)
    tamper("DELETE FROM record_leaf")
    tamper("DELETE FROM record_root")
    (keys_folder / "roots.txt").unlink()
    root(minutes(30))  # all of it anew, with the right key
    assert verify(capsys, "--root")[0] == 0
    code, said = verify(capsys, "--root", str(copy))
    assert code == 1
    assert "root 1 of 2026-03-01: it is not the one that your copy has" in said


@pytest.mark.parametrize("content", [None, "", "{}", "\x00\xff", HEAD + "\nx"])
def test_a_file_that_is_no_copy_ends_with_2_and_one_line(content, case, tmp_path, capsys):
    file = tmp_path / "copy.txt"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    code, said = verify(capsys, "--root", str(file))
    assert code == 2
    assert len(said.splitlines()) == 1
    assert str(file) in said


def test_without_a_root_verify_says_so(world, capsys):
    world.raised("U1")
    code, said = verify(capsys, "--root")
    assert code == 0
    assert "no daily root yet" in said


def test_roots_are_printed_and_exported(case, capsys):
    call_command("roots")
    assert Root.objects.get().hash in capsys.readouterr().out
    call_command("roots", "--export", "-")
    assert rules.read_text(capsys.readouterr().out) == [signed(Root.objects.get())]


def test_a_file_that_cannot_be_written_is_said(case, capsys):
    with pytest.raises(SystemExit) as stop:
        call_command("roots", "--export", "/nowhere/at/all")
    assert stop.value.code == 2
    assert "/nowhere/at/all cannot be written" in capsys.readouterr().err


# ── the database refuses ─────────────────────────────────────────────────────


def test_the_database_refuses_to_change_or_delete_a_root_or_a_leaf(case):
    for rows, change in ((Root.objects.all(), {"hash": "0"}), (Leaf.objects.all(), {"length": 1})):
        for write in (
            lambda r=rows, c=change: r.update(**c),
            lambda r=rows: r._raw_delete("default"),
        ):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                write()


@pytest.mark.parametrize("role", ["jieli_web", "jieli_runner"])
@pytest.mark.parametrize(
    "write",
    [
        "UPDATE record_root SET hash = ''",
        "DELETE FROM record_root",
        "UPDATE record_leaf SET name = ''",
        "DELETE FROM record_leaf",
        "TRUNCATE record_leaf",
    ],
)
def test_no_process_may_change_a_root(role, write, case):
    from django.db.utils import ProgrammingError

    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises(ProgrammingError, match="denied"), transaction.atomic():
            cursor.execute(write)
        cursor.execute("RESET ROLE")


def test_a_runner_makes_a_root_and_a_web_process_cannot(world):
    from django.db.utils import ProgrammingError

    world.raised("U1")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE jieli_web")
        with pytest.raises(ProgrammingError), transaction.atomic():
            root(minutes(30))
        cursor.execute("SET LOCAL ROLE jieli_runner")
        assert root(minutes(30)) == 1
        cursor.execute("RESET ROLE")


# ── answers to writes ────────────────────────────────────────────────────────


def test_answers_to_writes_are_forgotten_after_a_week(db):
    for days in (1, 6, 8):
        IdempotencyKey.objects.create(
            key=f"00000000-0000-0000-0000-{days:012}",
            path="/",
            digest=b"",
            created_at=T0 - days * DAY,
        )
    assert forget_keys(T0) == 1
    assert IdempotencyKey.objects.count() == 2
