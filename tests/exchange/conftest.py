import pytest

from tests.directory import world as worlds


@pytest.fixture
def world(db):
    return worlds.build()
