"""The daily root: one signed hash over all chains, each linked to the one before it.

A root has a leaf for each chain that changed since the last: how long it was, and its head. What
is hashed is spelled in one way, so that a third party can compute it with ten lines of their own.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime

MARK = 4  # bytes of an event's hash that a leaf keeps, to say which event it was
KEPT_FORMAT = {"jieli": "roots", "version": 1}  # the first line of an export


@dataclass(frozen=True, slots=True)
class Leaf:
    """One chain as it was: `marks` has the first bytes of each hash since its leaf before."""

    subject: str
    name: str
    length: int
    head: bytes
    marks: bytes


@dataclass(frozen=True, slots=True)
class Root:
    """One day. `days` is 1, or more when the root caught up with days without one."""

    number: int
    day: date
    made_at: datetime
    days: int
    previous: str  # hash of the root before; empty for the first
    leaves: int
    leaves_hash: str
    key: str  # public key, raw, in hex


@dataclass(frozen=True, slots=True)
class Signed:
    root: Root
    hash: str
    signature: str


def days_since(last: date | None, day: date) -> int:
    """How many official days this root stands for: one, unless there was a standstill."""
    return 1 if last is None else (day - last).days


# ── what is hashed ───────────────────────────────────────────────────────────


class LeavesHash:
    """SHA-256 over the leaves in the order of their chains, a line for each."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.count = 0

    def add(self, leaf: Leaf) -> None:
        line = [leaf.subject, leaf.name, leaf.length, leaf.head.hex(), leaf.marks.hex()]
        self._hash.update(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self.count += 1

    def hex(self) -> str:
        return self._hash.hexdigest()


def canonical(root: Root) -> bytes:
    """The bytes that are hashed and signed: sorted keys, UTC microseconds, no spaces."""
    plain = asdict(root)
    plain["day"] = root.day.isoformat()
    plain["made_at"] = root.made_at.astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def hash_of(root: Root) -> str:
    return hashlib.sha256(canonical(root)).hexdigest()


# ── do the roots hold? ───────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not hold: a root or a case by its name, and why in words."""

    name: str
    why: str


Proves = Callable[[str, bytes, str], bool]  # key, content, signature


def faults(roots: Sequence[Signed], proves: Proves, keys: Collection[str]) -> Iterator[Fault]:
    """Numbering, linkage, hash and signature of each; `keys` are those that may have signed."""
    before: Signed | None = None
    for signed in roots:
        root, name = signed.root, name_of(signed.root)
        expected = before.root.number + 1 if before else 1
        if root.number != expected:
            yield Fault(f"root {expected}", "it is missing")
        elif root.previous != (before.hash if before else ""):
            yield Fault(name, "it is not linked to the root before it")
        if before and root.day <= before.root.day:
            yield Fault(name, "its day does not follow the day before it")
        if hash_of(root) != signed.hash:
            yield Fault(name, "it was rewritten: its hash is not that of its content")
        elif not proves(root.key, canonical(root), signed.signature):
            yield Fault(name, "its signature does not hold")
        elif root.key not in keys:
            yield Fault(name, f"it is signed with an unknown key, {root.key[:16]}")
        before = signed


def unlike(roots: Iterable[Signed], kept: Iterable[Signed], where: str) -> Iterator[Fault]:
    """Roots that somebody kept, and that are no longer there or say something else."""
    here = {signed.root.number: signed for signed in roots}
    for copy in kept:
        found = here.get(copy.root.number)
        if found is None:
            yield Fault(name_of(copy.root), f"it is missing; {where} has it")
        elif found != copy:
            yield Fault(name_of(copy.root), f"it is not the one that {where} has")


def name_of(root: Root) -> str:
    return f"root {root.number} of {root.day}"


# ── does a chain still say what its leaves say? ──────────────────────────────


@dataclass(frozen=True, slots=True)
class Unlike:
    """The first event that is not what a root says."""

    seq: int
    why: str


def against_leaves(hashes: Sequence[bytes], leaves: Iterable[tuple[str, Leaf]]) -> Unlike | None:
    """The hashes of a chain as it is now, and its leaves, oldest first, each with its root."""
    seen = 0
    for root, leaf in leaves:
        for n, mark in enumerate(_marks(leaf), start=seen):
            if n >= len(hashes):
                return Unlike(n + 1, f"the event is missing; {root} has it")
            if hashes[n][:MARK] != mark:
                return Unlike(n + 1, f"the event is not the one of {root}")
        if leaf.length > len(hashes):
            return Unlike(len(hashes) + 1, f"the event is missing; {root} has it")
        if leaf.length and hashes[leaf.length - 1] != leaf.head:
            return Unlike(leaf.length, f"the event is not the one of {root}")
        seen = max(seen, leaf.length)
    return None


def _marks(leaf: Leaf) -> Iterator[bytes]:
    return (leaf.marks[n : n + MARK] for n in range(0, len(leaf.marks), MARK))


# ── a copy that somebody keeps ───────────────────────────────────────────────


class BadCopy(ValueError):
    """A file that is no copy of roots; the text says where it cannot be read."""


def as_line(signed: Signed) -> str:
    """One root as one line of JSON."""
    plain = json.loads(canonical(signed.root))
    return json.dumps({**plain, "hash": signed.hash, "signature": signed.signature})


def as_text(roots: Iterable[Signed]) -> str:
    return "\n".join([json.dumps(KEPT_FORMAT), *map(as_line, roots)]) + "\n"


def read_text(text: str) -> list[Signed]:
    """What `as_text` wrote; anything else is refused with the line that is wrong."""
    lines = text.splitlines()
    if not lines or _json(lines[0], 1) != KEPT_FORMAT:
        raise BadCopy("the first line does not say that these are roots of Jieli")
    return [_signed(_json(line, n), n) for n, line in enumerate(lines[1:], 2) if line.strip()]


def _json(line: str, n: int) -> object:
    try:
        return json.loads(line)
    except ValueError:
        raise BadCopy(f"line {n} is cut off or no JSON") from None


def _signed(said: object, n: int) -> Signed:
    names = {field.name for field in fields(Root)} | {"hash", "signature"}
    if not isinstance(said, Mapping) or set(said) != names:
        raise BadCopy(f"line {n} is no root")
    rest = dict(said)
    hashed, signature = rest.pop("hash"), rest.pop("signature")
    try:
        rest["day"] = date.fromisoformat(rest["day"])
        rest["made_at"] = datetime.fromisoformat(rest["made_at"])
        whole = all(type(rest[name]) is int for name in ("number", "days", "leaves"))
    except (TypeError, ValueError):
        whole = False
    texts = (rest["previous"], rest["leaves_hash"], rest["key"], hashed, signature)
    if not whole or not all(isinstance(text, str) for text in texts):
        raise BadCopy(f"line {n} is no root")
    return Signed(Root(**rest), hashed, signature)
