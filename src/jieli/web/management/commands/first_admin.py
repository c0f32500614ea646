"""`jieli first_admin`: the first hospital, and the person who may import everybody else."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from jieli.directory.models import Account, Organisation, Practitioner, Role
from jieli.rules.names import sort_key
from jieli.web.password import ask_password


class Command(BaseCommand):
    help = "Make the first administrator of a hospital; asks for the password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hospital-code", required=True)
        parser.add_argument("--hospital", required=True, help="its name")
        parser.add_argument("--tier", choices=Organisation.Tier.values, required=True)
        parser.add_argument("--number", required=True, help="staff number, also the sign-in name")
        parser.add_argument("--name", required=True)

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if Practitioner.objects.filter(number=options["number"]).exists():
            raise CommandError(f"There is somebody with number {options['number']} already.")
        site, _made = Organisation.objects.get_or_create(
            code=options["hospital_code"],
            defaults={
                "name": options["hospital"],
                "sort_key": sort_key(options["hospital"]),
                "tier": options["tier"],
            },
        )
        person = Practitioner.objects.create(
            number=options["number"],
            name=options["name"],
            sort_key=sort_key(options["name"]),
            account=Account.objects.create_account(options["number"], ask_password()),
        )
        for kind in (Role.Kind.ADMIN, Role.Kind.COORDINATOR):
            Role.objects.create(practitioner=person, organisation=site, kind=kind)
        self.stdout.write(f"{person.name} may sign in as {person.number}.")
