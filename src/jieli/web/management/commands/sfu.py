"""`jieli sfu`: Janus with a configuration of ours, in the foreground."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jieli.web.sfu import Sfu, SfuUnavailable


class Command(BaseCommand):
    help = "Write the configuration of a Janus media server for rooms, and run it here."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8188, help="of its API, on this machine")
        parser.add_argument(
            "--media", default="", help="addresses for browsers, with commas; else its own"
        )
        parser.add_argument("--ports", default="20000-20999", help="UDP ports for browsers")
        parser.add_argument("--public", default="", help="address behind which this machine is")
        parser.add_argument("--only-write", action="store_true", help="do not run it")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SFU_SECRET:
            raise CommandError("Set JIELI_SFU_SECRET: Janus and the web processes share it.")
        sfu = Sfu(
            settings.JIELI_HOME / "janus",
            port=options["port"],
            media=options["media"],
            ports=options["ports"],
            public=options["public"],
            secret=settings.SFU_SECRET,
        )
        try:
            command = sfu.configure()
        except SfuUnavailable as fault:
            raise CommandError(str(fault)) from None
        self.stdout.write(f"JIELI_SFU_URL={sfu.url}\n{' '.join(command)}")
        self.stdout.flush()
        if not options["only_write"]:
            os.execv(command[0], command)  # noqa: S606 - Janus takes this process's place
