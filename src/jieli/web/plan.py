"""`jieli plan INSTANCE.json`: the planner alone, without Django, database or server."""

from __future__ import annotations

import sys
from pathlib import Path

from jieli.rules.planner import BadInstance, answer

USAGE = """usage: jieli plan INSTANCE.json

Rank the options of one case, or share the options among several, and explain. `-` reads standard
input. The form of the file and of the answer: docs/planner.md. Exit 2 on a bad instance.
"""


def main(arguments: list[str]) -> int:
    if arguments in (["--help"], ["-h"]):
        sys.stdout.write(USAGE)
        return 0
    if len(arguments) != 1 or arguments[0].startswith("--"):
        return _refused("give one instance file, or - for standard input (jieli plan --help)")
    name = arguments[0]
    try:
        given = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        found = answer(given)
    except BadInstance as fault:
        return _refused(f"{'standard input' if name == '-' else name}: {fault}")
    except (OSError, ValueError) as fault:  # a name with a NUL is a ValueError
        reason = fault.strerror if isinstance(fault, OSError) else str(fault)
        return _refused(f"cannot read {name!r}: {reason}")
    sys.stdout.buffer.write(found)
    return 0


def _refused(sentence: str) -> int:
    line = " ".join(sentence.split()).encode("ascii", "backslashreplace").decode()
    sys.stderr.write(f"jieli plan: {line}\n")
    return 2
