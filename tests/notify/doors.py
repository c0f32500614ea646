"""Only this package's addresses, mounted as in the product."""

from django.urls import include, path

urlpatterns = [path("notify/", include("jieli.notify.urls"))]
