"""The front door: sign-in, zone, the board, and the pages that machines ask."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_GET, require_POST, require_safe

from jieli.cases import views as cases
from jieli.cases.queries import lists
from jieli.directory import access
from jieli.directory import actions as directory
from jieli.directory.queries import duty, roster
from jieli.directory.queries.proofs import tonight
from jieli.pager.access import answers_for_the_pager
from jieli.pager.queries.gauge import newest_gauge
from jieli.web import device, shell
from jieli.web.middleware import ZONE_COOKIE, ZONES

YEAR = 60 * 60 * 24 * 365
DUTY_SHOWN = 12


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    directory.end_session(request.session.session_key or "")
    logout(request)
    response = cases.see_other("/signin/")
    # Nothing of a patient stays behind on a device that others use.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@login_not_required
@require_POST
def zone(request: HttpRequest) -> HttpResponse:
    """Show times in Beijing or Xinjiang time from now on."""
    chosen = request.POST.get("zone", "")
    response = cases.see_other(_local(request.POST.get("next", "/")))
    if chosen in ZONES:
        response.set_cookie(ZONE_COOKIE, chosen, max_age=YEAR, samesite="Lax", httponly=True)
    return response


def _local(address: str) -> str:
    """A path of this site, whatever was sent."""
    parts = urlsplit(address)
    safe = not parts.scheme and not parts.netloc and address.startswith("/")
    return address if safe and not address.startswith("//") and "\\" not in address else "/"


@require_GET
def home(request: cases.Signed) -> HttpResponse:
    if request.me is None or not access.roles_held(request.me, access.today(request.now)):
        return render(request, "web/home.html")
    return HttpResponseRedirect("/board/")


@require_GET
def board(request: cases.Signed) -> HttpResponse:
    today = access.today(request.now)
    sites = access.organisations_of(request.me, today)
    people = duty.on_lines(sites, request.now)
    context = {
        **_lines(request, sites),
        "duty": [duty.present(one, request.now) for one in people[:DUTY_SHOWN]],
        "duty_count": len(people),
        "gaps": [g for g in roster.night_gaps(sites, now=request.now) if g.why == "nobody"],
        "asleep": tonight(sites, request.now),
        "may_see_pager": answers_for_the_pager(request.me, today),
        "silences": lists.silent_alliances(access.alliances_of(request.me, today), request.now),
    }
    return render(request, "web/board.html", context)


@require_GET
def board_lines(request: cases.Signed) -> HttpResponse:
    sites = access.organisations_of(request.me, access.today(request.now))
    return render(request, "web/parts/board_lines.html", _lines(request, sites))


def _lines(request: cases.Signed, sites: set[int]) -> dict[str, object]:
    shown = request.GET.get("shown", "all")
    page = request.GET.get("page", "1")
    return {
        "board": lists.board(
            request.me,
            sites,
            request.now,
            shown=shown if shown in lists.FILTERS else "all",
            page=int(page) if page.isdigit() else 1,
        )
    }


# ── the browser's own: what it keeps and sends without a page ─────────────────


@login_not_required
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, from the top of the site: its scope is every page."""
    response = HttpResponse(shell.worker(), content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = "default-src 'none'; connect-src 'self'"
    return response


@login_not_required
@require_safe
def offline(request: HttpRequest, language: str) -> HttpResponse:
    """What is shown without a network; kept by the service worker, so it names nobody."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        return render(request, "web/offline.html", {"me": None})


@require_safe
def seal(request: cases.Signed) -> JsonResponse:
    """For a service worker without a page: whose it is, the key, a token to send with."""
    if request.me is None:
        raise Http404
    key = device.masked(device.seal_of(request.user))  # type: ignore[arg-type]
    return JsonResponse({"me": str(request.me.pk), "seal": key, "token": get_token(request)})


# ── machines ─────────────────────────────────────────────────────────────────


@login_not_required
@require_GET
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_GET
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers too, and how well the sending of messages keeps up."""
    newest = newest_gauge()  # by a runner: a request that is nobody's sees no message
    told = {"waiting": newest.waiting, "oldest_seconds": newest.oldest_seconds,
            "failed": newest.failed, "age_seconds": newest.age}  # fmt: skip
    return JsonResponse({"database": "ok", "messages": told})
