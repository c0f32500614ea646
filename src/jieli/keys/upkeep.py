"""What a process says of the keys when it starts."""

import logging

from django.db import DatabaseError

from jieli.keys import folder, ring
from jieli.keys.models import NumberKey
from jieli.keys.phase import sealing

log = logging.getLogger(__name__)


def tell() -> None:
    """In the log; a start is never stopped by it, since pages must ring without any key."""
    try:
        for sentence in notices():
            log.error(sentence)
    except DatabaseError as fault:
        log.warning("keys were not looked at", extra={"kind": type(fault).__name__})


def notices() -> list[str]:
    """One sentence for each thing that is wrong, and what to do."""
    if not sealing():
        return [
            "Identity and telephone numbers lie in plain text: run `jieli seal` as soon as every "
            "process is of this version."
        ]
    said = [] if register() else ["Identity and telephone numbers are written in plain text."]
    said += ring.ring().faults
    if missing := missing_keys():
        said.append(
            f"Numbers sealed with key {', '.join(missing)} cannot be opened: put its file back into"
            f" {folder.folder()} (numbers-…-{missing[0]}.key)."
        )
    return said


def register() -> bool:
    """Note that the database needs the key that writes now; False when there is none."""
    key = ring.current()
    if key is not None:
        NumberKey.objects.bulk_create([NumberKey(key_id=key.id)], ignore_conflicts=True)
    return key is not None


def missing_keys() -> list[str]:
    """Keys on which the database relies and which are not here."""
    needed = NumberKey.objects.order_by("since").values_list("key_id", flat=True)
    return [identity for identity in needed if ring.key(identity) is None]
