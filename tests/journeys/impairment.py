"""A link that gets worse without the kernel's help: a relay of datagrams between two browsers.

Its two sockets stand in the candidates that the browsers exchange, so all media and data pass here
and are delayed, throttled or dropped. Bound to loopback; one relay for each pair of browsers.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

HERE = "127.0.0.1"


@dataclass
class Weather:
    """Of one direction: kbit/s, ms of way, share lost, and ms that may queue before it drops."""

    kbps: float = 20_000
    delay: float = 5
    jitter: float = 1
    lost: float = 0.0
    queue: float = 400


GOOD = Weather()
LTE = Weather(kbps=8_000, delay=30, jitter=5, lost=0.002)
EDGE = Weather(kbps=120, delay=200, jitter=30, lost=0.02, queue=1500)  # 2G
TIGHT = Weather(kbps=1_000, delay=40, jitter=5)
GONE = Weather(kbps=20_000, lost=1.0)


class Leg(asyncio.DatagramProtocol):
    """What arrives at this socket was sent by one browser, and leaves by the other leg."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.last = 0.0
        self.way: tuple[str, str] = ("", "")  # all connections of one way share its room
        self.other: Leg
        self.transport: Any = None
        self.home: tuple[str, int] | None = None  # the browser that this socket stands for
        self.port = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, _sender: Any) -> None:
        weather, now = self.relay.weather, time.monotonic()
        if self.home is None or random.random() < weather.lost:
            return
        free = self.relay.free
        begins = max(now, free.get(self.way, 0.0))
        if (begins - now) * 1000 > weather.queue:
            return
        free[self.way] = begins + len(data) * 8 / (weather.kbps * 1000)
        due = free[self.way] + (weather.delay + random.uniform(0, weather.jitter)) / 1000
        due = self.last = max(due, self.last + 1e-5)  # a radio bearer keeps the order
        loop = asyncio.get_running_loop()
        loop.call_later(due - now, self.other.transport.sendto, data, self.home)


@dataclass
class Relay:
    """Stands between two seats; `weather` may be changed at any time."""

    weather: Weather = field(default_factory=Weather)

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._legs: dict[tuple[str, str, int], Leg] = {}
        self.free: dict[tuple[str, str], float] = {}  # when each way has sent what it holds

    def _leg(self, sender: str, to: str, generation: int) -> Leg:
        """The socket at which `to` reaches `sender`; a renewed connection has a pair of its own."""
        key = (sender, to, generation)
        if key not in self._legs:
            work = asyncio.run_coroutine_threadsafe(self._pair(), self._loop)
            one, other = work.result(5)
            one.way, other.way = (to, sender), (sender, to)
            self._legs[key], self._legs[to, sender, generation] = one, other
        return self._legs[key]

    async def _pair(self) -> tuple[Leg, Leg]:
        one, other = Leg(self), Leg(self)
        one.other, other.other = other, one
        loop = asyncio.get_running_loop()
        for leg in (one, other):
            await loop.create_datagram_endpoint(lambda leg=leg: leg, local_addr=(HERE, 0))
        return one, other

    def on(self, page: Any, seat: Any) -> None:
        """Rewrite what this page signals; `seat` is asked for its own seat when it is known."""

        def passed(socket: Any) -> None:
            server = socket.connect_to_server()
            socket.on_message(lambda text: server.send(self._rewritten(str(text), seat)))

        page.route_web_socket("**/rooms/line/", passed)

    def _rewritten(self, text: str, seat: Any) -> str:
        said = json.loads(text)
        if said.get("t") != "to":
            return text
        held, mine = said["d"], seat()
        if held.get("c"):
            if (
                line := self._candidate(held["c"]["candidate"], mine, said["to"], held["g"])
            ) is None:
                held["c"] = None
            else:
                held["c"]["candidate"] = line
        if held.get("d"):  # a description may hold candidates as well
            lines = held["d"]["sdp"].split("\r\n")
            held["d"]["sdp"] = "\r\n".join(x for x in lines if not x.startswith("a=candidate"))
        return json.dumps(said)

    def _candidate(self, line: str, mine: str, to: str, generation: int) -> str | None:
        words = line.split()
        if len(words) < 8 or words[2].lower() != "udp" or words[7] != "host" or words[4] != HERE:
            return None
        leg = self._leg(mine, to, generation)
        leg.home = (HERE, int(words[5]))
        words[5] = str(leg.port)
        return " ".join(words)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
