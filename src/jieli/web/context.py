"""What every page knows: the instant, the zone, the person, whether this is a demonstration."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from jieli.cases.queries.pages import may_ask
from jieli.web import device
from jieli.web.now import now, speed


def _may_page(request: HttpRequest) -> bool:
    me = getattr(request, "me", None)
    return me is not None and may_ask(me, request.now)  # type: ignore[attr-defined]


def _factors(request: HttpRequest) -> set[str]:
    """How this person may prove who they are besides the password."""
    held = Authenticator.objects.filter(user=request.user.pk)
    return set(held.values_list("type", flat=True))


def _seal(request: HttpRequest) -> str:
    return device.masked(device.seal_of(request.user))  # type: ignore[arg-type]


def page(request: HttpRequest) -> dict[str, Any]:
    factors = SimpleLazyObject(lambda: _factors(request))
    return {
        "now": getattr(request, "now", None) or now(),
        "zone": getattr(request, "zone", "beijing"),
        "me": getattr(request, "me", None),
        "seal": SimpleLazyObject(lambda: _seal(request)),
        "since": getattr(request, "live_since", ""),
        "demo": settings.JIELI_DEMO,
        "speed": speed(),
        "telephone": settings.DUTY_TELEPHONE,
        "has_passkey": SimpleLazyObject(lambda: "webauthn" in factors),
        "has_app": SimpleLazyObject(lambda: "totp" in factors),
        "may_page": SimpleLazyObject(lambda: _may_page(request)),
    }
