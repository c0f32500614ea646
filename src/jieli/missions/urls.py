from django.urls import path

from jieli.missions import views_resources

app_name = "missions"
urlpatterns = [
    path("missions/resources/", views_resources.resources, name="resources"),
    path("missions/resources/new/", views_resources.new_resource, name="new_resource"),
    path("missions/resources/<slug:site>/<slug:kind>/", views_resources.resource, name="resource"),
    path("missions/vehicles/<int:vehicle>/", views_resources.vehicle, name="vehicle"),
]
