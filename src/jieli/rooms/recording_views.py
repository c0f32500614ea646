"""What a browser that records sends, and what one that plays asks for. Sentences, no pages."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jieli.directory.models import Practitioner
from jieli.rooms import films, forms, recordings, store
from jieli.rooms.views import refused
from jieli.rules.recordings import Chunk
from jieli.rules.refusal import Refused


class Signed(HttpRequest):
    """A request behind the sign-in: one instant, one person."""

    me: Practitioner
    now: datetime


@require_POST
def announced(request: Signed, key: UUID) -> HttpResponseBase:
    """A run that will come, by the person whose seat it is or was."""
    form = forms.RunForm(request.POST)
    started = form.started_at
    seat = recordings.get_seat_to_record(request.me, key, started or request.now, request.now)
    if not form.is_valid() or started is None:
        return refused(Refused("This recording cannot be read."))
    try:
        run = recordings.announce(seat, form.told(), by=request.me, now=request.now)
    except Refused as refusal:
        return refused(refusal)
    return JsonResponse({"recording": str(run.key), "held": recordings.held(run)})


@require_http_methods(["GET", "HEAD", "POST"])
def run(request: Signed, key: UUID) -> HttpResponseBase:
    """How much of a run of one's own is here; a post says that all was sent."""
    recording = recordings.get_recording_to_fill(request.me, key, request.now)
    if request.method != "POST":
        return JsonResponse({"held": recordings.held(recording)})
    text = request.POST.get("length", "")
    try:
        lost = recordings.end(recording, int(text) if text.isdecimal() else 0, now=request.now)
    except Refused as refusal:
        return refused(refusal)
    return JsonResponse({"missing": lost})


@require_http_methods(["PUT", "POST"])
def chunk(request: Signed, key: UUID, number: int) -> HttpResponseBase:
    """Some seconds of a run; sent twice it is there once."""
    recording = recordings.get_recording_to_fill(request.me, key, request.now)
    try:
        new = recordings.receive(recording, _told(request, number), request, now=request.now)
    except Refused as refusal:
        return refused(refusal)
    return JsonResponse({"number": number}, status=201 if new else 200)


chunk.unkeyed = True  # type: ignore[attr-defined]  # its number and hash make a repeat harmless


def _told(request: HttpRequest, number: int) -> Chunk:
    said = request.headers
    begins, ends = (_instant(said.get(name, "")) for name in ("Chunk-From", "Chunk-Until"))
    if begins is None or ends is None:
        raise Refused("This piece of the recording does not fit to the others.")
    size = int(request.META.get("CONTENT_LENGTH") or 0)
    sha256, previous = said.get("Chunk-Sha256", ""), said.get("Chunk-Previous", "")
    return Chunk(number, size, sha256, previous, begins, ends)


def _instant(text: str) -> datetime | None:
    """Milliseconds since 1970, within this century."""
    if not text.isdecimal() or not 10**12 < int(text) < 4 * 10**12:
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)


@require_safe
def file(request: Signed, key: UUID) -> HttpResponseBase:
    """A run for a player, part by part."""
    recording = recordings.get_recording_for(request.me, key, request.now)
    return films.answer(request, recordings.run_of(recording))


@require_safe
def clip_file(request: Signed, key: UUID) -> HttpResponseBase:
    """A teaching clip, for the staff of the alliance."""
    clip = recordings.get_clip_for(request.me, key, request.now)
    return films.answer_file(request, store.clip_path(clip.key), clip.mime, clip.sha256)
