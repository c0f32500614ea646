"""A seal opens in its own column with its own key, or not at all; nothing else tells the number."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jieli.keys import ring, seals
from jieli.keys.seals import Unreadable, UnreadableBytes

HERE, THERE = "chart_identifier.value", "cases_request.callback"


@pytest.fixture(autouse=True)
def sealing(monkeypatch) -> None:
    monkeypatch.setattr("jieli.keys.seals.sealing", lambda: True)


NUMBERS = [
    "1",
    "65010119900307123X",
    "0998-555 0126",
    "马某 138 9901 2345",
    "wecombot://k?a=1",
    "x" * 400,
]


@pytest.mark.parametrize("number", NUMBERS)
def test_sealed_and_opened(number: str) -> None:
    sealed = seals.seal(number, HERE)
    assert len(number) < 5 or number not in sealed
    assert sealed.startswith(f"s1.{ring.current().id}.")  # type: ignore[union-attr]
    assert seals.opened(sealed, HERE) == number
    assert seals.seal(number, HERE) != sealed  # the same number twice does not show


@given(st.text(min_size=1).filter(lambda t: not seals.SEALED.fullmatch(t)))
def test_any_text_comes_back(text: str) -> None:
    try:
        sealed = seals.seal(text, HERE)
    except UnicodeEncodeError:
        return  # half a character, which no database takes
    assert seals.opened(sealed, HERE) == text


@given(st.binary(min_size=1).filter(lambda b: not seals.SEALED_BYTES.fullmatch(b)))
def test_any_bytes_come_back(content: bytes) -> None:
    assert seals.opened_bytes(seals.seal_bytes(content, HERE), HERE) == content
    assert seals.opened_bytes(content, HERE) == content  # written before


def test_empty_stays_empty() -> None:
    assert seals.seal("", HERE) == "" and seals.opened("", HERE) == ""
    assert seals.seal_bytes(b"", HERE) == b""


def test_a_seal_moved_to_another_column_does_not_open() -> None:
    moved = seals.opened(seals.seal("13899012345", HERE), THERE)
    assert isinstance(moved, Unreadable) and "138" not in moved


def test_every_changed_character_is_noticed() -> None:
    sealed = seals.seal("13899012345", HERE)
    for place in range(12, len(sealed) - 1):  # of the last one some bits are not used
        other = "A" if sealed[place] != "A" else "B"
        assert isinstance(
            seals.opened(sealed[:place] + other + sealed[place + 1 :], HERE), Unreadable
        )


def test_without_its_key_it_says_so_and_is_kept() -> None:
    sealed, content = seals.seal("13899012345", HERE), seals.seal_bytes(b"PK12345", HERE)
    for name in list(ring.ring().files.values()):
        import os

        os.unlink(name)
    ring.forget()
    shown, lost = seals.opened(sealed, HERE), seals.opened_bytes(content, HERE)
    assert isinstance(shown, Unreadable) and shown
    assert isinstance(lost, UnreadableBytes)
    assert seals.seal(shown, HERE) == sealed  # saved again: nothing is lost
    assert seals.seal_bytes(lost, HERE) == content
    assert seals.seal(shown, THERE) == ""  # and never carried elsewhere
    for again in (copy.deepcopy(shown), pickle.loads(pickle.dumps(shown))):
        assert seals.seal(again, HERE) == sealed


def test_marks_find_what_was_typed_otherwise_and_nothing_else() -> None:
    mark = seals.mark("telephone", "13899012345")
    assert mark and len(mark) == 16
    assert mark in seals.marks("telephone", "+86 138-9901-2345")
    assert mark not in seals.marks("telephone", "13899012346")
    assert mark not in seals.marks("mother", "13899012345")  # each kind by itself
    assert seals.marks("telephone", " — ") == []


def test_marks_of_an_older_key_still_find() -> None:
    old = seals.mark("national_id", "65010119900307123X")
    ring.make()
    assert old in seals.marks("national_id", "65010119900307123x")
    assert seals.mark("national_id", "65010119900307123X") != old


def test_the_two_keys_of_one_secret_differ() -> None:
    secret = b"k" * 32
    key = ring.key_of(secret)
    assert key.index != secret
    assert ring._derive(secret, b"seal") != key.index
