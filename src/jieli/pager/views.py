"""How the pager is: for who answers for it. The banner is for everybody who may see a board."""

from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jieli.directory.access import roles_held, today
from jieli.directory.models import Practitioner
from jieli.pager import access
from jieli.pager.models import Probe
from jieli.pager.queries.status import illnesses_now, probes_of, status
from jieli.pager.queries.words import TRANSPORTS


class Signed(HttpRequest):
    me: Practitioner | None
    now: datetime


@require_safe
@login_required
def pager(request: Signed) -> HttpResponse:
    access.require(request.me, today(request.now))
    return render(request, "pager/pager.html", {"status": status(request.now)})


@require_safe
@login_required
def live(request: Signed) -> HttpResponse:
    """The page's own part, fetched again every 15 seconds."""
    access.require(request.me, today(request.now))
    return render(request, "pager/status.html", {"status": status(request.now)})


@require_safe
@login_required
def banner(request: Signed) -> HttpResponse:
    if not roles_held(request.me, today(request.now)):
        raise Http404
    return render(request, "pager/banner.html", {"ill": illnesses_now()})


@require_safe
@login_required
def probes(request: Signed, transport: str) -> HttpResponse:
    access.require(request.me, today(request.now))
    if transport not in Probe.Transport.values:
        raise Http404
    shown = {"probes": probes_of(transport), "label": TRANSPORTS[transport]}
    return render(request, "pager/probes.html", shown)
