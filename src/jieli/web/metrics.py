"""GET /metrics for Prometheus. What matters is read from the database, whichever process answers.

Only how long requests take is counted in the processes themselves; `jieli serve` gives all of its
workers one folder for that, so that any of them can tell for all.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from jieli.pager.queries.figures import (
    Figure,
    Spread,
    figures_of_the_pager,
    spreads_of_the_pager,
)
from jieli.pager.queries.gauge import newest_gauge
from jieli.web.now import now

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client when it is imported
# A header of a proxy: then the request did not come from this machine itself.
PROXIED = (
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Real-Ip",
    "Forwarded",
    "Via",
)
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_own = CollectorRegistry()
_requests = Histogram(
    "jieli_request_seconds",
    "How long a request took, by page, method and status.",
    ("page", "method", "status"),
    buckets=BUCKETS,
    registry=_own,
)
METHODS = frozenset({"GET", "HEAD", "POST"})


class Rows(Collector):
    """The figures of the database, read anew at each question."""

    def collect(self) -> Iterator[Metric]:
        at = now()
        newest = newest_gauge()
        for figure in (*newest.figures, *figures_of_the_pager(at)):
            yield _family(figure)
        for spread in (*newest.spreads, *spreads_of_the_pager(at)):
            yield _histogram(spread)
        if newest.age is not None:
            yield GaugeMetricFamily(
                "jieli_gauge_age_seconds", "Age of what is told of rings and clocks.", newest.age
            )


def _family(figure: Figure) -> Metric:
    labels = sorted({name for given, _ in figure.values for name in given})
    family = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
    metric: Any = family(figure.name, figure.help, labels=labels)
    for given, value in figure.values:
        metric.add_metric([given[name] for name in labels], value)
    return metric


def _histogram(spread: Spread) -> Metric:
    labels = sorted({name for given, _, _ in spread.values for name in given})
    metric = HistogramMetricFamily(spread.name, spread.help, labels=labels)
    for given, bins, total in spread.values:
        metric.add_metric([given[name] for name in labels], bins, total)
    return metric


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read(request):
        raise Http404
    registry = CollectorRegistry()
    registry.register(Rows())
    if os.environ.get(SHARED):
        MultiProcessCollector(registry)
    said = generate_latest(registry)
    if not os.environ.get(SHARED):
        said += generate_latest(_own)
    return HttpResponse(said, content_type=CONTENT_TYPE)


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    if any(name in request.headers for name in PROXIED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def timed(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. A page is named by its route, never by its address: that names a case."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        page = match.view_name if match and match.view_name else "other"
        method = request.method if request.method in METHODS else "other"
        _requests.labels(page, method, str(response.status_code)).observe(
            time.perf_counter() - began
        )
        return response

    return middleware
