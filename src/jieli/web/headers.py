"""What every answer carries: the content security policy, no caching of pages, compression."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import add_never_cache_headers

COMPRESSED = ("text/", "application/json", "image/svg+xml")


def security(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        response.headers.setdefault(
            "Permissions-Policy",
            "camera=(self), microphone=(self), screen-wake-lock=(self), geolocation=()",
        )
        return response

    return middleware


class Pages(GZipMiddleware):
    """Pages are compressed and never kept by a browser's cache: a shared tablet tells nothing.

    Django's middleware pads each answer by a random length (BREACH), so pages with a token may
    be compressed. Static files pass WhiteNoise before they come here.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if not kind.startswith(COMPRESSED):
            return response  # pictures and documents are compressed already
        return super().process_response(request, response)
