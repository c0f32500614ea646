from django.urls import path

from jieli.guidance import views

app_name = "guidance"
urlpatterns = [
    path("cases/<uuid:key>/guidance/", views.sessions, name="sessions"),
    path("cases/<uuid:key>/guidance/part/", views.of_case, name="of_case"),
    path("guidance/<uuid:key>/", views.session, name="session"),
    path("guidance/<uuid:key>/panel/", views.panel, name="panel"),
    path("guidance/<uuid:key>/strip/", views.strip, name="strip"),
    path("guidance/<uuid:key>/checks/", views.checks, name="checks"),
    path("guidance/<uuid:key>/checks/<slug:item>/", views.check, name="check"),
    path("guidance/<uuid:key>/mdt/", views.mdt, name="mdt"),
    path("guidance/<uuid:key>/exception/", views.exception, name="exception"),
    path("guidance/<uuid:key>/exception/filing/", views.exception_filing, name="filing"),
    path("guidance/<uuid:key>/moves/<slug:move>/", views.move, name="move"),
    path("guidance/<uuid:key>/attendance/", views.attendance, name="attendance"),
    path("guidance/<uuid:key>/link/", views.link, name="link"),
    path("guidance/<uuid:key>/entries/", views.entries, name="entries"),
    path("guidance/<uuid:key>/entries/<int:number>/error/", views.entry_error, name="entry_error"),
]
