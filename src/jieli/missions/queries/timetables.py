"""What there is to travel by: hubs with their lines, roads, vehicles, things that were counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q

from jieli.missions.models import Departure, Hub, Resource, Road, Vehicle

SHOWN = 200


@dataclass(frozen=True, slots=True)
class There:
    hubs: Sequence[Hub]  # each with `leaving`, the number of lines that leave
    lines: Sequence[Departure]
    line_count: int
    roads: int
    vehicles: int
    resources: int


def there(on: date) -> There:
    """Lines that are over are not counted."""
    over = Q(valid_to__lt=on)
    lines = Departure.objects.exclude(over).select_related("start", "end")
    leaving = Count("departures", filter=~Q(departures__valid_to__lt=on))
    return There(
        list(Hub.objects.annotate(leaving=leaving).order_by("code")[:SHOWN]),
        list(lines.order_by("start__code", "departs", "number")[:SHOWN]),
        lines.count(),
        Road.objects.count(),
        Vehicle.objects.count(),
        Resource.objects.count(),
    )
