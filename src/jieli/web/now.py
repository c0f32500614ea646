"""The one source of time. A demonstration may scale or hold it; nothing else may."""

from datetime import UTC, datetime

from django.conf import settings

from jieli.stories.timing import demo_now, demo_speed


def now() -> datetime:
    """The instant, in UTC."""
    real = datetime.now(UTC)
    return demo_now(real) if settings.JIELI_DEMO else real


def speed() -> float:
    """How many times faster than the wall clock the shown time runs: 1 but in a demonstration."""
    return demo_speed() if settings.JIELI_DEMO else 1.0


def wall() -> datetime:
    """The machine's own clock, in a demonstration too: sessions, codes and guessing live in it."""
    return datetime.now(UTC)
