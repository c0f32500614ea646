"""Recordings through their doors: chunks in any order and twice, damaged, after access was lost;
what is played, kept, verified, let go, and cut for teaching.
"""

from __future__ import annotations

import errno
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from jieli.cases import actions
from jieli.cases.models import Case, Disposal, Hold
from jieli.cases.queries import recordings as shown
from jieli.directory.models import Grant, Role
from jieli.record.models import Reading
from jieli.record.queries import broken_at
from jieli.record.reading import entered
from jieli.rooms import recordings, store
from jieli.rooms.models import Chunk, ClipSource, Leftover, Recording, Seat, TeachingClip
from jieli.rules import recordings as rules
from jieli.rules import webm
from jieli.rules.refusal import Refused
from tests.cases.races import DONE, at_once
from tests.cases.world import World, minutes, verbs
from tests.rooms.reels import Reel, film

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


@pytest.fixture
def world(settings: Any, tmp_path: Path, monkeypatch: Any) -> World:
    settings.MEDIA_ROOT = tmp_path / "files"
    made = World()
    made.person("visitor", made.hub, Role.Kind.DOCTOR)  # of the asked hospital, not asked
    made.at = minutes(8)
    monkeypatch.setattr("jieli.web.middleware.now", lambda: made.at)
    return made


@pytest.fixture
def case(world: World) -> Case:
    request = world.raised("U1")
    actions.accept(request, by=world.alice, now=minutes(1))
    return request.case


def signed_in(person: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person.account)
    return client


def seat_of(world: World, case: Case, name: str, role: str, minute: float = 4) -> Seat:
    seat, _ticket = actions.join_room(case, role, by=world.people[name], now=minutes(minute))
    return seat


@pytest.fixture
def reel(world: World, case: Case) -> Reel:
    """The operator's page, which shows the field."""
    return Reel(signed_in(world.doctor), seat_of(world, case, "doctor", "operator"))


def files() -> list[Path]:
    return [path for path in store._root("recordings").rglob("*") if path.is_file()]


def drafts() -> list[Path]:
    return list(store._root("drafts").iterdir())


# ── what a browser sends ─────────────────────────────────────────────────────


def test_a_run_arrives_and_plays(reel: Reel) -> None:
    reel.send()
    run = Recording.objects.get()
    assert (run.chunks, run.length, run.size) == (5, 5, sum(map(len, reel.chunks)))
    assert len(files()) == 5
    answer = reel.file()
    assert answer.status_code == 200
    content = b"".join(answer.streaming_content)
    found = webm.read(lambda at, size: content[at : at + size], [(0, len(content))])
    assert (found.picture.width, found.picture.height) == (160, 90)
    assert found.ends > 8_000
    assert answer["Content-Length"] == str(len(content))
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Content-Type"] == "video/webm"
    assert "sandbox" in answer["Content-Security-Policy"]


def test_parts_of_a_run_are_those_of_the_whole(reel: Reel) -> None:
    reel.send()
    whole = b"".join(reel.file().streaming_content)
    for asked, start, end in (
        ("bytes=0-99", 0, 100), ("bytes=500-", 500, len(whole)),
        ("bytes=-40", len(whole) - 40, None), (f"bytes=100-{10**9}", 100, len(whole)),
    ):  # fmt: skip
        answer = reel.file(Range=asked)
        assert answer.status_code == 206
        assert b"".join(answer.streaming_content) == whole[start:end]
        last = (end or len(whole)) - 1
        assert answer["Content-Range"] == f"bytes {start}-{last}/{len(whole)}"
    assert reel.file(Range=f"bytes={len(whole)}-").status_code == 416
    tag = reel.file(Range="bytes=0-9")["ETag"]
    assert reel.file(Range="bytes=0-9", **{"If-Range": tag}).status_code == 206
    assert reel.file(Range="bytes=0-9", **{"If-Range": '"old"'}).status_code == 200


def test_the_order_does_not_matter_and_twice_is_once(reel: Reel) -> None:
    reel.announce()
    assert reel.announce().json()["held"] == []
    for number in (3, 0, 4, 1, 2):
        assert reel.put(number).status_code == 201
        assert reel.put(number).status_code == 200
    assert reel.held().json() == {"held": [[0, 4]]}
    assert Chunk.objects.count() == len(files()) == 5
    assert not drafts()
    assert reel.end().json() == {"missing": []}


def test_another_piece_with_the_same_number_is_refused(reel: Reel) -> None:
    reel.announce()
    reel.put(0)
    answer = reel.put(0, reel.chunks[0] + b"x")
    assert answer.status_code == 409
    assert "这个编号" in answer.json()["sentence"]
    assert store.path_of(reel.key, 0).read_bytes() == reel.chunks[0]
    assert not drafts()


def test_what_arrives_damaged_is_not_kept(reel: Reel) -> None:
    reel.announce()
    wrong = {"Chunk-Sha256": "0" * 64}
    assert reel.put(0, **wrong).status_code == 409
    assert (Chunk.objects.count(), files(), drafts()) == (0, [], [])
    assert reel.put(0).status_code == 201


def test_what_does_not_fit_to_its_neighbours_is_refused(reel: Reel) -> None:
    reel.announce()
    reel.put(1)
    assert reel.put(2, **{"Chunk-Previous": "a" * 64}).status_code == 409
    other = Reel(reel.client, reel.seat, chunks=film("h264"))
    assert reel.put(0, other.chunks[0]).status_code == 409  # not what the next one names
    assert reel.put(0).status_code == 201


@pytest.mark.parametrize(
    ("number", "content", "change"),
    [(0, b"<html>no film</html>", {}), (0, b"", {}), (2_000, b"x", {"Chunk-Previous": "a" * 64}),
     (1, b"x", {"Chunk-From": "12"}), (1, b"x", {"Chunk-Until": "9" * 15}),
     (1, b"x", {"Chunk-Previous": "no"})],
)  # fmt: skip
def test_nonsense_is_a_sentence(reel: Reel, number: int, content: bytes, change: dict) -> None:
    reel.announce()
    reel.chunks = [*reel.chunks, *[b"z"] * 2_000]
    assert reel.put(number, content, **change).status_code == 409
    assert not files()


def test_what_is_said_of_a_run_is_checked(reel: Reel, world: World) -> None:
    for change in ({"mime": "video/mp4"}, {"source": "moon"}, {"started": "7"}, {"key": "x"}):
        assert reel.announce(**change).status_code == 409, change
    assert not Recording.objects.exists()
    world.at = minutes(5) + rules.GRACE + timedelta(minutes=1)
    assert reel.announce().status_code in (404, 409)


def test_too_large_is_refused_unread(reel: Reel, monkeypatch: Any) -> None:
    monkeypatch.setattr(rules, "CHUNK", 1_000)
    reel.announce()
    answer = reel.put(0)
    assert answer.status_code == 409
    assert "太大" in answer.json()["sentence"]


def test_a_full_disk_leaves_nothing_half_stored(reel: Reel, monkeypatch: Any) -> None:
    reel.announce()
    reel.put(0)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(store.os, "fsync", full)
    assert reel.put(1).status_code == 507
    monkeypatch.undo()
    assert (len(files()), drafts(), Chunk.objects.count()) == (1, [], 1)


def test_a_disk_that_fills_between_file_and_row(reel: Reel, monkeypatch: Any) -> None:
    """The file is there and its row is not: the same chunk comes again and is whole."""
    reel.announce()
    create = Chunk.objects.create

    def full(**_row: Any) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(Chunk.objects, "create", full)
    assert reel.put(0).status_code == 507
    monkeypatch.setattr(Chunk.objects, "create", create)
    assert reel.held().json() == {"held": []}
    assert reel.put(0).status_code == 201
    assert store.path_of(reel.key, 0).read_bytes() == reel.chunks[0]


@pytest.mark.django_db(transaction=True)
def test_the_same_chunk_twice_at_once(reel: Reel, world: World) -> None:
    reel.announce()
    answers: list[int] = []
    clients = [signed_in(world.doctor) for _ in range(4)]

    def send(client: Client) -> None:
        mine = Reel(client, reel.seat, chunks=reel.chunks, key=reel.key)
        answers.append(mine.put(0).status_code)

    came = at_once(*(lambda c=c: send(c) for c in clients))
    assert [what for what, _why in came] == [DONE] * 4
    assert sorted(answers) == [200, 200, 200, 201]
    run = Recording.objects.get()
    assert (run.chunks, run.size) == (1, len(reel.chunks[0]))
    assert not drafts()


# ── who may ──────────────────────────────────────────────────────────────────


def test_a_stranger_finds_nothing(reel: Reel, world: World) -> None:
    reel.send()
    for name in ("outsider", "visitor"):
        stranger = Reel(signed_in(world.people[name]), reel.seat, key=reel.key)
        answers = [stranger.announce(), stranger.put(0), stranger.held(), stranger.end(),
                   stranger.file()]  # fmt: skip
        assert [answer.status_code for answer in answers] == [404] * 5, name
    colleague = Reel(signed_in(world.second_doctor), reel.seat, key=reel.key)
    assert [colleague.announce().status_code, colleague.put(0).status_code] == [404, 404]
    assert colleague.file().status_code == 200  # they may see the case


def test_a_learner_records_nothing(world: World, case: Case) -> None:
    reel = Reel(signed_in(world.alice), seat_of(world, case, "alice", "learner"))
    assert reel.announce().status_code == 409


def test_the_expert_keeps_the_second_copy(world: World, case: Case, reel: Reel) -> None:
    seat = seat_of(world, case, "alice", "expert")
    copy = Reel(signed_in(world.alice), seat, copy=True)
    reel.send()
    copy.send()
    found = shown.recorded(case)
    assert [(feed.name, feed.copy) for feed in found.feeds] == [("feed-1", False), ("feed-1", True)]


def test_what_was_recorded_before_access_ended_still_comes_in(world: World, case: Case) -> None:
    seat = seat_of(world, case, "alice", "expert")
    reel = Reel(signed_in(world.alice), seat)
    reel.announce()
    reel.put(0)
    Grant.objects.filter(practitioner=world.alice).update(until=minutes(7))
    assert reel.file().status_code == 404  # no reading
    assert reel.put(1).status_code == 201
    late = Reel(reel.client, seat, minute=6)  # a run that was never announced
    assert late.announce().status_code == 200
    assert late.put(0).status_code == 201
    after = Reel(reel.client, seat, minute=7.5)  # recorded when they were out already
    assert after.announce().status_code == 404
    world.at = minutes(6) + rules.GRACE + timedelta(minutes=2)
    assert late.put(1).status_code == 404


def test_behind_the_doors_the_database_shows_no_more(world: World, case: Case, reel: Reel) -> None:
    reel.send()

    def rows(name: str) -> tuple[int, int]:
        person = world.people[name]
        with entered(person.account, person, minutes(9)):
            return Recording.objects.count(), Chunk.objects.count()

    assert rows("outsider") == rows("visitor") == (0, 0)
    assert rows("doctor") == rows("alice") == rows("county_officer") == (1, 5)
    run = Recording.objects.get()
    stranger = entered(world.outsider.account, world.outsider, minutes(9))
    with stranger, pytest.raises(ProgrammingError), transaction.atomic():
        Chunk.objects.create(
                recording=run, number=9, size=1, sha256="x", begins_at=minutes(1),
                ends_at=minutes(2), received_at=minutes(2),
            )  # fmt: skip
    with entered(world.doctor.account, world.doctor, minutes(9)):
        for change in (
            lambda: Chunk.objects.update(sha256="0" * 64),
            lambda: Recording.objects.update(started_at=minutes(1)),
            lambda: Chunk.objects.all().delete(),
        ):
            with pytest.raises(ProgrammingError), transaction.atomic():
                change()


TABLES = ("recording", "chunk", "leftover", "teachingclip", "clipsource")


@pytest.mark.parametrize("table", TABLES)
def test_each_table_has_policies_for_both_roles(table: str) -> None:
    with connection.cursor() as cursor:
        name = f"rooms_{table}"
        cursor.execute("SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", [name])
        assert cursor.fetchone() == (True,)
        cursor.execute(
            "SELECT DISTINCT unnest(roles)::text FROM pg_policies WHERE tablename = %s", [name]
        )
        assert {role for (role,) in cursor.fetchall()} == {"jieli_web", "jieli_runner"}


def test_looking_is_put_on_record(world: World, case: Case, reel: Reel) -> None:
    reel.send()
    Reading.objects.all().delete()
    Reel(signed_in(world.alice), reel.seat, key=reel.key).file()
    reading = Reading.objects.get()
    assert (reading.practitioner, reading.case_key) == (world.alice, case.key)
    assert reading.what == "rooms:recording_file"


def test_a_file_is_taken_away_by_the_records_offices_only(
    world: World, case: Case, reel: Reel
) -> None:
    reel.send()
    world.person("clerk", world.county, Role.Kind.COORDINATOR)
    path = f"/cases/{case.key}/recordings/{reel.key}/download/"
    names = ("clerk", "county_director", "doctor", "alice", "director", "outsider")
    got = {name: signed_in(world.people[name]).get(path).status_code for name in names}
    assert got == {"clerk": 200, "county_director": 200, "doctor": 404, "alice": 404,
                   "director": 404, "outsider": 404}  # fmt: skip
    seat_of(world, case, "alice", "expert")  # now the asked hospital sat in the room
    answer = signed_in(world.director).get(path)
    assert answer.status_code == 200
    assert case.number in answer["Content-Disposition"]
    assert "马某" not in answer["Content-Disposition"]
    readers = Reading.objects.filter(what="cases:recording_download", case_key=case.key)
    read = set(readers.values_list("practitioner__name", flat=True))
    assert read >= {"clerk", "county_director", "director"}


# ── the record ───────────────────────────────────────────────────────────────


def kept(now: float) -> int:
    return actions.keep_recordings(minutes(now))


def test_the_head_of_a_run_comes_into_the_chain(case: Case, reel: Reel) -> None:
    reel.send()
    assert kept(8) == 1
    assert kept(9) == 0
    event = case.chain.events.get(verb="recording_kept")
    run = Recording.objects.get()
    assert event.data["heads"] == f"{run.key}={run.head}"
    assert (event.data["seconds"], event.data["missing"], event.data["runs"]) == (10, 0, 1)
    assert run.head == rules.head_of(recordings.said(run), 5)
    case.chain.refresh_from_db()
    assert broken_at(case.chain) is None
    assert list(shown.recording_faults()) == []


def test_runs_of_one_operation_do_not_fill_its_time_line(
    world: World, case: Case, reel: Reel
) -> None:
    reel.send()
    going = Reel(reel.client, reel.seat, minute=6, feed="feed-2")
    going.announce()
    going.put(0)
    assert kept(9) == 0  # something still goes on: they come together
    assert kept(19) == 1  # but not later than after ten minutes
    going.put(1)
    going.end(2)
    assert kept(30) == 1
    assert verbs(case).count("recording_kept") == 2


def test_a_run_whose_browser_never_came_back_is_sealed_as_it_is(case: Case, reel: Reel) -> None:
    reel.announce()
    reel.put(0)
    reel.put(2)
    assert kept(60) == 0
    assert actions.keep_recordings(minutes(9) + rules.QUIET) == 1
    event = case.chain.events.get(verb="recording_kept")
    assert event.data["missing"] == 1
    reel.put(1)  # and it may still come
    assert actions.keep_recordings(minutes(10) + 2 * rules.QUIET) == 1
    assert case.chain.events.filter(verb="recording_kept").latest("seq").data["missing"] == 0
    assert list(shown.recording_faults()) == []


def test_an_end_names_what_is_missing(reel: Reel) -> None:
    reel.announce()
    reel.put(0)
    reel.put(3)
    assert reel.end().json() == {"missing": [1, 2, 4]}
    assert reel.end(2).status_code == 409  # shorter than what is here
    assert reel.file().status_code == 200  # and what is here can be looked at


@pytest.mark.parametrize("how", ["byte", "row", "head", "gone"])
def test_whoever_changes_a_second_is_found_out(
    how: str, case: Case, reel: Reel, capsys: Any
) -> None:
    reel.send()
    kept(8)
    call_command("verify", "--recordings")
    path = store.path_of(reel.key, 2)
    if how == "byte":
        content = bytearray(path.read_bytes())
        content[500] ^= 1
        path.write_bytes(bytes(content))
    elif how == "gone":
        path.unlink()
    elif how == "row":
        Chunk.objects.filter(number=2).update(ends_at=minutes(5.11))
    else:
        other = [*recordings.said(Recording.objects.get())][:4]
        Chunk.objects.filter(number=4).delete()
        Recording.objects.update(head=rules.head_of(other, 4), length=4, chunks=4)
    with pytest.raises(SystemExit):
        call_command("verify", "--recordings")
    assert case.number in capsys.readouterr().out


# ── the page ─────────────────────────────────────────────────────────────────


def test_the_page_shows_runs_gaps_and_chapters(world: World, case: Case, reel: Reel) -> None:
    reel.send()
    later = Reel(reel.client, reel.seat, minute=6)
    later.send()
    kept(8)
    actions.write_note(case, "已切开", by=world.doctor, now=minutes(5.05))
    page = reel.client.get(f"/cases/{case.key}/recordings/").content.decode()
    assert page.count('class="have"') == 2
    assert "空缺" in page
    assert "章节" in page
    assert f"/rooms/recordings/{later.key}/file/" in page
    assert "保存文件" not in page
    data = reel.client.get(f"/cases/{case.key}/recordings/data/").json()
    assert [run["key"] for run in data["feeds"][0]["runs"]] == [str(reel.key), str(later.key)]
    found = shown.recorded(case)
    assert found.feeds[0].gaps == [rules.Span(minutes(5) + timedelta(seconds=10), minutes(6))]
    assert signed_in(world.outsider).get(f"/cases/{case.key}/recordings/").status_code == 404


def test_other_packages_add_chapters(case: Case, reel: Reel) -> None:
    reel.send()
    shown.use_chapters(lambda _case: [shown.Chapter(minutes(5.1), "切开", "pen")])
    try:
        assert "切开" in reel.client.get(f"/cases/{case.key}/recordings/").content.decode()
    finally:
        shown._more.clear()


def test_a_page_without_recordings_says_so(world: World, case: Case) -> None:
    client = signed_in(world.doctor)
    assert "没有录像" in client.get(f"/cases/{case.key}/recordings/").content.decode()
    assert client.get(f"/cases/{case.key}/recordings/data/").json() == {}


# ── letting go ───────────────────────────────────────────────────────────────


def closed_long_ago(case: Case, years: int) -> None:
    """The database judges by its own clock, so the case has to be old by it."""
    with connection.cursor() as cursor:
        ago = f"interval '{years} years'"
        cursor.execute(f"UPDATE cases_case SET status = 'closed', closed_at = now() - {ago}")
        cursor.execute(f"UPDATE rooms_recording SET started_at = now() - {ago} - interval '1 h'")


def real_now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        return cursor.fetchone()[0]


@contextmanager
def as_runner() -> Iterator[None]:
    """With the rights of a runner, not of the owner of the tables."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE jieli_runner")
        yield
        cursor.execute("RESET ROLE")


def test_recordings_go_after_the_years_of_the_law(case: Case, reel: Reel) -> None:
    reel.send()
    closed_long_ago(case, 2)
    with as_runner():
        actions.let_recordings_go(real_now())
    assert len(files()) == 5
    closed_long_ago(case, 4)
    with as_runner():
        assert actions.keep_recordings(real_now()) == 1
        assert actions.let_recordings_go(real_now()) == 2  # the run, and its folder
        with pytest.raises(ProgrammingError), transaction.atomic():
            Recording.objects.all().delete()
    run = Recording.objects.get()
    assert run.gone_at is not None
    assert (Chunk.objects.count(), files(), Leftover.objects.count()) == (0, [], 0)
    assert verbs(case)[-1] == "recordings_let_go"
    assert shown.recorded(case).gone == 1
    assert reel.file().status_code == 404


def test_a_hold_keeps_them(world: World, case: Case, reel: Reel) -> None:
    reel.send()
    closed_long_ago(case, 9)
    hold = Hold.objects.create(
        case=case, organisation=case.organisation, why="诉讼", by=world.doctor, since=minutes(9)
    )
    actions.let_recordings_go(real_now())
    assert len(files()) == 5
    with connection.cursor() as cursor:  # nor goes the database round it
        cursor.execute("SELECT jieli_let_recordings_go(%s)", [case.key])
        assert cursor.fetchone() == (0,)
    Hold.objects.filter(pk=hold.pk).update(ended_at=minutes(10), ended_by=world.doctor)
    actions.let_recordings_go(real_now())
    assert files() == []


def test_they_go_with_their_case(world: World, case: Case, reel: Reel) -> None:
    reel.send()
    actions.use_teaching_consent(lambda _case: True)
    clip = a_clip(world, case, reel)
    proposed = Disposal.objects.create(
        case=case, number=case.number, organisation=case.organisation, due_on=minutes(1).date(),
        proposed_by=world.doctor, proposed_at=minutes(1),
    )  # fmt: skip
    Disposal.objects.filter(pk=proposed.pk).update(
        confirmed_by=world.county_director, confirmed_at=minutes(9)
    )
    assert (Recording.objects.count(), Chunk.objects.count(), Seat.objects.count()) == (0, 0, 0)
    assert ClipSource.objects.count() == 0
    assert TeachingClip.objects.filter(pk=clip.pk).exists()  # it names nobody
    assert recordings.remove_leftovers(minutes(10)) == 1
    assert files() == []


# ── teaching ─────────────────────────────────────────────────────────────────


@pytest.fixture(autouse=True)
def no_consent_left() -> Any:
    yield
    actions.recordings._consent = None  # type: ignore[attr-defined]


def a_clip(world: World, case: Case, reel: Reel, **change: Any) -> TeachingClip:
    run = Recording.objects.get(key=reel.key)
    cut = {"begin": timedelta(seconds=2), "end": timedelta(seconds=7), "title": "肠造口",
           "technique": None, "seen": True, **change}  # fmt: skip
    return actions.make_clip(case, actions.Cut(run, **cut), by=world.doctor, now=minutes(9))


def form(reel: Reel, **change: str) -> dict[str, str]:
    return {"recording": str(reel.key), "begin": "2", "end": "7.5", "title": "肠造口",
            "seen": "1", **change}  # fmt: skip


def test_without_consent_to_teaching_there_is_no_clip(world: World, case: Case, reel: Reel) -> None:
    reel.send()
    for answer, said in ((None, "还没有问过"), (False, "不同意")):
        actions.use_teaching_consent(lambda _case, answer=answer: answer)
        page = reel.client.post(f"/cases/{case.key}/clips/", form(reel))
        assert page.status_code == 409
        assert said in page.content.decode()
    assert not TeachingClip.objects.exists()


def test_a_clip_is_cut_seen_by_the_alliance_and_names_nobody(
    world: World, case: Case, reel: Reel
) -> None:
    reel.send()
    actions.use_teaching_consent(lambda _case: True)
    answer = reel.client.post(f"/cases/{case.key}/clips/", form(reel))
    assert answer.status_code == 303
    clip = TeachingClip.objects.get()
    assert (clip.width, clip.height, clip.sound) == (160, 90, False)
    assert 5_400 < clip.ms < 7_700
    content = store.clip_path(clip.key).read_bytes()
    assert hashlib.sha256(content).hexdigest() == clip.sha256
    for secret in (case.number, str(case.key), str(reel.key), "Chrome", "马某"):
        assert secret.encode() not in content
    found = webm.read(lambda at, size: content[at : at + size], [(0, len(content))])
    assert [track.sort for track in found.tracks] == [webm.PICTURE]

    far = signed_in(world.outsider)  # of the alliance, and may not see the case
    assert "肠造口" in far.get("/teaching/clips/").content.decode()
    page = far.get(f"/teaching/clips/{clip.key}/").content.decode()
    assert case.number not in page
    assert "来源" not in page
    assert (
        far.get(f"/rooms/clips/{clip.key}/file/", headers={"Range": "bytes=0-3"}).status_code == 206
    )
    with entered(world.outsider.account, world.outsider, minutes(9)):
        assert (TeachingClip.objects.count(), ClipSource.objects.count()) == (1, 0)
    assert case.number in reel.client.get(f"/teaching/clips/{clip.key}/").content.decode()
    assert verbs(case)[-1] == "clip_made"

    foreign = world.person("foreign", _foreign(), Role.Kind.DOCTOR)
    assert "肠造口" not in signed_in(foreign).get("/teaching/clips/").content.decode()
    assert signed_in(foreign).get(f"/rooms/clips/{clip.key}/file/").status_code == 404


def _foreign() -> Any:
    from jieli.directory.models import Organisation

    return Organisation.objects.create(code="foreign", name="外院", tier="county")


def test_who_does_not_treat_cuts_nothing(world: World, case: Case, reel: Reel) -> None:
    reel.send()
    actions.use_teaching_consent(lambda _case: True)
    assert signed_in(world.alice).post(f"/cases/{case.key}/clips/", form(reel)).status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [({"title": "马某之子"}, "患者姓名"), ({"end": "1"}, "晚于"), ({"end": "3000"}, "20"),
     ({"begin": "60", "end": "70"}, "没有画面")],
)  # fmt: skip
def test_why_a_cut_is_refused(case: Case, reel: Reel, change: dict[str, str], said: str) -> None:
    reel.send()
    actions.use_teaching_consent(lambda _case: True)
    answer = reel.client.post(f"/cases/{case.key}/clips/", form(reel, **change))
    assert answer.status_code == 409
    assert said in answer.content.decode()
    unseen = form(reel)
    del unseen["seen"]
    assert reel.client.post(f"/cases/{case.key}/clips/", unseen).status_code == 409


def test_a_recording_of_another_case_is_none_of_this_one(
    world: World, case: Case, reel: Reel
) -> None:
    reel.send()
    other = world.raised("U2").case
    answer = reel.client.post(f"/cases/{other.key}/clips/", form(reel))
    assert answer.status_code == 404
    path = f"/cases/{other.key}/recordings/{reel.key}/download/"
    assert signed_in(world.county_director).get(path).status_code == 404


def test_a_clip_goes_when_consent_is_taken_back(world: World, case: Case, reel: Reel) -> None:
    reel.send()
    actions.use_teaching_consent(lambda _case: True)
    clip = a_clip(world, case, reel)
    assert actions.withdraw_clips(minutes(10)) == 0
    actions.use_teaching_consent(lambda _case: False)
    with as_runner():
        assert actions.withdraw_clips(minutes(11)) == 1
    assert verbs(case)[-1] == "clip_withdrawn"
    assert signed_in(world.outsider).get(f"/rooms/clips/{clip.key}/file/").status_code == 404
    with as_runner():
        recordings.remove_leftovers(minutes(12))
    assert not store.clip_path(clip.key).exists()


def test_the_treating_side_withdraws_a_clip(world: World, case: Case, reel: Reel) -> None:
    reel.send()
    actions.use_teaching_consent(lambda _case: True)
    clip = a_clip(world, case, reel)
    path = f"/teaching/clips/{clip.key}/withdrawal/"
    assert signed_in(world.outsider).post(path, {"why": "x"}).status_code == 404
    assert signed_in(world.alice).post(path, {"why": "x"}).status_code == 404
    assert reel.client.post(path, {"why": "家属要求"}).status_code == 303
    assert reel.client.get("/teaching/clips/").content.decode().count("肠造口") == 0
    with pytest.raises(Refused):
        actions.withdraw_clip(clip, "x", by=world.doctor, now=minutes(12))


def test_an_unknown_run_is_404(reel: Reel) -> None:
    reel.key = uuid.uuid4()
    assert [reel.put(0).status_code, reel.held().status_code, reel.file().status_code] == [404] * 3
