"""Keep the newest figures about rings and clocks where every process may read them."""

from datetime import datetime

from django.db.models.functions import Now

from jieli.pager.models import Reading
from jieli.pager.queries.reading import read_now


def take_reading(now: datetime) -> int:
    Reading.objects.update_or_create(id=1, defaults={"data": read_now(now), "taken_at": Now()})
    return 0
