"""Mounted at /record/."""

from django.urls import path

from jieli.record import views

app_name = "record"
urlpatterns = [
    path("roots/", views.roots, name="roots"),
    path("roots/export/", views.roots_export, name="roots_export"),
]
