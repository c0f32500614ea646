"""`jieli verify`: does every case's record still say what was written?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jieli.cases.models import Case
from jieli.record.models import Chain
from jieli.record.queries import all_breaks, broken_at


class Command(BaseCommand):
    help = "Check the hash chain of all cases, or of one; name the first broken link of each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", nargs="?", help="one case only, by its number (JL-…)")

    def handle(self, *args: Any, number: str | None = None, **options: Any) -> None:
        if number:
            chain = Chain.objects.filter(case__number=number).first()
            if chain is None:
                self.stderr.write(f"There is no case {number}.")
                raise SystemExit(2)
            one = broken_at(chain)
            found = [(chain, one)] if one else []
            count = 1
        else:
            found, count = list(all_breaks()), Chain.objects.count()
        for chain, broken in found:
            name = Case.objects.filter(chain=chain).values_list("number", flat=True).first()
            self.stdout.write(f"{name or chain.subject}: event {broken.seq}: {broken.why}")
        self.stdout.write(f"{count} chains checked, {len(found)} broken.")
        if found:
            raise SystemExit(1)
