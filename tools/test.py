"""bin/test: the suite on the embedded PostgreSQL, then what concerns it on Debian's as well."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OTHER_ENGINE = Path("/usr/lib/postgresql/15/bin")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Path of a Chromium; where we may, it is installed."""
    if named := os.environ.get("JIELI_CHROMIUM"):
        return named
    if not any(map(shutil.which, CHROMIUM)) and os.geteuid() == 0 and shutil.which("apt-get"):
        print("No Chromium: trying apt-get install chromium", flush=True)
        subprocess.run(["apt-get", "update", "-q"], stdout=subprocess.DEVNULL)
        subprocess.run(["apt-get", "install", "-y", "-q", "chromium"], stdout=subprocess.DEVNULL)
    return next(filter(None, map(shutil.which, CHROMIUM)), "")


def suite(title: str, environment: dict[str, str], arguments: list[str]) -> int:
    print(f"\n== {title}", flush=True)
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}).returncode


def main(arguments: list[str]) -> int:
    environment = {"JIELI_CHROMIUM": chromium()}
    result = suite("embedded PostgreSQL", environment, arguments)
    if arguments:  # somebody asked for something in particular
        return result
    if not (OTHER_ENGINE / "postgres").exists():
        print(f"\nNOT RUN: the tests for both engines on Debian's ({OTHER_ENGINE} is missing)")
        return result or (1 if os.environ.get("CI") else 0)
    environment |= {"JIELI_PG_BINDIR": str(OTHER_ENGINE)}
    other = suite("Debian's PostgreSQL 15", environment, ["-m", "both_engines"])
    return result or other


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
