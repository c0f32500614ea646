"""bin/bench [relay clocks pages live] [--full]: measure on generated data; 1 at a missed limit."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from bench.data import WORK, Place, Size
from bench.report import Report, load

NAMES = ("relay", "clocks", "pages", "live")


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    place = Place(Size(options.hospitals, options.practitioners, options.cases, options.seed))
    print(f"{place.size}; {load()}", flush=True)
    if place.room() < options.cases * 45e3 / 1e9 + 2:
        print(f"Only {place.room():.0f} GB are free: choose fewer --cases.", file=sys.stderr)
        return 2
    place.alone()
    place.prepare()
    os.environ.update(place.environment(WORK), DJANGO_SETTINGS_MODULE="jieli.web.settings")
    reports = [_measure(name, place, options) for name in options.names]
    for report in reports:
        report.show()
    missed = sum(report.missed for report in reports)
    print(f"\n{missed} limits missed." if missed else "\nAll limits hold.")
    return 1 if missed else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="|".join(NAMES))
    parser.add_argument("--hospitals", type=int, default=300)
    parser.add_argument("--practitioners", type=int, default=10_000)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--full", action="store_true", help="3,000 / 100,000 / 1,000,000")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=300, help="requests raised by `relay`")
    parser.add_argument("--clocks", type=int, default=1_000_000, help="armed by `clocks`")
    parser.add_argument("--seconds", type=int, default=60, help="of clocks falling due")
    parser.add_argument("--kills", type=int, default=30, help="of the runner, by `clocks`")
    parser.add_argument("--streams", type=int, default=2_000, help="open at once, by `live`")
    options = parser.parse_args(arguments)
    if options.full:
        options.hospitals, options.practitioners, options.cases = 3_000, 100_000, 1_000_000
    options.names = options.names or list(NAMES)
    return options


def _measure(name: str, place: Place, options: argparse.Namespace) -> Report:
    """Each on a copy of its own, so that the order of names changes nothing."""
    import django
    from django.db import connections

    place.copy()
    django.setup()
    print(f"-- {name} ({load()})", flush=True)
    report = Report(f"{name}: {place.size}")
    try:
        importlib.import_module(f"bench.{name}").measure(place, report, options)
    finally:
        connections.close_all()
        for pool in (getattr(connections[alias], "pool", None) for alias in connections):
            if pool is not None:
                connections["default"].close_pool()
        place.drop()
    return report


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
