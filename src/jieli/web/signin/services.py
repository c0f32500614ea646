"""Other systems: their tokens, made and ended by an administrator; and who a token is."""

from allauth.mfa.adapter import get_adapter
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jieli.directory import access, actions
from jieli.directory.access import today
from jieli.directory.models import Organisation, Role
from jieli.directory.queries.accounts import services_of
from jieli.directory.services import ServiceRequest, service
from jieli.directory.views import Signed
from jieli.web.signin.forms import SCOPE_WORDS, ServiceForm
from jieli.web.signin.staff import typed

TOKEN = "jieli_service_token"  # noqa: S105 the name of a place in the session


@require_http_methods(["GET", "HEAD", "POST"])
def services(request: Signed) -> HttpResponse:
    sites = access.organisations_of(request.me, today(request.now), (Role.Kind.ADMIN,))
    if not sites:
        raise Http404
    form = ServiceForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, sites, form)
    code = typed(request.POST.get("organisation", ""))
    site = access.get_organisation_to_administer(request.me, code, today(request.now))
    made, token = actions.open_service(site, by=request.me, now=request.now, **form.cleaned_data)
    request.session[TOKEN] = [made.pk, get_adapter().encrypt(token)]
    return HttpResponseRedirect("/services/", status=303)


services.unkeyed = True  # type: ignore[attr-defined] # the answer leads to a token


def _page(request: Signed, sites: set[int], form: ServiceForm) -> HttpResponse:
    made, sealed = request.session.pop(TOKEN, (0, "")) if not form.is_bound else (0, "")
    shown = {
        "services": services_of(sites),
        "sites": Organisation.objects.filter(pk__in=sites).order_by("sort_key", "pk"),
        "form": form,
        "made": made,
        "token": get_adapter().decrypt(sealed) if sealed else "",
        "words": SCOPE_WORDS,
        "chosen": request.POST.get("organisation", ""),
    }
    status = 422 if form.is_bound else 200
    return render(request, "web/signin/services.html", shown, status=status)


@require_POST
def service_end(request: Signed, number: int) -> HttpResponse:
    found = access.get_service_to_administer(request.me, number, today(request.now))
    actions.end_service(found, by=request.me, now=request.now)
    messages.success(request, _("%(name)s has no access any more.") % {"name": found.name})
    return HttpResponseRedirect("/services/", status=303)


@require_safe
@service()
def whoami(request: ServiceRequest) -> HttpResponse:
    """For the other side's first try: which token this is, and until when."""
    mine = request.service
    return JsonResponse(
        {
            "name": mine.name,
            "organisation": mine.organisation.code,
            "scopes": mine.scopes,
            "expires_at": mine.expires_at.isoformat(),
        }
    )
