import pytest

from jieli.rules.throttle import LIMITS, buckets, network


def test_a_known_device_is_counted_alone():
    assert buckets(device="d1", name="login:e1", address="203.0.113.9") == {"device": "d1|login:e1"}


def test_a_stranger_is_counted_by_address_and_name():
    found = buckets(device="", name="login:e1", address="203.0.113.9")
    assert found == {"pair": "203.0.113.9|login:e1", "address": "203.0.113.9"}


def test_no_count_of_a_password_is_the_same_everywhere():
    """Else somebody elsewhere could use it up: that would be a lock."""
    one = buckets(device="", name="login:e1", address="203.0.113.9")
    other = buckets(device="", name="login:e1", address="198.51.100.7")
    assert not set(one.values()) & set(other.values())


def test_codes_are_counted_everywhere_too_but_not_on_a_known_device():
    assert buckets(device="", name="code:7", address="203.0.113.9")["everywhere"] == "code:7"
    assert "everywhere" not in buckets(device="d1", name="code:7", address="203.0.113.9")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", "unknown"),
        ("no address", "unknown"),
    ],
)
def test_one_subscriber_is_one_count(address, counted):
    assert network(address) == counted


def test_a_whole_hospital_behind_one_address_has_room():
    assert LIMITS["address"].most >= 10 * LIMITS["pair"].most
