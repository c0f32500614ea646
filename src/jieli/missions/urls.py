from django.urls import path

from jieli.missions import views, views_steps

app_name = "missions"
urlpatterns = [
    path("missions/", views.missions, name="missions"),
    path("missions/<uuid:key>/", views.mission, name="mission"),
    path("missions/<uuid:key>/papers.pdf", views.papers_pdf, name="papers_pdf"),
    path("missions/<uuid:key>/live/<slug:part>/", views.mission_part, name="mission_part"),
    path("missions/<uuid:key>/<slug:noun>/", views_steps.step, name="step"),
    path("missions/<uuid:key>/<slug:noun>/<int:row>/", views_steps.step, name="step_of_row"),
    path("cases/<uuid:key>/under-way/", views.under_way, name="under_way"),
    path("cases/<uuid:key>/missions/new/", views.new_dispatch, name="new_dispatch"),
    path("cases/<uuid:key>/transfers/new/", views.new_transfer, name="new_transfer"),
    path("cases/<uuid:key>/procedures/new/", views.new_procedure, name="new_procedure"),
    path("procedures/<uuid:key>/end/", views.procedure_end, name="procedure_end"),
]
