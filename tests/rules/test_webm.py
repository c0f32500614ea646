"""Films as Chromium's recorder wrote them: read, put together again, cut; torn, holed, nonsense."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from jieli.rules import webm
from jieli.rules.recordings import stretches

FILMS = Path(__file__).resolve().parents[1] / "rooms" / "films"
NAMES = ("vp8", "h264")


def chunks(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(FILMS.glob(f"{name}.*"))]


def film(pieces: list[bytes | None]) -> tuple[webm.Film, bytes]:
    """Of these chunks; None for one that is lost."""
    whole = b"".join(piece for piece in pieces if piece)
    told = [(n, len(piece)) for n, piece in enumerate(pieces) if piece]
    return webm.read(lambda at, size: whole[at : at + size], stretches(told)), whole


def made(film: webm.Film, whole: bytes, **cut: object) -> bytes:
    what = webm.make(film, **cut)  # type: ignore[arg-type]
    out = written(what, whole, 0, what.size)
    assert len(out) == what.size
    return out


def written(what: webm.Made, whole: bytes, start: int, end: int) -> bytes:
    parts = what.slice(start, end)
    return b"".join(p if isinstance(p, bytes) else whole[p[0] : p[0] + p[1]] for p in parts)


def again(content: bytes) -> webm.Film:
    return webm.read(lambda at, size: content[at : at + size], [(0, len(content))])


def frames(film: webm.Film) -> list[tuple[int, int]]:
    return [(block.track, block.ms) for cluster in film.clusters for block in cluster.blocks]


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_run_loses_no_picture_and_no_sound(name):
    source, whole = film(list(chunks(name)))
    assert {track.sort for track in source.tracks} == {webm.PICTURE, webm.SOUND}
    assert (source.picture.width, source.picture.height) == (160, 90)
    assert 8_000 < source.ends < 10_500
    out = again(made(source, whole))
    assert frames(out) == frames(source)
    assert len(frames(out)) > 100
    assert out.ends == source.ends


@pytest.mark.parametrize("name", NAMES)
def test_any_part_of_it_is_the_same_bytes(name):
    source, whole = film(list(chunks(name)))
    what = webm.make(source)
    out = written(what, whole, 0, what.size)
    chance = random.Random(5)
    for _ in range(200):
        start = chance.randrange(what.size)
        end = chance.randrange(start, what.size) + 1
        assert written(what, whole, start, end) == out[start:end]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_middle_leaves_the_rest_at_its_time(name, lost):
    """Until the next whole picture there is none; what is there stands where it stood."""
    pieces: list[bytes | None] = list(chunks(name))
    source, _ = film(pieces)
    pieces[lost] = None
    holed, whole = film(pieces)
    assert set(frames(holed)) < set(frames(source))
    picture = holed.picture.number
    after = [b for c in holed.clusters for b in c.blocks
             if b.track == picture and b.ms > lost * 2000]  # fmt: skip
    assert after[0].key
    assert after[0].ms <= (lost + 1) * 2000 + 2300
    assert again(made(holed, whole)).ends == holed.ends


@pytest.mark.parametrize("name", NAMES)
def test_without_its_first_chunk_a_run_cannot_be_read(name):
    with pytest.raises(webm.Unreadable):
        film([None, *chunks(name)[1:]])


@pytest.mark.parametrize("name", NAMES)
def test_a_torn_end_costs_only_the_end(name):
    whole = b"".join(chunks(name))
    for left in (900, 5_000, 12_345, len(whole) - 7):
        torn = webm.read(lambda at, size, left=left: whole[at : min(left, at + size)], [(0, left)])
        assert set(frames(torn)) <= set(frames(film(list(chunks(name)))[0]))


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_begins_at_a_whole_picture_and_has_no_sound(name):
    source, whole = film(list(chunks(name)))
    out = again(made(source, whole, sound=False, begin=3_000, end=6_500))
    assert [track.sort for track in out.tracks] == [webm.PICTURE]
    first = out.clusters[0].blocks[0]
    assert (first.ms, first.key) == (0, True)
    assert 3_300 <= out.ends <= 3_500 + 2_300  # it may begin up to two seconds before
    for cluster in out.clusters:
        assert all(-32_768 <= block.told <= 32_767 for block in cluster.blocks)


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_says_nothing_of_where_it_comes_from(name):
    source, whole = film(list(chunks(name)))
    out = made(source, whole, sound=False, begin=2_000, end=6_000)
    assert b"Chrome" in whole
    assert b"Chrome" not in out[:2_000]
    assert b"Jieli" in out[:400]


def test_a_name_in_the_head_is_not_copied():
    pieces = chunks("vp8")
    name = webm.write(0x536E, "患者张三".encode())  # name of a track
    at = pieces[0].index(b"\x83\x81\x01")  # its sort, inside the entry
    start = pieces[0].rindex(b"\xae", 0, at)
    entry = webm._element(webm._Source(lambda a, n: pieces[0][a : a + n]), start, len(pieces[0]))
    body = pieces[0][entry.body : entry.end] + name
    tags = webm.write(0x1254C367, b"\xec\x85Zhang")
    tracks = webm.write(webm.TRACKS, webm.write(webm.TRACK, body))
    head = pieces[0][: pieces[0].index(webm.TRACKS.to_bytes(4))]
    cluster = pieces[0].index(webm.CLUSTER.to_bytes(4))
    source, whole = film([head + tags + tracks + pieces[0][cluster:], *pieces[1:]])
    out = made(source, whole)
    assert "张三".encode() in whole
    assert b"Zhang" in whole
    assert "张三".encode() not in out
    assert b"Zhang" not in out


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1a", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\x80" + b"\0" * 90, b"<html>" * 40,
     b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + b"\xff" * 200],
)  # fmt: skip
def test_nonsense_is_refused_and_never_an_error(content):
    with pytest.raises(webm.Unreadable):
        webm.read(lambda at, size: content[at : at + size], [(0, len(content))])


def test_bytes_that_were_changed_never_lead_to_an_error_or_a_long_search():
    whole = b"".join(chunks("vp8"))
    chance = random.Random(11)
    for _ in range(300):
        spoiled = bytearray(whole)
        for _ in range(chance.randrange(1, 30)):
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        content = bytes(spoiled)
        try:
            found = webm.read(lambda at, size, c=content: c[at : at + size], [(0, len(content))])
            webm.make(found)
        except webm.Unreadable:
            continue
