"""What a page may ask of the media server, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from jieli.rules import media, rooms
from jieli.rules.refusal import Refused


def sdp(*sections: tuple[str, str, str]) -> str:
    """(kind, mid, direction) of each section."""
    made = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    for kind, mid, way in sections:
        made += [f"m={kind} 9 UDP/TLS/RTP/SAVPF 96", f"a=mid:{mid}"]
        made += [f"a={way}"] if way else []
    return "\r\n".join(made) + "\r\n"


VOICE, PICTURE = ("audio", "0", "sendonly"), ("video", "1", "sendonly")
NOT_YOURS = "Your role in this room does not allow that."
UNREADABLE = "This request to the media server cannot be read."
WHOLE = {"do": "publish", "sdp": sdp(VOICE, PICTURE), "mids": {"0": "voice", "1": "f1"}}


@pytest.mark.parametrize("role", rooms.ROLES)
def test_who_may_send(role: str) -> None:
    if rooms.may(role, rooms.SHOW) and rooms.may(role, rooms.SPEAK):
        asked = media.read(role, WHOLE)
        assert asked == media.Publish(0, WHOLE["sdp"], {"0": "voice", "1": "f1"})
        return
    with pytest.raises(Refused, match=NOT_YOURS):
        media.read(role, WHOLE)


@pytest.mark.parametrize(
    ("sections", "mids", "why"),
    [
        # More is sent than is said, or something else.
        ([VOICE, PICTURE], {"0": "voice"}, UNREADABLE),
        ([VOICE], {"0": "voice", "1": "f1"}, UNREADABLE),
        ([VOICE], {"0": "f1"}, UNREADABLE),
        ([PICTURE], {"1": "voice"}, UNREADABLE),
        ([PICTURE, ("video", "2", "")], {"1": "f1"}, UNREADABLE),  # without a word it sends
        ([("application", "0", "sendrecv")], {"0": "f1"}, UNREADABLE),
        ([PICTURE, ("video", "1", "sendonly")], {"1": "f1"}, UNREADABLE),
        ([PICTURE, ("video", "2", "sendonly")], {"1": "f1", "2": "f1"}, UNREADABLE),
        ([PICTURE], {"1": "a b"}, UNREADABLE),
        ([PICTURE], {"1": 7}, UNREADABLE),
        ([PICTURE], ["f1"], UNREADABLE),
        (
            [("video", str(n), "sendonly") for n in range(7)],
            {str(n): f"f{n}" for n in range(7)},
            "So many pictures cannot be sent at once.",
        ),
    ],
)
def test_what_is_said_must_be_what_is_sent(sections: Any, mids: Any, why: str) -> None:
    with pytest.raises(Refused, match=why):
        media.read(rooms.OPERATOR, {"do": "publish", "sdp": sdp(*sections), "mids": mids})


def test_what_has_ended_stays_as_a_silent_section() -> None:
    said = sdp(VOICE, ("video", "1", "inactive"), ("video", "2", "sendrecv"))
    asked = media.read(
        rooms.EXPERT, {"do": "publish", "g": 3, "sdp": said, "mids": {"0": "voice", "2": "f2"}}
    )
    assert asked == media.Publish(3, said, {"0": "voice", "2": "f2"})


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ({"do": "enter"}, media.Enter()),
        ({"do": "leave"}, media.Leave()),
        ({"do": "unpublish"}, media.Unpublish()),
        (
            {"do": "subscribe", "g": 2, "of": [["a", "f1"], ["a", "f1"], ["b", "voice"]]},
            media.Subscribe(2, (("a", "f1"), ("b", "voice"))),
        ),
        (
            {"do": "answer", "g": 2, "sdp": sdp(("video", "0", "recvonly"))},
            media.Answer(2, sdp(("video", "0", "recvonly"))),
        ),
        ({"do": "candidate", "way": "up", "c": None}, media.Candidate("up", 0, None)),
        (
            {"do": "candidate", "way": "down", "c": {"candidate": "c", "sdpMid": "0", "x": 1}},
            media.Candidate("down", 0, {"candidate": "c", "sdpMid": "0", "sdpMLineIndex": 0}),
        ),
        ({"do": "layers", "of": [["a", "f1", -1]]}, media.Layers(((("a", "f1"), -1),))),
    ],
)
def test_whoever_watches_may(said: dict[str, Any], asked: media.Request) -> None:
    assert media.read(rooms.LEARNER, said) == asked


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"do": "destroy"},
        {"do": "create", "room": 1},
        {"do": "subscribe", "of": "all"},
        {"do": "subscribe", "of": [["a"]]},
        {"do": "subscribe", "of": [["a", {"feed": 1}]]},
        {"do": "subscribe", "of": [["a", f"f{n}"] for n in range(41)]},
        {"do": "subscribe", "g": -1, "of": []},
        {"do": "subscribe", "g": True, "of": []},
        {"do": "answer", "sdp": sdp(PICTURE)},  # sends on the way down
        {"do": "answer", "sdp": "v=0" + " " * 70_000},
        {"do": "answer", "sdp": 5},
        {"do": "candidate", "way": "side", "c": None},
        {"do": "candidate", "way": "up", "c": {"candidate": "c" * 601, "sdpMid": "0"}},
        {"do": "candidate", "way": "up", "c": {"candidate": "c"}},
        {"do": "layers", "of": [["a", "f1", 3]]},
        {"do": "layers", "of": [["a", "f1"]]},
        {"do": "publish", "sdp": "", "mids": {}},
    ],
)
def test_nothing_else_is_understood(said: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=UNREADABLE):
        media.read(rooms.OPERATOR, said)
