from django.urls import path

from jieli.missions.views import resources, sheets

app_name = "missions"
urlpatterns = [
    path("cases/<uuid:key>/sheet/", sheets.sheet, name="sheet"),
    path("cases/<uuid:key>/sheet/live/", sheets.sheet_part, name="sheet_part"),
    path("cases/<uuid:key>/sheet/plans/", sheets.plan_anew, name="plan_anew"),
    path("cases/<uuid:key>/sheet/corrections/", sheets.correction, name="correction"),
    path(
        "cases/<uuid:key>/sheet/corrections/undone/",
        sheets.correction_undone,
        name="correction_undone",
    ),
    path("cases/<uuid:key>/sheet/family/", sheets.family_told, name="family_told"),
    path("cases/<uuid:key>/sheet/choices/", sheets.choice, name="choice"),
    path("missions/joint/", sheets.several, name="joint"),
    path("missions/resources/", resources.resources, name="resources"),
    path("missions/resources/new/", resources.new_resource, name="new_resource"),
    path("missions/resources/<slug:site>/<slug:kind>/", resources.resource, name="resource"),
    path("missions/vehicles/<int:vehicle>/", resources.vehicle, name="vehicle"),
    path("decisions/<uuid:key>/assents/", sheets.assent, name="assent"),
]
