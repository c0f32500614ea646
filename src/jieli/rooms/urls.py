from django.urls import path

from jieli.rooms import views

app_name = "rooms"
urlpatterns = [
    path("seats/<uuid:key>/ticket/", views.ticket, name="ticket"),
    path("seats/<uuid:key>/frames/<uuid:frame>/", views.frames, name="frames"),
    path("frames/<uuid:key>/", views.frame, name="frame"),
]
