"""One public port: /live/ and /rooms/line/ are asynchronous, all else is Django in threads.

Django's own ASGI handler costs about twice the processor for synchronous views.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jieli.web.settings")

from a2wsgi import WSGIMiddleware
from django.conf import settings

from jieli.web.wsgi import application as pages  # sets Django up: before everything below

# isort: split
from jieli.live.hub import Hub
from jieli.live.relay import direct_parameters
from jieli.live.views import Stream
from jieli.rooms.socket import Lines
from jieli.web.bodies import Bodies
from jieli.web.live_access import allowed_topics, is_ours, who
from jieli.web.now import keep_time, measure, now
from jieli.web.watchman import Watchman

if TYPE_CHECKING:
    from a2wsgi.wsgi_typing import WSGIApp

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Application:
    def __init__(self) -> None:
        self.pages = WSGIMiddleware(cast("WSGIApp", pages), workers=settings.WEB_THREADS)
        self.bodies = Bodies()
        self.stream = Stream(Hub(direct_parameters), allowed_topics, now)
        self.lines = Lines(direct_parameters, who, now, is_ours)
        self.watchman = Watchman(now, measure, lambda: self.stream.hub.listeners)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live_and_die(receive, send)
        elif scope["type"] == "http" and scope["path"] == "/live/":
            await self.stream(scope, receive, send)
        elif scope["type"] == "http":
            await self._page(scope, receive, send)
        elif scope["type"] == "websocket" and scope["path"] == "/rooms/line/":
            await self.lines(scope, receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _page(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        async with self.bodies.arrived(scope, receive) as body:
            if body is not None:
                await self.pages(scope, body, send)  # type: ignore[arg-type]

    async def _live_and_die(self, receive: Receive, send: Send) -> None:
        await receive()
        keep_time()
        self._end_streams_on_signals()
        _end_with_the_parent()
        self.watchman.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.get_running_loop().run_in_executor(None, self.watchman.stop)
        await send({"type": "lifespan.shutdown.complete"})

    def _end_streams_on_signals(self) -> None:
        """Streams never end by themselves: without this a stop would wait for its time limit."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            server = signal.getsignal(number)

            def end(received: int, frame: Any, server: Any = server) -> None:
                loop.call_soon_threadsafe(self.stream.hub.close)
                loop.call_soon_threadsafe(self.lines.close)
                if callable(server):
                    server(received, frame)

            signal.signal(number, end)


def _end_with_the_parent() -> None:
    """A worker whose `serve` was killed would go on, unseen, and keep the port."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="web-parent", daemon=True).start()


application = Application()
