"""`jieli run`: the runner, which lets clocks fire, pages ring and messages go out."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from jieli.keys import upkeep
from jieli.pager.actions import Pulse
from jieli.web.now import keep_time, measure, now
from jieli.web.recurring import GIVES_WAY, WORK
from jieli.web.runner import Runner


class Command(BaseCommand):
    help = "Do what is due: clocks, rings, messages. Several may run side by side."

    def handle(self, *args: Any, **options: Any) -> None:
        keep_time()
        upkeep.tell()
        runner = Runner(WORK, now, Pulse("runner", measure), GIVES_WAY)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, runner.stop)
        runner.run()
