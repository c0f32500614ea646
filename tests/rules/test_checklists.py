"""The three gates: content is read strictly, and a gate is signed whole and in its order."""

from pathlib import Path

import pytest
import yaml

from jieli.rules import checklists
from jieli.rules.checklists import INTERPRETER, REMOTE, Answer, check, check_order, read, round_of
from jieli.rules.pathways import BadContent
from jieli.rules.refusal import Refused

TEXT = (Path(__file__).parents[2] / "content" / "checklists.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("gate", "circumstances", "items"),
    [
        ("sign_in", (), 7),
        ("time_out", (), 7),
        ("sign_out", (), 5),
        ("sign_in", (INTERPRETER,), 8),
        ("time_out", (REMOTE,), 10),
        ("sign_out", (REMOTE, INTERPRETER), 5),
    ],
)
def test_what_is_asked(gate, circumstances, items):
    found = read(TEXT).gate(gate).asked(circumstances)
    assert len(found) == items
    assert all(item.name_en and item.say("en") != item.say("zh") for item in found)


def given(**changed):
    items = read(TEXT).gate("sign_in").asked(())
    answers = {item.code: Answer("yes") for item in items}
    for code, answer in changed.items():
        answers[code] = answer
    return items, {code: answer for code, answer in answers.items() if answer}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"site_marked": Answer("na")}, ""),
        ({"oximeter": Answer("no", "借来一台")}, ""),
        ({"oximeter": Answer("no")}, "Say what is done about it: 血氧仪"),
        ({"oximeter": Answer("no", "  ")}, "Say what is done about it: 血氧仪"),
        ({"oximeter": None}, "Not answered yet: 血氧仪"),
        ({"oximeter": Answer("maybe")}, "Not answered yet: 血氧仪"),
        ({"identity": Answer("na")}, "This always applies: 身份"),
        ({"link": Answer("yes")}, "has changed"),  # of another gate
    ],
)
def test_a_gate_is_signed_whole(changed, said):
    items, answers = given(**changed)
    if not said:
        check(items, answers, "zh")
        return
    with pytest.raises(Refused) as refused:
        check(items, answers, "zh")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("gate", "signed", "incised", "said"),
    [
        ("sign_in", (), False, ""),
        ("sign_in", ("sign_in",), False, "already"),
        ("time_out", ("sign_in",), False, ""),
        ("time_out", ("sign_in",), True, ""),  # entered late
        ("time_out", (), False, "before it"),
        ("sign_out", ("sign_in", "time_out"), True, ""),
        ("sign_out", ("sign_in", "time_out"), False, "incision"),
        ("sign_out", ("sign_in",), True, "before it"),
    ],
)
def test_one_gate_after_the_other(gate, signed, incised, said):
    if not said:
        check_order(gate, signed, incised=incised)
        return
    with pytest.raises(Refused, match=said):
        check_order(gate, signed, incised=incised)


@pytest.mark.parametrize(
    ("gate", "operations", "going_on", "number"),
    [
        ("sign_in", 0, False, 1),
        ("time_out", 1, True, 1),  # late: the incision was quicker
        ("sign_in", 1, False, 2),  # the second operation
        ("sign_out", 1, False, 1),  # the last stitch is recorded already
        ("sign_out", 2, True, 2),
        ("sign_out", 0, False, 1),
    ],
)
def test_which_operation_a_gate_belongs_to(gate, operations, going_on, number):
    assert round_of(gate, operations, going_on=going_on) == number


@pytest.mark.parametrize(
    ("number", "operations", "going_on", "holds"),
    [(1, 0, False, True), (2, 0, False, False), (2, 1, False, True), (2, 1, True, False),
     (1, 1, True, True), (1, 2, True, True), (3, 2, True, False), (0, 2, False, False)],
)  # fmt: skip
def test_of_which_operations_a_gate_may_be_signed(number, operations, going_on, holds):
    if holds:
        checklists.check_round(number, operations, going_on=going_on)
        return
    with pytest.raises(Refused, match="load the page"):
        checklists.check_round(number, operations, going_on=going_on)


def changed(change):
    content = yaml.safe_load(TEXT)
    change(content)
    return yaml.safe_dump(content, allow_unicode=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.pop("version"), "needs version"),
        (lambda c: c["gates"].reverse(), "in this order"),
        (lambda c: c["gates"].pop(), "in this order"),
        (lambda c: c["gates"][0].pop("source"), r"gates\[0\]: needs source"),
        (lambda c: c["gates"][0].pop("items"), r"gates\[0\].items"),
        (lambda c: c["gates"][0]["items"].append(c["gates"][0]["items"][0]), "of its own"),
        (lambda c: c["gates"][1]["items"][2].update(only="moon"), r"items\[2\].only"),
        (lambda c: c["gates"][1]["items"][2].update(dose="5"), "unknown key dose"),
        (lambda c: c["gates"][1]["items"][2].pop("name"), "needs name"),
        (lambda c: c["gates"].__setitem__(1, "x"), "must be a mapping"),
    ],
)
def test_content_that_cannot_be_read_names_the_place(change, said):
    with pytest.raises(BadContent, match=said):
        read(changed(change))


def test_no_yaml_is_one_sentence():
    with pytest.raises(BadContent, match="no YAML"):
        read("gates: [")
    assert checklists.read(TEXT).status == "draft"
