from django.urls import path

from jieli.rooms import recording_views, views

app_name = "rooms"
urlpatterns = [
    path("seats/<uuid:key>/ticket/", views.ticket, name="ticket"),
    path("seats/<uuid:key>/frames/<uuid:frame>/", views.frames, name="frames"),
    path("frames/<uuid:key>/", views.frame, name="frame"),
    path("seats/<uuid:key>/recordings/", recording_views.announced, name="recordings"),
    path("recordings/<uuid:key>/", recording_views.run, name="recording"),
    path("recordings/<uuid:key>/chunks/<int:number>/", recording_views.chunk, name="chunk"),
    path("recordings/<uuid:key>/file/", recording_views.file, name="recording_file"),
    path("clips/<uuid:key>/file/", recording_views.clip_file, name="clip_file"),
]
