"""The inbox, and the door through which a gateway reports."""

import json
from datetime import datetime
from uuid import UUID

from django.contrib.auth.decorators import login_not_required, login_required
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from jieli.directory.access import get_person
from jieli.notify import access, actions, queries
from jieli.notify.forms import ReportForm
from jieli.notify.models import Attempt
from jieli.notify.transports.gateway.transport import is_signed
from jieli.record.reading import entered

REPORT_BYTES = 4096


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def inbox(request: HttpRequest) -> HttpResponseBase:
    person = get_person(request.user)
    if request.method == "POST":
        actions.mark_all_read(person, request.now)  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse("notify:inbox"), status=303)
    messages = queries.inbox_of(person)[: queries.INBOX]
    context = {"inbox": messages, "unread": queries.unread_count(person)}
    return render(request, "notify/inbox.html", context)


@login_required
@require_POST
def reading(request: HttpRequest, key: UUID) -> HttpResponseBase:
    person = get_person(request.user)
    message = access.get_message_for(person, key)
    actions.mark_read(person, message, request.now)  # type: ignore[attr-defined]
    return HttpResponseRedirect(message.path, status=303)


@csrf_exempt
@login_not_required
@require_POST
def attempt(request: HttpRequest, key: UUID) -> HttpResponse:
    """Signed by the gateway over the whole body, which names the attempt itself."""
    body = request.read(REPORT_BYTES + 1)
    signed = is_signed(body, request.headers.get("X-Jieli-Signature", ""))
    if len(body) > REPORT_BYTES or not signed:
        return JsonResponse({"error": "The signature does not fit."}, status=404)
    form = ReportForm(_fields(body))
    if not form.is_valid() or form.cleaned_data["attempt"] != key:
        return JsonResponse({"error": "Send attempt, state and error."}, status=422)
    state, error = form.cleaned_data["state"], form.cleaned_data["error"]
    now: datetime = request.now  # type: ignore[attr-defined]
    try:
        with entered(None, access.person_rung_by(key), now):
            actions.note_attempt(key, state, error=error, now=now)
    except Attempt.DoesNotExist:
        return JsonResponse({"error": "No such attempt."}, status=404)
    return JsonResponse({"noted": True})


attempt.unkeyed = True  # type: ignore[attr-defined]  # a report may come twice and changes nothing


def _fields(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
