"""`jieli play`: carries out the stories that people ask for on the demo page."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from jieli.stories import actions, demo, queries, script, timing
from jieli.stories.doors import DoorError
from jieli.stories.models import PlayedStep, StoryRun
from jieli.stories.player import Outcome, Play

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.3


class Stopped(Exception):
    """Somebody stopped the story, or the player has to end."""


class Command(BaseCommand):
    help = "Play stories asked for on the demo page, through the server's own doors."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000/")

    def handle(self, *args: Any, **options: Any) -> None:
        ending = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.set())
        StoryRun.objects.filter(state=StoryRun.State.PLAYING).update(
            state=StoryRun.State.STOPPED  # its player is gone
        )
        while not ending.wait(LOOK_SECONDS):
            run = StoryRun.objects.filter(state=StoryRun.State.WAITING).first()
            if run is not None:
                carry_out(run, options["url"].rstrip("/"), ending)
            connection.close()


def carry_out(run: StoryRun, url: str, ending: threading.Event) -> None:
    real = datetime.now(UTC)
    try:
        story = _now_playing(run, timing.demo_now(real))
        players = demo.load_cast(story, timing.demo_now(real), alone=False)
        rows = actions.begin_run(run, story, players)
        pace = Pace(run, ending)
        timing.set_time(timing.demo_now(real), run.speed, real_now=datetime.now(UTC))
        result = Play(story, players, url, pace, Screen(run, rows)).run()
        wrong = [each["name"] for each in result["assertions"] if not each["ok"]]
        said = f"{len(result['assertions']) - len(wrong)} / {len(result['assertions'])}"
        actions.end_run(run, StoryRun.State.DONE, said, now=datetime.now(UTC))
    except Stopped:
        actions.end_run(run, StoryRun.State.STOPPED, "", now=datetime.now(UTC))
    except (DoorError, script.ScriptError, LookupError) as fault:
        log.exception("a story cannot be played")
        actions.end_run(run, StoryRun.State.FAILED, str(fault), now=datetime.now(UTC))
    finally:
        real = datetime.now(UTC)
        timing.set_time(timing.demo_now(real), 1, real_now=real)


def _now_playing(run: StoryRun, now: datetime) -> script.Story:
    """The story moved to today, so that its first call goes out a few seconds from now.

    Steps of later issues are left out: nobody looks at a screen for a month.
    """
    story = queries.story_named(run.story)
    if story is None:
        raise LookupError(f"There is no story called {run.story}.")
    first = min((step.at for step in story.steps if step.do == "raise_request"), default=0.0)
    moved = story.moved_to(
        now + timedelta(seconds=3 * max(run.speed, 1)) - timedelta(minutes=first)
    )
    return script.for_lookers_on(moved)


class Pace:
    """Real time at the chosen speed, or one step when somebody asks for it."""

    def __init__(self, run: StoryRun, ending: threading.Event) -> None:
        self.run, self.ending, self.taken = run, ending, 0

    def go_to(self, instant: datetime) -> None:
        while not self._may_go(instant):
            if self.ending.wait(LOOK_SECONDS):
                raise Stopped
        if self.run.speed == 0:
            real = datetime.now(UTC)
            if instant > timing.demo_now(real):
                timing.step_to(instant, real_now=real)
            self.taken += 1

    def _may_go(self, instant: datetime) -> bool:
        self.run.refresh_from_db(fields=["state", "asked_steps"])
        if self.run.state != StoryRun.State.PLAYING:
            raise Stopped
        if self.run.speed == 0:
            return self.run.asked_steps > self.taken
        return timing.demo_now(datetime.now(UTC)) >= instant


class Screen:
    """Writes down for the demo page which step is being played."""

    def __init__(self, run: StoryRun, rows: dict[str, PlayedStep]) -> None:
        self.run, self.rows = run, rows

    def begins(self, step: script.Step) -> None:
        self._write(step, state=PlayedStep.State.NOW)

    def ended(self, step: script.Step, outcome: Outcome) -> None:
        self._write(step, state=PlayedStep.State(outcome.state), note=outcome.sentence[:300])
        if outcome.case_path:
            StoryRun.objects.filter(pk=self.run.pk).update(case_path=outcome.case_path)

    def _write(self, step: script.Step, **values: Any) -> None:
        PlayedStep.objects.filter(pk=self.rows[step.n[:20]].pk).update(**values)
