"""`jieli timetables FILE.csv`: hubs, timetables, roads, vehicles or resources, as the page does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from jieli.directory.models import Practitioner
from jieli.exchange.csv.preview import CsvPreview, preview
from jieli.rules.refusal import Refused
from jieli.web.now import now


class Command(BaseCommand):
    help = "Import a CSV file whole or not at all; bad cells are named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", required=True, help="staff number of the coordinator")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Practitioner.objects.filter(number=options["by"]).first()
        if person is None:
            raise CommandError(f"Nobody has the staff number {options['by']}.")
        try:
            content = options["file"].read_bytes()
            found = preview(content, person, now())
        except OSError as fault:
            raise CommandError(f"{options['file']} cannot be read: {fault.strerror}.") from None
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        self._store(found, person)

    def _store(self, found: CsvPreview, person: Practitioner) -> None:
        if found.bad:
            lines = (f"{bad.address}: {bad.value!r}: {bad.wrong} {bad.to_do}" for bad in found.bad)
            raise CommandError("Nothing was stored.\n" + "\n".join(lines))
        with transaction.atomic():
            tally = found.store(by=person, now=now())
        self.stdout.write(f"{tally.added} new, {tally.changed} changed, {tally.same} as before.")
