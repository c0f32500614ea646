"""Many open streams on one web process: how late news are, and what the streams cost."""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from asgiref.sync import sync_to_async
from django.db import connections

from bench.data import Place
from bench.processes import cookie_of, served
from bench.report import Report, percentile, spread
from jieli.directory.models import Practitioner
from jieli.live import actions, topics
from jieli.record.actions import action

LIMIT = 300  # ms, p95
AT_ONCE = 40  # streams that are being opened
ROUNDS, PAUSE = 40, 0.5  # changes that everybody hears, seconds between them
SINGLES = 10  # changes that one person hears, after each of those
QUIET = 20  # seconds without news: what re-checking everybody's rights costs

publish = action(actions.publish)


class Streams:
    """As many browsers as there are cookies, in one loop; each notes when it heard what."""

    def __init__(self, url: str, cookies: list[str]) -> None:
        parts = urlsplit(url)
        self.place = (parts.hostname or "", parts.port or 80)
        self.cookies = cookies
        self.heard: dict[str, list[float]] = defaultdict(list)  # verb -> moments
        self.opened = 0
        self.ended = 0
        self._door = asyncio.Semaphore(AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        self._tasks = [asyncio.create_task(self._listen(cookie)) for cookie in self.cookies]
        while self.opened + self.ended < len(self.cookies):
            await asyncio.sleep(0.05)

    async def _listen(self, cookie: str) -> None:
        async with self._door:
            reader, writer = await asyncio.open_connection(*self.place)
            writer.write(
                b"GET /live/?topic=me&topic=board HTTP/1.1\r\nHost: localhost\r\n"
                b"Cookie: sessionid=" + cookie.encode() + b"\r\n\r\n"
            )
            said = await reader.readuntil(b"event: beat")
            self.opened += said.startswith(b"HTTP/1.1 200")
        while data := await reader.read(65_536):
            at = time.time()
            for word in data.split(b'"verb": "')[1:]:
                self.heard[word.partition(b'"')[0].decode()].append(at)
        self.ended += 1

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()


def measure(place: Place, report: Report, options: argparse.Namespace) -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    people = list(
        Practitioner.objects.exclude(account=None).select_related("account")[: options.streams]
    )
    cookies = [cookie_of(person.account)["sessionid"] for person in people]
    with served(place) as url:
        asyncio.run(_measured(report, url, people, cookies))


async def _measured(
    report: Report, url: str, people: list[Practitioner], cookies: list[str]
) -> None:
    streams, process = Streams(url, cookies), Process(url)
    before = process.memory()
    began = time.monotonic()
    await streams.open()
    many = len(people)
    report.holds("streams open", f"{streams.opened:,}", streams.opened == many, f"{many:,}")
    report.fact("seconds to open them", f"{time.monotonic() - began:.1f}")
    report.fact("memory of one stream", f"{(process.memory() - before) / many:.0f} kB")
    spent, since = process.seconds(), time.monotonic()
    await asyncio.sleep(QUIET)
    share = (process.seconds() - spent) / (time.monotonic() - since)
    report.fact("processor while nothing happens", f"{share:.0%} of one")
    spent = process.seconds()
    told, pages = await _told(url, people, cookies[0])
    await asyncio.sleep(3)
    heard = sum(len(moments) for moments in streams.heard.values())
    report.fact("processor for one telling", f"{(process.seconds() - spent) / heard * 1e6:.0f} µs")
    _report(report, streams, told, many)
    report.fact("/rings/ of one of them meanwhile", spread(pages))
    report.holds("streams that ended", str(streams.ended), streams.ended == 0, "0")
    streams.close()


async def _told(
    url: str, people: list[Practitioner], cookie: str
) -> tuple[dict[str, float], list[float]]:
    """Verb -> the moment before its transaction began."""
    told: dict[str, float] = {}
    pages: list[float] = []
    tell = sync_to_async(publish, thread_sensitive=True)
    async with httpx.AsyncClient(cookies={"sessionid": cookie}, base_url=url) as client:
        for n in range(ROUNDS):
            told[f"all_{n}"] = time.time()
            await tell([topics.BOARD], None, f"all_{n}")
            for m in range(SINGLES):
                person = people[(n * SINGLES + m) * 7 % len(people)]
                told[f"one_{n}_{m}"] = time.time()
                await tell([topics.person(person.pk)], None, f"one_{n}_{m}")
                await asyncio.sleep(PAUSE / SINGLES)
            asked = time.perf_counter()
            await client.get("/rings/")
            pages.append((time.perf_counter() - asked) * 1000)
    await sync_to_async(connections.close_all)()
    return told, pages


def _report(report: Report, streams: Streams, told: dict[str, float], many: int) -> None:
    for name, what, wanted in (("all_", "everybody", many), ("one_", "one person", 1)):
        took = [
            (at - told[verb]) * 1000
            for verb, moments in streams.heard.items()
            if verb.startswith(name)
            for at in moments
        ]
        due = sum(wanted for verb in told if verb.startswith(name))
        report.at_most(
            f"a change for {what} p95", percentile(took, 0.95), LIMIT, "ms", f"; {spread(took)}"
        )
        lost = due - len(took)
        report.holds(f"changes for {what} never heard", f"{lost} of {due:,}", lost == 0, "0")


class Process:
    """The web process behind an address, as the system sees it."""

    def __init__(self, url: str) -> None:
        port = f"--port={urlsplit(url).port}"
        self.folder = next(
            folder
            for folder in Path("/proc").glob("[0-9]*")
            if port in _command(folder) and "serve" in _command(folder)
        )

    def memory(self) -> float:
        """Resident kilobytes."""
        lines = (self.folder / "status").read_text().splitlines()
        return float(next(line for line in lines if line.startswith("VmRSS")).split()[1])

    def seconds(self) -> float:
        """Of processor time so far."""
        numbers = (self.folder / "stat").read_text().rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def _command(folder: Path) -> list[Any]:
    try:
        return (folder / "cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []
