"""`jieli account NUMBER`: let an imported person sign in, or give them a new password."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from jieli.directory import actions
from jieli.directory.models import Account, AccountEvent, Practitioner
from jieli.web.now import now
from jieli.web.password import ask_password

Kind = AccountEvent.Kind


class Command(BaseCommand):
    help = "Make or renew the account of a person; asks for the password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", help="staff number")

    @transaction.atomic
    def handle(self, *args: Any, number: str, **options: Any) -> None:
        person = Practitioner.objects.select_related("account").filter(number=number).first()
        if person is None:
            raise CommandError(f"There is nobody with number {number}.")
        password = ask_password()
        if person.account is None:
            person.account = Account.objects.create_account(number, password)
            person.save(update_fields=["account"])
        else:
            person.account.set_password(password)
            person.account.is_active = True  # also who left and came back
            person.account.save(update_fields=["password", "is_active"])
            actions.end_sessions(person.account)
        actions.note(Kind.RENEWED, person, by=None, now=now(), reason="jieli account")
        self.stdout.write(f"{person.name} may sign in as {person.account.login}.")
