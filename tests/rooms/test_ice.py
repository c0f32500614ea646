"""What browsers are told of their way out: a relay's password ends by itself and is one seat's."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from uuid import UUID

import pytest

from jieli.rooms import ice

ROOM, SEAT = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)


@pytest.fixture
def relayed(settings):
    settings.STUN_URLS, settings.TURN_URLS = ["stun:x"], ["turns:x:443"]
    settings.TURN_SECRET = "north"


def test_nothing_is_told_where_nothing_is_set(settings):
    settings.STUN_URLS, settings.TURN_URLS, settings.TURN_SECRET = [], [], ""
    assert ice.servers(ROOM, SEAT, NOW) == []


def test_a_relay_without_its_secret_is_not_told(relayed, settings):
    settings.TURN_SECRET = ""
    assert ice.servers(ROOM, SEAT, NOW) == [{"urls": ["stun:x"]}]


def test_the_password_is_what_coturn_computes_from_the_name(relayed):
    """draft-uberti-behave-turn-rest: base64 of HMAC-SHA1 over `expiry:user`."""
    stun, turn = ice.servers(ROOM, SEAT, NOW)
    expiry, _, user = turn["username"].partition(":")
    assert int(expiry) == int(NOW.timestamp()) + 12 * 3600
    assert user == f"{ROOM}/{SEAT}"
    wanted = hmac.new(b"north", turn["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(turn["credential"]) == wanted
    assert stun == {"urls": ["stun:x"]}


def test_another_seat_has_another_password(relayed):
    other = ice.servers(ROOM, UUID(int=3), NOW)[1]
    assert other["credential"] != ice.servers(ROOM, SEAT, NOW)[1]["credential"]
