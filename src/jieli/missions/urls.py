from django.urls import path

from jieli.missions.views import gates, journeys, resources, sheets, steps

app_name = "missions"
urlpatterns = [
    # the decision sheet
    path("cases/<uuid:key>/sheet/", sheets.sheet, name="sheet"),
    path("cases/<uuid:key>/sheet/live/", sheets.sheet_part, name="sheet_part"),
    path("cases/<uuid:key>/sheet/plans/", sheets.plan_anew, name="plan_anew"),
    path("cases/<uuid:key>/sheet/corrections/", sheets.correction, name="correction"),
    path(
        "cases/<uuid:key>/sheet/corrections/undone/",
        sheets.correction_undone,
        name="correction_undone",
    ),
    path("cases/<uuid:key>/sheet/temporised/", sheets.temporised, name="temporised"),
    path("cases/<uuid:key>/sheet/family/", sheets.family_told, name="family_told"),
    path("cases/<uuid:key>/sheet/choices/", sheets.choice, name="choice"),
    path("cases/<uuid:key>/sheet/mission/", sheets.team, name="team"),
    path("decisions/<uuid:key>/assents/", sheets.assent, name="assent"),
    path("missions/joint/", sheets.several, name="joint"),
    # what hospitals have
    path("missions/resources/", resources.resources, name="resources"),
    path("missions/resources/new/", resources.new_resource, name="new_resource"),
    path("missions/resources/slots/", resources.new_slot, name="new_slot"),
    path("missions/resources/slots/<int:slot>/", resources.slot, name="slot"),
    path("missions/resources/<slug:site>/<slug:kind>/", resources.resource, name="resource"),
    path("missions/vehicles/<int:vehicle>/", resources.vehicle, name="vehicle"),
    # teams and patients under way
    path("missions/", journeys.missions, name="missions"),
    path("missions/<uuid:key>/", journeys.mission, name="mission"),
    path("missions/<uuid:key>/papers.pdf", journeys.papers_pdf, name="papers_pdf"),
    path("missions/<uuid:key>/live/<slug:part>/", journeys.mission_part, name="mission_part"),
    path("missions/<uuid:key>/<slug:noun>/", steps.step, name="step"),
    path("missions/<uuid:key>/<slug:noun>/<int:row>/", steps.step, name="step_of_row"),
    path("cases/<uuid:key>/under-way/", journeys.under_way, name="under_way"),
    path("cases/<uuid:key>/missions/new/", journeys.new_dispatch, name="new_dispatch"),
    path("cases/<uuid:key>/transfers/new/", journeys.new_transfer, name="new_transfer"),
    path("cases/<uuid:key>/procedures/new/", journeys.new_procedure, name="new_procedure"),
    path("cases/<uuid:key>/gates/", gates.gates, name="gates"),
    path("cases/<uuid:key>/gates/<slug:gate>/", gates.gate, name="gate"),
    path("gates/<uuid:key>/error/", gates.gate_error, name="gate_error"),
    path("procedures/<uuid:key>/end/", journeys.procedure_end, name="procedure_end"),
]
