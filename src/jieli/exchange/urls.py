from django.urls import path
from django.views.generic import RedirectView

from jieli.exchange import views

app_name = "exchange"
urlpatterns = [
    path("directory/import/", views.import_page, name="import"),
    path("directory/import/template.xlsx", views.template, name="template"),
    path("directory/import/<uuid:key>/", views.upload, name="upload"),
    path("directory/import/<uuid:key>/confirmation/", views.confirmation, name="confirmation"),
    path("missions/timetables/", views.timetables, name="timetables"),
    path("missions/timetables/<slug:file>.csv", views.csv_template, name="csv_template"),
    path("missions/timetables/<uuid:key>/", views.csv_upload, name="csv_upload"),
    path(
        "missions/timetables/<uuid:key>/confirmation/",
        views.csv_confirmation,
        name="csv_confirmation",
    ),
    path("lectures/<uuid:key>/attendance.csv", views.attendance, name="attendance"),
    path("directory/people.xlsx", views.people, name="people"),
    path("directory/roster.xlsx", views.roster, name="roster"),
    path(
        "duty/import/",
        RedirectView.as_view(pattern_name="exchange:import"),
        name="roster_import",
    ),
]
