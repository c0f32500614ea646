"""Tags of the decision sheet: the quantile picture, and how an input may be corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from jieli.cases.queries.words import word
from jieli.cases.queries.words_under_way import MODES
from jieli.missions.queries import saying
from jieli.missions.queries.sheets import Mark, Picture
from jieli.web.templatetags.jieli import dhm, hm

register = template.Library()
HEIGHT, FLOOR, PITCH, RADIUS = 120, 93.5, 6.3, 2.9
HIGHEST = 13  # dots that stand on each other; then they are put closer
NAMES = {"target": "tg", "hard": "hd", "now": "nw"}


@register.simple_tag
def quantile_dots(picture: Picture | None) -> SafeString:
    """Fifty dots over the time axis, each a chance of 2 %; in words for those who hear it."""
    if picture is None:
        return mark_safe("")
    tallest = max((height for _x, height in picture.dots), default=0) + 1
    pitch = min(PITCH, PITCH * HIGHEST / tallest)
    dots = "".join(
        f'<circle cx="{x * 100:.2f}%" cy="{FLOOR - height * pitch:.1f}" r="{RADIUS}"/>'
        for x, height in picture.dots
    )
    lines = "".join(
        f'<line class="{NAMES[mark.kind]}" x1="{mark.x * 100:.2f}%" x2="{mark.x * 100:.2f}%"'
        f' y1="{86 if mark.kind == "now" else 0}" y2="102"/>'
        for mark in picture.marks
        if mark.kind in NAMES
    )
    return format_html(
        '<svg class="dots" height="{}" role="img" aria-label="{}">'
        '<line class="ax" x1="0" x2="100%" y1="98" y2="98"/>{}{}{}</svg>',
        HEIGHT,
        _said(picture),
        mark_safe(lines),  # noqa: S308 numbers of ours
        mark_safe(dots),  # noqa: S308
        _names(picture.marks),
    )


def _names(marks: Sequence[Mark]) -> SafeString:
    words = {"target": _("Target"), "hard": _("Hard limit"), "median": _("Median")}
    said = []
    for mark in marks:
        if mark.kind not in words:
            continue
        above = mark.kind != "median"
        anchor = "end" if above and mark.x > 0.12 else "start" if mark.x < 0.12 else "middle"
        said.append(
            format_html(
                '<text class="em" text-anchor="{}" x="{}%" y="{}">{} {}</text>',
                anchor,
                f"{mark.x * 100 - (0.8 if anchor == 'end' else 0):.2f}",
                12 if above else 115,
                words[mark.kind],
                hm(mark.at),
            )
        )
    return mark_safe("".join(said))  # noqa: S308 each is safe by its type


def _said(picture: Picture) -> str:
    found = {mark.kind: dhm(mark.at) for mark in picture.marks}
    return _("%(dots)s dots, each a chance of 2 %%. Median %(median)s. Target %(target)s.") % {
        "dots": len(picture.dots),
        "median": found.get("median", "–"),
        "target": found.get("target", "–"),
    }


@register.filter
def from_iso(value: object) -> datetime | None:
    """An instant as it is stored in a sheet."""
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


@register.filter
def leg_minutes(value: object) -> str:
    return saying.minutes(float(value)) if isinstance(value, int | float) else ""


@register.filter
def mode_word(mode: str) -> str:
    """The mode of an operation in words."""
    return word(MODES, mode)


@register.filter
def held(rows: Mapping[str, Any], name: str) -> Any:
    """The correction of this input, or the answer to this item, if somebody has given one."""
    return rows.get(name)


@register.filter
def ways(name: str) -> list[tuple[str, str]]:
    """What may be said of an input, as words to choose from; empty: a number is typed."""
    return [(value, _(label)) for value, label in saying.WAYS.get(name.partition(":")[0], ())]
