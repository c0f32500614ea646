"""Importing a workbook: kept after the preview, imported whole or not at all."""

from datetime import datetime

from django.db import transaction

from jieli.directory import actions as directory
from jieli.directory.actions.importing import Tally
from jieli.directory.models import Account, Practitioner
from jieli.exchange.csv import preview as csv
from jieli.exchange.csv.preview import CsvPreview
from jieli.exchange.excel.preview import Preview, preview
from jieli.exchange.models import KEPT, Upload
from jieli.rules.refusal import Refused


@transaction.atomic
def keep_upload(account: Account, name: str, content: bytes, *, now: datetime) -> Upload:
    sweep_uploads(now=now)
    Upload.objects.filter(account=account).delete()  # one at a time
    return Upload.objects.create(account=account, name=name[-120:], content=content, at=now)


def sweep_uploads(*, now: datetime) -> int:
    """Forget what nobody confirmed within the hour."""
    count, _ = Upload.objects.filter(at__lte=now - KEPT).delete()
    return count


class StillBad(Exception):
    """The directory has changed since the preview; nothing was imported."""

    def __init__(self, found: Preview | CsvPreview) -> None:
        self.found = found
        super().__init__()


@transaction.atomic
def confirm_upload(upload: Upload, *, by: Practitioner, now: datetime) -> dict[str, Tally]:
    """Checked again against the directory of this moment, then all rows in one transaction."""
    held = Upload.objects.select_for_update().filter(pk=upload.pk).first()
    if held is None:
        raise Refused("This workbook has already been imported.")
    found = preview(bytes(held.content), by, now)
    if found.bad:
        raise StillBad(found)
    tallies = import_rows(found, by=by, now=now)
    held.delete()
    return tallies


def import_rows(found: Preview, *, by: Practitioner, now: datetime) -> dict[str, Tally]:
    """Hospitals before people, people before turns."""
    return {
        "organisations": directory.import_organisations(found.organisations, by=by, now=now),
        "people": directory.import_people(found.people, by=by, now=now),
        "roster": directory.import_roster(found.turns, by=by, now=now),
    }


def rehearse(found: Preview, *, by: Practitioner, now: datetime) -> dict[str, Tally]:
    """What confirming would do, counted by doing it and taking it back."""
    with transaction.atomic():
        tallies = import_rows(found, by=by, now=now)
        transaction.set_rollback(True)
    return tallies


# ── timetables and what hospitals have ───────────────────────────────────────


@transaction.atomic
def confirm_csv(upload: Upload, *, by: Practitioner, now: datetime) -> Tally:
    """Checked again against what is there at this moment, then all rows or none."""
    held = Upload.objects.select_for_update().filter(pk=upload.pk).first()
    if held is None:
        raise Refused("This file has already been imported.")
    found = csv.preview(bytes(held.content), by, now)
    if found.bad:
        raise StillBad(found)
    tally = found.store(by=by, now=now)
    held.delete()
    return tally


def rehearse_csv(found: CsvPreview, *, by: Practitioner, now: datetime) -> Tally:
    """What confirming would do, counted by doing it and taking it back."""
    with transaction.atomic():
        tally = found.store(by=by, now=now)
        transaction.set_rollback(True)
    return tally
