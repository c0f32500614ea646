"""`jieli seal`: seal numbers that an older version wrote, change the key, say what lies where."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from jieli.keys import phase, ring, upkeep
from jieli.keys.columns import (
    PLAIN,
    Column,
    Found,
    Store,
    begun_before,
    columns,
    key_in,
    look,
    seal_anew,
)
from jieli.keys.folder import KeyFault, folder
from jieli.keys.models import NumberKey
from jieli.record.numbers import EventNumbers

SETTLES = phase.ASK_AGAIN + 1  # seconds until every process knows of a new key or phase
ROUNDS = 5
SHOWN = 20


class Command(BaseCommand):
    help = (
        "Seal identity and telephone numbers that lie in plain text or under an older key. "
        "May be broken off and called again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        does = parser.add_mutually_exclusive_group()
        does.add_argument("--rotate", action="store_true", help="with a new key, all rows anew")
        does.add_argument("--check", action="store_true", help="count rows by key; exit 1 if bad")
        does.add_argument(
            "--vacuum",
            action="store_true",
            help="rewrite the tables, so that no old text stays on the disk; locks them meanwhile",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self.examine()
        elif options["vacuum"]:
            self.vacuum()
        else:
            self.seal(rotate=options["rotate"])

    # -- sealing

    def seal(self, *, rotate: bool) -> None:
        if not phase.sealing():
            phase.begin()
            self.stdout.write("From now on numbers are sealed as they are written.")
            time.sleep(SETTLES)
            phase.forget()
        key = self._key(rotate)
        upkeep.register()
        for _round in range(ROUNDS):
            if not self._round(key):
                break
        self._retire(key)

    def _key(self, rotate: bool) -> str:
        try:
            key = ring.make(only_first=True)
            if rotate and settings.NUMBER_KEYS:
                self.stdout.write("The first key of JIELI_NUMBER_KEYS is the new one.")
            elif key and rotate and begun_before(stores(), key.id):
                self.stdout.write(f"Going on with key {key.id}: some rows lie under an older one.")
            elif rotate:
                key = ring.make()
                time.sleep(SETTLES)
        except KeyFault as fault:
            raise CommandError(str(fault)) from None
        if key is None:
            raise CommandError(f"There is no key in {folder()}, and none can be made.")
        return key.id

    def _round(self, key: str) -> int:
        done = 0
        for store in stores():
            here = 0
            for count in seal_anew(store, key):
                here += count
                if here // 50_000 != (here - count) // 50_000:
                    self.stdout.write(f"{store.name}: {here} …")
            if here:
                self.stdout.write(f"{store.name}: {here} sealed with key {key}")
                analyse(store)
            done += here
        return done

    def _retire(self, key: str) -> None:
        """A key that nothing needs is taken from the list; its file stays, for older backups."""
        left = {one for store in stores() for one in keys_of(store, without=key)}
        for identity in NumberKey.objects.exclude(key_id=key).values_list("key_id", flat=True):
            if identity in left:
                continue
            NumberKey.objects.filter(key_id=identity).delete()
            file = ring.ring().files.get(identity, "it")
            self.stdout.write(
                f"Nothing needs key {identity} any more. Keep {file} as long as a backup of before."
            )
        bad = left - {PLAIN}
        if bad:
            self.stdout.write(f"Some rows cannot be opened (key {', '.join(sorted(bad))}).")
        self.stdout.write(f"All other numbers are sealed with key {key}." if bad else "All sealed.")

    # -- looking

    def examine(self) -> None:
        found = [look(store) for store in stores()]
        for one in found:
            self._say(one)
        for sentence in upkeep.notices():
            self.stdout.write(sentence)
        plain = phase.sealing() and any(one.by_key[PLAIN] for one in found)
        bad = any(one.unreadable or one.unfindable for one in found)
        if plain or bad or not phase.sealing():
            raise SystemExit(1)
        self.stdout.write("All sealed, all can be opened.")

    def _say(self, one: Found) -> None:
        counted = [f"{key} {count}" for key, count in sorted(one.by_key.items())]
        self.stdout.write(f"{one.name}: {', '.join(counted) or 'empty'}")
        for words, rows in (
            ("cannot be opened", one.unreadable),
            ("cannot be found by their number, run `jieli seal`", one.unfindable),
        ):
            if rows:
                more = " …" if len(rows) > SHOWN else ""
                named = ", ".join(map(str, rows[:SHOWN]))
                self.stdout.write(f"  {len(rows)} {words}: row {named}{more}")

    # -- the disk

    def vacuum(self) -> None:
        tables = {
            store.field.model._meta.db_table for store in stores() if isinstance(store, Column)
        }
        for table in sorted(tables | {"record_event"}):
            with connection.cursor() as cursor:
                cursor.execute(f'VACUUM FULL "{table}"')
            self.stdout.write(f"{table} is written anew.")


def analyse(store: Store) -> None:
    """PostgreSQL plans by what it counted last: before, no identifier had a mark."""
    if isinstance(store, Column):
        with connection.cursor() as cursor:
            cursor.execute(f'ANALYZE "{store.field.model._meta.db_table}"')


def stores() -> list[Store]:
    return [*columns(), EventNumbers()]


def keys_of(store: Store, *, without: str) -> set[str]:
    """Under which other keys something still lies."""
    found, after = set(), None
    while rows := store.rows(after, without=without):
        after = rows[-1].id
        found |= {seal for row in rows if (seal := key_in(row.stored)) != without}
    return found
