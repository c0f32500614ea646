"""Asked once more: before signing, and before changing how one signs in."""

from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from jieli.directory.models import Account, Practitioner
from jieli.directory.queries.accounts import factors_of
from jieli.rules.refusal import Refused
from jieli.web.middleware import sentence
from jieli.web.now import wall
from jieli.web.signin import passkeys, proofs
from jieli.web.signin.codes import app_code
from jieli.web.signin.entry import next_page
from jieli.web.signin.forms import AgainForm
from jieli.web.signin.guessing import guess


class Mine(HttpRequest):
    """A request about one's own account."""

    user: Account
    me: Practitioner


def freshly(view: Any) -> Any:
    """In front of what changes how a person signs in: a stolen session must not do it."""

    @wraps(view)
    def asked(request: Mine, *args: Any, **kwargs: Any) -> HttpResponse:
        if proofs.recent(request) is None:
            back = request.path if request.method in ("GET", "HEAD") else "/me/security/"
            return HttpResponseRedirect(f"/me/again/?{urlencode({'next': back})}", status=303)
        return view(request, *args, **kwargs)

    asked.unkeyed = True  # type: ignore[attr-defined]
    return asked


@require_http_methods(["GET", "HEAD", "POST"])
def again(request: Mine) -> HttpResponse:
    """Password, code or passkey once more; then back to the page that asked."""
    form = AgainForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _page(request, form)
    try:
        method = _proven(request, form.cleaned_data) if form.is_valid() else ""
    except Refused as error:
        form.add_error(None, sentence(error))
        return _page(request, form, status=429)
    if not method:
        form.add_error(None, _("That was not right. Nothing was changed."))
        return _page(request, form, status=401)
    target = next_page(request)
    proofs.remember(request, method, target)
    if request.headers.get("Jieli-Redirect") == "none":
        return HttpResponse(status=204)  # the island goes on with the form it stands in
    return HttpResponseRedirect(target, status=303)


again.unkeyed = True  # type: ignore[attr-defined]


def _proven(request: Mine, given: dict[str, str]) -> str:
    """Which way it was proven; empty when it was not."""
    account = request.user
    if given["credential"]:
        return "passkey" if passkeys.proven(given["credential"], account) else ""
    if given["code"]:
        look = "totp", lambda: app_code(account, given["code"], wall())
    else:
        look = "password", lambda: account.check_password(given["password"])
    return look[0] if guess(request, f"again:{account.pk}", account, look[1]) else ""


def _page(request: Mine, form: AgainForm, status: int = 200) -> HttpResponse:
    shown = {"form": form, "factors": factors_of(request.user), "next": next_page(request)}
    return render(request, "web/signin/again.html", shown, status=status)


@require_safe
def again_passkey(request: Mine) -> HttpResponse:
    return JsonResponse(passkeys.to_prove(request.user))


again_passkey.unkeyed = True  # type: ignore[attr-defined] # no row of a person is written here
