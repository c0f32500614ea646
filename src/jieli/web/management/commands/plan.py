"""`jieli plan`, for the list of `jieli help`: the command line itself goes there without Django."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jieli.web import plan


class Command(BaseCommand):
    help = "Rank the options of an instance file and explain; see docs/planner.md."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("instance", help="a JSON file, or - for standard input")

    def handle(self, *args: Any, instance: str, **options: Any) -> None:
        raise SystemExit(plan.main([instance]))
