"""One address that takes a file, as the spine will mount it."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from jieli.chart import actions
from jieli.chart.store.receive import file_of, takes_file


@takes_file
def documents(request: HttpRequest) -> HttpResponse:
    kept = actions.keep_file(file_of(request))
    return HttpResponse(kept.sha256, status=201)


urlpatterns = [path("documents/", documents)]
