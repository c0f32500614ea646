"""How long a session may lie unused, by what its person is."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

DESK = frozenset({"coordinator", "director", "quality_officer", "programme_manager", "admin"})
CALLED = frozenset({"expert", "duty_officer"})  # must be reachable at any hour


@dataclass(frozen=True, slots=True)
class Limits:
    desk: timedelta
    ward: timedelta
    expert: timedelta


def idle_limit(kinds: Collection[str], *, on_duty: bool, limits: Limits) -> timedelta:
    """The strictest of a person's roles; whoever is on duty now stays signed in."""
    if on_duty:
        return limits.expert
    if DESK & set(kinds):
        return limits.desk
    return limits.expert if CALLED & set(kinds) else limits.ward
