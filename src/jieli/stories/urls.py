"""Mounted at /demo/, and only in a demonstration."""

from django.urls import path

from jieli.stories import views

app_name = "stories"
urlpatterns = [
    path("", views.demo_page, name="demo"),
    path("signin/", views.signin, name="signin"),
    path("time/", views.demo_time, name="time"),
    path("casts/", views.casts, name="casts"),
    path("plays/", views.plays, name="plays"),
    path("plays/last/", views.last_play, name="play"),
    path("plays/<uuid:key>/steps/", views.play_steps, name="steps"),
    path("plays/<uuid:key>/end/", views.play_end, name="end"),
    path("gateway/", views.gateway, name="gateway"),
]
