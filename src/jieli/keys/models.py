"""What the database knows of the keys: which ones it cannot do without."""

from django.db import models
from django.db.models.functions import Now


class NumberKey(models.Model):
    """号码密钥: a key with which numbers here were sealed. It lies in a file, outside."""

    key_id = models.CharField(max_length=8, primary_key=True)
    since = models.DateTimeField(db_default=Now())
