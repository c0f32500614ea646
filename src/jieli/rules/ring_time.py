"""Which of a person's channels are tried in which order, and when they are tried again. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

RING, PUSH, SILENT = "ring", "push", "silent"
LOUDEST = "U0"  # rings first by day as well as by night
RINGS_AGAIN = timedelta(seconds=60)  # who must be rung is tried once a minute, however long
BACK_OFF = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 3600))
GIVE_UP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Line:
    """One channel of one person as far as the order needs it."""

    channel: int
    order: int
    rings: bool = False


def order(lines: Iterable[Line], manner: str, *, urgency: str, night: bool) -> list[int]:
    """The channels to try, first to last, in the person's own order where nothing forbids it."""
    own = sorted(lines, key=lambda line: (line.order, line.channel))
    loud = [line for line in own if line.rings]
    soft = [line for line in own if not line.rings]
    if manner == SILENT:
        chosen: Sequence[Line] = soft
    elif manner == PUSH:
        chosen = soft if night else soft + loud
    elif night or urgency == LOUDEST:
        chosen = loud + soft
    else:
        chosen = own
    return [line.channel for line in chosen]


def retry_at(rounds: int, now: datetime, created: datetime, manner: str = PUSH) -> datetime | None:
    """When to try all channels again after `rounds` full rounds failed; None: give up."""
    if now - created >= GIVE_UP:
        return None
    wait = BACK_OFF[min(max(rounds, 1), len(BACK_OFF)) - 1]
    return now + (min(wait, RINGS_AGAIN) if manner == RING else wait)
