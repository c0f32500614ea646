"""Every address of the product. Nouns; the same noun names view, template and test."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from jieli.web import views
from jieli.web.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("board/", views.board, name="board"),
    path("board/lines/", views.board_lines, name="board_lines"),
    path("signout/", views.sign_out, name="signout"),
    path("zone/", views.zone, name="zone"),
    path("i18n/setlang/", login_not_required(set_language), name="set_language"),
    path("sw.js", views.worker, name="worker"),
    path("offline/<slug:language>/", views.offline, name="offline"),
    path("me/seal/", views.seal, name="seal"),
    path("healthz", views.alive, name="healthz"),
    path("readyz", views.ready, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("", include("jieli.web.signin.urls")),
    path("", include("jieli.missions.urls")),
    path("", include("jieli.guidance.urls")),
    path("", include("jieli.cases.urls")),
    path("", include("jieli.directory.urls")),
    path("rooms/", include("jieli.rooms.urls")),
    path("", include("jieli.lectures.urls")),
    path("", include("jieli.exchange.urls")),
    path("record/", include("jieli.record.urls")),
    path("pager/", include("jieli.pager.urls")),
    path("notify/", include("jieli.notify.urls")),
]
if settings.JIELI_DEMO:
    urlpatterns.append(path("demo/", include("jieli.stories.urls")))
