"""A recording survives its browser: killed, offline, or full; the rest comes at the next visit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.booth import Booth, built
from tests.journeys.people import House, until

pytestmark = pytest.mark.journey
DOCTOR = "SW-0802"


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("booth"))


@pytest.fixture(scope="module")
def case(house: House) -> str:
    return house.raised(DOCTOR, specialty="paediatric-surgery", problem="录像用：肠套叠")


@pytest.fixture
def booth(
    house: House, case: str, script: Path, browser: Any, tmp_path: Path
) -> Iterator[Callable[[], Booth]]:
    made: list[Booth] = []

    def make() -> Booth:
        one = Booth(_Playwright(browser), house, DOCTOR, case, tmp_path / "profile", script)
        made.append(one)
        return one

    yield make
    for one in made:
        one.kill()
    assert not [text for one in made for text in one.complaints]


class _Playwright:
    """What a booth asks of Playwright, from the browser that all tests share."""

    def __init__(self, browser: Any) -> None:
        self.chromium = browser.browser_type


def settled(booth: Booth) -> Callable[[], bool]:
    return lambda: bool(booth.runs()) and all(n == length for _key, n, length in booth.runs())


def test_what_was_recorded_before_a_kill_comes_at_the_next_visit(
    booth: Callable[[], Booth], house: House, case: str
) -> None:
    one = booth()
    one.open()
    one.join()
    one.begin()
    one.page.evaluate("recorder.voice('me', tone())")
    one.show()
    until(lambda: len(one.chunks()) >= 2, 20, "nothing arrives")
    one.page.evaluate("window.pace = 'stop'")  # the link is red: it records and does not send
    until(lambda: sum(len(names) for names in one.local().values()) >= 2, 20)
    before = len(one.chunks())
    assert one.state["behind"] >= 2
    died = one.kill()

    page = one.open(case)  # any page: not the room's own
    bar = page.locator(".recbar")
    bar.wait_for(state="visible")
    until(lambda: len(one.chunks()) > before and settled(one)(), 30, "the rest does not come")
    until(lambda: one.local() == {}, 20, "what the server has is still kept here")
    assert "录像" in bar.inner_text()
    chunks = one.chunks()
    assert died - chunks[-1][3] < 3.5  # the chunk that was being recorded
    for earlier, later in pairwise(chunks):
        if earlier[0] == later[0]:
            assert later[1] == earlier[1] + 1
            assert abs(later[2] - earlier[3]) < 0.01

    plays(page, [key for key, *_ in one.runs()][-1])
    complete(house, case)


def plays(page: Any, run: str, shortest: float = 3.0) -> None:
    """It can be opened, says how long it is, and shows a picture anywhere in it."""
    page.goto("/teaching/clips/")  # a page of ours, with its policy
    found = page.evaluate(
        """async (address) => {
          const video = document.createElement("video");
          video.muted = true;
          video.src = address;
          document.body.append(video);
          await new Promise((done, failed) => {
            video.onloadeddata = done;
            video.onerror = () => failed(new Error(video.error.message));
          });
          const places = [];
          for (const share of [0.9, 0.1, 0.5]) {
            video.currentTime = video.duration * share;
            await new Promise((done) => (video.onseeked = done));
            places.push([video.duration * share, video.currentTime, video.readyState]);
          }
          return { duration: video.duration, width: video.videoWidth, places };
        }""",
        f"/rooms/recordings/{run}/file/",
    )
    assert shortest < found["duration"] < 120
    assert found["width"] == 320
    for wanted, at, ready in found["places"]:
        assert abs(wanted - at) < 0.2
        assert ready >= 2


def complete(house: House, case: str) -> None:
    """The chain of the case gets the heads, and the record holds."""
    key = case.split("/")[2]
    statement = """select count(*) from rooms_recording r join rooms_room m on m.id = r.room_id
                    where m.case_key = %s and r.kept_at is null"""
    until(lambda: house.place.sql(statement, key) == [(0,)], 40, "not on record")
    assert "0 broken" in house.place.jieli("verify", "--recordings")


def test_a_camera_that_is_replaced_is_a_new_run_of_the_same_feed(
    booth: Callable[[], Booth],
) -> None:
    one = booth()
    one.open()
    one.join()
    one.begin()
    one.show("scope", "endoscope")
    until(lambda: len(one.chunks()) >= 1, 20)
    one.page.evaluate("shown.stop(); shown.dispatchEvent(new Event('ended'))")  # pulled out
    until(settled(one), 20, "the first run does not end")
    one.show("scope", "endoscope")
    until(lambda: len(one.runs()) == 2 and one.runs()[1][1] >= 1, 20)
    one.page.evaluate("recorder.close()")
    until(settled(one), 20)
    [[feeds]] = one.house.place.sql(
        """select count(distinct r.feed) from rooms_recording r
             join rooms_seat s on s.id = r.seat_id where s.key = %s""", one.seat
    )  # fmt: skip
    assert feeds == 1


def test_runs_are_short_and_overlap(booth: Callable[[], Booth]) -> None:
    one = booth()
    one.open()
    one.join()
    one.begin(runFor=4000)
    one.show()
    until(lambda: len(one.runs()) >= 3, 30)
    one.page.evaluate("recorder.close()")
    until(settled(one), 20)
    ends: dict[str, list[float]] = {}
    for key, _n, begins, stops in one.chunks():
        span = ends.setdefault(key, [begins, stops])
        span[1] = stops
    spans = list(ends.values())
    for earlier, later in pairwise(spans):
        assert later[0] <= earlier[1] + 0.05, "a gap between two runs"


def test_a_full_server_leaves_it_in_the_browser(booth: Callable[[], Booth]) -> None:
    one = booth()
    one.open()
    one.join()
    one.context.route("**/chunks/**", lambda route: route.fulfill(status=507, body="full"))
    one.begin()
    one.show()
    until(lambda: one.state["place"] == "browser", 20)
    until(lambda: sum(map(len, one.local().values())) >= 3, 20)
    assert not one.chunks()
    one.kill()
    one.open("/me/")
    until(lambda: len(one.chunks()) >= 3 and settled(one)(), 30)


def test_a_full_browser_sends_what_it_cannot_keep(booth: Callable[[], Booth]) -> None:
    one = booth()
    page = one.open()
    one.join()
    quota = one.context.new_cdp_session(page)
    quota.send("Storage.overrideQuotaForOrigin", {"origin": one.house.url, "quotaSize": 1})
    one.begin()
    one.show()
    until(lambda: len(one.chunks()) >= 3, 30, "nothing arrives without room in the browser")
    assert one.state["place"] == "server"
    page.evaluate("recorder.close()")
    until(settled(one), 20)


def test_somebody_else_does_not_send_it_and_reads_whose_turn_it_is(
    booth: Callable[[], Booth],
) -> None:
    one = booth()
    one.open()
    one.join()
    one.begin()
    one.page.evaluate("window.pace = 'stop'")
    one.show()
    until(lambda: sum(map(len, one.local().values())) >= 2, 20)
    one.kill()
    one.number = "SCH-0001"
    one.open()
    one._sign_in()
    page = one.page
    page.goto("/me/")
    page.locator(".recbar").wait_for(state="visible")
    assert "别人" in page.locator(".recbar").inner_text()
    page.wait_for_timeout(2500)
    assert not one.chunks()


def test_the_time_line_is_played_by_hand_and_by_key(
    booth: Callable[[], Booth], house: House, browser: Any
) -> None:
    """Two runs with a gap, a stroke on the picture, a chapter for what was frozen."""
    one = booth()
    one.case = house.raised(DOCTOR, specialty="paediatric-surgery", problem="录像回放")
    one.open()
    one.join()
    one.begin()
    for _ in range(2):
        one.show()
        had = len(one.runs())
        until(lambda had=had: len(one.runs()) > had and one.runs()[-1][1] >= 2, 20)
        one.page.evaluate("recorder.stop('field-1')")
        until(settled(one), 20)
        time.sleep(3)
    runs = one.runs()
    chunks = one.chunks()
    drawn_at = chunks[0][2] + 2
    stroke(one, drawn_at)

    page = one.page
    page.goto(f"{one.case}recordings/")
    page.locator("jl-playback[data-ready]").wait_for()
    assert page.locator(".reel .have").count() == 2
    assert "空缺" in page.content()
    page.locator('[data-act="play"]').click()
    playing = "document.querySelector('jl-playback video').currentTime"
    until(lambda: page.evaluate(playing) > 0.5, 10, "it does not play")
    page.keyboard.press("k")
    assert page.evaluate("document.querySelector('jl-playback video').paused")

    seek = "at => document.querySelector('jl-playback').seek(at)"
    page.evaluate(seek, (drawn_at + 0.5) * 1000)
    until(lambda: ink(page) > 20, 10, "the stroke is not drawn")
    page.evaluate(seek, (drawn_at - 1.5) * 1000)
    until(lambda: ink(page) == 0, 10, "it is drawn before it was")

    end_of_first = max(stops for key, _n, _b, stops in chunks if key == runs[0][0])
    page.evaluate(seek, (end_of_first + 1) * 1000)
    assert page.locator(".hole").is_visible()
    page.keyboard.press("Space")  # it goes on through the gap, and says so until there is a picture
    until(lambda: not page.locator(".hole").is_visible(), 15, "it stays in the gap")
    source = page.evaluate("document.querySelector('jl-playback video').src")
    assert runs[1][0] in source
    page.keyboard.press("k")
    before = page.locator("[data-time]").inner_text()
    page.locator("[data-reel]").focus()
    page.keyboard.press("Home")
    assert page.locator("[data-time]").inner_text() < before
    page.locator('[data-act="cut-begin"]').click()
    assert page.locator("input[name=begin]").input_value() != ""


def ink(page: Any) -> int:
    """Points of the canvas over the picture that are not clear."""
    return int(
        page.evaluate(
            """() => {
              const canvas = document.querySelector("jl-playback canvas");
              if (!canvas.width) return 0;
              const context = canvas.getContext("2d");
              const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
              let found = 0;
              for (let i = 3; i < data.length; i += 4) found += data[i] > 0;
              return found;
            }"""
        )
    )


def stroke(one: Booth, at: float) -> None:
    """A line of the room's log, as if it had been drawn at that instant."""
    data = '{"tool": "pen", "p": [2000, 2000, 5000, 6000, 8000, 3000], "frame": "", "ms": 0}'
    one.house.place.sql(
        """insert into rooms_logline (room_id, number, ref, seat_id, kind, feed, at, data, hash)
           select room_id, 1, gen_random_uuid(), id, 'stroke', 'field-1', to_timestamp(%s),
                  %s::jsonb, '' from rooms_seat where key = %s""",
        at,
        data,
        one.seat,
    )
