"""Joining and leaving, by whoever coordinates a hospital."""

from typing import Any
from uuid import UUID

from allauth.mfa.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jieli.directory import access, actions, queries
from jieli.directory.access import today
from jieli.directory.models import Organisation, Practitioner
from jieli.directory.queries.accounts import SHOWN_STAFF, account_events, staff_of
from jieli.directory.views import Signed
from jieli.rules.refusal import Refused
from jieli.web.middleware import sentence
from jieli.web.signin.forms import EngageForm, LeaveForm

LINK = "jieli_invitation_link"
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


def typed(text: str) -> str:
    """Without the zero bytes that no database takes."""
    return text.replace("\x00", "").strip()


def _site(request: Signed) -> Organisation:
    """The hospital that is asked for, or the first that this person coordinates."""
    code = typed(request.POST.get("organisation") or request.GET.get("organisation", ""))
    if code:
        return access.get_organisation_to_coordinate(request.me, code, today(request.now))
    mine = queries.coordinated_by(request.me, request.now)
    if not mine:
        raise Http404
    return mine[0]


def _to(site: Organisation, place: str = "") -> HttpResponseRedirect:
    query = urlencode({"organisation": site.code})
    return HttpResponseRedirect(f"/staff/{place}?{query}", status=303)


@require_safe
def staff(request: Signed) -> HttpResponse:
    site = _site(request)
    shown = "left" if request.GET.get("shown") == "left" else "here"
    text = typed(request.GET.get("text", ""))[:40]
    members = staff_of(site, request.now, shown=shown, text=text)
    context = {
        "site": site,
        "mine": queries.coordinated_by(request.me, request.now),
        "members": members,
        "shown": shown,
        "text": text,
        "sso": settings.OIDC_NAME if settings.OIDC_URL else "",
        "more": len(members) == SHOWN_STAFF,
        "waiting": sum(one.state in ("none", "invited") for one in members),
    }
    return render(request, "web/signin/staff.html", context)


@get_or_post
def newcomer(request: Signed) -> HttpResponse:
    """Somebody who is not in the directory yet: a post, and an invitation at once."""
    site = _site(request)
    form = EngageForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _newcomer_page(request, site, form, 422 if form.is_bound else 200)
    try:
        person = actions.engage(site, by=request.me, now=request.now, **form.cleaned_data)
    except Refused as error:
        form.add_error(None, sentence(error))
        return _newcomer_page(request, site, form, 409)
    return _invited(request, person, site)


def _newcomer_page(
    request: Signed, site: Organisation, form: EngageForm, status: int
) -> HttpResponse:
    shown = {"site": site, "form": form}
    return render(request, "web/signin/newcomer.html", shown, status=status)


@require_POST
def invitations(request: Signed, person: UUID) -> HttpResponse:
    site = _site(request)
    return _invited(request, access.get_colleague(site, person), site)


@require_POST
def account(request: Signed, person: UUID) -> HttpResponse:
    """Open the door for whoever comes by the hospital's own sign-in."""
    if not settings.OIDC_URL:
        raise Http404
    site = _site(request)
    found = access.get_colleague(site, person)
    actions.open_account(found, site, by=request.me, now=request.now)
    messages.success(
        request, _("%(name)s may come by the hospital's sign-in.") % {"name": found.name}
    )
    return _to(site)


def _invited(request: Signed, person: Practitioner, site: Organisation) -> HttpResponse:
    invitation, token = actions.invite(
        person, site, by=request.me, hours=settings.INVITATION_HOURS, now=request.now
    )
    address = request.build_absolute_uri(f"/signin/invitations/{token}/")
    request.session[LINK] = [get_adapter().encrypt(address), invitation.pk]
    return _to(site, "invitation/")


@require_safe
def invitation_shown(request: Signed) -> HttpResponse:
    """The link, once, to be handed over; a second look shows that it is gone."""
    site = _site(request)
    held: Any = request.session.pop(LINK, None)
    if held is None:
        return _to(site)
    invitation = access.get_invitation(site, held[1])
    shown = {"site": site, "invitation": invitation, "link": get_adapter().decrypt(held[0])}
    return render(request, "web/signin/invited.html", shown)


@get_or_post
def departure(request: Signed, person: UUID) -> HttpResponse:
    site = _site(request)
    found = access.get_colleague(site, person)
    form = LeaveForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        shown = {"site": site, "person": found, "form": form, "events": account_events(found)}
        status = 422 if form.is_bound else 200
        return render(request, "web/signin/departure.html", shown, status=status)
    reason = form.cleaned_data["reason"]
    actions.leave(found, site, reason=reason, by=request.me, now=request.now)
    messages.success(
        request, _("%(name)s has left and is signed out everywhere.") % {"name": found.name}
    )
    return _to(site)


# Each answer carries a secret or a session; none is kept to be given again.
newcomer.unkeyed = invitations.unkeyed = True  # type: ignore[attr-defined]
