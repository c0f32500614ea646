"""Me, Security: passkeys, authenticator app, recovery codes, password, devices."""

import base64
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.internal.flows import delete_dangling_recovery_codes
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jieli.directory import actions
from jieli.directory.models import AccountEvent
from jieli.directory.queries.accounts import account_events, factors_of, sessions_of
from jieli.web.now import wall
from jieli.web.signin import passkeys
from jieli.web.signin.again import Mine, freshly
from jieli.web.signin.codes import matching_counter, plain
from jieli.web.signin.forms import NewPasswordForm, PasskeyForm

SECRET = "jieli_app_secret"  # noqa: S105 the name of a place in the session
Kind = AccountEvent.Kind
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


def back(name: str = "") -> HttpResponseRedirect:
    return HttpResponseRedirect(f"/me/security/{name}", status=303)


def _note(request: Mine, kind: str, reason: str = "") -> None:
    actions.note(kind, request.me, by=request.me, now=wall(), reason=reason)


@require_safe
def security(request: Mine) -> HttpResponse:
    shown = {
        "factors": factors_of(request.user),
        "sessions": sessions_of(request.user, request.session.session_key),
        "events": account_events(request.me),
        "new": "new" in request.GET,
    }
    return render(request, "web/signin/security.html", shown)


# -- passkeys ----------------------------------------------------------------------------------


@get_or_post
@freshly
def passkeys_(request: Mine) -> HttpResponse:
    """GET: what to ask a new device. POST: what it answered."""
    if request.method != "POST":
        return JsonResponse(passkeys.to_register(request.user))
    form = PasskeyForm(request.POST)
    if not (form.is_valid() and _registered(request, **form.cleaned_data)):
        messages.error(request, _("The device's answer was not accepted. No passkey was added."))
        return back()
    messages.success(request, _("The passkey is ready: next time it signs you in."))
    return _to_codes(request)


def _registered(request: Mine, credential: str, name: str) -> bool:
    name = name.strip() or _("Passkey")
    with transaction.atomic():
        made = passkeys.register(request.user, credential, name)
        if made is not None:
            _note(request, Kind.PASSKEY_ADDED, name)
    return made is not None


def _to_codes(request: Mine) -> HttpResponse:
    """The first second factor brings recovery codes along, shown once."""
    if factors_of(request.user).codes_left is not None:
        return back()
    RecoveryCodes.activate(request.user)
    return back("codes/")


@require_POST
@freshly
def passkey_removal(request: Mine, passkey: int) -> HttpResponse:
    held = Authenticator.objects.filter(user=request.user, type=Authenticator.Type.WEBAUTHN)
    found = held.filter(pk=passkey).first()
    if found is None:
        raise Http404
    with transaction.atomic():
        _note(request, Kind.PASSKEY_REMOVED, found.wrap().name)
        found.delete()
        delete_dangling_recovery_codes(request.user)
    messages.success(request, _("The passkey is gone."))
    return back()


# -- authenticator app -------------------------------------------------------------------------


@get_or_post
@freshly
def app(request: Mine) -> HttpResponse:
    """Scan, type the first code, done."""
    if factors_of(request.user).app is not None:
        return back()
    if request.method != "POST":
        return _app_page(request)
    secret = request.session.get(SECRET, "")
    secret = get_adapter().decrypt(secret) if secret else ""
    counter = matching_counter(secret, plain(request.POST.get("code", "")), wall())
    if not secret or counter is None:
        return _app_page(request, _("This code does not fit. Enter the one shown now."), 422)
    with transaction.atomic():
        made = TOTP.activate(request.user, secret).instance
        made.data["counter"] = counter
        made.save(update_fields=["data"])
        _note(request, Kind.APP_ADDED)
    del request.session[SECRET]
    messages.success(request, _("The authenticator app is set up."))
    return _to_codes(request)


def _app_page(request: Mine, error: str = "", status: int = 200) -> HttpResponse:
    adapter = get_adapter()
    if SECRET not in request.session:
        request.session[SECRET] = adapter.encrypt(generate_totp_secret())
    secret = adapter.decrypt(request.session[SECRET])
    picture = adapter.build_totp_svg(adapter.build_totp_url(request.user, secret))
    shown = {
        "picture": "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode(),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "error": error,
    }
    return render(request, "web/signin/app.html", shown, status=status)


@require_POST
@freshly
def app_removal(request: Mine) -> HttpResponse:
    with transaction.atomic():
        held = Authenticator.objects.filter(user=request.user, type=Authenticator.Type.TOTP)
        if held.delete()[0]:
            _note(request, Kind.APP_REMOVED)
            delete_dangling_recovery_codes(request.user)
    messages.success(request, _("The authenticator app no longer signs you in."))
    return back()


# -- recovery codes ----------------------------------------------------------------------------


@get_or_post
@freshly
def recovery_codes(request: Mine) -> HttpResponse:
    """Shown once after they were made; POST makes new ones, and the old are worth nothing."""
    if not factors_of(request.user).second:
        return back()
    held = Authenticator.objects.filter(user=request.user, type=Authenticator.Type.RECOVERY_CODES)
    if request.method == "POST":
        with transaction.atomic():
            held.delete()
            RecoveryCodes.activate(request.user)
            _note(request, Kind.CODES_MADE)
        return back("codes/")
    found = held.first()
    wrapped: Any = found.wrap() if found else None
    if wrapped is None or wrapped.did_view:
        return render(request, "web/signin/codes.html", {"codes": []})
    wrapped.mark_as_viewed()
    return render(request, "web/signin/codes.html", {"codes": wrapped.get_unused_codes()})


# -- password and devices ----------------------------------------------------------------------


@get_or_post
@freshly
def password(request: Mine) -> HttpResponse:
    form = NewPasswordForm(request.POST or None, account=request.user)
    if request.method != "POST" or not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "web/signin/password.html", {"form": form}, status=status)
    request.user.set_password(form.cleaned_data["password"])
    request.user.save(update_fields=["password"])
    actions.end_sessions(request.user, keep=request.session.session_key or "")
    _keep_signed_in(request)
    _note(request, Kind.PASSWORD)
    messages.success(request, _("The password is changed; all other devices are signed out."))
    return back()


def _keep_signed_in(request: Mine) -> None:
    """The session gets a new key; its row in the list of devices follows."""
    old = request.session.session_key
    update_session_auth_hash(request, request.user)
    actions.move_session(old or "", request.session.session_key or "")


@require_POST
def session_end(request: Mine, session: int) -> HttpResponse:
    if not actions.end_sessions(request.user, only=session):
        raise Http404
    _note(request, Kind.SESSIONS_ENDED)
    messages.success(request, _("That device is signed out."))
    return back("#devices")


@require_POST
def other_sessions_end(request: Mine) -> HttpResponse:
    ended = actions.end_sessions(request.user, keep=request.session.session_key or "")
    if ended:
        _note(request, Kind.SESSIONS_ENDED)
    messages.success(request, _("All other devices are signed out."))
    return back("#devices")
