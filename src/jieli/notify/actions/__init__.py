"""Telling people: write what is owed in the caller's transaction, send it after the commit."""

from jieli.notify.actions.attempts import note_attempt
from jieli.notify.actions.messages import mark_all_read, mark_read, tell, withdraw
from jieli.notify.actions.sending import Report, send_due, send_test

__all__ = [
    "Report",
    "mark_all_read",
    "mark_read",
    "note_attempt",
    "send_due",
    "send_test",
    "tell",
    "withdraw",
]
