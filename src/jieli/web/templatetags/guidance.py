"""Tags of guidance from afar: its place on a case page, and its events on a line."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.template.context import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jieli.cases.models import Case
from jieli.guidance.queries import pages
from jieli.guidance.queries.pages import Mark
from jieli.rules.guidance import Span
from jieli.web.templatetags.jieli import hm

register = template.Library()
SHAPES = {"begin": "M-6-6h12v12h-12z", "step": "M0-7l7 7-7 7-7-7z", "loss": "M0-7l7 12H-7z"}
ABOVE, BELOW, AXIS = 14, 52, 26


@register.inclusion_tag("guidance/parts/of_case.html", takes_context=True)
def guidance(context: Context, case: Case) -> dict[str, Any]:
    """`cases` does not know guidance; this is its place on the case page."""
    return pages.of_case(case, context["me"], context["now"])


@register.simple_tag
def event_line(
    marks: Sequence[Mark], line: Span, now_x: float, until: datetime, going: bool
) -> SafeString:
    """Marks over the time axis; in one sentence for those who hear it."""
    return format_html(
        '<svg class="evl" height="58" role="img" aria-label="{}">'
        '<line class="ax" x1="0" x2="100%" y1="26" y2="26"/>'
        '<line class="went" x1="0" x2="{}%" y1="26" y2="26"/>{}{}</svg>',
        _said(marks),
        now_x,
        format_html_join("", "{}", ((_mark(mark),) for mark in marks)),
        _now(now_x, until) if going else "",
    )


def _said(marks: Sequence[Mark]) -> str:
    told = "，".join(f"{hm(mark.at)} {mark.text}" for mark in marks)
    return _("Events of the guidance: %(events)s") % {"events": told}


def _mark(mark: Mark) -> SafeString:
    words = (
        format_html(
            '<text x="{}%" y="{}" text-anchor="{}">{} {}</text>',
            mark.x,
            BELOW if mark.row else ABOVE,
            mark.anchor,
            hm(mark.at),
            mark.text,
        )
        if mark.row >= 0
        else ""
    )
    return format_html(
        '<g class="{}"><svg x="{}%" y="{}" overflow="visible"><path d="{}"/></svg>{}</g>',
        mark.shape,
        mark.x,
        AXIS,
        SHAPES[mark.shape],
        words,
    )


def _now(x: float, until: datetime) -> SafeString:
    return format_html(
        '<line class="nw" x1="{0}%" x2="{0}%" y1="10" y2="42"/>'
        '<text class="em" x="{0}%" y="52" text-anchor="{1}">{2} {3}</text>',
        x,
        "end" if x > 80 else "start",
        _("now"),
        hm(until),
    )
