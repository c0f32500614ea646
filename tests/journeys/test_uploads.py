"""Large files over links that break, and a server that is killed meanwhile."""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.journeys.link import Link, Through
from tests.journeys.people import House, Who, until

pytestmark = pytest.mark.journey
LARGE = 40_000_000


def dicom(size: int) -> bytes:
    """Said to be one by its first bytes; no picture can be made of it, so it is only kept."""
    return bytes(128) + b"DICM" + random.Random(size).randbytes(size - 132)


@pytest.fixture
def link(house: House) -> Iterator[Link]:
    link = Link(house.url)
    yield link
    link.close()


@pytest.fixture
def doctor(house: House, link: Link, browser: Any) -> Iterator[Who]:
    who = Who(Through(house.place, link), browser, "SW-0802")
    yield who
    who.context.close()


@pytest.fixture
def case(house: House) -> str:
    return house.raised(
        "SW-0802", specialty="general-surgery", problem="外伤，CT 待传", urgency="U3"
    )


def documents(house: House, case: str) -> list[tuple[Any, ...]]:
    return house.place.sql(
        "select size, sha256, awaits, width, original_width, original_size from chart_document"
        " where case_key = %s",
        case.split("/")[2],
    )


def percent(page: Any) -> int:
    found = re.search(r"(\d+)%", page.locator(".ups").inner_text())
    return int(found[1]) if found else 0


def test_forty_megabytes_over_a_link_that_breaks_and_a_server_that_is_killed(
    house: House, link: Link, doctor: Who, case: str, tmp_path: Path
) -> None:
    scan = tmp_path / "ct.dcm"
    scan.write_bytes(dicom(LARGE))
    page = doctor.page
    page.goto(case)
    link.room = 11_000_000
    page.set_input_files("input[type=file]", str(scan))
    state = page.locator(".ups li").first
    expect(state).to_contain_text("未发送", timeout=60_000)
    stopped = percent(page)
    assert 20 <= stopped <= 30, stopped
    assert "40.0 MB" in state.inner_text()
    expect(state.locator("progress")).to_be_visible()

    link.room = None
    link.mend()
    until(lambda: page.wait_for_timeout(50) or percent(page) > 45, 60, "it did not go on")
    house.place.kill(house.place.processes[0])
    expect(state).to_contain_text("未发送", timeout=20_000)
    house.place.processes[0] = house.place.serve()
    house.place.processes.pop()
    expect(state).to_contain_text("已上传", timeout=90_000)

    [(size, sha256, *_rest)] = documents(house, case)
    assert size == LARGE
    assert sha256 == hashlib.sha256(scan.read_bytes()).hexdigest()
    # Twice a break, each costs one piece of at most 1 MiB, and not the file.
    assert link.carried < LARGE + 3 * 2**20, link.carried
    folder = house.place.home / "home" / "files" / "incoming"
    until(lambda: not list(folder.iterdir()), 5, "the pieces were left behind")


def test_after_a_reload_the_same_file_goes_on_where_it_stopped(
    house: House, link: Link, doctor: Who, case: str, tmp_path: Path
) -> None:
    scan = tmp_path / "mr.dcm"
    scan.write_bytes(dicom(9_000_000))
    page = doctor.page
    page.goto(case)
    link.room = 6_000_000
    page.set_input_files("input[type=file]", str(scan))
    expect(page.locator(".ups")).to_contain_text("未发送", timeout=30_000)
    link.room = None
    link.mend()
    before = link.carried
    page.goto(case)
    page.set_input_files("input[type=file]", str(scan))
    expect(page.locator(".ups")).to_contain_text("已上传", timeout=60_000)
    assert link.carried - before < 5_500_000
    assert len(documents(house, case)) == 1


def test_the_small_picture_comes_first_and_the_original_follows(
    house: House, link: Link, doctor: Who, case: str
) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((3200, 2400), Image.Resampling.NEAREST)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95)
    photo = {"name": "IMG_7.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}
    page = doctor.page
    page.goto(case)
    said: list[str] = []
    page.expose_function("jlSaid", lambda text: said.append(text))
    page.evaluate("""() => new MutationObserver(() =>
      jlSaid(document.querySelector(".ups").innerText)).observe(
        document.querySelector("jl-upload"), { childList: true, subtree: true })""")
    page.set_input_files("input[type=file]", [photo])
    expect(page.locator(".ups")).to_contain_text("原图也到了", timeout=60_000)
    small = next(n for n, text in enumerate(said) if "小图已上传" in text)
    assert any("原图" in text and "%" in text for text in said[small:])
    [(size, _sha, awaits, width, original_width, original_size)] = documents(house, case)
    assert (awaits, width, original_width) == ("", 1600, 3200)
    assert size < original_size
    page.locator(".film").first.click()
    expect(page.locator("main")).to_contain_text("3200 × 2400")


def test_the_page_shows_that_an_original_is_missing(
    house: House, link: Link, doctor: Who, case: str
) -> None:
    out = io.BytesIO()
    noise = np.frombuffer(os.urandom(2400 * 1800 * 3), dtype=np.uint8).reshape(1800, 2400, 3)
    Image.fromarray(noise).save(out, "JPEG", quality=92)
    photo = {"name": "IMG_8.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}
    page = doctor.page
    page.goto(case)
    page.set_input_files("input[type=file]", [photo])
    until(lambda: page.wait_for_timeout(20) or documents(house, case), 30, "no small picture")
    link.cut()
    expect(page.locator(".ups")).to_contain_text("未发送", timeout=20_000)
    assert documents(house, case)[0][2] != ""
    expect(page.locator(".ups")).to_contain_text("原图")
    link.mend()
    expect(page.locator(".ups")).to_contain_text("原图也到了", timeout=60_000)
    assert documents(house, case)[0][2] == ""
