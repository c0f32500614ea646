"""Agreements: what one hospital may ask of another, from when to when."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import transaction

from jieli.directory.access import today
from jieli.directory.models import Agreement, Alliance, Organisation, Practitioner, Specialty
from jieli.rules.refusal import Refused


@transaction.atomic
def open_agreement(
    asking: Organisation,
    answering: Organisation,
    modes: Collection[str],
    *,
    kind: str = "",
    specialties: Collection[Specialty] = (),
    alliance: Alliance | None = None,
    valid_from: date | None = None,
    valid_to: date | None = None,
    signed: bool = True,
    by: Practitioner,
    now: datetime,
) -> Agreement:
    if asking == answering:
        raise Refused("An agreement is made between two hospitals.")
    if not modes or not set(modes) <= set(Agreement.Mode.values):
        raise Refused("Choose at least one thing that may be asked.")
    if valid_from and valid_to and valid_to < valid_from:
        raise Refused("The agreement ends before it begins.")
    agreement = Agreement.objects.create(
        alliance=alliance,
        from_organisation=asking,
        to_organisation=answering,
        kind=kind,
        modes=[mode for mode in Agreement.Mode.values if mode in modes],
        valid_from=valid_from,
        valid_to=valid_to,
        signed=signed,
    )
    agreement.specialties.set(specialties)
    return agreement


def sign_agreement(agreement: Agreement, *, by: Practitioner, now: datetime) -> None:
    """A draft switches nothing on until both hospitals have signed it."""
    if agreement.signed:
        raise Refused("This agreement is already signed.")
    agreement.signed = True
    agreement.save(update_fields=["signed"])


def end_agreement(
    agreement: Agreement, *, on: date | None = None, by: Practitioner, now: datetime
) -> None:
    """The last day on which something may be asked: by default yesterday, so that it ends now."""
    last = on or today(now) - timedelta(days=1)
    if agreement.valid_to and agreement.valid_to < today(now):
        raise Refused("This agreement has already ended.")
    if agreement.valid_to and last > agreement.valid_to:
        raise Refused("To make an agreement longer, open a new one.")
    agreement.valid_to = last
    agreement.save(update_fields=["valid_to"])
