"""媒体请求: what a page in a room may ask of the media server. A closed vocabulary; pure.

What a page says that it sends is checked against the description that would really send it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from jieli.rules.refusal import Refused
from jieli.rules.rooms import SHOW, SPEAK, may

VOICE = "voice"  # the name of the feed that a microphone is
AUDIO, VIDEO = "audio", "video"
SENT = 6  # pictures of one seat
TAKEN = 40  # pictures and voices that one page receives
OFF, LOW, MIDDLE, HIGH = -1, 0, 1, 2
LAYERS = (OFF, LOW, MIDDLE, HIGH)
UP, DOWN = "up", "down"
DESCRIPTION = 60_000  # characters
CANDIDATE = 600

NAME = re.compile(r"[A-Za-z0-9_-]{1,40}\Z")
Source: TypeAlias = tuple[str, str]  # seat, feed


@dataclass(frozen=True, slots=True)
class Enter:
    """Be told what there is; asked again, it says what is still held."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Send this; with a new generation on a new connection, which then takes over."""

    generation: int
    sdp: str
    feeds: Mapping[str, str]  # mid → feed


@dataclass(frozen=True, slots=True)
class Subscribe:
    """All that one wants to receive; what is not among it ends."""

    generation: int
    of: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    generation: int
    sdp: str


@dataclass(frozen=True, slots=True)
class Candidate:
    way: str
    generation: int
    candidate: Mapping[str, Any] | None  # None: there are no more


@dataclass(frozen=True, slots=True)
class Layers:
    """How large each picture comes to this page, or not at all."""

    of: tuple[tuple[Source, int], ...]


@dataclass(frozen=True, slots=True)
class Unpublish:
    pass


@dataclass(frozen=True, slots=True)
class Leave:
    pass


Request: TypeAlias = Enter | Publish | Subscribe | Answer | Candidate | Layers | Unpublish | Leave


def read(role: str, said: Mapping[str, Any]) -> Request:
    """The request, if it is one and this role may make it."""
    reader = READERS.get(str(said.get("do", "")))
    if reader is None:
        raise _unreadable()
    return reader(role, said)


def _unreadable() -> Refused:
    return Refused("This request to the media server cannot be read.")


def _publish(role: str, said: Mapping[str, Any]) -> Publish:
    sdp, mids = _description(said), said.get("mids")
    if not isinstance(mids, dict) or len(set(mids.values())) != len(mids):
        raise _unreadable()
    sections = sent_in(sdp)
    if set(sections) != set(mids) or not all(_is_name(feed) for feed in mids.values()):
        raise _unreadable()
    for mid, kind in sections.items():
        if (kind == AUDIO) != (mids[mid] == VOICE):
            raise _unreadable()
        if not may(role, SPEAK if kind == AUDIO else SHOW):
            raise Refused("Your role in this room does not allow that.")
    if list(sections.values()).count(VIDEO) > SENT:
        raise Refused("So many pictures cannot be sent at once.")
    return Publish(_generation(said), sdp, dict(mids))


def sent_in(sdp: str) -> dict[str, str]:
    """mid → audio or video, of everything that a description would send."""
    found: dict[str, str] = {}
    for section in re.split(r"^m=", sdp, flags=re.MULTILINE)[1:]:
        kind = section.partition(" ")[0]
        lines = section.splitlines()
        mid = next((line[6:].strip() for line in lines if line.startswith("a=mid:")), "")
        silent = any(line.strip() in ("a=inactive", "a=recvonly") for line in lines)
        if kind not in (AUDIO, VIDEO) or not _is_name(mid) or mid in found:
            raise _unreadable()
        if not silent:
            found[mid] = kind
    return found


def _subscribe(_role: str, said: Mapping[str, Any]) -> Subscribe:
    of = said.get("of")
    if not isinstance(of, list) or len(of) > TAKEN:
        raise _unreadable()
    return Subscribe(_generation(said), tuple(dict.fromkeys(_source(one) for one in of)))


def _answer(_role: str, said: Mapping[str, Any]) -> Answer:
    sdp = _description(said)
    if sent_in(sdp):
        raise _unreadable()  # on the way down nothing is sent
    return Answer(_generation(said), sdp)


def _candidate(_role: str, said: Mapping[str, Any]) -> Candidate:
    way, given = said.get("way"), said.get("c")
    if way not in (UP, DOWN) or not (given is None or isinstance(given, dict)):
        raise _unreadable()
    if given is None:
        return Candidate(way, _generation(said), None)
    text, mid = given.get("candidate"), given.get("sdpMid")
    index = given.get("sdpMLineIndex")
    if not isinstance(text, str) or len(text) > CANDIDATE or not _is_name(mid):
        raise _unreadable()
    kept = {"candidate": text, "sdpMid": mid, "sdpMLineIndex": index if _is_whole(index) else 0}
    return Candidate(way, _generation(said), kept)


def _layers(_role: str, said: Mapping[str, Any]) -> Layers:
    of = said.get("of")
    if not isinstance(of, list) or len(of) > TAKEN:
        raise _unreadable()
    found = []
    for one in of:
        if not isinstance(one, list) or len(one) != 3 or one[2] not in LAYERS:
            raise _unreadable()
        found.append((_source(one[:2]), int(one[2])))
    return Layers(tuple(found))


READERS: Mapping[str, Callable[[str, Mapping[str, Any]], Request]] = {
    "enter": lambda _role, _said: Enter(),
    "publish": _publish,
    "subscribe": _subscribe,
    "answer": _answer,
    "candidate": _candidate,
    "layers": _layers,
    "unpublish": lambda _role, _said: Unpublish(),
    "leave": lambda _role, _said: Leave(),
}


def _source(given: Any) -> Source:
    if not isinstance(given, list) or len(given) != 2 or not all(map(_is_name, given)):
        raise _unreadable()
    return given[0], given[1]


def _description(said: Mapping[str, Any]) -> str:
    sdp = said.get("sdp")
    if not isinstance(sdp, str) or not sdp.startswith("v=0") or len(sdp) > DESCRIPTION:
        raise _unreadable()
    return sdp


def _generation(said: Mapping[str, Any]) -> int:
    number = said.get("g", 0)
    if not _is_whole(number) or number > 1_000_000:
        raise _unreadable()
    return int(number)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and NAME.match(value) is not None
