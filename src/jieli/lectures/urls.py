from django.urls import path

from jieli.lectures import views

app_name = "lectures"
urlpatterns = [
    path("lectures/", views.lectures, name="lectures"),
    path("lectures/new/", views.new_lecture, name="new_lecture"),
    path("lectures/<uuid:key>/", views.lecture, name="lecture"),
    path("lectures/<uuid:key>/speaking/", views.speaking, name="speaking"),
    path("lectures/<uuid:key>/end/", views.end, name="end"),
    path("lectures/<uuid:key>/attendance/", views.attendance, name="attendance"),
    path("rooms/<uuid:key>/", views.door, name="door"),
    path("rooms/<uuid:key>/seats/", views.seats, name="seats"),
]
