"""What clients sent and what they were told: the other side of the books."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field


@dataclass
class Write:
    """One thing that a person did once, however often their device sent it."""

    kind: str  # raise, accept, decline, opinion, acknowledge, note, read, document
    by: str
    path: str
    mark: str  # how its effect is found again
    key: str  # the idempotency key
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    status: int = 0  # 0: no answer yet
    location: str = ""
    tries: int = 0
    replayed: bool = False

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status < 400

    @property
    def refused(self) -> bool:
        return 400 <= self.status < 500

    @property
    def case(self) -> str:
        """The case that a page was led to."""
        parts = self.location.split("/")
        return parts[2] if len(parts) > 2 else ""


class Ledger:
    def __init__(self) -> None:
        self._writes: list[Write] = []
        self._guard = threading.Lock()

    def add(self, write: Write) -> Write:
        with self._guard:
            self._writes.append(write)
        return write

    def all(self) -> list[Write]:
        with self._guard:
            return list(self._writes)

    def acknowledged(self, kind: str = "") -> list[Write]:
        return [one for one in self.all() if one.acknowledged and kind in ("", one.kind)]

    def successes_after(self, instant: float) -> list[float]:
        """Seconds from an instant to each acknowledgement after it."""
        return sorted(one.ended - instant for one in self.all() if one.ended > instant)
