"""What a transport gets and gives: one letter in, a result or an error out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for one channel. It names no patient."""

    id: str  # the same on every try, so that the other side acts once
    attempt: str  # under which the other side reports back
    practitioner: int
    address: str
    rings: bool  # a voice call, not a text
    manner: str
    title: str
    text: str
    link: str
    at: datetime
    loopback: bool = False  # the pager tries itself: to our own receiver instead of the way out


@dataclass(frozen=True, slots=True)
class Result:
    ringing: bool = False  # the transport says that it rings already


class TransportError(Exception):
    """Why it could not be sent, in a sentence for the person who waits. No address, no patient."""

    def __init__(self, text: str, *, permanent: bool = False) -> None:
        self.permanent = permanent  # trying this channel again is of no use
        super().__init__(text[:300])


class Transport(Protocol):
    def __call__(self, letter: Letter, *, timeout: float) -> Result: ...


class Knock(Protocol):
    def __call__(self, *, timeout: float) -> None: ...
