"""The tags of the house: what they write is safe, complete, and right in both zones."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from jieli.web.templatetags import jieli as tags

NOON = datetime(2026, 11, 21, 6, 15, tzinfo=UTC)  # 14:15 in Beijing


@pytest.fixture(autouse=True)
def english_in_beijing():
    with translation.override("en"), timezone.override(ZoneInfo("Asia/Shanghai")):
        yield


@dataclass(frozen=True)
class Bar:
    state: str = "ok"
    start: datetime = NOON
    now: datetime = NOON + timedelta(minutes=2)
    target: datetime | None = NOON + timedelta(hours=14)
    hard: datetime | None = NOON + timedelta(hours=24)
    warn_from: datetime | None = NOON + timedelta(hours=10)
    stopped: datetime | None = None
    end: datetime | None = NOON + timedelta(hours=25)
    label: str = 'from 14:15, "2 min" used'


def render(source: str, **context: object) -> str:
    return Template("{% load jieli %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0<i>s</i>"),
        (37, "37<i>s</i>"),
        (192, "3<i>min</i>12<i>s</i>"),
        (360, "6<i>min</i>"),
        (1320, "22<i>min</i>"),
        (50280, "13<i>h</i>58<i>min</i>"),
        (7200, "2<i>h</i>"),
        (79500, "22<i>h</i>05<i>min</i>"),
        (5 * 86400 + 3600, "5<i>d</i>1<i>h</i>"),
        (-360, '<i class="pre">over</i>6<i>min</i>'),
    ],
)
def test_a_duration_carries_its_units(seconds, said):
    assert tags.dur(seconds) == said
    assert tags.dur(timedelta(seconds=seconds)) == said


def test_a_missing_duration_is_empty():
    assert tags.dur(None) == ""
    assert tags.dur_words(None) == ""
    assert tags.dur_words(-192) == "over 3 min 12 s"


def test_instants_follow_the_chosen_zone():
    assert tags.hm(NOON) == "14:15"
    assert tags.dhm(NOON) == "11-21 14:15"
    with timezone.override(ZoneInfo("Asia/Urumqi")):
        assert tags.hm(NOON) == "12:15"
    assert (tags.beijing(NOON), tags.xinjiang(NOON)) == ("14:15", "12:15")
    assert tags.hm(None) == ""


def test_what_is_signed_names_both_zones():
    assert tags.both_zones(NOON) == "2026-11-21 14:15 Beijing time (12:15 Xinjiang time)"


def test_the_other_date_is_said_when_the_days_differ():
    after_midnight = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
    assert "2026-11-22 01:00 Beijing time (11-21 23:00" in tags.both_zones(after_midnight)


def test_an_icon_is_silent_unless_it_has_a_label():
    assert 'aria-hidden="true"' in render('{% icon "phone" %}')
    assert 'aria-label="a &lt;b&gt;"' in render('{% icon "phone" said %}', said="a <b>")
    assert 'icons.svg#phone"' in re.sub(r"\?v=[0-9a-f]+", "", tags.icon("phone"))


def test_a_state_is_icon_word_and_colour_together():
    html = render('{% state "warn" words %}', words="<near>")
    assert html.startswith('<span class="st is-warn"><svg class="i"')
    assert "&lt;near&gt;</span>" in html


def test_the_strip_bar_has_all_its_marks_and_no_style():
    html = render("{% clock_bar bar %}", bar=Bar())
    assert 'height="47"' in html
    for css in ("trk", "run", "wz", "hz", "tick", "end", "now", "nowp", "nowt"):
        assert f'class="{css}"' in html
    assert "style=" not in html
    assert "Now 14:17" in html
    assert "Target " in html
    assert 'aria-label="from 14:15, &quot;2 min&quot; used"' in html


def test_a_word_on_another_day_says_the_day():
    assert '<tspan class="sec">11-22 </tspan>04:15' in render("{% clock_bar bar %}", bar=Bar())


def test_a_finished_bar_shrinks_and_carries_a_tick():
    html = render("{% clock_bar bar %}", bar=Bar(state="met", stopped=NOON + timedelta(hours=3)))
    assert 'height="30"' in html
    assert "<circle" in html
    assert "nowp" not in html


def test_a_row_bar_has_no_words():
    html = render('{% clock_bar bar "row" %}', bar=Bar())
    assert 'height="15"' in html
    assert "<text" not in html


def test_a_bar_without_limits_is_still_drawn():
    bare = Bar(target=None, hard=None, warn_from=None, end=None)
    assert "<svg" in render("{% clock_bar bar %}", bar=bare)


def test_every_form_gets_its_own_key():
    keys = re.findall(r'name="_key" value="([^"]+)"', render("{% key %}{% key %}"))
    assert len({uuid.UUID(key) for key in keys}) == 2


@pytest.mark.parametrize(
    ("path", "place", "current"),
    [
        ("/cases/JL-1/", "/cases/", True),
        ("/cases/new/", "/cases/", False),
        ("/duty/import/", "/duty/", True),
        ("/", "/board/", False),
    ],
)
def test_the_way_to_where_we_are_is_marked(path, place, current):
    html = render("{% here place %}", request=SimpleNamespace(path=path), place=place)
    assert (html == ' aria-current="page"') is current


def test_here_needs_no_request():
    assert render('{% here "/board/" %}') == ""


def test_the_clock_counts_to_an_instant():
    assert tags.until(timedelta(hours=1), NOON) == "2026-11-21T07:15:00.000000Z"
    assert tags.until(None, NOON) == ""


def test_the_language_of_the_page():
    assert tags.page_language() == "en"
    with translation.override("zh-hans"):
        assert tags.page_language() == "zh-Hans"


STRIP = '{% include "web/parts/clock_strip.html" %}'


def clock(**more: object) -> SimpleNamespace:
    base = {
        "id": 7, "name_label": "Opinion", "since_label": "since 14:15", "state": "ok",
        "state_label": "Within the limit", "left": timedelta(minutes=21), "left_caption": "",
        "bar": Bar(), "source_label": "", "unapproved": False, "done": False,
        "can_pause": False, "needs_reason": False,
    }  # fmt: skip
    return SimpleNamespace(**(base | more))


def test_a_strip_says_that_a_limit_is_not_approved():
    assert "Default, not approved" in render(STRIP, clocks=[clock(unapproved=True)])
    assert "Default, not approved" not in render(STRIP, clocks=[clock()])


def test_a_running_clock_ticks_from_the_servers_instant():
    html = render(STRIP, clocks=[clock()])
    assert 'data-until="2026-11-21T06:38:00.000000Z"' in html
    assert 'role="timer"' in html
    assert "jl-clock" not in render(STRIP, clocks=[clock(done=True)])


def test_a_late_clock_asks_for_its_reason_where_it_stands():
    html = render(STRIP, clocks=[clock(needs_reason=True)], case=SimpleNamespace(key="JL-1"))
    assert 'action="/cases/JL-1/clocks/7/reason/"' in html
    assert 'name="_key"' in html


def test_a_strip_without_clocks_says_so():
    assert "No clock is running." in render(STRIP, clocks=[])


def test_a_ladder_offers_the_telephone():
    rung = {"name": "Shen", "role_label": "third", "cls": "no", "result_label": "no answer",
            "seconds_label": "20 s", "phone": "021-555 0101"}  # fmt: skip
    html = render('{% include "web/parts/ladder.html" %}', ladder=[rung])
    assert 'href="tel:0215550101"' in html
    assert '<li class="no">' in html


def test_a_timeline_marks_what_was_entered_later():
    event = {"at": NOON, "icon": "sign", "key": True, "title": "Signed", "late": True}
    html = render('{% include "web/parts/timeline.html" %}', events=[event], now=NOON)
    assert '<li class="key">' in html
    assert "entered later" in html
    assert "11-21" not in re.sub(r'datetime="[^"]+"', "", html)


@pytest.mark.parametrize("page", ["404", "403", "405", "403_csrf", "refused", "error", "signin"])
def test_every_plain_page_renders_without_a_style_or_an_inline_script(page):
    html = render(
        '{% include "web/' + page + '.html" %}',
        now=NOON, sentence="Somebody else has answered.", heading="No", telephone="0998-555 0100",
    )  # fmt: skip
    assert "style=" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert 'href="tel:09985550100"' in html
