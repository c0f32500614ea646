"""What patients need, as content says it: windows, signs that shorten them, mistakes named."""

from pathlib import Path

import pytest

from jieli.rules import pathways
from jieli.rules.resources import KINDS

CONTENT = Path(__file__).resolve().parents[2] / "content" / "pathways.yaml"
ONE = """
version: t-1
pathways:
  - {code: p, name: 甲, source: "test [F]", operator: OP, target: 60, hard: 120%s}
"""


@pytest.fixture(scope="module")
def shipped() -> pathways.Content:
    return pathways.read(CONTENT.read_text(encoding="utf-8"))


def test_what_is_shipped_is_a_draft_and_names_its_sources(shipped):
    assert (shipped.version, shipped.status) == ("pathways-2", "draft")
    for pathway in shipped.pathways.values():
        assert pathway.source
        assert pathway.name
        assert pathway.name_en
        assert set(pathway.needs) <= set(KINDS), pathway.code
        assert all(one.source for one in (*pathway.signs, *pathway.events)), pathway.code


def test_a_sign_makes_the_window_shorter(shipped):
    pathway = shipped.pathways["neonatal_obstruction"]
    assert pathway.windows() == (840, 1440)
    assert pathway.windows(frozenset({"volvulus"})) == (360, 360)
    assert pathway.windows(frozenset({"unknown"})) == (840, 1440)


@pytest.mark.parametrize(
    ("technique", "specialty", "code"),
    [
        ("PGS-LAP-NEO", "", "neonatal_obstruction"),
        ("", "paediatric-surgery", "neonatal_obstruction"),
        ("", "urology", None),
        ("HP-POISON", "paediatric-surgery", "oral_poisoning_hp"),  # the technique says more
    ],
)
def test_which_pathway_fits(shipped, technique, specialty, code):
    found = shipped.of(technique, specialty)
    assert (found.code if found else None) == code


def test_two_pathways_of_one_specialty_need_a_technique():
    one = "{code: %s, name: 甲, source: s, operator: %s, techniques: [%s], specialties: [x],"
    one += " target: 60, hard: 120}"
    lines = "\n".join(f"  - {one % (c, c, c)}" for c in ("A", "B"))
    content = pathways.read(f"version: t\npathways:\n{lines}\n")
    assert content.of("", "x") is None
    assert content.of("B", "x").code == "B"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (", hard: 30", "the target lies after the hard limit"),
        (", surprise: 1", "unknown key surprise"),
        (", from: yesterday", "must be indication or onset"),
        (", needs: theatre", "must be a list of words"),
        (", events: [{name: x, median: 0}]", "needs a median above 0"),
        (", target: soon", "must be minutes"),
    ],
)
def test_a_mistake_is_named(more, sentence):
    with pytest.raises(pathways.BadContent, match=sentence):
        pathways.read(ONE % more)


@pytest.mark.parametrize("text", ["", "pathways: 1", "a: [", "version: x"])
def test_what_is_no_content_is_refused(text):
    with pytest.raises(pathways.BadContent):
        pathways.read(text)


def test_a_specialty_alone_finds_the_one_pathway_that_is_urgent(shipped):
    assert shipped.of("", "obstetrics").code == "threatened_preterm_twins"
    assert shipped.of("OBS-TWIN-PLAN", "obstetrics").code == "planned_twin_birth"
    assert shipped.of("", "general-surgery") is None
    assert shipped.of("LAP-PERFORATION", "general-surgery").code == "perforation"
