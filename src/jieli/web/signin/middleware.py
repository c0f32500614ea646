"""Sessions that lie unused end; whoever was asked again for a page may sign on it, once."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from jieli.directory import actions
from jieli.directory.models import Account, WrongSecret
from jieli.directory.queries.accounts import idle_facts
from jieli.rules.idle import Limits, idle_limit
from jieli.rules.refusal import Refused
from jieli.web.middleware import refused_page, sentence
from jieli.web.now import wall
from jieli.web.signin import guessing, proofs

log = logging.getLogger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]
ONE_PAGE = 5 * 60  # seconds for the page that says why
SEEN_EVERY = timedelta(minutes=1)
LIMITS = Limits(
    desk=timedelta(minutes=settings.IDLE_DESK),
    ward=timedelta(minutes=settings.IDLE_WARD),
    expert=timedelta(minutes=settings.IDLE_EXPERT),
)


class Sessions(SessionMiddleware):
    """What was done stays done: an answer is given even where its session can no longer be kept.

    Django would say 400, "deleted by another request", also when the database went away after the
    commit: then a device believes that its signed opinion was refused, and does not send it again.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except SessionInterrupted:
            log.warning("a session could not be kept; the answer is given all the same")
            return response


def sessions(get_response: Handler) -> Handler:
    """One read a request; one write a minute, and only when a person did something."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            _keep_or_end(request, wall())
        return get_response(request)

    return middleware


def _keep_or_end(request: HttpRequest, now: datetime) -> None:
    key = request.session.session_key
    held = UserSession.objects.filter(session_key=key, user=request.user).first()
    if held is None:
        held = _begin(request, now)
    minutes = held.data.get("idle") or _minutes(request)
    if now - held.last_seen_at > timedelta(minutes=minutes):
        held.delete()
        logout(request)
        request.me = None  # type: ignore[attr-defined]
        request.session["idled"] = minutes
        request.session.set_expiry(ONE_PAGE)
    elif _by_a_person(request) and (now - held.last_seen_at >= SEEN_EVERY or not held.data):
        minutes = _minutes(request) if held.data else minutes  # a new one was just looked at
        UserSession.objects.filter(pk=held.pk).update(  # it may have been ended meanwhile
            data={**held.data, "idle": minutes},
            last_seen_at=now,
            ip=guessing.address(request),
        )


def _begin(request: HttpRequest, now: datetime) -> UserSession:
    """A session that was opened by another door than ours, such as the demonstration's."""
    request.session.set_expiry(None)  # it may have been short while it was nobody's
    held, _made = UserSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": request.user,
            "ip": guessing.address(request),
            "user_agent": request.headers.get("User-Agent", "")[:200],
            "last_seen_at": now,
        },
    )
    return held


def _minutes(request: HttpRequest) -> int:
    kinds, on_duty = idle_facts(request.me, request.now)  # type: ignore[attr-defined]
    return int(idle_limit(kinds, on_duty=on_duty, limits=LIMITS).total_seconds() // 60)


def _by_a_person(request: HttpRequest) -> bool:
    """Not what an open page fetches by itself: an unattended desk is unused."""
    if request.headers.get("HX-Request"):
        return False
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" or (
        request.method == "POST" and "/ringing/" not in request.path
    )


class StepUp:
    """`request.proof`: what stands for the password when this page was just asked for again.

    Outside every transaction: a wrong password is counted although the signing is undone.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.proof, request.proven = "", None  # type: ignore[attr-defined]
        if not request.user.is_authenticated:
            return self.get_response(request)
        found = proofs.signing_proof(request)
        request.proven = found  # type: ignore[attr-defined]
        request.proof = proofs.secret_of(request, found)  # type: ignore[attr-defined]
        if request.method != "POST" or not _signs(request):
            return self.get_response(request)
        return self._counted(request)

    def _counted(self, request: HttpRequest) -> HttpResponse:
        assert isinstance(request.user, Account)  # noqa: S101 asked only for who is signed in
        account = request.user
        try:
            tried = guessing.begin(request, f"again:{account.pk}", account)
        except Refused as error:
            return refused_page(request, sentence(error))
        response = self.get_response(request)
        self._settle(request, response, tried)
        return response

    def _settle(self, request: HttpRequest, response: HttpResponse, tried: WrongSecret) -> None:
        if not getattr(request, "wrong_secret", False):
            actions.right_secret(tried)
        if response.status_code < 400:
            proofs.forget(request)  # for one signature


def _signs(request: HttpRequest) -> bool:
    try:
        return bool(getattr(resolve(request.path_info).func, "signs", False))
    except Resolver404:
        return False
