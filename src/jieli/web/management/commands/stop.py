"""`jieli stop`: stops the embedded database when no process of this installation uses it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from jieli.web import postgres


class Command(BaseCommand):
    help = "Stop the embedded PostgreSQL."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="even while others use it")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED_DATABASE:
            self.stdout.write("DATABASE_URL is set: there is no embedded database to stop.")
        elif postgres.stop(settings.JIELI_HOME, only_if_idle=not options["force"]):
            self.stdout.write("The embedded database has stopped.")
        else:
            self.stdout.write("The embedded database does not run, or is in use.")
