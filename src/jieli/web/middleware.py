"""What every request gets: one instant, the reader's zone, the person, and idempotent writes."""

import errno
import hashlib
import hmac
import uuid
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from psycopg.errors import DiskFull

from jieli.directory import access, actions
from jieli.keys.seals import UnreadableBytes
from jieli.live.queries import newest
from jieli.record.actions import unhurried
from jieli.record.models import IdempotencyKey
from jieli.record.reading import entered, unentered
from jieli.rules import uploads
from jieli.rules.refusal import Refused
from jieli.web.now import now

Handler = Callable[[HttpRequest], HttpResponse]
ZONES = {"beijing": ZoneInfo("Asia/Shanghai"), "xinjiang": ZoneInfo("Asia/Urumqi")}
ZONE_COOKIE = "jieli_zone"
FOR_ANY_ACCOUNT = (
    "/signout/",
    "/signin/",
    "/zone/",
    "/i18n/",
    "/demo/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/sw.js",
    "/offline/",
)


def instant(get_response: Handler) -> Handler:
    """`request.now`: the same instant for everything that one request does."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.now = now()  # type: ignore[attr-defined]
        request.zone = request.COOKIES.get(ZONE_COOKIE, "beijing")  # type: ignore[attr-defined]
        with timezone.override(ZONES.get(request.zone, ZONES["beijing"])):  # type: ignore[attr-defined]
            return get_response(request)

    return middleware


def person(get_response: Handler) -> Handler:
    """`request.me`: the practitioner behind the account, None when nobody is signed in."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.me = access.person_of(request.user)  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


def presence(get_response: Handler) -> Handler:
    """Somebody is here; an account that is nobody's sees nothing but how to leave."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.me is not None:  # type: ignore[attr-defined]
            actions.touch(by=request.me, now=request.now)  # type: ignore[attr-defined]
            if request.method == "GET" and not request.headers.get("HX-Request"):
                # Taken before anything is read: the page's stream goes on from here, gapless.
                request.live_since = str(newest())  # type: ignore[attr-defined]
        elif request.user.is_authenticated and not request.path.startswith(FOR_ANY_ACCOUNT):
            raise Http404
        return get_response(request)

    return middleware


OUTSIDE = ("/healthz", "/readyz")  # no person, and no patient
FILES = ("multipart/form-data", "application/octet-stream")  # over a weak link for minutes
GUESSED = ("/signin/", "/me/again/")  # where secrets are looked at: each try counts at once


def visit(get_response: Handler) -> Handler:
    """One transaction for one request, in which the database shows only this person's cases.

    What was read of patients is written in it, so before the answer leaves.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path in OUTSIDE:
            return get_response(request)
        if request.path.startswith(GUESSED):
            with unentered():
                return get_response(request)
        account = request.user if request.user.is_authenticated else None
        with entered(account, request.me, request.now) as seen:  # type: ignore[attr-defined]
            if request.content_type in FILES:
                unhurried()
            response = get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
            elif match := request.resolver_match:
                seen.write(match.view_name or match.route)
            return response

    return middleware


def said_redirects(get_response: Handler) -> Handler:
    """Name the next page in a header where the browser asks so, instead of leading there.

    A script that sends a form would otherwise fetch the next page twice on a weak network.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        asked = request.headers.get("Jieli-Redirect") == "say"
        if asked and response.status_code in (302, 303):
            response.headers["Jieli-Location"] = response.headers["Location"]
            del response.headers["Location"]
            response.status_code = 204
        return response

    return middleware


class Refusals:
    """A refused move becomes a page with one sentence; nothing was changed."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return _said(request, error)


def _said(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """What a person can act on as one sentence; None for what is a fault of ours."""
    if isinstance(error, Refused):
        return refused_page(request, sentence(error))
    if is_full(error):
        return refused_page(request, _(NO_ROOM), status=507)  # a browser tries again later
    return None


NO_ROOM = gettext_noop(
    "The server's disk is full; nothing of this step was saved. It is sent again by itself when "
    "there is room. If it is urgent, use the telephone now."
)


def is_full(error: BaseException | None) -> bool:
    """No room for a file, or for the database."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if isinstance(error, DatabaseError):
        return isinstance(error.__cause__, DiskFull)
    return False


def refused_page(request: HttpRequest, words: str, status: int = 409) -> HttpResponse:
    context = {"sentence": words, "back": _back(request)}
    return render(request, "web/refused.html", context, status=status)


def sentence(error: Refused) -> str:
    """The refusal in the reader's language."""
    text = _(error.sentence)
    return text % error.facts if error.facts else text


def _back(request: HttpRequest) -> str:
    came_from = request.headers.get("Referer", "")
    here = f"{request.scheme}://{request.get_host()}/"
    return came_from[len(here) - 1 :] if came_from.startswith(here) else "/"


class Idempotency:
    """The answer to a write is kept in the write's own transaction and given again on a replay.

    A second request with the same key waits for the first, then gets the first one's answer. Only
    success is kept: after an error the same key may be sent again with the error mended.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Handler,
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> HttpResponse | None:
        if request.method != "POST" or getattr(view, "unkeyed", False):
            return None
        if uploads.body_too_large(int(request.META.get("CONTENT_LENGTH") or 0)):
            return None  # refused by the view, unread
        try:
            key = _key(request)
            digest = _digest(request) if key else b""  # reads the whole body
        except OSError as error:
            return _said(request, error)
        if key is None:
            return None
        with transaction.atomic():
            if not _claim(key, request, digest):
                return _replay(key, request)
            response = self._answer(request, view, args, kwargs)
            if response.status_code < 400:
                _keep(key, response)
            else:
                transaction.set_rollback(True)
            return response

    def _answer(
        self,
        request: HttpRequest,
        view: Handler,
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (Refused, OSError, OperationalError) as error:
            if (said := _said(request, error)) is None:
                raise
            return said


def _key(request: HttpRequest) -> uuid.UUID | None:
    text = request.headers.get("Idempotency-Key") or request.POST.get("_key", "")
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _digest(request: HttpRequest) -> bytes:
    """With our secret: a plain hash would tell which of few possible numbers was sent."""
    return hmac.digest(settings.SECRET_KEY.encode(), _meaning(request), "sha256")


def _is_same(digest: bytes, request: HttpRequest) -> bool:
    """Also what a version before this one kept: a replay often comes after the restart."""
    return digest in (_digest(request), hashlib.sha256(_meaning(request)).digest())


def _meaning(request: HttpRequest) -> bytes:
    """The meaning of the body: its fields without tokens, and the names and sizes of its files."""
    skip = {"csrfmiddlewaretoken", "_key", "password"}
    fields = sorted((k, v) for k, v in request.POST.lists() if k not in skip)
    files = sorted(
        (k, f.name or "", f.size or 0) for k, many in request.FILES.lists() for f in many
    )
    return repr((request.path, fields, files)).encode()


def _claim(key: uuid.UUID, request: HttpRequest, digest: bytes) -> bool:
    """Whether this is the first to come with the key. Waits for one that is still at work."""
    account = request.user.pk if request.user.is_authenticated else None
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO record_idempotencykey"
            " (key, account_id, path, digest, created_at, location, body, content_type)"
            " VALUES (%s, %s, %s, %s, %s, '', '', '') ON CONFLICT (key) DO NOTHING",
            [key, account, request.path[:300], digest, request.now],  # type: ignore[attr-defined]
        )
        return cursor.rowcount == 1


def _keep(key: uuid.UUID, response: HttpResponse) -> None:
    IdempotencyKey.objects.filter(key=key).update(
        status=response.status_code,
        location=response.headers.get("Location", ""),
        body=b"" if response.streaming else response.content,
        content_type=response.headers.get("Content-Type", ""),
    )


def _replay(key: uuid.UUID, request: HttpRequest) -> HttpResponse:
    account = request.user.pk if request.user.is_authenticated else None
    kept = IdempotencyKey.objects.filter(key=key, account=account).first()
    if kept is None or not _is_same(bytes(kept.digest), request):
        return refused_page(
            request,
            _("This was sent once before with other content. Reload the page and try again."),
        )
    if isinstance(kept.body, UnreadableBytes):
        return refused_page(
            request, _("This was received before; its answer cannot be shown. Open the page anew.")
        )
    response = HttpResponse(
        bytes(kept.body), status=kept.status or 200, content_type=kept.content_type or None
    )
    if kept.location:
        response.headers["Location"] = kept.location
    response.headers["Idempotency-Replayed"] = "true"
    return response
