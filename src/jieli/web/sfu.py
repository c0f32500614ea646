"""Janus, the media server of rooms with many people: its configuration, and a process on one's own.

Only Jieli's web processes talk to it, over a WebSocket that listens on this machine alone; browsers
reach nothing but its UDP ports. `bin/dev --sfu`, tests and measurements start one here;
docs/running.md says how it runs for real.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

MISSING = "Janus is not installed: `apt install janus`, or name its program in JIELI_JANUS."
LIBRARIES = ("/usr/lib/*/janus", "/usr/lib/janus", "/usr/local/lib/janus", "/opt/janus/lib/janus")
START_SECONDS = 15.0
LOOPBACK = "127.0.0.1"

MAIN = """\
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{libraries}/plugins"
    transports_folder = "{libraries}/transports"
    events_folder = "{libraries}/events"
    loggers_folder = "{libraries}/loggers"
    debug_level = 3
    debug_timestamps = true
    api_secret = "{secret}"
    session_timeout = 60  # of a web process that hangs; one that ends takes its sessions with it
}}
media: {{
    rtp_port_range = "{ports}"
    slowlink_threshold = 0
    twcc_period = 100
    dtls_mtu = 1200
}}
nat: {{
    full_trickle = false  # its own addresses come with its answer
    ice_lite = true
    ice_tcp = false
    ignore_mdns = true
    ice_enforce_list = "{enforced}"{mapped}
}}
plugins: {{ disable = "{other_plugins}" }}
transports: {{ disable = "{other_transports}" }}
"""
SOCKET = """\
general: {{ json = "compact" ws = true ws_ip = "{host}" ws_port = {port} wss = false }}
admin: {{ admin_ws = false }}
"""
ROOMS = """\
general: {{ admin_key = "{secret}" }}
"""


class SfuUnavailable(RuntimeError):
    """No media server could be started; the text says why and what to do."""


def find_program() -> str:
    found = os.environ.get("JIELI_JANUS") or shutil.which("janus")
    if not found:
        raise SfuUnavailable(MISSING)
    return found


def find_libraries() -> Path:
    for pattern in LIBRARIES:
        for folder in Path("/").glob(pattern.removeprefix("/")):
            if (folder / "plugins/libjanus_videoroom.so").exists():
                return folder
    raise SfuUnavailable(
        "Janus is installed without its VideoRoom plugin, or in an unknown folder."
    )


@dataclass
class Sfu:
    """One media server: where its files lie, how it is reached."""

    folder: Path
    port: int = 0  # of the WebSocket, on this machine only; 0: a free one
    media: str = ""  # addresses, separated by commas; Janus never offers 127.0.0.1 to browsers
    ports: str = "20000-20999"  # UDP, for browsers
    public: str = ""  # the address that browsers know, when the machine itself has another one
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ws://{LOOPBACK}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"JIELI_SFU_URL": self.url, "JIELI_SFU_SECRET": self.secret}

    @property
    def log(self) -> Path:
        return self.folder / "janus.log"

    def configure(self) -> list[str]:
        """Write the folder; the command that runs Janus with it."""
        program, libraries = find_program(), find_libraries()
        self.port = self.port or _free_port()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        values = {
            "folder": self.folder,
            "libraries": libraries,
            "secret": self.secret,
            "ports": self.ports,
            "host": LOOPBACK,
            "port": self.port,
            "enforced": self.media or own_address(),
            "mapped": f'\n    nat_1_1_mapping = "{self.public}"' if self.public else "",
            "other_plugins": _but(libraries / "plugins", "libjanus_videoroom.so"),
            "other_transports": _but(libraries / "transports", "libjanus_websockets.so"),
        }
        for name, text in (
            ("janus.jcfg", MAIN),
            ("janus.transport.websockets.jcfg", SOCKET),
            ("janus.plugin.videoroom.jcfg", ROOMS),
        ):
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_text(text.format(**values))
        return [program, "-F", str(self.folder), "--disable-colors"]

    def start(self) -> None:
        """It takes the port that it had, so that web processes find it again."""
        command = self.configure()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex((LOOPBACK, self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise SfuUnavailable(f"Janus does not start; the end of its log:\n{self.said()}")

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)


def _but(folder: Path, wanted: str) -> str:
    return ",".join(sorted(path.name for path in folder.glob("*.so") if path.name != wanted))


def own_address() -> str:
    """Of this machine toward its network; nothing is sent to learn it. Empty: all that it has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
