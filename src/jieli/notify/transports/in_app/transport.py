"""The ring on an open page. The page itself is told by the live stream, written with the message.

Taken only when the person's page has lately been heard of; else the next channel is tried at once.
"""

from datetime import timedelta

from jieli.directory.models import Presence
from jieli.notify.transports.letter import Letter, Result, TransportError

SEEN_WITHIN = timedelta(minutes=2)


def send(letter: Letter, *, timeout: float) -> Result:
    seen = Presence.objects.filter(practitioner=letter.practitioner).values_list(
        "last_seen_at", flat=True
    )
    last = seen.first()
    if last is None or letter.at - last > SEEN_WITHIN:
        raise TransportError("No page of this person is open.")
    return Result()
