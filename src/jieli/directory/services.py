"""The door for other systems: `@service("fhir.read")` in front of a view.

A bearer token instead of a session, so there is no CSRF to defend against. Refused: 401 without a
valid token, 403 outside its scopes, each with a machine-readable word, as RFC 6750 says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from jieli.directory.actions.accounts import digest
from jieli.directory.actions.services import PREFIX, use_service
from jieli.directory.models import ServiceAccount
from jieli.rules.scopes import allows

View = Callable[..., HttpResponse]
LONGEST = 200


class ServiceRequest(HttpRequest):
    """A request of another system: `service.organisation` is whom it acts for."""

    service: ServiceAccount
    now: datetime


def service(scope: str = "") -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: ServiceRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            found = _holder(request)
            if found is None:
                return _refused(401, "invalid_token", "A valid token is needed.")
            if not allows(found.scopes, scope):
                return _refused(403, "insufficient_scope", f"The token lacks the scope {scope}.")
            use_service(found, now=request.now)
            request.service = found
            return view(request, *args, **kwargs)

        return login_not_required(csrf_exempt(guarded))

    return decorate


def _holder(request: ServiceRequest) -> ServiceAccount | None:
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.startswith(PREFIX) or len(token) > LONGEST:
        return None
    return (
        ServiceAccount.objects.select_related("organisation")
        .filter(token_hash=digest(token), ended_at=None, expires_at__gt=request.now)
        .first()
    )


def _refused(status: int, code: str, words: str) -> HttpResponse:
    answer = JsonResponse({"error": code, "error_description": words}, status=status)
    answer.headers["WWW-Authenticate"] = f'Bearer realm="jieli", error="{code}"'
    return answer
