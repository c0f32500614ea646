"""Twenty thousand requests that nobody would send on purpose: how many end in an error of ours."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys

from bench.data import ROOT, Place
from bench.report import Report


def measure(place: Place, report: Report, options: argparse.Namespace) -> None:
    """The test of the suite, with more of them. It has a database of its own."""
    many = options.requests
    test = "tests/web/test_every_request.py"
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:warnings", test],
        cwd=ROOT,
        env={**kept, "JIELI_REQUESTS": str(many)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = re.search(r"in ([0-9.]+)s", done.stdout)
    report.holds(
        f"{many:,} generated requests without a 5xx",
        "none" if done.returncode == 0 else done.stdout[-300:].strip(),
        done.returncode == 0,
        "0",
    )
    report.fact("seconds", seconds[1] if seconds else "?")
