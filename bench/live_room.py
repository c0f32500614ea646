"""How old the picture is, and what a bad link leaves of voice and ink: two real browsers in a room.

Each picture carries the instant at which it was drawn as a code of large blocks; the far browser
reads it when the picture is shown. A bare page with one WebRTC connection stands beside it, on this
machine, in this run, before and after: ratios say what the room adds. Recording is off in the
first rows, since it takes half a processor here and the bare page does not record.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.report import Report, percentile, spread
from tests.chromium import chromium
from tests.faults.house import Cluster
from tests.installation import Installation
from tests.journeys.impairment import EDGE, LTE, TIGHT, Relay
from tests.journeys.people import House, until
from tests.journeys.rooms import Apart, InRoom, apart

SECONDS = 15
SETTLES = 6
DOCTOR, SPECIALTY = "KS-0401", "paediatric-surgery"
UNRECORDED = "delete window.MediaRecorder;"

SEND = """async () => {
    const wanted = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: true });
    const pc = (window.jlBare = new RTCPeerConnection());
    for (const track of stream.getTracks()) {
        const video = track.kind === "video";
        if (video) track.contentHint = "motion";
        const way = pc.addTransceiver(track, {
            direction: "sendonly", sendEncodings: [{ maxBitrate: video ? 2500000 : 32000 }],
        });
        if (!video) continue;
        const able = RTCRtpSender.getCapabilities("video").codecs;
        const rank = (one) => (/h264/i.test(one.mimeType) ? 0 : 1);
        way.setCodecPreferences([...able].sort((a, b) => rank(a) - rank(b)));
    }
    await pc.setLocalDescription();
    await new Promise((done) => {
        const look = () => pc.iceGatheringState === "complete" && done();
        pc.onicegatheringstatechange = look;
        look();
    });
    return pc.localDescription.toJSON();
}"""
TAKE = """async (offer) => {
    const pc = (window.jlBare = new RTCPeerConnection());
    pc.ontrack = ({ track }) => {
        const kind = track.kind === "video" ? "video" : "audio";
        const element = document.createElement(kind);
        element.autoplay = element.playsInline = true;
        element.muted = kind === "video";
        element.dataset.main = "";
        element.width = 960;
        element.srcObject = new MediaStream([track]);
        document.body.append(element);
        void element.play();
    };
    await pc.setRemoteDescription(offer);
    await pc.setLocalDescription();
    await new Promise((done) => {
        const look = () => pc.iceGatheringState === "complete" && done();
        pc.onicegatheringstatechange = look;
        look();
    });
    return pc.localDescription.toJSON();
}"""
WATCH = """() => {
    const video = document.querySelector("video[data-main]");
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const found = (window.jlAges = []);
    const read = () => {
        canvas.width = 52;
        canvas.height = 16;
        context.drawImage(video, 0, 0, video.videoWidth, video.videoHeight / 4, 0, 0, 52, 16);
        const pixels = context.getImageData(0, 0, 52, 16).data;
        let time = 0, sum = 0, check = 0x5a;
        for (let i = 0; i < 52; i++) {
            const at = ((Math.floor(i / 13) * 4 + 2) * 52 + (i % 13) * 4 + 2) * 4 + 1;
            const bit = pixels[at] > 128 ? 1 : 0;
            if (i < 44) time += bit * 2 ** i;
            else sum |= bit << (i - 44);
        }
        for (let rest = time; rest > 0; rest = Math.floor(rest / 256)) check ^= rest % 256;
        return (check & 255) === sum ? time : null;
    };
    const frame = (_now, { expectedDisplayTime }) => {
        const time = read();
        if (time) found.push(performance.timeOrigin + expectedDisplayTime - time);
        video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
}"""
AGES = "window.jlAges.splice(0)"


def live_room(options: argparse.Namespace) -> Report:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jieli.web.settings")
    report = Report(f"live room: {SECONDS} s each, 720p30, browser to browser")
    cluster = Cluster()
    try:
        with tempfile.TemporaryDirectory(prefix="jieli-bench-room-") as folder:
            _measured(report, cluster, Path(folder))
    finally:
        cluster.close()
    return report


def _measured(report: Report, cluster: Cluster, folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with cluster.connect("postgres") as link:
        link.execute('create database "room"')
    where = cluster.where
    database = {"host": where["HOST"], "port": where["PORT"], "user": "jieli", "dbname": "room"}
    place = Installation(folder, database, JIELI_DEMO="1", JIELI_ALLOWED_HOSTS="127.0.0.1")
    with closing(place), sync_playwright() as playwright:
        place.jieli("migrate", "--verbosity=0")
        place.jieli("demo", "--without-cases")
        place.serve()
        place.run()
        house = House(place)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        _on_a_lan(report, browser, house)
        _on_a_bad_link(report, browser, house)


def _on_a_lan(report: Report, browser: Any, house: House) -> None:
    first = _bare(browser, house)
    with apart(browser, house) as people:
        joined, room, ink = _room(people, house, before=UNRECORDED)
    second = _bare(browser, house)
    with apart(browser, house) as people:
        _joined, recorded, _ink = _room(people, house)
    bare = first + second
    report.fact("bare page, glass to glass", spread(bare))
    report.fact("room, glass to glass", spread(room))
    report.fact("room that records, glass to glass", spread(recorded))
    for share, name in ((0.5, "p50"), (0.95, "p95")):
        ratio = percentile(room, share) / percentile(bare, share)
        report.at_most(f"room / bare page, {name}", ratio, 1.1, "×")
    report.at_most("join to the first picture", joined, 2.0, "s")
    report.at_most("ink there and back, p50", percentile(ink, 0.5), 50, "ms", f" (n={len(ink)})")


def _bare(browser: Any, house: House) -> list[float]:
    with apart(browser, house) as people:
        one, other = people(DOCTOR), people(DOCTOR)
        for person in (one, other):
            person.page.goto("/healthz")
        answer = other.page.evaluate(TAKE, one.page.evaluate(SEND))
        one.page.evaluate("async (answer) => window.jlBare.setRemoteDescription(answer)", answer)
        return _ages(other)


def _ages(viewer: InRoom) -> list[float]:
    viewer.page.wait_for_timeout(SETTLES * 1000)
    viewer.page.evaluate(WATCH)
    viewer.page.wait_for_timeout(500)
    viewer.page.evaluate(AGES)
    viewer.page.wait_for_timeout(SECONDS * 1000)
    return list(viewer.page.evaluate(AGES))


def _seated(people: Apart, house: House, relay: Relay | None = None, **how: Any) -> Any:
    """Operator with the field, and an expert who only speaks; seconds until they see something."""
    case = house.raised(DOCTOR, specialty=SPECIALTY, problem=f"测 {time.time():.3f}")
    rings = house.door(DOCTOR).json(f"{case}export.json")["requests"][0]["rings"]
    number = rings[0]["person"]["number"]
    house.accepted(number, case)
    surgeon, expert = people(DOCTOR, **how), people(number, **how)
    if relay is not None:
        for one in (surgeon, expert):
            relay.on(one.page, lambda one=one: one.seat)
    surgeon.join(case, "operator", "field")
    expert.door(case, "expert")
    began = time.monotonic()
    expert.page.locator("[data-join] button.go").click()
    seen = "document.querySelector('[data-main]')?.videoWidth > 0 && !!window.jlRoom?.contacts.size"
    until(lambda: expert.page.evaluate(seen), 30, "no picture")
    took = time.monotonic() - began
    expert.page.evaluate("(() => { const f = window.jlRoom.feeds; f.hide(f.places[0].id); })()")
    return surgeon, expert, took


def _room(people: Apart, house: House, **how: Any) -> tuple[float, list[float], list[float]]:
    _surgeon, expert, took = _seated(people, house, **how)
    ages = _ages(expert)
    return took, ages, list(expert.ask("room.drawn"))


VOICE = "room.samples.map((one) => [one.concealed, one.voiced])[0]"


def _on_a_bad_link(report: Report, browser: Any, house: House) -> None:
    relay = Relay(LTE)
    try:
        with apart(browser, house) as people:
            surgeon, expert, _took = _seated(people, house, relay, before=UNRECORDED)
            until(lambda: surgeon.step == "full", 30, "not full on 4G")
            expert.page.wait_for_timeout(5000)
            start = expert.ask(VOICE)
            began = time.monotonic()
            relay.weather = EDGE
            until(lambda: surgeon.step in ("stills", "voice"), 30, "the picture is not given up")
            fell = time.monotonic() - began
            expert.page.wait_for_timeout(4000)
            calm = expert.ask(VOICE)
            expert.page.wait_for_timeout(15_000)
            end = expert.ask(VOICE)
            report.fact("4G to 2G: picture given up after", f"{fell:.1f} s")
            report.fact("voice invented while it falls", _share(start, calm))
            report.at_most("voice invented on 2G, from 4 s after", _part(calm, end) * 100, 1.0, "%")
            relay.weather = LTE
            began = time.monotonic()
            moving = ("full", "fewer_feeds", "lower_picture")
            until(lambda: surgeon.step in moving, 60, "no picture again")
            expert.sees("no picture again")
            report.fact("back on 4G: a picture again after", f"{time.monotonic() - began:.1f} s")
            until(lambda: surgeon.step == "full", 90, "not full again")
            report.fact("back on 4G: the full picture after", f"{time.monotonic() - began:.1f} s")
            relay.weather = TIGHT
            expert.page.wait_for_timeout(8000)
            expert.ask("room.drawn.splice(0)")
            expert.page.wait_for_timeout(SECONDS * 1000)
            ink = list(expert.ask("room.drawn"))
            report.at_most(
                "ink there and back at 1 Mbit/s, p50", percentile(ink, 0.5), 300, "ms",
                f" (n={len(ink)})",
            )  # fmt: skip
    finally:
        relay.close()


def _part(before: list[float], after: list[float]) -> float:
    return (after[0] - before[0]) / max(1, after[1] - before[1])


def _share(before: list[float], after: list[float]) -> str:
    return f"{_part(before, after) * 100:.1f} % of {(after[1] - before[1]) / 48_000:.0f} s"
