"""Template tags of the house: icons, instants, durations, the clock bar, the idempotency key.

Instants are shown in the zone that the reader chose. The middleware activates that zone
(``django.utils.timezone.activate``), so a filter needs no context.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jieli.keys.seals import Unreadable
from jieli.pager.queries.status import illnesses_now
from jieli.rules.bars import BarLike, Geometry, Span, Tick, geometry

register = template.Library()

BEIJING = ZoneInfo("Asia/Shanghai")
XINJIANG = ZoneInfo("Asia/Urumqi")
NOTHING = mark_safe("")
SILENT = mark_safe('aria-hidden="true"')
STATE_ICONS = frozenset({"ok", "warn", "breach", "met", "late", "ring"})


# ── icons ────────────────────────────────────────────────────────────────────


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """One symbol of the cached sprite; silent unless a label is given."""
    return _drawn_icon(name, format_html('role="img" aria-label="{}"', label) if label else SILENT)


@lru_cache(maxsize=256)
def _drawn_icon(name: str, said: SafeString) -> SafeString:
    return format_html(
        '<svg class="i" viewBox="0 0 20 20" {}><use href="{}#{}"/></svg>',
        said,
        static("web/icons.svg"),
        name,
    )


@register.simple_tag
def state(code: str, words: str, classes: str = "") -> SafeString:
    """A state: icon, words and colour, always together."""
    return format_html(
        '<span class="st is-{}{}">{}{}</span>',
        code,
        f" {classes}" if classes else "",
        icon(code if code in STATE_ICONS else "info"),
        words,
    )


@register.simple_tag
def tel(number: str, classes: str = "tel", symbol: str = "") -> SafeString:
    """A number to call at a touch; or, where it cannot be opened, a mark that says so."""
    if isinstance(number, Unreadable):
        return state("warn", number, "nb")
    return format_html(
        '<a class="{}" href="tel:{}">{}{}</a>',
        classes,
        re.sub(r"[\s-]", "", number),
        icon(symbol) if symbol else NOTHING,
        number,
    )


# ── instants ─────────────────────────────────────────────────────────────────


def _local(instant: datetime | None, zone: ZoneInfo | None = None) -> datetime | None:
    if not isinstance(instant, datetime):
        return None
    aware = instant if timezone.is_aware(instant) else instant.replace(tzinfo=UTC)
    return aware.astimezone(zone or timezone.get_current_timezone())


@register.filter
def hm(instant: datetime | None) -> str:
    """HH:MM in the chosen zone."""
    local = _local(instant)
    return f"{local:%H:%M}" if local else ""


@register.filter
def hms(instant: datetime | None) -> str:
    """HH:MM:SS in the chosen zone."""
    local = _local(instant)
    return f"{local:%H:%M:%S}" if local else ""


@register.filter
def dhm(instant: datetime | None) -> str:
    """MM-DD HH:MM in the chosen zone."""
    local = _local(instant)
    return f"{local:%m-%d %H:%M}" if local else ""


@register.filter
def beijing(instant: datetime | None) -> str:
    """HH:MM in Beijing time, whatever the reader chose."""
    local = _local(instant, BEIJING)
    return f"{local:%H:%M}" if local else ""


@register.filter
def xinjiang(instant: datetime | None) -> str:
    """HH:MM in Xinjiang time, whatever the reader chose."""
    local = _local(instant, XINJIANG)
    return f"{local:%H:%M}" if local else ""


@register.filter
def iso(instant: datetime | None) -> str:
    """The instant for a machine: ISO 8601 in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if instant else ""


@register.filter
def both_zones(instant: datetime | None) -> str:
    """An instant with both zones in words, for whatever is signed or printed."""
    first, second = _local(instant, BEIJING), _local(instant, XINJIANG)
    if first is None or second is None:
        return ""
    other = f"{second:%H:%M}" if first.date() == second.date() else f"{second:%m-%d %H:%M}"
    return _("%(beijing)s Beijing time (%(xinjiang)s Xinjiang time)") % {
        "beijing": f"{first:%Y-%m-%d %H:%M}",
        "xinjiang": other,
    }


# ── durations ────────────────────────────────────────────────────────────────


def _seconds(value: object) -> int | None:
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, int | float):
        return int(value)
    return None


def _parts(seconds: int) -> list[tuple[str, str]]:
    """The two units that matter; the script of `jl-clock` says the same."""
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days >= 3:
        return [(str(days), _("d")), (str(hours), _("h"))] if hours else [(str(days), _("d"))]
    hours += days * 24
    if hours:
        shown = [(str(hours), _("h"))]
        return [*shown, (f"{minutes:02d}", _("min"))] if minutes else shown
    if minutes >= 10 or (minutes and not secs):
        return [(str(minutes), _("min"))]
    if minutes:
        return [(str(minutes), _("min")), (f"{secs:02d}", _("s"))]
    return [(str(secs), _("s"))]


@register.filter
def dur(value: object) -> SafeString:
    """A duration with its units; one that has run over begins with the word for it."""
    seconds = _seconds(value)
    if seconds is None:
        return NOTHING
    head = format_html('<i class="pre">{}</i>', _("over")) if seconds < 0 else NOTHING
    return head + format_html_join("", "{}<i>{}</i>", _parts(abs(seconds)))


@register.filter
def dur_words(value: object) -> str:
    """A duration as plain words, for a label or a sentence."""
    seconds = _seconds(value)
    if seconds is None:
        return ""
    said = " ".join(f"{number} {unit}" for number, unit in _parts(abs(seconds)))
    return f"{_('over')} {said}" if seconds < 0 else said


@register.filter
def until(left: object, now: datetime | None) -> str:
    """The instant (ISO) at which a remaining time is used up: what `jl-clock` counts to."""
    seconds = _seconds(left)
    return "" if seconds is None or now is None else iso(now + timedelta(seconds=seconds))


@register.filter
def secs(value: object) -> str:
    """Seconds as they are read: 0.25, 7.4, 41; a dash when there are none."""
    if not isinstance(value, int | float):
        return "–"
    if value < 0.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


# ── the clock bar ────────────────────────────────────────────────────────────

# height, top of the track, its height, ticks from-to, now line from-to, base line of the words
_SIZES = {
    "row": (15, 4, 8, (1, 15), (0, 16), None),
    "strip": (47, 18, 10, (15, 31), (14, 32), 43),
    "done": (30, 3, 8, (0, 14), (0, 14), 26),
}


def _joined(pieces: list[SafeString]) -> SafeString:
    return mark_safe("".join(pieces))  # noqa: S308 each piece is safe by its type


def _pc(fraction: float) -> str:
    return f"{fraction * 100:.2f}%"


RECT = '<rect class="{css}" x="{x}" y="{y}" width="{width}" height="{height}"{ends}/>'
LINE = '<line class="{css}" x1="{x}" x2="{x}" y1="{y1}" y2="{y2}"/>'
NOW_AT = (
    LINE + '<svg x="{x}" y="{y1}" overflow="visible"><path class="nowp" d="M-5 -3h10l-5 6z"/></svg>'
)
DONE_AT = (
    '<svg x="{x}" y="{y}" overflow="visible"><circle r="6.5" fill="currentColor"/>'
    '<path class="tickmark" d="M-3 0l2.2 2.200L3-2.200"/></svg>'
)


def _shape(drawing: str, **marks: object) -> SafeString:
    """One shape of a bar, from numbers and names of ours: texts go through `format_html`."""
    return mark_safe(drawing.format_map(marks))  # noqa: S308 nobody's text is in it


@register.simple_tag
def clock_bar(bar: BarLike, size: str = "") -> SafeString:
    """The bar of one clock: `row` on boards, `strip` and `done` on a case."""
    if size not in _SIZES:
        size = "done" if bar.stopped else "strip"
    height, top, thick, tick, line, words_y = _SIZES[size]
    shape = geometry(bar)

    def rect(css: str, span: Span | None, *, rounded: bool = False) -> SafeString:
        if span is None or span.width <= 0:
            return NOTHING
        x, width, ends = _pc(span.x), _pc(span.width), ' rx="2"' if rounded else ""
        return _shape(RECT, css=css, x=x, y=top, width=width, height=thick, ends=ends)

    def stroke(css: str, x: float | None, ends: tuple[int, int], drawing: str = LINE) -> SafeString:
        if x is None:
            return NOTHING
        return _shape(drawing, css=css, x=_pc(x), y1=ends[0], y2=ends[1])

    drawn = [
        rect("trk", Span(0, shape.track), rounded=True),
        rect("wz", shape.warn),
        rect("hz", shape.hard_zone),
        rect("run", Span(0, shape.run), rounded=True),
        rect("over", shape.over),
        stroke("tick", shape.target, tick),
        stroke("end", shape.hard, tick),
        _shape(DONE_AT, x=_pc(shape.mark), y=top + thick / 2)
        if shape.stopped
        else stroke("now", shape.mark, line, NOW_AT),
        _words(bar, shape, words_y, size),
    ]
    return format_html(
        '<svg class="bar" height="{}" role="img" aria-label="{}">{}</svg>',
        height,
        getattr(bar, "label", ""),
        _joined(drawn),
    )


def _word_class(tick: Tick, shape: Geometry) -> str:
    near = shape.hard is not None and 0.3 < tick.x < shape.hard < tick.x + 0.5
    return "tgt" if tick.kind == "target" and near else "sec" if tick.secondary else ""


def _words(bar: BarLike, shape: Geometry, y: int | None, size: str) -> SafeString:
    if y is None:
        return NOTHING
    names = {"target": _("Target"), "hard": _("Hard limit")} if size == "strip" else {}
    today = _local(bar.start)
    said = []
    if size == "strip":
        now = format_html(
            '<text class="nowt" x="{}" y="8" text-anchor="{}">{} {}</text>',
            *(_pc(shape.mark), shape.now_anchor, _("Now"), hm(bar.now)),
        )
        said.append(now)
    for tick in shape.ticks:
        local = _local(tick.at)
        day, name = "", names.get(tick.kind, "")
        if local and today and local.date() != today.date():
            day = format_html('<tspan class="sec">{} </tspan>', f"{local:%m-%d}")
        word = format_html(
            '<text class="{}" x="{}" y="{}" text-anchor="{}">{}{}{}</text>',
            *(_word_class(tick, shape), _pc(tick.x), y, tick.anchor),
            *(f"{name} " if name else "", day, hm(tick.at)),
        )
        said.append(word)
    return _joined(said)


# ── forms and navigation ─────────────────────────────────────────────────────


@register.simple_tag
def key() -> SafeString:
    """A fresh idempotency key for one form."""
    return format_html('<input type="hidden" name="_key" value="{}">', uuid.uuid4())


@register.simple_tag(takes_context=True)
def here(context: Context, place: str) -> SafeString:
    """` aria-current="page"` on the way to the place where we are."""
    request: Any = context.get("request")
    path = getattr(request, "path", "")
    now_here = path.startswith(place)
    if place == "/cases/":
        now_here = now_here and not path.startswith("/cases/new/")
    return mark_safe(' aria-current="page"') if now_here else NOTHING


@register.simple_tag
def page_language() -> str:
    """The `lang` of the page, as HTML wants it."""
    return "en" if (get_language() or "").startswith("en") else "zh-Hans"


@register.filter
def face(name: object) -> str:
    """The first character of a name, for the round mark beside it."""
    text = str(name or "").strip()
    return text[:1].upper()


# ── the pager's own illness ──────────────────────────────────────────────────


@register.inclusion_tag("pager/banner.html")
def pager_banner() -> dict[str, Any]:
    """What stands on every board while the pager is ill."""
    return {"ill": illnesses_now()}
