"""Keep the newest figures about rings and clocks where every process may read them."""

from datetime import datetime

from django.db.models.functions import Now

from jieli.pager.models import Gauge
from jieli.pager.queries.gauge import read_now


def take_gauge(now: datetime) -> int:
    Gauge.objects.update_or_create(id=1, defaults={"data": read_now(now), "taken_at": Now()})
    return 0
