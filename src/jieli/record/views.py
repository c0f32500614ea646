"""The daily roots, to look at, to print and to take away. They name no case."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jieli.directory.access import today
from jieli.directory.models import Practitioner
from jieli.record import access
from jieli.record.checking import current_roots
from jieli.record.models import Root
from jieli.rules.roots import as_text

SHOWN = 60


class Signed(HttpRequest):
    me: Practitioner
    now: datetime


@require_safe
def roots(request: Signed) -> HttpResponse:
    access.require_record_kind(request.me, today(request.now))
    rows = list(Root.objects.order_by("-number")[:SHOWN])
    late = (today(request.now) - rows[0].day).days if rows else 0
    context = {
        "roots": rows,
        "late": late if late > 1 else 0,
        "older": bool(rows and rows[-1].number > 1),
    }
    return render(request, "record/roots.html", context)


@require_safe
def roots_export(request: Signed) -> HttpResponse:
    """What `jieli verify --root FILE` compares with."""
    day = today(request.now)
    access.require_record_kind(request.me, day)
    response = HttpResponse(as_text(current_roots()), content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="jieli-roots-{day}.txt"'
    return response
