"""Telling people: write what is owed in the caller's transaction, send it after the commit."""

from jieli.notify.actions.attempts import end_left, note_attempt, use_progress
from jieli.notify.actions.messages import mark_all_read, mark_read, owe, tell, withdraw
from jieli.notify.actions.sending import (
    Report,
    reported,
    send_directly,
    send_due,
    send_test,
)

__all__ = [
    "Report",
    "end_left",
    "mark_all_read",
    "mark_read",
    "note_attempt",
    "owe",
    "reported",
    "send_directly",
    "send_due",
    "send_test",
    "tell",
    "use_progress",
    "withdraw",
]
