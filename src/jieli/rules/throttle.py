"""How often a secret may be guessed, and from where. An account as such is never locked.

A device that signed in before has a count of its own, so nobody elsewhere can use it up. Everybody
else is counted by address and name together, and by address. Passkeys and single sign-on hold no
secret that could be guessed here and are not counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

WINDOW = timedelta(minutes=5)
KEPT = timedelta(days=30)
ALARM = 20  # wrong passwords since the last sign-in, from which on a person is told


@dataclass(frozen=True, slots=True)
class Limit:
    most: int
    window: timedelta = WINDOW


LIMITS: Mapping[str, Limit] = {
    "device": Limit(10),
    "pair": Limit(5),
    "address": Limit(120),  # a whole hospital may stand behind one address
    # Six digits can be guessed from many addresses; whoever does so knows the password already.
    "everywhere": Limit(30, timedelta(hours=1)),
}


def buckets(*, device: str, name: str, address: str) -> dict[str, str]:
    """Which counts one try falls under: kind of bucket → what it counts.

    `name` says what is tried: `login:`, `code:` or `again:` and whose.
    """
    if device:
        return {"device": f"{device}|{name}"}
    place = network(address)
    counted = {"pair": f"{place}|{name}", "address": place}
    return counted | ({"everywhere": name} if name.startswith("code:") else {})


def network(address: str) -> str:
    """One subscriber: an IPv4 address, or the /64 that IPv6 hands out."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)
