"""Whatever the generator can say has its sentence, its leg and its input in both languages."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from jieli.missions.queries import words
from jieli.rules.corrections import FIELDS
from jieli.rules.legs import KINDS

OPTIONS = Path(words.__file__).parents[2] / "rules" / "options"
SAID = re.compile(r'Bar\(\s*"C\d",\s*"(\w+)"')
PRUNED = re.compile(r'\{"say": "(\w+)"')


def said() -> set[str]:
    text = "\n".join(path.read_text() for path in OPTIONS.glob("*.py"))
    return {*SAID.findall(text), *PRUNED.findall(text)}


def test_every_reason_has_a_sentence_and_no_sentence_is_left_over():
    assert said() == set(words.SAY)


def test_every_leg_and_every_input_has_a_name():
    assert set(words.LEGS) == set(KINDS)
    assert set(FIELDS) <= set(words.INPUTS)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "none free at Kashgar: Operating theatre"), ("zh-hans", "Kashgar现无空余：手术间")],
)
def test_a_sentence_is_filled_in(language, sentence):
    with translation.override(language):
        assert words.say("none_free", {"site": "Kashgar", "kind": "theatre"}) == sentence


def test_a_key_of_another_version_is_shown_as_it_is():
    assert words.say("from_the_future", {"x": 1}) == "from_the_future"
    assert words.thing("dragon") == "dragon"


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_refusals_of_corrections_are_translated(field):
    sentence = FIELDS[field].sentence
    with translation.override("zh-hans"):
        assert translation.gettext(sentence) != sentence
