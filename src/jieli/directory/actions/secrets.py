"""Counting wrong secrets. A try is written before the secret is looked at: hundred at once are
hundred, not one."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min
from django.utils.crypto import salted_hmac

from jieli.directory.models import Account, WrongSecret
from jieli.rules.throttle import KEPT, LIMITS, buckets

BATCH = 5000


def try_secret(
    *, name: str, address: str, device: str, account: Account | None, now: datetime
) -> tuple[WrongSecret, timedelta]:
    """The try, and how long to wait: no time at all means that the secret may be looked at."""
    counted = {
        kind: _hashed(text)
        for kind, text in buckets(device=device, name=name, address=address).items()
    }
    tried = WrongSecret.objects.create(account=account, at=now, **counted)
    wait = max((_wait(kind, bucket, now) for kind, bucket in counted.items()), default=timedelta())
    if wait:
        tried.delete()  # not looked at, so not counted: the wait ends although somebody goes on
    return tried, wait


def right_secret(tried: WrongSecret) -> None:
    tried.delete()


def _wait(kind: str, bucket: str, now: datetime) -> timedelta:
    limit = LIMITS[kind]
    held = WrongSecret.objects.filter(**{kind: bucket}, at__gt=now - limit.window)
    if held.count() <= limit.most:
        return timedelta()
    oldest = held.aggregate(oldest=Min("at"))["oldest"]
    return max(oldest + limit.window - now, timedelta(seconds=1))


def _hashed(text: str) -> str:
    return salted_hmac(
        "jieli.wrong-secret", text, settings.SECRET_KEY, algorithm="sha256"
    ).hexdigest()


def forget_wrong_secrets(now: datetime) -> int:
    """Rows older than they are kept, in batches."""
    old = WrongSecret.objects.filter(at__lt=now - KEPT).values("pk")[:BATCH]
    return WrongSecret.objects.filter(pk__in=old).delete()[0]
