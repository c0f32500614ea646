"""What a page in a room asks beside its open line: a new ticket, a picture to keep or to show."""

from datetime import datetime
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jieli.chart.store import keep
from jieli.chart.store.receive import file_of, takes_file
from jieli.directory.models import Practitioner
from jieli.rooms import access, actions
from jieli.rooms.models import Seat
from jieli.rules.refusal import Refused


class Signed(HttpRequest):
    """A request behind the sign-in: one instant, one person."""

    me: Practitioner
    now: datetime


def admitted(seat: Seat, ticket: str) -> JsonResponse:
    """What opens a line: for this person, once, within two minutes."""
    return JsonResponse({"seat": str(seat.key), "ticket": ticket, "line": "/rooms/line/"})


def refused(refusal: Refused) -> JsonResponse:
    """A page in a room shows the sentence where the person looks; it never leaves the room."""
    return JsonResponse({"sentence": _(refusal.sentence) % refusal.facts}, status=409)


@require_POST
def ticket(request: Signed, key: UUID) -> HttpResponse:
    seat = access.get_seat_of(request.me, key, request.now)
    try:
        return admitted(seat, actions.renew_ticket(seat, now=request.now))
    except Refused as refusal:
        return refused(refusal)


@takes_file
@require_POST
def frames(request: Signed, key: UUID, frame: UUID) -> HttpResponseBase:
    """A frozen picture comes from the page that froze it; judged and made anew like any photo."""
    seat = access.get_seat_of(request.me, key, request.now)
    kept = keep.keep(file_of(request))
    try:
        found = actions.freeze(seat, frame, request.POST.get("feed", ""), kept, now=request.now)
    except Refused as refusal:
        return refused(refusal)
    return JsonResponse({"frame": str(found.key)})


@require_GET
def frame(request: Signed, key: UUID) -> HttpResponseBase:
    found = access.get_frame_for(request.me, key, request.now)
    path = keep.path_of(found.sha256)
    if not path.exists():
        raise Http404
    response = FileResponse(path.open("rb"), content_type="image/jpeg")
    response.headers["Cache-Control"] = "private, max-age=3600"  # it never changes
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
