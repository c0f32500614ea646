"""People in a video room: each in a Chromium of their own, with a camera made of a canvas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.chromium import chromium
from tests.journeys.people import House, Who, until

CAMERA = Path(__file__).with_name("camera.js").read_text(encoding="utf-8")
FLAGS = [
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    # Tests bind to loopback only, so browsers must reach each other there.
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]


class Apart:
    """Starts a browser process for each person."""

    def __init__(self, browser: Any, house: House) -> None:
        self.kind, self.house = browser.browser_type, house
        self.people: list[InRoom] = []
        self.browsers: list[Any] = []

    def __call__(self, number: str, **how: Any) -> InRoom:
        browser = self.kind.launch(executable_path=chromium(), args=FLAGS)
        self.browsers.append(browser)
        before = how.pop("before", "") + CAMERA
        person = InRoom(self.house, browser, number, before=before, **how)
        self.people.append(person)
        return person

    def close(self) -> None:
        for browser in self.browsers:
            browser.close()
        complaints = [text for one in self.people for text in one.complaints]
        assert not complaints, "\n".join(complaints)


@contextmanager
def apart(browser: Any, house: House) -> Iterator[Apart]:
    held = Apart(browser, house)
    try:
        yield held
    finally:
        held.close()


class InRoom(Who):
    """Somebody with a page in a room."""

    def door(self, case: str, role: str, source: str = "") -> None:
        self.page.goto(f"{case}room/")
        self.page.locator(f"label:has(input[name=role][value={role}])").click()
        if source:
            self.page.select_option("[data-door] [data-source]", source)
        if role != "learner":
            peek = "document.querySelector('[data-door] [data-peek]').videoWidth > 0"
            until(lambda: self.page.evaluate(peek), why="no picture at the door")

    def join(self, case: str, role: str, source: str = "") -> None:
        self.door(case, role, source)
        self.page.locator("[data-join] button.go").click()
        inside = "window.jlRoom?.welcome !== undefined"
        until(lambda: self.page.evaluate(inside), 10, f"{self.number} is not let in")

    def ask(self, script: str) -> Any:
        """A look at the page's own session, as `room`."""
        return self.page.evaluate(f"(() => {{ const room = window.jlRoom; return {script}; }})()")

    def until(self, script: str, seconds: float = 15) -> None:
        until(lambda: self.ask(script), seconds, f"{self.number}: {script}")

    @property
    def seat(self) -> str:
        return str(self.ask("room.me"))

    def decodes(self, video: str = "[data-main]") -> bool:
        """Whether pictures arrive now."""
        count = f"document.querySelector('{video}').getVideoPlaybackQuality().totalVideoFrames"
        before = self.page.evaluate(count)
        self.page.wait_for_timeout(400)
        return bool(self.page.evaluate(count) > before)

    def sees(self, why: str, video: str = "[data-main]") -> None:
        """Pictures arrive, sooner or later: a busy machine encodes slowly."""
        try:
            until(lambda: self.decodes(video), 40, why)
        except AssertionError:
            raise AssertionError(f"{why}: {self.page.evaluate(REPORT)}") from None

    def hears(self, other: InRoom) -> bool:
        """Sound energy at the far side."""
        return bool(self.ask(f"room.level('{other.seat}') > 0.01"))

    @property
    def step(self) -> str:
        """How far this page's sending has come down the ladder."""
        return str(self.ask("room.stepTo([...room.seats.keys()][0])"))

    def tool(self, name: str) -> None:
        self.page.locator(f"[data-tool={name}]").click()

    def draw(self, *points: tuple[float, float]) -> None:
        """With the mouse, in shares of the main picture's frame."""
        box = self.page.locator("[data-ink]").bounding_box()
        where = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(*where[0])
        self.page.mouse.down()
        for x, y in where[1:]:
            self.page.mouse.move(x, y, steps=6)
        self.page.mouse.up()

    def strokes(self) -> list[dict[str, Any]]:
        """What lies on the main picture here, in order."""
        return list(self.page.evaluate(STROKES))


REPORT = """(() => {
    const room = window.jlRoom;
    return JSON.stringify({
        online: room.online, seats: [...room.seats.keys()], contacts: [...room.contacts],
        pictures: [...room.pictures.values()].map((p) => [p.seat, p.source, p.mine, !!p.stream]),
        samples: room.samples,
        peers: [...room.engine.peers.values()].map((p) => [
            p.current.generation, p.current.pc.connectionState, p.current.pc.signalingState,
            p.current.pc.getTransceivers().map((t) => [t.mid, t.direction, t.currentDirection]),
        ]),
    });
})()"""
STROKES = """(() => {
    const room = window.jlRoom, now = room.line.now();
    return room.ordered().flatMap((one) => {
        const frame = room.ink.still(one.feed, now)?.id ?? "";
        return room.ink.on(one.feed, frame, now);
    }).map(({id, tool, p, n, seat}) => ({id, tool, p, n, seat}));
})()"""
