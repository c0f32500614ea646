"""`jieli serve`: the web server, pages and live streams on one port."""

from __future__ import annotations

import os
import resource
import shutil
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from jieli.keys import upkeep


class Command(BaseCommand):
    help = "Serve the web pages and live streams on one port."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help="processes")

    def handle(self, *args: Any, **options: Any) -> None:
        _allow_many_streams()
        upkeep.tell()
        call_command("collectstatic", interactive=False, verbosity=0)
        if options["workers"] > 1:  # they are new processes, and read this when they begin
            self._one_folder_for_figures(options["port"])
        self.stdout.write(f"Jieli serves http://{options['host']}:{options['port']}/")
        self.stdout.flush()
        uvicorn.run(
            "jieli.web.asgi:application",
            host=options["host"],
            port=options["port"],
            workers=options["workers"],
            log_config=None,  # ours, from the settings
            access_log=False,  # ours too, without query strings
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=131_072,  # a description of many pictures has some 30,000
            timeout_keep_alive=30,
            timeout_graceful_shutdown=10,
        )

    def _one_folder_for_figures(self, port: int) -> None:
        """Where the workers count how long requests take; of an earlier start nothing is left."""
        folder = settings.JIELI_HOME / "metrics" / str(port)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _allow_many_streams() -> None:
    """Each open stream is an open file; many systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(65_536, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
