"""What waits between the preview and the confirmation of an import."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models

from jieli.keys.fields import SealedBytes

KEPT = timedelta(hours=1)


class Upload(models.Model):
    """A workbook that a person has looked at but not yet confirmed; swept after an hour.

    It lies in the database, so that any web process can confirm what another one previewed.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=120)
    content = SealedBytes()  # it holds telephone numbers
    at = models.DateTimeField(db_index=True)

    def is_kept(self, now: datetime) -> bool:
        return self.at > now - KEPT
