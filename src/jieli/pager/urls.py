"""Mounted at /pager/."""

from django.urls import path

from jieli.pager import views

app_name = "pager"
urlpatterns = [
    path("", views.pager, name="pager"),
    path("live/", views.live, name="live"),
    path("banner/", views.banner, name="banner"),
    path("probes/<slug:transport>/", views.probes, name="probes"),
]
