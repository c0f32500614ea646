"""`jieli verify`: does every case's record still say what was written?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jieli.cases.queries.lists import numbers_of
from jieli.cases.queries.recordings import recording_faults
from jieli.record.checking import Tally, chain_faults, gone, root_faults
from jieli.record.models import Chain, Root
from jieli.record.queries import one_moment
from jieli.rules.roots import BadCopy, Fault, Signed, read_text


class Command(BaseCommand):
    help = "Check the hash chain of all cases, or of one; name the first broken link of each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", nargs="?", help="one case only, by its number (JL-…)")
        parser.add_argument(
            "--root",
            nargs="?",
            const="",
            metavar="FILE",
            help="also check the daily roots, their signatures, and that every case still says what"
            " they say; with FILE, a copy made by `jieli roots --export`, compare with it as well",
        )
        parser.add_argument(
            "--recordings",
            action="store_true",
            help="also read every piece of what rooms recorded, and compare with the record",
        )

    def handle(
        self, *args: Any, number: str | None = None, root: str | None = None, **options: Any
    ) -> None:
        copy = self.copy(root) if root else []
        with one_moment():
            found = self.faults(number, copy, with_roots=root is not None)
        if options["recordings"]:
            found = found + self.recordings(number)
        if found:
            raise SystemExit(1)

    def copy(self, file: str) -> list[Signed]:
        try:
            return read_text(Path(file).read_text(encoding="utf-8"))
        except (OSError, BadCopy, UnicodeDecodeError) as fault:
            why = fault if isinstance(fault, BadCopy) else "it cannot be read"
            self.stderr.write(f"{file} is no copy of the roots: {why}.")
            raise SystemExit(2) from None

    def faults(self, number: str | None, copy: list[Signed], *, with_roots: bool) -> list[Fault]:
        chains = Chain.objects.filter(case__number=number) if number else Chain.objects.all()
        if number and not chains.exists():
            self.none(number, with_roots=with_roots)
        tally = Tally(Progress(self, chains.count()))
        found = list(root_faults(copy)) if with_roots else []
        found += chain_faults(chains, numbers_of, tally, with_roots=with_roots)
        for fault in found:
            self.stdout.write(f"{fault.name}: {fault.why}")
        self.say(tally, found, with_roots=with_roots)
        return found

    def recordings(self, number: str | None) -> list[Fault]:
        found = list(recording_faults(number))
        for fault in found:
            self.stdout.write(f"{fault.name}: {fault.why}")
        broken = len({fault.why.split(":")[0] for fault in found})
        self.stdout.write(f"Recordings checked, {broken} broken.")
        return found

    def none(self, number: str, *, with_roots: bool) -> None:
        if with_roots and (fault := gone(number)):
            self.stdout.write(f"{fault.name}: {fault.why}")
            raise SystemExit(1)
        self.stderr.write(f"There is no case {number}.")
        raise SystemExit(2)

    def say(self, tally: Tally, found: list[Fault], *, with_roots: bool) -> None:
        broken = len({fault.name for fault in found if not fault.name.startswith("root ")})
        if tally.disposed:
            shown = ", ".join(tally.disposed[:20]) + (" …" if len(tally.disposed) > 20 else "")
            self.stdout.write(f"{len(tally.disposed)} disposed, hashes kept: {shown}")
        self.stdout.write(f"{tally.chains} chains checked, {broken} broken.")
        if not with_roots:
            return
        last = Root.objects.order_by("-number").first()
        if last is None:
            self.stdout.write("There is no daily root yet: `jieli run` makes the first.")
            return
        roots = len({fault.name for fault in found if fault.name.startswith("root ")})
        self.stdout.write(
            f"{last.number} roots checked, {roots} not right; the last is of {last.day}."
        )


class Progress:
    """A line that counts, on a terminal only and not more often than anybody can read."""

    def __init__(self, command: BaseCommand, total: int) -> None:
        self._out, self._total = command.stderr, total
        self._shown = self._out.isatty()
        self._next = 0.0

    def __call__(self, done: int) -> None:
        if not self._shown or (time.monotonic() < self._next and done < self._total):
            return
        self._next = time.monotonic() + 0.2
        end = "\n" if done >= self._total else ""
        self._out.write(f"\r{done} of {self._total} chains", ending=end)
        self._out.flush()
