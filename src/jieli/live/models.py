from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Now


class TransactionId(models.Field):
    """PostgreSQL's xid8: the number of the transaction that wrote the row; never wraps around."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class CurrentTransaction(models.Func):
    function = "pg_current_xact_id"
    template = "%(function)s()"
    arity = 0
    output_field = TransactionId()


class Note(models.Model):
    """One thing that changed: where and what kind, never what about. Kept for a day.

    The order of ids is not the order of commits. Readers therefore go by (transaction, id) and
    stop before the oldest transaction that still runs: behind that line nothing can appear.
    """

    id = models.BigAutoField(primary_key=True)
    transaction = TransactionId(db_default=CurrentTransaction(), editable=False)
    topic = models.CharField(max_length=120)
    verb = models.CharField(max_length=60)
    event_id = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["transaction", "id"], name="live_note_order"),
            models.Index(fields=["at"], name="live_note_at"),
        ]
