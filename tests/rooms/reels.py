"""A browser that records, without a browser: real films of Chromium, chunk by chunk."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.test import Client

from jieli.rooms.models import Seat
from tests.cases.world import minutes

FILMS = Path(__file__).resolve().parent / "films"
SECONDS = 2


def film(name: str = "vp8") -> list[bytes]:
    return [path.read_bytes() for path in sorted(FILMS.glob(f"{name}.*"))]


@dataclass
class Reel:
    """One run that a seat sends, from `minute` on."""

    client: Client
    seat: Seat
    minute: float = 5
    feed: str = "feed-1"
    source: str = "field"
    mime: str = "video/webm;codecs=vp8,opus"
    copy: bool = False
    chunks: Sequence[bytes] = field(default_factory=film)
    key: UUID = field(default_factory=uuid.uuid4)

    def _ms(self, seconds: float) -> int:
        began: datetime = minutes(self.minute)
        return round(began.timestamp() * 1000 + seconds * 1000)

    def announce(self, **change: str) -> Any:
        said = {
            "key": str(self.key), "feed": self.feed, "source": self.source, "mime": self.mime,
            "started": str(self._ms(0)), **({"copy": "1"} if self.copy else {}), **change,
        }  # fmt: skip
        return self.client.post(f"/rooms/seats/{self.seat.key}/recordings/", said)

    def put(self, number: int, content: bytes | None = None, **change: str) -> Any:
        content = self.chunks[number] if content is None else content
        previous = hashlib.sha256(self.chunks[number - 1]).hexdigest() if number else ""
        headers = {
            "Chunk-Sha256": hashlib.sha256(content).hexdigest(), "Chunk-Previous": previous,
            "Chunk-From": str(self._ms(number * SECONDS)),
            "Chunk-Until": str(self._ms((number + 1) * SECONDS)), **change,
        }  # fmt: skip
        path = f"/rooms/recordings/{self.key}/chunks/{number}/"
        kind = "application/octet-stream"
        return self.client.put(path, content, kind, headers=headers)

    def end(self, length: int | None = None) -> Any:
        said = {"length": str(len(self.chunks) if length is None else length)}
        return self.client.post(f"/rooms/recordings/{self.key}/", said)

    def held(self) -> Any:
        return self.client.get(f"/rooms/recordings/{self.key}/")

    def file(self, client: Client | None = None, **headers: str) -> Any:
        path = f"/rooms/recordings/{self.key}/file/"
        return (client or self.client).get(path, headers=headers)

    def send(self) -> None:
        """All of it, and its end."""
        assert self.announce().status_code == 200
        for number in range(len(self.chunks)):
            assert self.put(number).status_code == 201, number
        assert self.end().json() == {"missing": []}
