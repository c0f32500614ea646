"""The names under which changes are told, and the channels of PostgreSQL that carry them."""

from __future__ import annotations

BOARD = "board"

LIVE_CHANNEL = "jieli_live"  # payload: [[note id, topic, verb], ...]
WORK_CHANNEL = "jieli_work"  # no payload: there may be something to do


def case(key: str) -> str:
    return f"case:{key}"


def person(practitioner_id: int) -> str:
    """What a person's own pages follow; a browser asks for it as `me`."""
    return f"person:{practitioner_id}"
