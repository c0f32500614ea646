"""A link between a browser and the house that a test may cut, and a proxy that buffers streams."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import Any

from tests.installation import Installation
from tests.journeys.people import House


class Link:
    """Carries bytes both ways; one answer per connection, so that each is seen from its head on."""

    def __init__(self, target: str, *, buffers: bool = False) -> None:
        host, port = target.removeprefix("http://").split(":")
        self._target = (host, int(port))
        self._buffers = buffers  # /live/ is held back until it is complete
        self.room: int | None = None  # bytes of uploads until the link breaks by itself
        self.carried = 0  # bytes of uploads
        self.held: list[str] = []  # what the proxy held back
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._started.wait(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serve = asyncio.start_server(self._carry, sock=self._socket)
        self._server = self._loop.run_until_complete(serve)
        self._started.set()
        self._loop.run_forever()

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._server.close)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.2), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._socket.close()

    def cut(self) -> None:
        """As when a telephone leaves the network: what is open breaks, nothing new gets through."""
        self._cut = True
        self._loop.call_soon_threadsafe(self._break)

    def mend(self) -> None:
        self._cut, self.room = False, None

    def _break(self) -> None:
        for writer in [*self._writers]:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        self._writers.add(writer)
        up: asyncio.StreamWriter | None = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            down, up = await asyncio.open_connection(*self._target)
            self._writers.add(up)
            line, _, rest = head.partition(b"\r\n")
            kept = [h for h in rest.split(b"\r\n") if not h.lower().startswith(b"connection:")]
            up.write(b"\r\n".join([line, b"Connection: close", *kept]))
            sending = asyncio.create_task(self._up(reader, up, counted=b"/uploads/" in line))
            await self._down(down, writer, line)
            sending.cancel()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for one in filter(None, (writer, up)):
                self._writers.discard(one)
                with contextlib.suppress(OSError):
                    one.close()

    async def _up(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        with contextlib.suppress(OSError):
            await self._pass(reader, writer, counted=counted)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        while data := await reader.read(16_384):
            if counted:
                self.carried += len(data)
                if self.room is not None and self.carried >= self.room:
                    self._cut = True
                    self._break()
                    return
            writer.write(data)
            await writer.drain()

    async def _down(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes
    ) -> None:
        if self._buffers and line.startswith(b"GET /live/"):
            self.held.append(line.decode())
            writer.write(await reader.read(-1))
        else:
            while data := await reader.read(16_384):
                writer.write(data)
                await writer.drain()
        await writer.drain()


@dataclass
class Through(House):
    """The same house, reached over a link."""

    place: Installation
    link: Any = None

    @property
    def url(self) -> str:
        return str(self.link.url)
