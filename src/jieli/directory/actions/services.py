"""Other systems: a token for one hospital, with scopes and an end."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from jieli.directory.actions.accounts import digest
from jieli.directory.models import Organisation, Practitioner, ServiceAccount
from jieli.rules import scopes as rules
from jieli.rules.refusal import Refused

PREFIX = "jl_"
HINT = 8
USED_EVERY = timedelta(minutes=1)


def open_service(
    organisation: Organisation,
    *,
    name: str,
    scopes: Collection[str],
    days: int,
    by: Practitioner,
    now: datetime,
) -> tuple[ServiceAccount, str]:
    """The account and its token, which nobody can read again afterwards."""
    if not scopes or rules.unknown(scopes):
        raise Refused("Choose what the other system may do.")
    if not 0 < days <= rules.LONGEST_DAYS:
        raise Refused("A token is valid for one day to one year.")
    token = PREFIX + secrets.token_urlsafe(32)
    service = ServiceAccount.objects.create(
        organisation=organisation,
        name=name,
        scopes=sorted(set(scopes)),
        token_hash=digest(token),
        hint=token[:HINT],
        made_by=by,
        made_at=now,
        expires_at=now + timedelta(days=days),
    )
    return service, token


def end_service(service: ServiceAccount, *, by: Practitioner, now: datetime) -> None:
    """At once; it is never switched on again."""
    ServiceAccount.objects.filter(pk=service.pk, ended_at=None).update(ended_at=now, ended_by=by)


def use_service(service: ServiceAccount, *, now: datetime) -> None:
    """Remember that it was used; written at most once a minute."""
    if service.last_used_at is None or now - service.last_used_at >= USED_EVERY:
        ServiceAccount.objects.filter(pk=service.pk).update(last_used_at=now)
