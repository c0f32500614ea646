"""bin/demo and bin/dev: database, synthetic alliance, web and runner in one terminal."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import hatch_build  # noqa: E402 - stands beside this folder
from jieli.web.sfu import Sfu, SfuUnavailable  # noqa: E402 - it needs no Django

WATCHED = (".py", ".html", ".po", ".ts", ".yaml")
JIELI = [sys.executable, "-m", "jieli.web.manage"]


def once(*arguments: str) -> None:
    if subprocess.run([*JIELI, *arguments], cwd=ROOT).returncode:
        sys.exit(f"jieli {arguments[0]} failed; nothing was started.")


class Stage:
    """The processes that stand while the demo runs."""

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)
        self.url = f"http://{host}:{port}/"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        host, port = self.address
        with Path(os.environ["JIELI_HOME"], "demo.log").open("ab") as log:
            for arguments in (
                ["serve", f"--host={host}", f"--port={port}"],
                ["run"],
                ["play", f"--url={self.url}"],
            ):
                self.processes.append(
                    subprocess.Popen(
                        [*JIELI, *arguments],
                        cwd=ROOT,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,  # Ctrl-C comes to us; we stop them in order
                    )
                )

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        self.processes.clear()

    def until_up(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            self.fail_if_one_ended()
            with contextlib.suppress(OSError), socket.create_connection(self.address, timeout=2):
                return
            time.sleep(0.1)
        sys.exit("The server does not answer; see demo.log in the home folder.")

    def fail_if_one_ended(self) -> None:
        if any(process.poll() is not None for process in self.processes):
            log = Path(os.environ["JIELI_HOME"], "demo.log")
            sys.exit(
                f"A process ended by itself; the end of {log.name}:\n{log.read_text()[-2000:]}"
            )


def free_port(host: str, wanted: int) -> int:
    """The wanted port, or another one when something stands there already."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    sys.exit(f"No free port on {host}.")


def newest() -> float:
    folders = (ROOT / "src", ROOT / "frontend/src", ROOT / "content")
    files = (p for folder in folders for p in folder.rglob("*") if p.suffix in WATCHED)
    return max(p.stat().st_mtime for p in files)


def stay(stage: Stage, watch: bool) -> None:
    seen = newest()
    while True:
        time.sleep(1)
        stage.fail_if_one_ended()
        if watch and (now := newest()) > seen:
            seen = now
            print("Changed: building and starting again ...", flush=True)
            try:
                hatch_build.build(ROOT)
            except (subprocess.CalledProcessError, ValueError) as fault:
                print(fault, flush=True)
            stage.stop()
            stage.start()


def start_sfu(sfu: Sfu) -> None:
    try:
        sfu.start()
    except SfuUnavailable as fault:
        sys.exit(str(fault))
    os.environ.update(sfu.environment)
    print(f"Rooms go through Janus at {sfu.url}; its log is {sfu.log}", flush=True)


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--watch", action="store_true", help="start again when sources change")
    parser.add_argument("--sfu", action="store_true", help="rooms through a Janus of its own")
    options = parser.parse_args()
    os.environ.setdefault("JIELI_DEMO", "1")
    signal.signal(signal.SIGTERM, interrupt)

    stage = Stage(options.host, free_port(options.host, options.port))
    # The demo's telephones are a page of the demo: rings go out and are heard nowhere.
    os.environ.setdefault("JIELI_GATEWAY_URL", f"{stage.url}demo/gateway/")
    os.environ.setdefault("JIELI_PUBLIC_URL", stage.url)
    sfu = Sfu(Path(os.environ["JIELI_HOME"], "janus")) if options.sfu else None
    try:
        if sfu is not None:
            start_sfu(sfu)
        once("migrate", "--verbosity=0")
        once("demo", f"--port={stage.address[1]}")
        stage.start()
        stage.until_up()
        print(f"Jieli 接力: {stage.url}  (Ctrl-C stops it)", flush=True)
        if not (options.no_browser or options.watch) and os.environ.get("DISPLAY"):
            webbrowser.open(stage.url)
        stay(stage, options.watch)
    except KeyboardInterrupt:
        print("\nStopping ...", flush=True)
    finally:
        stage.stop()
        if sfu is not None:
            sfu.stop()
        subprocess.run([*JIELI, "stop"], cwd=ROOT, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
