"""Mounted at /notify/."""

from django.urls import path

from jieli.notify import views

app_name = "notify"

urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/<uuid:key>/reading/", views.reading, name="reading"),
    path("attempts/<uuid:key>/", views.attempt, name="attempt"),
]
