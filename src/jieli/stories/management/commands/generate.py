"""`jieli generate`: fill the database with an invented alliance of any size."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from jieli.cases.actions import renew_boards
from jieli.directory.models import Specialty
from jieli.keys.phase import sealing
from jieli.stories import rows
from jieli.stories.bulk import (
    COLUMNS,
    copy,
    drop_indexes,
    first_ids,
    set_sequences,
    trust_rows,
)
from jieli.stories.generator import Plan, Size, armed_clocks, case_rows, chunks, directory, utc


class Command(BaseCommand):
    help = "Generate hospitals, people and cases with true chains (for benches and trials)."

    def add_arguments(self, parser: CommandParser) -> None:
        standard = Size()
        for name in ("hospitals", "practitioners", "cases", "clocks", "seed"):
            parser.add_argument(f"--{name}", type=int, default=getattr(standard, name))
        parser.add_argument("--open", type=int, default=standard.open_cases, help="open cases")
        parser.add_argument("--due-in", type=int, default=standard.due_in, metavar="SECONDS")
        parser.add_argument("--due-per-second", type=int, default=standard.due_per_second)
        parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 4))

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        size = Size(
            hospitals=options["hospitals"],
            practitioners=options["practitioners"],
            cases=options["cases"],
            open_cases=min(options["open"], options["cases"]),
            clocks=options["clocks"],
            due_in=options["due_in"],
            due_per_second=max(options["due_per_second"], 1),
            seed=options["seed"],
        )
        rows.put_specialties()
        sealing()  # asked once, here: the workers share no connection with us
        given = _parameters()
        with psycopg.connect(**given, autocommit=True) as link:
            plan = self.people(link, size)
            self.say("people", began)
            again = drop_indexes(link, [t for t in COLUMNS if not t.startswith("directory_")])
            try:
                self.cases(plan, given, options["workers"])
                self.say("cases", began)
                self.clocks(link, plan)
            finally:
                for definition in again:
                    link.execute(definition.encode())
            set_sequences(link)
            self.say("indexes", began)
            link.execute("ANALYZE")
        renew_boards(datetime.now(UTC))
        self.say("all", began)

    def say(self, what: str, began: float) -> None:
        self.stdout.write(f"{what}: {time.monotonic() - began:.0f} s")

    def people(self, link: psycopg.Connection[Any], size: Size) -> Plan:
        specialties = tuple(Specialty.objects.order_by("order", "id").values_list("id", flat=True))
        empty = Plan(size, utc(datetime.now(UTC)), first_ids(link), specialties, (), ())
        if _is_there(link, size):
            raise CommandError(f"Data of seed {size.seed} is here already: choose another --seed.")
        try:
            tables, plan = directory(empty, rows.password_hash())
        except ValueError as fault:
            raise CommandError(str(fault)) from None
        with link.transaction():
            copy(link, tables)
        return plan

    def cases(self, plan: Plan, given: dict[str, Any], workers: int) -> None:
        parts = list(chunks(plan.size))
        shares = [parts[n::workers] for n in range(workers)]
        with ProcessPoolExecutor(workers) as pool:
            for done in [pool.submit(write_cases, plan, share, given) for share in shares]:
                done.result()

    def clocks(self, link: psycopg.Connection[Any], plan: Plan) -> None:
        trust_rows(link)
        for batch in armed_clocks(plan):
            copy(link, {"cases_clock": batch})


def write_cases(plan: Plan, share: list[range], given: dict[str, Any]) -> None:
    """One worker's chunks, one transaction each."""
    with psycopg.connect(**given, autocommit=True) as link:
        trust_rows(link)
        link.execute("SET synchronous_commit = off")
        for numbers in share:
            with link.transaction():
                copy(link, case_rows(plan, numbers))


def _is_there(link: psycopg.Connection[Any], size: Size) -> bool:
    row = link.execute(
        "SELECT 1 FROM directory_organisation WHERE code = %s", [f"gen{size.seed}-h0"]
    ).fetchone()
    return row is not None


def _parameters() -> dict[str, Any]:
    given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname", "sslmode", "sslrootcert")
    return {name: given[name] for name in names if given.get(name)}
