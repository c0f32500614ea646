"""Guidance from afar: states, the link by time, what must be there, as tables."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jieli.rules import guidance as rules
from jieli.rules.guidance import Held, Measured, Span, Wanted
from jieli.rules.pathways import BadContent
from jieli.rules.refusal import Refused

T0 = datetime(2026, 3, 16, 6, 0, tzinfo=UTC)
CONTENT = Path(__file__).parents[2] / "content" / "precheck.yaml"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def span(since: float, until: float) -> Span:
    return Span(at(since), at(until))


@pytest.mark.parametrize(
    ("status", "move", "more", "found"),
    [
        ("planned", "start", {}, "running"),
        ("planned", "cancel", {}, "cancelled"),
        ("planned", "end", {}, "has not started"),
        ("running", "lose", {}, "degraded"),
        ("degraded", "restore", {}, "running"),
        ("degraded", "suspend", {}, "suspended"),
        ("running", "suspend", {}, "moved on"),
        ("running", "stop", {}, "suspended"),
        ("suspended", "restore", {}, "Confirm first"),
        ("suspended", "restore", {"confirmed": True}, "running"),
        ("suspended", "continue", {}, "suspended"),
        ("suspended", "continue", {"confirmed": True}, "already"),
        ("suspended", "resume", {"linked": False}, "not back"),
        ("suspended", "resume", {}, "running"),
        ("suspended", "convert", {}, "converted"),
        ("suspended", "end", {}, "Confirm first"),
        ("suspended", "end", {"confirmed": True}, "ended"),
        ("running", "end", {}, "ended"),
        ("running", "cancel", {}, "moved on"),
        ("converted", "end", {}, "has ended"),
        ("ended", "start", {}, "has ended"),
        ("cancelled", "start", {}, "has ended"),
    ],
)
def test_moves(status, move, more, found):
    if found in rules.STATES:
        assert rules.after(status, move, **more) == found
        return
    with pytest.raises(Refused, match=found):
        rules.after(status, move, **more)


def test_the_table_names_states_only_and_what_is_over_stays_so():
    for (before, _move), then in rules.MOVES.items():
        assert {before, then} <= set(rules.STATES)
        assert before not in rules.OVER


@pytest.mark.parametrize(
    ("status", "more", "moves"),
    [
        ("planned", {}, ["start", "cancel"]),
        ("running", {}, ["stop", "convert", "end"]),
        ("suspended", {"linked": False}, ["continue", "convert"]),
        ("suspended", {"linked": True}, ["continue", "resume", "convert"]),
        ("suspended", {"linked": False, "confirmed": True}, ["convert", "end"]),
        ("ended", {}, []),
    ],
)
def test_what_people_may_do(status, more, moves):
    assert rules.moves_from(status, **more) == moves


@pytest.mark.parametrize(
    ("status", "stage"),
    [("running", ("lose", 40)), ("degraded", ("suspend", 120)), ("suspended", None),
     ("planned", None), ("ended", None)],
)  # fmt: skip
def test_time_without_the_link(status, stage):
    wanted = stage and (stage[0], at(stage[1]))
    assert rules.next_stage(status, T0) == wanted


@pytest.mark.parametrize(
    ("said", "now", "taken"),
    [(10, 12, 10), (30, 12, 12), (72, 12, 12), (-50, 12, 0), (73, 12, None)],
)
def test_a_clock_that_is_wrong(said, now, taken):
    if taken is None:
        with pytest.raises(Refused, match="ahead"):
            rules.reported_at(at(said), started=T0, now=at(now))
    else:
        assert rules.reported_at(at(said), started=T0, now=at(now)) == at(taken)


@pytest.mark.parametrize(
    ("since", "last", "now", "found"),
    [
        (20, 10, 30, (20, 30)),
        (99, 10, 30, (30, 30)),  # since after the report itself
        (None, 10, 30, (10, 30)),
        (None, 10, 50, (10, 50)),
        (None, 10, 51, (51, 51)),  # too long ago: nobody knows of the time between
        (None, None, 30, (30, 30)),
        (None, 40, 30, (30, 30)),  # an old report comes late
    ],
)
def test_for_how_long_a_report_speaks(since, last, now, found):
    known = rules.covered(
        None if since is None else at(since), None if last is None else at(last), at(now)
    )
    assert known == span(*found)


@pytest.mark.parametrize(
    ("known", "left"),
    [
        ((0, 10), [(10, 50)]),
        ((5, 60), []),
        ((20, 30), [(10, 20), (30, 50)]),
        ((10, 50), []),
        ((30, 90), [(10, 30)]),
        ((60, 90), [(10, 50)]),
        ((0, 5), [(10, 50)]),
    ],
)
def test_what_is_left_of_a_gap(known, left):
    assert rules.without(span(10, 50), span(*known)) == [span(*part) for part in left]


def test_between_gaps():
    gaps = [span(10, 20), span(15, 30), span(90, 200)]
    assert rules.between(span(0, 100), gaps) == [span(0, 10), span(30, 90)]
    assert rules.between(span(0, 100), [span(0, 100)]) == []


@pytest.mark.parametrize(
    ("up", "there", "operation", "live"),
    [
        ([(0, 600)], [(0, 600)], (100, 500), True),
        ([(0, 159)], [(0, 600)], (100, 500), False),  # 59 s of the operation
        ([(0, 160)], [(0, 600)], (100, 500), True),  # just a minute
        ([(0, 130), (200, 230)], [(0, 600)], (100, 500), True),  # in two parts
        ([(0, 600)], [], (100, 500), False),  # nobody there
        ([(0, 600)], [(0, 100), (480, 600)], (100, 500), False),  # there before and after
        ([(0, 100)], [(0, 600)], (100, 500), False),  # up before the incision only
        ([(0, 300), (200, 600)], [(0, 70), (60, 130)], (0, 65), True),
        ([(0, 50), (20, 55)], [(0, 600)], (0, 500), False),  # overlapping spans count once
        ([], [(0, 600)], (100, 500), False),
    ],
)
def test_whether_an_operation_was_guided_live(up, there, operation, live):
    found = rules.was_live([span(*s) for s in up], [span(*s) for s in there], span(*operation))
    assert found is live


@pytest.mark.parametrize(
    ("kind", "text", "amount", "said"),
    [
        ("advice", "", None, ""),
        ("step", "游离", None, ""),
        ("blood_loss", "", 50, ""),
        ("blood_loss", "", 0, ""),
        ("blood_loss", "", None, "in mL"),
        ("blood_loss", "", -1, "in mL"),
        ("blood_loss", "", 100_001, "in mL"),
        ("step", "", 5, "Only blood loss"),
        ("lead", "operator", None, ""),
        ("lead", "anybody", None, "who has the lead"),
        ("note", " ", None, "something first"),
        ("other", "", None, "no such kind"),
    ],
)
def test_an_entry(kind, text, amount, said):
    if not said:
        rules.check_entry(kind, text, amount)
        return
    with pytest.raises(Refused, match=said):
        rules.check_entry(kind, text, amount)


def test_every_item_is_asked_for_in_one_way():
    assert set(rules.ITEMS) == {*rules.COMPUTED, *rules.ANSWERED}
    assert not {*rules.COMPUTED} & {*rules.ANSWERED}
    assert len(rules.ITEMS) == len(set(rules.ITEMS))
    # Nothing stands in for a guide who may not guide, or for a team that cannot do without.
    assert not {"stop", "privilege", "agreement", "time_out"} & {*rules.EXCEPTED}


ALL = dict.fromkeys(rules.ITEMS, "yes")


@pytest.mark.parametrize(
    ("changed", "level", "approved", "missing"),
    [
        ({}, 4, True, []),
        ({}, None, False, []),
        ({"stop": "no"}, 1, False, ["stop"]),
        ({"privilege": "no"}, 2, False, ["privilege"]),
        ({"telephone": "open", "stop": "open"}, 2, False, ["stop", "telephone"]),
        ({"mdt": "open", "time_out": "open"}, 3, True, []),
        ({"mdt": "open", "time_out": "open"}, 4, False, ["mdt", "time_out"]),
        ({"mdt": "exception"}, 4, False, []),
        # a draft is inert; what it asks for stops nothing
        (dict.fromkeys(rules.CONTENT, "open"), 2, False, []),
        (dict.fromkeys(rules.CONTENT, "open"), 2, True, list(rules.CONTENT)),
        ({"teaching": "no", "dual_path": "no"}, 2, True, []),
        ({"link": "no", "introduced": "no"}, 2, True, ["link", "introduced"]),
    ],
)
def test_what_keeps_from_starting(changed, level, approved, missing):
    assert rules.lacking(ALL | changed, level, approved=approved) == missing


@pytest.mark.parametrize(
    ("state", "exception", "refused", "found"),
    [("open", True, False, "exception"), ("no", True, False, "exception"),
     ("yes", True, False, "yes"), ("open", False, False, "open"), ("no", True, True, "no")],
)  # fmt: skip
def test_an_exception_for_life(state, exception, refused, found):
    assert rules.excepted(state, exception=exception, refused=refused) == found


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ([Held(1, 4, 4), Held(2, 2, 5)], []),
        ([Held(1, 3, 5), Held(2, 2, 5)], [1]),  # not to that level
        ([Held(1, 4, 3), Held(2, 4, 4)], [1]),  # not trusted alone
        ([Held(1, 4, 4)], [2]),
        ([], [1, 2]),
    ],
)
def test_privileges(held, missing):
    assert rules.unauthorised({1: 4, 2: None}, held, rules.GUIDE) == missing


@pytest.mark.parametrize(
    ("measured", "enough"),
    [
        (Measured(900, 100, 400, 5), True),
        (Measured(899, 100, 400, 5), False),
        (Measured(900, 100, 401, 5), False),
        (Measured(900, 100, 400, 6), False),
    ],
)
def test_the_measured_link(measured, enough):
    assert rules.link_suffices(measured, Wanted(900, 400, 5)) is enough


def test_the_content_is_read_and_is_a_draft():
    held = rules.read(CONTENT.read_text(encoding="utf-8"))
    assert (held.version, held.status) == ("precheck-1", "draft")
    assert {item.code for item in held.items} == set(rules.ITEMS)
    assert all(item.source and item.name_en for item in held.items)
    assert held.item("stop").say("en").startswith("the operator")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version: precheck-1", "", "needs version"),
        ("loss: 5", "lost: 5", "link: needs"),
        ("loss: 5", "loss: 0", "above 0"),
        ("code: stop,", "code: stops,", "must be"),
        ("code: stop,", "code: stop, why: x,", "unknown key why"),
        ("link:", "link: [", "no YAML"),
    ],
)
def test_content_that_is_wrong_is_named(old, new, said):
    text = CONTENT.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(BadContent, match=said):
        rules.read(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("seconds", "x"), [(0, 0.0), (50, 50.0), (100, 100.0), (-9, 0.0), (300, 100.0), (12.5, 12.5)]
)
def test_a_place_on_the_line(seconds, x):
    assert rules.place(at(seconds), span(0, 100)) == x


def test_words_on_the_line_do_not_cover_each_other():
    assert rules.rows([0, 5, 7, 50, 72, 73]) == [0, 1, -1, 0, 0, 1]
    assert rules.rows([0, 5, 7, 50, 72, 73], now=80) == [0, 1, -1, 0, 0, -1]
    assert rules.place(at(5), span(9, 9)) == 0.0
