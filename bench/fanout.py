"""One picture through the media server to many viewers: what it costs, on this very machine.

The viewers are connections of one Chromium that takes frames and decodes none; our own server's
side (jieli.rooms.janus) asks for them as for any page. Chromium's work is not counted, Janus's is.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import orjson
from playwright.async_api import Page, async_playwright

from bench.report import Report, load
from jieli.rooms.janus import Desk
from jieli.rules import rooms
from jieli.web.sfu import Sfu, SfuUnavailable

VIEWERS = 100
STEPS = (10, 40, VIEWERS)
RATE = 2  # Mbit/s of a full picture
WHOLE = 20  # pictures a second: the machine keeps up
SECONDS = 10
SETTLES = 6  # seconds until the encoder has found its rate
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
]
SCRIPT = """
window.ways = [];
window.frames = 0;
const gathered = (pc) => new Promise((done) => {
  pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && done();
  setTimeout(done, 300);
});
window.offer = async () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [1280, 720];
  const ink = canvas.getContext("2d");
  let n = 0;
  const noise = ink.createImageData(320, 180);
  setInterval(() => {
    n++;
    for (let i = 0; i < noise.data.length; i += 4)
      noise.data.set([(i * n) & 255, (i ^ n) & 255, n & 255, 255], i);
    ink.fillStyle = `hsl(${n % 360} 70% 50%)`;
    ink.fillRect(0, 0, 1280, 720);
    ink.putImageData(noise, (n * 7) % 960, 200);
  }, 33);
  const pc = (window.up = new RTCPeerConnection());
  const way = pc.addTransceiver(canvas.captureStream(30).getVideoTracks()[0], {
    direction: "sendonly", sendEncodings: [{ maxBitrate: 2000000 }],
  });
  const codecs = RTCRtpSender.getCapabilities("video").codecs;
  const first = (codec) => Number(codec.mimeType !== "video/H264");
  way.setCodecPreferences([...codecs].sort((a, b) => first(a) - first(b)));
  await pc.setLocalDescription();
  await gathered(pc);
  return pc.localDescription.sdp;
};
window.answered = (sdp) => window.up.setRemoteDescription({ type: "answer", sdp });
window.view = async (sdp) => {
  const pc = new RTCPeerConnection({ encodedInsertableStreams: true });
  pc.ontrack = ({ receiver }) => {
    const { readable } = receiver.createEncodedStreams();
    void readable.pipeTo(new WritableStream({ write() { window.frames++; } }));
  };
  window.ways.push(pc);
  await pc.setRemoteDescription({ type: "offer", sdp });
  await pc.setLocalDescription();
  await gathered(pc);
  return pc.localDescription.sdp;
};
window.received = async () => {
  let bytes = 0;
  let lost = 0;
  for (const pc of window.ways)
    (await pc.getStats()).forEach((row) => {
      if (row.type !== "inbound-rtp") return;
      bytes += row.bytesReceived;
      lost += row.packetsLost;
    });
  return [bytes, lost, window.frames];
};
"""


class Viewer:
    """A seat that our own server speaks for."""

    def __init__(self, room: Any, role: str) -> None:
        self.key, self.ended = str(uuid4()), 0
        self.seat = SimpleNamespace(room=SimpleNamespace(key=room), role=role)
        self.answers: dict[str, asyncio.Future[dict[str, Any]]] = {}

    def offer(self, text: str) -> None:
        said = orjson.loads(text)
        if future := self.answers.pop(str(said.get("id", "")), None):
            future.set_result(said)

    def end(self, code: int) -> None:
        self.ended = code

    async def ask(self, desk: Desk, **body: Any) -> dict[str, Any]:
        name = str(uuid4())
        future = self.answers[name] = asyncio.get_running_loop().create_future()
        desk.take(self, {"id": name, "d": body})
        said = await asyncio.wait_for(future, 20)
        if "error" in said:
            raise RuntimeError(said["error"])
        return dict(said["d"])


def measure(report: Report) -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    folder = Path(tempfile.mkdtemp(prefix="fanout"))
    sfu = Sfu(folder, ports="25000-26999")
    try:
        sfu.start()
        asyncio.run(_measured(report, sfu, chromium))
    except SfuUnavailable as fault:
        report.fact("not measured", str(fault))
    finally:
        sfu.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _measured(report: Report, sfu: Sfu, chromium: str | None) -> None:
    desk, room = Desk(sfu.url, sfu.secret), uuid4()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page()
        await page.evaluate(SCRIPT)
        source = Viewer(room, rooms.OPERATOR)
        asked = {"do": "publish", "g": 1, "sdp": await page.evaluate("offer()")}
        answer = await source.ask(desk, **asked, mids={"0": "f1"})
        await page.evaluate("sdp => answered(sdp)", answer["sdp"])
        await source.ask(desk, do="candidate", way="up", g=1, c=None)
        seated: list[Viewer] = []
        costs: dict[int, float] = {}
        for wanted in STEPS:
            while len(seated) < wanted:
                seated.append(await _seated(desk, page, room, source.key))
            if cost := await _step(report, sfu, page, wanted):
                costs[wanted] = cost
        # Where Chromium itself has no more room the pictures get worse: such a step says nothing.
        most = max(costs)
        share = costs[most] * VIEWERS * RATE
        report.at_most(
            f"core for {VIEWERS} viewers at {RATE} Mbit/s, as for {most}", share * 100, 100, "%"
        )
        desk.close()
        await browser.close()


async def _seated(desk: Desk, page: Page, room: Any, source: str) -> Viewer:
    viewer = Viewer(room, rooms.LEARNER)
    async with asyncio.timeout(20):
        while not (await viewer.ask(desk, do="enter"))["feeds"]:
            await asyncio.sleep(0.1)
    offer = await viewer.ask(desk, do="subscribe", g=1, of=[[source, "f1"]])
    answer = await page.evaluate("sdp => view(sdp)", offer["sdp"])
    await viewer.ask(desk, do="answer", g=1, sdp=answer)
    await viewer.ask(desk, do="candidate", way="down", g=1, c=None)
    return viewer


async def _step(report: Report, sfu: Sfu, page: Page, viewers: int) -> float | None:
    """Cores for one Mbit/s; None when this machine could not take the pictures."""
    await asyncio.sleep(SETTLES)
    spent, since = _seconds(sfu), time.monotonic()
    bytes_before, lost_before, frames_before = await page.evaluate("received()")
    await asyncio.sleep(SECONDS)
    bytes_after, lost_after, frames_after = await page.evaluate("received()")
    took = time.monotonic() - since
    core = (_seconds(sfu) - spent) / took
    mbit = (bytes_after - bytes_before) * 8 / took / 1e6
    fps = (frames_after - frames_before) / took / viewers
    report.fact(
        f"{viewers} viewers",
        f"{mbit:.0f} Mbit/s out ({mbit / viewers:.2f} and {fps:.0f} pictures/s each,"
        f" {lost_after - lost_before} packets lost); Janus {core:.0%} of a core,"
        f" {core / max(mbit, 1) * 100:.2f} % per Mbit/s; {load()}",
    )
    return core / mbit if fps > WHOLE and mbit > 1 else None


def _seconds(sfu: Sfu) -> float:
    """Of processor time that Janus has used."""
    assert sfu.process is not None
    numbers = Path(f"/proc/{sfu.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")
