"""One demo installation for all journeys: real web process, real runner, real Chromium.

Each journey works in a specialty or a hospital of its own, so that none disturbs another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from playwright.sync_api import expect

from tests.chromium import chromium
from tests.installation import Installation
from tests.journeys.people import House, Who

expect.set_options(timeout=10_000)  # for a machine that does other things besides
# Passkeys need a name, and localhost is a secure context; the last one is none for a browser:
# plain http, as on a hospital's own network.
HOSTS = "127.0.0.1,localhost,hospital.test"
CONNECTION = ("host", "port", "user", "password")


@pytest.fixture(scope="session")
def house(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The demo alliance without cases, served."""
    given = connection.settings_dict
    server = {name: given[name.upper()] for name in CONNECTION if given.get(name.upper())}
    name = f"journeys_{os.getpid()}"
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute(f'create database "{name}" template "{migrated}"')
    folder = tmp_path_factory.mktemp("journeys")
    place = Installation(
        folder, {**server, "dbname": name}, JIELI_DEMO="1", JIELI_ALLOWED_HOSTS=HOSTS
    )
    try:
        place.jieli("demo", "--without-cases")
        place.serve()
        place.run()
        yield House(place)
    finally:
        place.close()
        with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
            link.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def plain_browser(browser: Any) -> Iterator[Any]:
    """One that finds the house under another name."""
    flags = ["--no-sandbox", "--host-resolver-rules=MAP hospital.test 127.0.0.1"]
    kind = browser.browser_type
    plain = kind.launch(executable_path=chromium(), args=flags)
    yield plain
    plain.close()


@pytest.fixture
def person(house: House, browser: Any) -> Iterator[Callable[..., Who]]:
    """`person("SCH-0101", phone=True)`: somebody signed in, in a browser of their own."""
    people: list[Who] = []

    def sign_in(number: str, **how: Any) -> Who:
        who = Who(house, browser, number, **how)
        people.append(who)
        return who

    yield sign_in
    complaints = [text for who in people for text in who.complaints]
    for who in people:
        who.context.close()
    assert not complaints, "\n".join(complaints)
