"""Every sentence and label of this package and of notify has its Chinese."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import polib
import pytest

from jieli.notify.queries import KIND_WORDS, STATE_WORDS
from jieli.rules import vitals

SRC = Path(__file__).resolve().parents[2] / "src" / "jieli"
PARTS = SRC / "web" / "locale" / "zh_Hans" / "parts"


def known() -> dict[str, str]:
    found: dict[str, str] = {}
    for part in PARTS.glob("*.po"):
        for entry in polib.pofile(str(part)):
            found[entry.msgid] = entry.msgstr or entry.msgstr_plural.get(0, "")
    return found


def sentences() -> set[str]:
    """What is refused, what transports say, and the tables."""
    found = {label for row in vitals.VITALS.values() for label in (row.label, *row.words.values())}
    found |= {sign.label for sign in vitals.DANGER_SIGNS} | {"Low", "Normal"}
    found |= {*KIND_WORDS.values(), *STATE_WORDS.values(), "High", "/min"}
    files = [SRC / "rules" / f"{name}.py" for name in ("vitals", "uploads")]
    for folder in ("chart", "notify"):
        files += [path for path in (SRC / folder).rglob("*.py") if "migrations" not in path.parts]
    for path in files:
        found |= _said(ast.parse(path.read_text()))
    return found


def _said(tree: ast.AST) -> set[str]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    named = [c for c in calls if getattr(c.func, "id", "") in ("Refused", "TransportError", "_")]
    first = [c.args[0] for c in named]
    plain = {a.value for a in first if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    heads = {a.values[0].value for a in first
             if isinstance(a, ast.JoinedStr) and isinstance(a.values[0], ast.Constant)}  # fmt: skip
    return plain | {str(head).split(": ")[0] for head in heads if ": " in str(head)}


def in_templates() -> set[str]:
    found: set[str] = set()
    for folder in ("chart", "notify"):
        for path in (SRC / folder).rglob("*.html"):
            found |= set(re.findall(r'{% translate "([^"]+)" %}', path.read_text()))
    return found


def test_every_sentence_has_its_chinese() -> None:
    words = known()
    missing = sorted(text for text in sentences() | in_templates() if not words.get(text))
    assert missing == []


@pytest.mark.parametrize("part", ["chart", "notify"])
def test_facts_of_a_sentence_survive_the_translation(part: str) -> None:
    for entry in polib.pofile(str(PARTS / f"{part}.po")):
        chinese = entry.msgstr or entry.msgstr_plural.get(0, "")
        facts = re.findall(r"%\((\w+)\)s", entry.msgid)
        assert sorted(facts) == sorted(re.findall(r"%\((\w+)\)s", chinese)), entry.msgid
