"""Real processes: a runner that dies is noticed and told by the web process, once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.installation import Installation

pytestmark = pytest.mark.slow


class Exchange:
    """A telephone gateway on the loop-back, with an echo number and a duty engineer."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        exchange = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                exchange.calls.append(json.loads(body))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'{"accepted": true, "ringing": true}')

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def told(self, number: str) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["to"] == number]


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    made = Exchange()
    yield made
    made.server.shutdown()
    made.server.server_close()


def until(condition: Callable[[], Any], seconds: float, why: str) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, why
        time.sleep(0.2)
    return found


def test_from_row_to_stream_then_the_runner_dies(
    installation: Installation, exchange: Exchange
) -> None:
    installation.environment |= {
        "JIELI_GATEWAY_URL": exchange.url,
        "JIELI_PROBE_TELEPHONE": "+8600000000",
        "JIELI_ALARM_TO": "+8613900000001",
    }
    installation.serve()
    runner = installation.run()

    def arrived(transport: str) -> bool:
        [[count]] = installation.sql(
            "SELECT count(*) FROM pager_probe WHERE transport = %s AND arrived_at IS NOT NULL"
            " AND error = ''",
            transport,
        )
        return bool(count)

    for transport in ("in_app", "voice", "sms", "clock"):
        until(lambda t=transport: arrived(t), 75, f"no test ring arrived: {transport}")
    assert exchange.told("+8600000000")
    said = httpx.get(f"{installation.url}/metrics").text
    assert 'jieli_processes{kind="runner"} 1.0' in said
    assert 'jieli_processes{kind="web"} 1.0' in said
    assert exchange.told("+8613900000001") == [], "all is well and nobody is called"
    installation.jieli("watch")  # ends with 0

    installation.kill(runner)
    until(lambda: exchange.told("+8613900000001"), 60, installation.log("serve"))
    noted = "SELECT cause, told FROM pager_illness WHERE grade = 'ill' AND told <> ''"
    until(lambda: installation.sql(noted), 10, "who was told is not written down")
    assert installation.sql(noted) == [("runner", "gateway 1")]
    time.sleep(6)
    assert len(exchange.told("+8613900000001")) == 1, "once"

    installation.run()
    until(
        lambda: installation.sql("SELECT 1 FROM pager_illness WHERE well_since IS NOT NULL"),
        30, "it is well again and nobody saw it",
    )  # fmt: skip


def test_a_stopped_runner_says_so(installation: Installation) -> None:
    runner = installation.run()
    until(lambda: installation.sql("SELECT 1 FROM pager_heartbeat"), 20, installation.log("run"))
    runner.terminate()
    runner.wait(20)
    [[ended]] = installation.sql("SELECT ended_at FROM pager_heartbeat")
    assert ended is not None
    with pytest.raises(AssertionError, match="No runner works"):
        installation.jieli("watch")


def test_workers_of_one_serve_count_requests_together(installation: Installation) -> None:
    installation.serve(workers=2)
    for _ in range(30):
        httpx.get(f"{installation.url}/healthz")  # a new connection each: either worker
    said = httpx.get(f"{installation.url}/metrics").text
    [line] = [
        line for line in said.splitlines()
        if line.startswith("jieli_request_seconds_count") and 'page="healthz"' in line
    ]  # fmt: skip
    assert float(line.rpartition(" ")[2]) >= 30
    assert 'jieli_processes{kind="web"} 2.0' in said
