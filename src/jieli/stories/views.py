"""The demo's own doors. None of them exists outside a demonstration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from jieli.directory.models import Practitioner
from jieli.rules.refusal import Refused
from jieli.stories import actions, queries, rows, script, timing
from jieli.stories.models import StoryRun

View = Callable[..., HttpResponse]
BACKEND = "django.contrib.auth.backends.ModelBackend"


def only_in_demo(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.JIELI_DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    guarded.unkeyed = True  # type: ignore[attr-defined] # each stands for itself; no replay kept
    return login_not_required(guarded)


def see_other(address: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": address})


def wall_clock() -> datetime:
    """The demo's time is set against the real one, which `request.now` is not."""
    return datetime.now(UTC)


@only_in_demo
@require_GET
def demo_page(request: HttpRequest) -> HttpResponse:
    run = queries.last_run()
    return render(
        request,
        "stories/demo.html",
        {
            "faces": queries.faces(),
            "stories": queries.playable(),
            "run": run,
            "password": rows.PASSWORD,
            "speeds": actions.SPEEDS,
            "demo_speed": timing.demo_speed(),
        },
    )


@only_in_demo
@require_POST
def signin(request: HttpRequest) -> HttpResponse:
    person = Practitioner.objects.filter(number=request.POST.get("number", "")).first()
    if person is None or person.account is None:
        raise Http404
    login(request, person.account, backend=BACKEND)
    target = request.POST.get("next", "/")
    inside = target.startswith("/") and url_has_allowed_host_and_scheme(target, None)
    return see_other(target if inside else "/")


@only_in_demo
@require_http_methods(["GET", "POST"])
def demo_time(request: HttpRequest) -> HttpResponse:
    """Step forward to an instant and stand still, or run at a speed from now on."""
    real = wall_clock()
    if request.method == "POST":
        try:
            _set_time(request.POST.dict(), real)
        except ValueError as fault:
            return _refused(request, str(fault))
        if "text/html" in request.headers.get("Accept", ""):
            return see_other("/demo/")
    shown = timing.demo_now(wall_clock())
    return JsonResponse({"now": shown.isoformat(), "speed": timing.demo_speed()})


def _set_time(asked: dict[str, str], real: datetime) -> None:
    if to := asked.get("to"):
        instant = datetime.fromisoformat(to)
        if instant.tzinfo is None:
            raise ValueError("Write an instant with its zone.")
        timing.step_to(instant, real_now=real)
    if speed := asked.get("speed"):
        if speed not in {str(each) for each in actions.SPEEDS}:
            raise ValueError("Choose one of the speeds.")
        timing.set_time(timing.demo_now(real), float(speed), real_now=wall_clock())


@only_in_demo
@require_POST
def casts(request: HttpRequest) -> HttpResponse:
    """Set the stage for a story file; answers who plays whom."""
    text, file = request.POST.get("text", ""), request.POST.get("file", "story.yaml")
    try:
        players = actions.set_stage(text, file, real_now=wall_clock())
    except script.ScriptError as fault:
        return JsonResponse({"mistakes": fault.sentences}, status=422)
    return JsonResponse({"players": {code: asdict(each) for code, each in players.items()}})


@only_in_demo
@require_POST
def plays(request: HttpRequest) -> HttpResponse:
    story = queries.story_named(request.POST.get("story", ""))
    if story is None:
        raise Http404
    try:
        speed = float(request.POST.get("speed", "10"))
    except ValueError:
        raise Refused("Choose one of the speeds.") from None
    actions.play_story(story, speed=speed, now=wall_clock())
    return see_other("/demo/")


@only_in_demo
@require_GET
def last_play(request: HttpRequest) -> HttpResponse:
    """How far the story is; the page asks again every two seconds."""
    return render(request, "stories/run.html", {"run": queries.last_run()})


@only_in_demo
@require_POST
def play_steps(request: HttpRequest, key: str) -> HttpResponse:
    actions.next_step(get_object_or_404(StoryRun, key=key))
    return see_other("/demo/")


@only_in_demo
@require_POST
def play_end(request: HttpRequest, key: str) -> HttpResponse:
    actions.stop_story(get_object_or_404(StoryRun, key=key), now=wall_clock())
    return see_other("/demo/")


@csrf_exempt
@only_in_demo
@require_POST
def gateway(_request: HttpRequest) -> HttpResponse:
    """A telephone exchange that reaches everybody: the demo's people have no real telephones."""
    return JsonResponse({"accepted": True, "ringing": True})


def _refused(request: HttpRequest, sentence: str) -> HttpResponse:
    return render(
        request, "web/refused.html", {"sentence": _(sentence), "back": "/demo/"}, status=409
    )
