"""Answers with moving pictures, a part at a time, so that nobody keeps, guesses or shares them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from jieli.rooms import store
from jieli.rules import webm
from jieli.rules.recordings import PART

RANGE = re.compile(r"^bytes=(\d{0,15})-(\d{0,15})$")
Content = Callable[[int, int], Iterator[bytes]]  # first byte, and the one after the last
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"


def answer(request: HttpRequest, run: store.Run, *, name: str = "") -> HttpResponseBase:
    """A run; `name` makes it a file to keep."""
    try:
        made = store.shown(run)
    except (webm.Unreadable, FileNotFoundError):
        raise Http404 from None
    etag = f'"{run.run.hex}-{len(run.chunks)}-{run.size}"'

    def content(start: int, end: int) -> Iterator[bytes]:
        return run.content(made.slice(start, end))

    return _in_part(request, made.size, made.kind, etag, content, name)


def answer_file(request: HttpRequest, path: Path, kind: str, sha256: str) -> HttpResponseBase:
    if not path.exists():
        raise Http404

    def content(start: int, end: int) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(start)
            while start < end and (piece := file.read(min(store.PIECE, end - start))):
                yield piece
                start += len(piece)

    return _in_part(request, path.stat().st_size, kind, f'"{sha256[:32]}"', content, "")


def _in_part(
    request: HttpRequest, size: int, kind: str, etag: str, content: Content, name: str
) -> HttpResponseBase:
    asked = "" if name else request.headers.get("Range", "")
    if request.headers.get("If-Range", etag) != etag:
        asked = ""
    span = _span(asked, size)
    if span is None:
        response: HttpResponseBase = HttpResponse(status=416)
        response.headers["Content-Range"] = f"bytes */{size}"
        return response
    start, end = span
    body: Iterable[bytes] = [] if request.method == "HEAD" else content(start, end)
    response = StreamingHttpResponse(body, status=206 if asked else 200, content_type=kind)
    if asked:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    if name:
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Length"] = str(end - start)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    patch_vary_headers(response, ["Cookie"])
    return response


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """First byte, and the one after the last; a player asks for the rest by itself."""
    found = RANGE.match(asked)
    if not found:
        return 0, size
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last or 0)), size
    else:
        start, end = int(first), min(int(last) + 1 if last else size, size)
    if start >= size or end <= start:
        return None
    return start, min(end, start + PART)
