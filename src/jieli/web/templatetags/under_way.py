"""The place on a case page that tells of its missions: `cases` does not know them."""

from typing import Any

from django import template
from django.template.context import Context

from jieli.cases.models import Case
from jieli.missions.queries import pages

register = template.Library()


@register.inclusion_tag("missions/parts/under_way.html", takes_context=True)
def under_way(context: Context, case: Case) -> dict[str, Any]:
    return pages.under_way(case, context["me"], context["now"])
