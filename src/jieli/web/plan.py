"""`jieli plan INSTANCE.json`: the planner alone, without Django, database or server."""

from __future__ import annotations

import os
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
        found = answer(_read(name))
    except BadInstance as fault:
        return _refused(f"{'standard input' if name == '-' else name}: {fault}")
    except (OSError, ValueError) as fault:  # a name with a NUL is a ValueError
        reason = fault.strerror if isinstance(fault, OSError) else str(fault)
        return _refused(f"cannot read {name!r}: {reason}")
    try:
        sys.stdout.buffer.write(found)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _read(name: str) -> bytes:
    if name != "-":
        return Path(name).read_bytes()
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    return sys.stdin.buffer.read()


def _refused(sentence: str) -> int:
    line = " ".join(sentence.split()).encode("ascii", "backslashreplace").decode()
    sys.stderr.write(f"jieli plan: {line}\n")
    return 2
