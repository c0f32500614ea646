"""The three gates of an operation (WHO surgical safety checklist): content and what is refused.

Pure: the text of content/checklists.yaml comes as an argument. Clinical content, section 5.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from jieli.rules.pathways import BadContent, Named, named
from jieli.rules.refusal import Refused

SIGN_IN, TIME_OUT, SIGN_OUT = "sign_in", "time_out", "sign_out"
GATES = (SIGN_IN, TIME_OUT, SIGN_OUT)
YES, NO, NOT_APPLICABLE = "yes", "no", "na"
ANSWERS = (YES, NO, NOT_APPLICABLE)
REMOTE, INTERPRETER = "remote", "interpreter"  # what makes further items be asked
NOTE = 200  # characters


@dataclass(frozen=True, slots=True)
class Item(Named):
    """One thing that is said aloud."""

    na: bool = False  # "does not apply" is an answer
    only: str = ""  # asked in this circumstance only


@dataclass(frozen=True, slots=True)
class Gate(Named):
    items: tuple[Item, ...] = ()

    def asked(self, circumstances: Collection[str]) -> tuple[Item, ...]:
        return tuple(item for item in self.items if not item.only or item.only in circumstances)


@dataclass(frozen=True, slots=True)
class Checklist:
    version: str
    status: str
    gates: tuple[Gate, ...]

    def gate(self, code: str) -> Gate:
        """Raises KeyError for a code that is no gate."""
        return {gate.code: gate for gate in self.gates}[code]


@dataclass(frozen=True, slots=True)
class Answer:
    value: str
    note: str = ""


def check(items: Collection[Item], answers: Mapping[str, Answer], language: str) -> None:
    """Every item has its answer, and a "no" says what is done about it.

    Raises Refused with the first item that is in the way.
    """
    for item in items:
        given = answers.get(item.code)
        if given is None or given.value not in ANSWERS:
            raise Refused("Not answered yet: %(item)s.", item=item.say(language))
        if given.value == NOT_APPLICABLE and not item.na:
            raise Refused("This always applies: %(item)s.", item=item.say(language))
        if given.value == NO and not given.note.strip():
            raise Refused("Say what is done about it: %(item)s.", item=item.say(language))
    known = {item.code for item in items}
    if any(code not in known for code in answers):
        raise Refused("The checklist has changed meanwhile: load the page again.")


def check_order(gate: str, signed: Collection[str], *, incised: bool) -> None:
    """One gate after the other; nobody signs out of an operation that has not begun."""
    if gate in signed:
        raise Refused("This gate has been signed already.")
    before = GATES[: GATES.index(gate)]
    if any(earlier not in signed for earlier in before):
        raise Refused("Sign the gate before it first.")
    if gate == SIGN_OUT and not incised:
        raise Refused("Record the incision first: nobody signs out before it.")


def round_of(gate: str, operations: int, *, going_on: bool) -> int:
    """Which operation of the case a gate belongs to, from 1: the one at hand, or the next."""
    if gate == SIGN_OUT or going_on:
        return max(operations, 1)
    return operations + 1


def check_round(number: int, operations: int, *, going_on: bool) -> None:
    """An operation that has begun, or the next one while none is going on."""
    last = operations if going_on else operations + 1
    if not 1 <= number <= max(last, 1):
        raise Refused("The checklist has changed meanwhile: load the page again.")


# ── content ──────────────────────────────────────────────────────────────────

GATE_KEYS = frozenset(["code", "name", "name_en", "source", "items"])
ITEM_KEYS = frozenset(["code", "name", "name_en", "source", "na", "only"])


def read(text: str) -> Checklist:
    """Raises BadContent with one sentence that names the place."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadContent(f"checklists: no YAML: {error}") from error
    if not isinstance(given, dict) or not given.get("version"):
        raise BadContent("checklists: needs version and gates")
    gates = tuple(_gate(each, f"gates[{n}]") for n, each in enumerate(given.get("gates") or []))
    if tuple(gate.code for gate in gates) != GATES:
        raise BadContent(f"gates: must be {', '.join(GATES)}, in this order")
    return Checklist(str(given["version"]), str(given.get("status", "draft")), gates)


def _gate(given: Any, where: str) -> Gate:
    _known(given, GATE_KEYS, where)
    if not given.get("source"):
        raise BadContent(f"{where}: needs source")
    items = tuple(
        _item(each, f"{where}.items[{n}]") for n, each in enumerate(given.get("items") or [])
    )
    codes = [item.code for item in items]
    if not items or len(set(codes)) < len(codes):
        raise BadContent(f"{where}.items: at least one, each with a code of its own")
    return Gate(**named(given), items=items)


def _item(given: Any, where: str) -> Item:
    _known(given, ITEM_KEYS, where)
    only = str(given.get("only", ""))
    if only not in ("", REMOTE, INTERPRETER):
        raise BadContent(f"{where}.only: must be {REMOTE} or {INTERPRETER}")
    return Item(**named(given), na=given.get("na") is True, only=only)


def _known(given: Any, keys: frozenset[str], where: str) -> None:
    if not isinstance(given, dict):
        raise BadContent(f"{where}: must be a mapping")
    if unknown := set(given) - keys:
        raise BadContent(f"{where}: unknown key {sorted(unknown)[0]}")
    for name in ("code", "name"):
        if not given.get(name):
            raise BadContent(f"{where}: needs {name}")
