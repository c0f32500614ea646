"""`jieli watch`: is the pager well? From outside, by hand or once a minute by cron or systemd."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from django.utils import translation

from jieli.pager import actions
from jieli.pager.actions import alarming
from jieli.pager.queries.words import sentence
from jieli.rules.watching import ILL
from jieli.web.now import now


class Command(BaseCommand):
    help = "Say what is ill in the pager; exit 1 when something is. --tell: tell people, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tell", action="store_true", help="also tell, as a web process does")

    def handle(self, *args: Any, tell: bool = False, **options: Any) -> None:
        try:
            found = actions.watch(now())
            if tell:
                actions.tell(now())
        except DatabaseError:
            self.stdout.write("ill: the database cannot be reached")
            if tell:  # nothing remembers that it was told: each call tells
                alarming.tell_without_database("database", over=False, now=now())
            raise SystemExit(1) from None
        with translation.override("en"):
            for finding in found:
                words = sentence(finding.cause, finding.grade, finding.detail)
                self.stdout.write(f"{finding.grade}: {words}")
        if any(finding.grade == ILL for finding in found):
            raise SystemExit(1)
        self.stdout.write("The pager is well.")
