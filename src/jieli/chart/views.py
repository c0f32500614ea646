"""Answers with a file of the store, so that no browser runs, guesses or keeps it. No URLs here:
the spine mounts them under its cases and checks who asks."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from jieli.chart.models import Document
from jieli.chart.store import keep

SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"
_ENDINGS = {Document.Kind.PHOTO: ".jpg", Document.Kind.PDF: ".pdf", Document.Kind.DICOM: ".dcm"}


def serve_document(
    document: Document, size: str, request: HttpRequest | None = None
) -> HttpResponseBase:
    """The file, after the caller has checked who asks. `size`: thumb, screen or original."""
    if size not in keep.SIZES or (size != "original" and not document.has_picture):
        raise Http404
    sha256 = document.full_sha256 if size == "original" else document.sha256
    etag = f'"{sha256[:32]}-{size}"'
    if request is not None and request.headers.get("If-None-Match") == etag:
        return _guarded(HttpResponseNotModified(), etag)
    path = keep.path_of(sha256, size)
    if not path.exists():
        raise Http404
    media_type = document.media_type if size == "original" else "image/jpeg"
    response = FileResponse(
        path.open("rb"),
        as_attachment=media_type != "image/jpeg",
        filename=_filename(document, size),
        content_type=media_type,
    )
    return _guarded(response, etag)


def _filename(document: Document, size: str) -> str:
    ending = _ENDINGS[Document.Kind(document.kind)] if size == "original" else ".jpg"
    return (document.title.removesuffix(ending) or "document") + ending


def _guarded(response: HttpResponse | FileResponse, etag: str) -> HttpResponseBase:
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    patch_vary_headers(response, ["Cookie"])
    return response
