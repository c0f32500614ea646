"""What a browser sends is collected before a thread is taken for it.

On a weak link a form takes seconds to arrive; sixteen of them would keep every thread waiting.
And a request that broke off never reaches a view: half a form would look like a whole one. Pieces
of files are meant to be used as far as they came.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]

COLLECTED = 2_200_000  # bytes: a piece of a file, or any form; larger ones are read as they come
ROOM = 64_000_000  # bytes of all that is being collected: beyond it a thread has to wait again
PIECE = b"application/octet-stream"
UNSENT = ("GET", "HEAD", "OPTIONS")


class BrokenOff(OSError):
    """The browser left in the middle of what it was sending."""


class Bodies:
    def __init__(self) -> None:
        self.held = 0

    @asynccontextmanager
    async def arrived(self, scope: Message, receive: Receive) -> AsyncIterator[Receive | None]:
        """A `receive` that waits for nobody; None when the browser left before all was there."""
        if scope["method"] in UNSENT:
            yield receive
            return
        found: list[Message] = []
        size = 0
        try:
            more = True
            while more and size <= COLLECTED and self.held <= ROOM:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                found.append(message)
                size += len(message.get("body", b""))
                self.held += len(message.get("body", b""))
                more = message.get("more_body", False)
            else:
                yield _again(found, receive, more=more)
                return
            yield _again([*found, END], receive, more=False) if _is_piece(scope) else None
        finally:
            self.held -= size


END: Message = {"type": "http.request", "body": b"", "more_body": False}


def _again(found: list[Message], receive: Receive, *, more: bool) -> Receive:
    async def again() -> Message:
        if found:
            return found.pop(0)
        message = await receive()
        if more and message["type"] == "http.disconnect":
            raise BrokenOff
        return message

    return again


def _is_piece(scope: Message) -> bool:
    return any(name == b"content-type" and value == PIECE for name, value in scope["headers"])
