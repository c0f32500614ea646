"""`jieli first-admin`: the first hospital, and the person who may import everybody else."""

from __future__ import annotations

from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from jieli.directory.models import Account, Organisation, Practitioner, Role
from jieli.rules.names import sort_key


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
            account=Account.objects.create_account(options["number"], self._password()),
        )
        for kind in (Role.Kind.ADMIN, Role.Kind.COORDINATOR):
            Role.objects.create(practitioner=person, organisation=site, kind=kind)
        self.stdout.write(f"{person.name} may sign in as {person.number}.")

    def _password(self) -> str:
        password = getpass("Password, at least 12 characters: ")
        try:
            validate_password(password)
        except ValidationError as fault:
            raise CommandError(" ".join(fault.messages)) from None
        if getpass("Once more: ") != password:
            raise CommandError("The two passwords differ. Nothing was made.")
        return password
