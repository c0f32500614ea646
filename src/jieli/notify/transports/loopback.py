"""Receivers of our own on 127.0.0.1, to which the pager sends its test rings.

What arrives here has gone the whole of our half: row, lane, thread, transport, network library.
Started in a process when it first sends a test ring; any runner may so send any test ring.
"""

import json
import logging
import re
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
# What the channels of a test ring carry when no echo address is set; no real address is like it.
TELEPHONE, MAIL, MESSENGER = "000000", "probe@jieli.invalid", "json://127.0.0.1/"
LONGEST = 64_000  # bytes of one letter
MAIL_ID = re.compile(rb"^Message-ID:\s*<([^@>]+)@jieli>", re.IGNORECASE | re.MULTILINE)
LETTER_ID = re.compile(r"\[([0-9a-f-]{36}\.\d+)\]")

Heard = Callable[[str], None]
_heard: list[Heard] = []


def use_heard(note: Heard) -> None:
    """The front door names who is told the id of a letter that arrived."""
    _heard[:] = [note]


def is_ours(address: str) -> bool:
    return address in (TELEPHONE, MAIL, MESSENGER, "")


def _arrived(letter_id: str) -> None:
    for note in _heard:
        try:
            note(letter_id)
        except Exception:
            log.exception("an arrival could not be noted")


class _Http(BaseHTTPRequestHandler):
    """Answers as a gateway does; a messenger's letter carries its id in brackets."""

    timeout = 10

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), LONGEST)
        try:
            said = json.loads(self.rfile.read(length))
        except ValueError:
            said = {}
        found = LETTER_ID.search(str(said.get("title", "")))
        answer = json.dumps({"accepted": True, "ringing": False}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        _arrived(found.group(1) if found else str(said.get("id", "")))

    def log_message(self, *_: object) -> None:
        """Silent: the rows say what arrived."""


class _Smtp(socketserver.StreamRequestHandler):
    """As much of SMTP as a mail needs that is sent from this machine to itself."""

    timeout = 10
    REPLIES = {
        b"MAIL": b"250 ok",
        b"RCPT": b"250 ok",
        b"RSET": b"250 ok",
        b"NOOP": b"250 ok",
    }

    def handle(self) -> None:
        self._say(b"220 jieli loop-back")
        while verb := self.rfile.readline(1000)[:4].strip().upper():
            if verb == b"QUIT":
                self._say(b"221 bye")
                return
            if verb == b"DATA":
                self._take()
            elif verb in (b"EHLO", b"HELO"):
                self._say(b"250 jieli")
            else:
                self._say(self.REPLIES.get(verb, b"502 no"))

    def _take(self) -> None:
        self._say(b"354 go on")
        mail = bytearray()
        while (line := self.rfile.readline(LONGEST)) not in (b".\r\n", b".\n", b""):
            if len(mail) < LONGEST:
                mail += line
        self._say(b"250 taken")
        if found := MAIL_ID.search(bytes(mail)):
            _arrived(found.group(1).decode())

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


class _SmtpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


class Receiver:
    """Both receivers of this process."""

    def __init__(self) -> None:
        self._http = ThreadingHTTPServer((HOST, 0), _Http)
        self._http.daemon_threads = True
        self._smtp = _SmtpServer((HOST, 0), _Smtp)
        for server in (self._http, self._smtp):
            threading.Thread(target=server.serve_forever, name="loopback", daemon=True).start()

    @property
    def http_port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def smtp_port(self) -> int:
        return int(self._smtp.server_address[1])


_receiver: list[Receiver] = []
_guard = threading.Lock()


def receiver() -> Receiver:
    with _guard:
        if not _receiver:
            _receiver.append(Receiver())
        return _receiver[0]
