"""`jieli roots`: the daily roots, to read, to print and to be kept by somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jieli.record.checking import current_roots
from jieli.rules.roots import as_text


class Command(BaseCommand):
    help = "Print the daily roots, or write them to a file that a third party keeps."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--export",
            metavar="FILE",
            help="write a copy for `jieli verify --root FILE`; - prints it",
        )

    def handle(self, *args: Any, export: str | None = None, **options: Any) -> None:
        roots = current_roots()
        if export == "-":
            self.stdout.write(as_text(roots), ending="")
        elif export:
            self.write(Path(export), as_text(roots))
            self.stdout.write(f"{len(roots)} roots written to {export}.")
        else:
            for signed in roots:
                root = signed.root
                more = f", {root.days} days" if root.days > 1 else ""
                self.stdout.write(
                    f"{root.number:>5}  {root.day}  {signed.hash}  {root.leaves} chains{more}"
                )
            self.stdout.write(f"{len(roots)} roots.")

    def write(self, path: Path, text: str) -> None:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as fault:
            self.stderr.write(f"{path} cannot be written: {fault.strerror}.")
            raise SystemExit(2) from None
