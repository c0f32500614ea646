"""The door: staff number and password, passkey, second factor, the hospital's sign-in, invitation.

None of these is idempotent: each answer carries a new session.
"""

import logging
from functools import wraps
from typing import Any

from allauth.account.internal.flows.login import perform_login, perform_password_login
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.internal.constants import LoginStageKey
from allauth.mfa.internal.flows.trust import trust_browser
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import (
    OpenIDConnectOAuth2Adapter,
)
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from requests import RequestException

from jieli.directory import actions
from jieli.directory.models import Account
from jieli.directory.queries.accounts import factors_of
from jieli.rules.refusal import Refused
from jieli.web.middleware import sentence
from jieli.web.now import wall
from jieli.web.signin import passkeys
from jieli.web.signin.adapters import turned_away
from jieli.web.signin.codes import right_code
from jieli.web.signin.forms import CodeForm, NewPasswordForm, SignInForm
from jieli.web.signin.guessing import guess

log = logging.getLogger(__name__)
INVITED = "jieli_invitation"
HALF_WAY = 15 * 60  # seconds to finish signing in
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


def door(view: Any) -> Any:
    """For whoever is not signed in; answers are never replayed."""

    @wraps(view)
    def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = _see_other(view(request, *args, **kwargs))
        if request.session.modified and not request.user.is_authenticated:
            request.session.set_expiry(HALF_WAY)  # anybody may begin; nobody fills our table
        return response

    opened.unkeyed = True  # type: ignore[attr-defined]
    return login_not_required(opened)


def _see_other(response: HttpResponse) -> HttpResponse:
    if response.status_code == 302:
        response.status_code = 303
    return response


def next_page(request: HttpRequest) -> str:
    """Where the person was going, if it is a page of ours."""
    asked = request.POST.get("next") or request.GET.get("next") or "/"
    ours = url_has_allowed_host_and_scheme(asked, None, require_https=request.is_secure())
    return asked if ours and asked.startswith("/") else "/"


# -- password and passkey ----------------------------------------------------------------------


@get_or_post
@door
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(next_page(request))
    if request.method != "POST":
        return _sign_in_page(request, SignInForm())
    form = SignInForm(request.POST)
    if not form.is_valid():
        return _sign_in_page(request, form, status=422)
    try:
        account = _by_password(request, form)
    except Refused as error:
        form.add_error(None, sentence(error))
        return _sign_in_page(request, form, status=429)
    if account is None:
        form.add_error(None, _("Staff number and password do not belong together."))
        return _sign_in_page(request, form, status=401)
    login = Login(user=account, redirect_url=next_page(request))
    return perform_password_login(request, {}, login)


def _by_password(request: HttpRequest, form: SignInForm) -> Account | None:
    name, password = form.cleaned_data["username"], form.cleaned_data["password"]
    named = Account.objects.filter(login=name).first()
    return guess(
        request,
        f"login:{name}",
        named,
        lambda: authenticate(request, username=name, password=password),
    )


def _sign_in_page(request: HttpRequest, form: SignInForm, status: int = 200) -> HttpResponse:
    shown = {
        "form": form,
        "next": next_page(request),
        "sso": settings.OIDC_NAME if settings.OIDC_URL else "",
        "idled": request.session.pop("idled", 0) if status == 200 else 0,
    }
    return render(request, "web/signin.html", shown, status=status)


@get_or_post
@door
def passkey(request: HttpRequest) -> HttpResponse:
    """GET: what to ask the device. POST: its answer signs in, without name and password."""
    if request.method != "POST":
        return JsonResponse(passkeys.to_prove())
    found = passkeys.proven(request.POST.get("credential", ""))
    if found is None:
        form = SignInForm({})
        form.errors.clear()
        form.add_error(None, _("This passkey was not accepted. Try again, or use your password."))
        return _sign_in_page(request, form, status=401)
    login = Login(user=found.user, redirect_url=next_page(request))
    return perform_passwordless_login(request, found, login)


# -- second factor -----------------------------------------------------------------------------


@get_or_post
@door
def code(request: HttpRequest) -> HttpResponse:
    """After the password: a code of the app, a recovery code, or a passkey as second factor."""
    stage = LoginStageController.enter(request, LoginStageKey.MFA_AUTHENTICATE.value)
    if stage is None or stage.login.user is None:
        return HttpResponseRedirect("/signin/")
    account = stage.login.user
    if request.method != "POST":
        return _code_page(request, account, CodeForm(initial={"trust": True}))
    form = CodeForm(request.POST)
    try:
        found = _second(request, account, form) if form.is_valid() else None
    except Refused as error:
        form.add_error("code", sentence(error))
        return _code_page(request, account, form, status=429)
    if found is None:
        form.add_error("code", _("This code is not right, or was used already. Enter the next."))
        return _code_page(request, account, form, status=401)
    return _passed(request, account, stage, found, trust=form.cleaned_data["trust"])


def _second(request: HttpRequest, account: Account, form: CodeForm) -> Authenticator | None:
    if credential := form.cleaned_data["credential"]:
        return passkeys.proven(credential, account)
    typed = form.cleaned_data["code"]
    return guess(request, f"code:{account.pk}", account, lambda: right_code(account, typed, wall()))


def _passed(
    request: HttpRequest, account: Account, stage: Any, found: Authenticator, *, trust: bool
) -> HttpResponse:
    post_authentication(request, found)
    response: HttpResponse = stage.exit()
    if trust:
        trust_browser(request, account, response)
    return response


def _code_page(
    request: HttpRequest, account: Account, form: CodeForm, status: int = 200
) -> HttpResponse:
    shown = {"form": form, "factors": factors_of(account), "login": account.login}
    return render(request, "web/signin/code.html", shown, status=status)


@require_safe
@door
def code_passkey(request: HttpRequest) -> HttpResponse:
    """What to ask the device of whoever has given their password."""
    stage = LoginStageController.enter(request, LoginStageKey.MFA_AUTHENTICATE.value)
    if stage is None or stage.login.user is None:
        return HttpResponseRedirect("/signin/")
    return JsonResponse(passkeys.to_prove(stage.login.user))


# -- the hospital's sign-in --------------------------------------------------------------------


@require_safe
@door
def sso(request: HttpRequest, provider_id: str) -> HttpResponse:
    """On to the hospital. Only from our own page: no link elsewhere may sign somebody in."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return HttpResponseRedirect("/signin/")
    return _of_hospital(OAuth2LoginView, request, provider_id)


@require_safe
@door
def sso_answer(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _of_hospital(OAuth2CallbackView, request, provider_id)


def _of_hospital(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        return view.adapter_view(OpenIDConnectOAuth2Adapter(request, provider_id))(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except (RequestException, ValueError, KeyError) as fault:  # it is down, or says nonsense
        log.warning("single sign-on failed", extra={"kind": type(fault).__name__})
        return turned_away(request, "failed").response


# -- invitation --------------------------------------------------------------------------------


@require_safe
@door
def invitation_link(request: HttpRequest, token: str) -> HttpResponse:
    """The secret leaves the address bar at once, and so every log and referrer."""
    request.session[INVITED] = token
    return HttpResponseRedirect("/signin/invitation/")


@get_or_post
@door
def invitation(request: HttpRequest) -> HttpResponse:
    token = request.session.get(INVITED, "")
    found = actions.open_invitation(token, request.now) if token else None  # type: ignore[attr-defined]
    if found is None:
        return render(request, "web/signin/invitation_over.html", status=410)
    form = NewPasswordForm(request.POST or None, account=found.practitioner.account)
    if request.method != "POST" or not form.is_valid():
        shown = {"form": form, "invitation": found}
        return render(
            request, "web/signin/invitation.html", shown, status=422 if form.is_bound else 200
        )
    try:
        account = actions.take_up(token, form.cleaned_data["password"], now=request.now)  # type: ignore[attr-defined]
    except Refused:
        return render(request, "web/signin/invitation_over.html", status=410)
    del request.session[INVITED]
    return perform_login(request, Login(user=account, redirect_url="/me/security/?new"))
