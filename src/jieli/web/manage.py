"""The command line: `jieli <command>`."""

from __future__ import annotations

import os
import sys

# These neither need a database nor should they start one.
WITHOUT_DATABASE = {"help", "version", "--help", "-h", "--version", "stop", "compilemessages"}
# These work with the rights of their own database role, all others with those of the owner.
PROCESSES = {"serve": "web", "run": "runner"}


def main() -> None:
    if sys.argv[1:2] == ["plan"]:
        from jieli.web import plan  # noqa: PLC0415 - numpy; no other command wants to wait for it

        sys.exit(plan.main(sys.argv[2:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jieli.web.settings")
    if process := PROCESSES.get(" ".join(sys.argv[1:2])):
        os.environ["JIELI_PROCESS"] = process
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - needs settings

    if not WITHOUT_DATABASE.intersection(sys.argv[1:2] or ["help"]):
        ensure_database()
    execute_from_command_line(sys.argv)


def ensure_database() -> None:
    """Start the embedded PostgreSQL, unless DATABASE_URL names another one."""
    from django.conf import settings  # noqa: PLC0415 - needs DJANGO_SETTINGS_MODULE

    from jieli.web import postgres  # noqa: PLC0415 - not on platforms without flock

    if settings.EMBEDDED_DATABASE:
        try:
            postgres.ensure(settings.JIELI_HOME)
        except postgres.PostgresUnavailable as fault:
            sys.exit(f"jieli: {fault}")


if __name__ == "__main__":
    main()
