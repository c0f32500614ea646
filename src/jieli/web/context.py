"""What every page knows: the instant, the zone, the person, whether this is a demonstration."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from jieli.web.now import now, speed


def page(request: HttpRequest) -> dict[str, Any]:
    return {
        "now": getattr(request, "now", None) or now(),
        "zone": getattr(request, "zone", "beijing"),
        "me": getattr(request, "me", None),
        "demo": settings.JIELI_DEMO,
        "speed": speed(),
        "telephone": settings.DUTY_TELEPHONE,
    }
