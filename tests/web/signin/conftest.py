import pytest
from django.test import Client

from tests.directory import world as worlds
from tests.web.signin.people import PASSWORD


@pytest.fixture
def world(db):
    found = worlds.build()
    for person in (found.zhu, found.coordinator, found.admin, found.county_doctor, found.outsider):
        person.account.set_password(PASSWORD)
        person.account.save()
    return found


@pytest.fixture
def elsewhere():
    """A browser at another address, which never signed in here."""
    return Client(REMOTE_ADDR="203.0.113.9")
