"""`jieli approve`: named clinicians approve a version of clinical content for an alliance."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jieli.directory.models import Alliance, Approval
from jieli.guidance.queries.content import precheck
from jieli.missions.queries.content import checklist, pathways
from jieli.rules.clocks import VERSION


class Command(BaseCommand):
    help = "Record that named clinicians approve a version of clinical content, until a date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("alliance", help="code of the alliance")
        known = (VERSION, pathways().version, checklist().version, precheck().version)
        parser.add_argument("content", choices=known, help="the version that was approved")
        parser.add_argument("--by", required=True, help="names and offices of who approved")
        parser.add_argument("--on", required=True, type=date.fromisoformat, help="YYYY-MM-DD")
        parser.add_argument("--until", required=True, type=date.fromisoformat, help="YYYY-MM-DD")

    def handle(self, *args: Any, **options: Any) -> None:
        alliance = Alliance.objects.filter(code=options["alliance"]).first()
        if alliance is None:
            raise CommandError(f"There is no alliance {options['alliance']}.")
        if options["until"] <= options["on"]:
            raise CommandError("The approval must end after it begins.")
        Approval.objects.create(
            alliance=alliance,
            content=options["content"],
            by=options["by"],
            approved_on=options["on"],
            expires_on=options["until"],
        )
        self.stdout.write(f"{options['content']} is approved for {alliance.name}.")
