"""Every word has both languages, every verb a sentence, every setting and model an explanation."""

import re
from pathlib import Path

import polib
import pytest
from django.apps import apps

from jieli.cases.queries import words
from jieli.cases.queries.timeline import SENTENCES
from jieli.rules.clocks import LIMITS
from jieli.rules.escalation import ESCALATION
from jieli.web import settings

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "jieli"
PARTS = SOURCE / "web" / "locale" / "zh_Hans" / "parts"
TRANSLATE = re.compile(r"""\{%\s*translate\s+(?:"([^"]+)"|'([^']+)')""")
BLOCK = re.compile(
    r"\{%\s*blocktranslate([^%]*)%\}(.*?)(?:\{%\s*plural\s*%\}(.*?))?\{%\s*endblocktranslate\s*%\}",
    re.S,
)
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
CALL = re.compile(
    r"""(?<![\w.])(?:_|gettext|gettext_lazy|gettext_noop|N)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)""",
    re.S,
)
REFUSED = re.compile(r"""(?:Refused|NotProven)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)""", re.S)


def chinese() -> dict[str, str]:
    found: dict[str, str] = {}
    for part in sorted(PARTS.glob("*.po")):
        for entry in polib.pofile(str(part)):
            found[entry.msgid] = entry.msgstr or entry.msgstr_plural.get(0, "")
    return found


def literal(text: str) -> str:
    return "".join(eval(f'"{piece}"') for piece in re.findall(r'"((?:[^"\\]|\\.)*)"', text))


def spoken() -> dict[str, Path]:
    """Every string that a person may read, and where it stands."""
    found: dict[str, Path] = {}
    for path in SOURCE.rglob("*.html"):
        text = path.read_text()
        for one, other in TRANSLATE.findall(text):
            found[one or other] = path
        for options, singular, _plural in BLOCK.findall(text):
            words_ = VARIABLE.sub(r"%(\1)s", singular.replace("%", "%%"))
            found[words_.strip() if "trimmed" in options else words_] = path
    for path in SOURCE.rglob("*.py"):
        if "migrations" in path.parts or "management" in path.parts:
            continue
        text = path.read_text()
        for call in [*CALL.findall(text), *REFUSED.findall(text)]:
            found[literal(call)] = path
    return found


def test_every_string_has_chinese():
    known = chinese()
    missing = [
        f"{p.relative_to(ROOT)}: {text!r}" for text, p in spoken().items() if not known.get(text)
    ]
    assert not missing, "\n".join(sorted(missing))


def test_placeholders_are_the_same_in_both_languages():
    wrong = [
        (english, hanzi)
        for english, hanzi in chinese().items()
        if set(re.findall(r"%\((\w+)\)s", english)) != set(re.findall(r"%\((\w+)\)s", hanzi))
    ]
    assert not wrong


def test_every_verb_that_is_recorded_has_a_sentence():
    verbs: set[str] = set()
    places = ("cases/actions/*.py", "missions/actions/*.py", "chart/actions.py")
    for path in [path for place in places for path in SOURCE.glob(place)]:
        text = path.read_text()
        verbs |= set(re.findall(r"""note\(\s*[\w.]+,\s*"(\w+)\"""", text))
        verbs |= set(re.findall(r"""(?:log|record)\(\s*[\w.]+,\s*"(\w+)\"""", text))
        verbs |= set(re.findall(r"""verb = "(\w+)\"""", text))
        verbs |= set(re.findall(r'"(clock_\w+_?\w*)"', text)) - {"clock_id"}
    assert len(verbs) > 20
    assert verbs - {"consent_"} <= set(SENTENCES), verbs - set(SENTENCES)


@pytest.mark.parametrize("urgency", sorted(LIMITS))
def test_every_clock_has_a_name_and_a_start(urgency):
    assert set(LIMITS[urgency]) <= set(words.CLOCKS)
    assert set(LIMITS[urgency]) <= set(words.CLOCK_SINCE)


def test_every_escalation_is_about_a_known_clock():
    assert set(ESCALATION) <= set(words.CLOCKS)


def test_every_model_is_in_the_glossary():
    glossary = (ROOT / "GLOSSARY.md").read_text()
    ours = [m for m in apps.get_models() if m.__module__.startswith("jieli.")]
    missing = [m.__name__ for m in ours if f"| {m.__name__} |" not in glossary]
    assert not missing


def test_every_setting_is_in_the_manual():
    manual = (ROOT / "docs" / "running.md").read_text()
    missing = [s.name for s in settings.CATALOGUE if f"`{s.name}`" not in manual]
    assert not missing


def test_the_layers_of_the_picture_are_those_of_the_linter():
    linter = (ROOT / "pyproject.toml").read_text().split("layers = [")[1].split("]")[0]
    layers = re.findall(r'"([^"]+)"', linter)
    picture = (ROOT / "ARCHITECTURE.md").read_text().split("```")[1]
    drawn = [re.split(r"\s{2,}", line)[0] for line in picture.strip().splitlines()]
    assert drawn == layers


def test_no_inline_script_or_style_and_no_foreign_address():
    for path in SOURCE.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=", text), path
        assert not re.search(r"\son\w+=", text), path
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert not re.search(r"(?:src|href)=[\"']https?://", text), path
