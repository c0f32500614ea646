from django.urls import path

from jieli.missions.views import sheets

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
    path("decisions/<uuid:key>/assents/", sheets.assent, name="assent"),
]
