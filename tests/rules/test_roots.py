"""The daily root as values: what is hashed, what does not hold, and what a kept copy may be."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from jieli.rules import roots as rules
from jieli.rules.roots import BadCopy, Fault, Leaf, Root, Signed

AT = datetime(2026, 3, 1, 16, 0, 20, 123456, tzinfo=UTC)
KEY = "ab" * 32


def signed(number: int, previous: str = "", **more) -> Signed:
    day = date(2026, 3, 1) + timedelta(days=number)
    root = Root(number, day, AT + timedelta(days=number), 1, previous, 0, "0" * 64, KEY)
    root = replace(root, **more)
    return Signed(root, rules.hash_of(root), "good")


def three() -> list[Signed]:
    first = signed(1)
    second = signed(2, first.hash)
    return [first, second, signed(3, second.hash)]


def faults(roots) -> list[tuple[str, str]]:
    def proves(key, content, signature):
        return signature == "good"

    return [(f.name, f.why) for f in rules.faults(roots, proves, {KEY})]


def put(place, made):
    return lambda roots: roots.__setitem__(place, made(roots))


def test_roots_that_follow_each_other_hold():
    assert faults(three()) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda r: r.pop(1), "root 2: it is missing"),
        (lambda r: r.pop(0), "root 1: it is missing"),
        (put(1, lambda r: replace(r[1], root=replace(r[1].root, leaves=9))),
         "root 2 of 2026-03-03: it was rewritten"),
        (put(1, lambda r: signed(2, r[0].hash, leaves=9)),
         "root 3 of 2026-03-04: it is not linked"),
        (put(2, lambda r: replace(r[2], signature="bad")), "root 3 of 2026-03-04: its signature"),
        (put(2, lambda r: signed(3, r[1].hash, key="cd" * 32)), "an unknown key, cdcd"),
        (put(2, lambda r: signed(3, r[1].hash, day=date(2026, 3, 3))), "does not follow the day"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_root_is_said(spoil, said):
    roots = three()
    spoil(roots)
    assert any(said in f"{name}: {why}" for name, why in faults(roots)), faults(roots)


def test_the_hash_does_not_depend_on_the_zone_of_the_instant():
    root = signed(1).root
    here = replace(root, made_at=root.made_at.astimezone(timezone(timedelta(hours=8))))
    assert rules.hash_of(root) == rules.hash_of(here)


@pytest.mark.parametrize("change", [{"subject": "y"}, {"name": "z"}, {"length": 3}, {"head": b"1"},
                                    {"marks": b"4"}])  # fmt: skip
def test_every_part_of_a_leaf_is_in_the_hash(change):
    leaf = Leaf("x", "JL-1", 2, b"2", b"3")
    hashes = []
    for one in (leaf, replace(leaf, **change)):
        hashed = rules.LeavesHash()
        hashed.add(one)
        hashes.append(hashed.hex())
    assert hashes[0] != hashes[1]


# ── a chain against its leaves ───────────────────────────────────────────────

H = [bytes([n]) * 32 for n in range(6)]


def leaf(length: int, since: int = 0) -> Leaf:
    marks = b"".join(h[:4] for h in H[since:length])
    return Leaf("x", "JL-1", length, H[length - 1], marks)


LEAVES = [("root 1", leaf(3)), ("root 2", leaf(5, 3))]


@pytest.mark.parametrize(
    ("now", "seq"),
    [
        (H, None),  # grew after the last root
        (H[:5], None),
        ([H[0], b"x" * 32, *H[2:]], 2),
        ([*H[:4], b"x" * 32, H[5]], 5),
        (H[:4], 5),
        (H[:2], 3),
        ([], 1),
        ([*H[1:]], 1),
    ],
)
def test_the_first_event_that_differs_is_named(now, seq):
    found = rules.against_leaves(now, LEAVES)
    assert (found.seq if found else None) == seq


def test_a_hash_that_only_begins_alike_is_found_at_the_head():
    now = [*H[:2], H[2][:4] + b"y" * 28]
    assert rules.against_leaves(now, LEAVES[:1]).seq == 3


# ── a copy that somebody kept ────────────────────────────────────────────────


def test_what_is_exported_reads_back_the_same():
    assert rules.read_text(rules.as_text(three())) == three()
    assert rules.read_text(rules.as_text([])) == []


def line(**change) -> str:
    plain = json.loads(rules.as_line(signed(1)))
    return json.dumps({k: v for k, v in {**plain, **change}.items() if v is not ...})


HEAD = json.dumps(rules.KEPT_FORMAT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line"),
        ("hello", "line 1"),
        ("[]", "first line"),
        ('{"jieli": "roots", "version": 2}', "first line"),
        (f"{HEAD}\n{line()[:-9]}", "line 2"),
        (f"{HEAD}\n[1]", "line 2"),
        (f"{HEAD}\n{line(hash=...)}", "line 2"),
        (f"{HEAD}\n{line(more=1)}", "line 2"),
        (f"{HEAD}\n{line(day='yesterday')}", "line 2"),
        (f"{HEAD}\n{line(made_at=None)}", "line 2"),
        (f"{HEAD}\n{line(number='1')}", "line 2"),
        (f"{HEAD}\n{line(number=True)}", "line 2"),
        (f"{HEAD}\n{line()}\n{line(key=5)}", "line 3"),
    ],
)
def test_a_bad_copy_is_refused_in_words(text, said):
    with pytest.raises(BadCopy, match=said):
        rules.read_text(text)


def test_a_root_that_differs_from_the_kept_one_is_named():
    kept, now = three(), three()
    now[1] = signed(2, now[0].hash, leaves=7)
    del now[2]
    assert list(rules.unlike(now, kept, "your copy")) == [
        Fault("root 2 of 2026-03-03", "it is not the one that your copy has"),
        Fault("root 3 of 2026-03-04", "it is missing; your copy has it"),
    ]


def test_newer_roots_than_the_copy_are_no_fault():
    assert list(rules.unlike(three(), three()[:1], "your copy")) == []


def test_a_root_says_how_many_days_it_stands_for():
    assert rules.days_since(None, date(2026, 3, 1)) == 1
    assert rules.days_since(date(2026, 2, 27), date(2026, 3, 1)) == 2
