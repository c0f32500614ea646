"""`jieli demo`: load the demo alliance, or play stories through the doors and say what held."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jieli.stories import demo, queries, reading, script, stage, timing
from jieli.stories.doors import DoorError, Person
from jieli.stories.player import Play, SteppedTime
from jieli.stories.scenes import load_scenes


class Command(BaseCommand):
    help = "Load the demo alliance; with --headless play stories and print what held."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--headless", action="store_true", help="play without a browser")
        parser.add_argument("--story", default=None, help="kashgar (default) … or all")
        parser.add_argument("--story-file", action="append", default=[], metavar="FILE")
        parser.add_argument("--strict", action="store_true", help="absent things fail, too")
        parser.add_argument("--json", metavar="FILE", help="write the result here")
        parser.add_argument("--url", help="play against this demo server instead of an own one")
        parser.add_argument("--port", type=int, default=0)
        parser.add_argument("--speed", type=float, default=0, help="without meaning when headless")
        parser.add_argument("--without-cases", action="store_true", help="people only")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["headless"] or options["story_file"] or options["story"]:
            sys.exit(self.play(options))
        self.load(options)

    # -- the demo alliance

    def load(self, options: dict[str, Any]) -> None:
        now = timing.demo_now(datetime.now(UTC))
        demo.load_alliance(now)
        made = 0 if options["without_cases"] else load_scenes(now)
        people = len(demo.alliance().cast)
        self.stdout.write(f"Demo alliance: {people} people, {made} new cases. /demo/ lets you in.")

    # -- stories

    def play(self, options: dict[str, Any]) -> int:
        try:
            stories = list(_stories(options))
        except script.ScriptError as fault:
            for sentence in fault.sentences:
                self.stderr.write(sentence)
            return 2
        if not stories:
            self.stderr.write(f"There is no story called {options['story']}.")
            return 2
        results = self.results(stories, options)
        for result in results:
            self.say(result)
        if options["json"]:
            text = json.dumps(results, ensure_ascii=False, indent=1)
            Path(options["json"]).write_text(text + "\n", encoding="utf-8")
        return _exit_code(results, strict=options["strict"])

    def results(
        self, stories: list[tuple[script.Story, str]], options: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if options["url"]:
            return [_play(story, text, options["url"]) for story, text in stories]
        if not any(story.steps for story, _text in stories):
            return [_not_written(story) for story, _text in stories]
        found = []
        with stage.blank_database() as template:
            for story, text in stories:
                if not story.steps:
                    found.append(_not_written(story))
                    continue
                with stage.served(template, options["port"]) as url:
                    found.append(_play(story, text, url))
        return found

    def say(self, result: dict[str, Any]) -> None:
        wrong = [each for each in result["assertions"] if not each["ok"]]
        held = len(result["assertions"]) - len(wrong)
        self.stdout.write(f"{result['story']}: {held} hold, {len(wrong)} do not")
        for each in wrong:
            self.stdout.write(
                f"  {each['name']}: expected {each['expected']}, found {each['actual']}"
            )
        if result["absent"]:
            self.stdout.write(f"  absent: {', '.join(result['absent'])}")


def _stories(options: dict[str, Any]) -> Iterator[tuple[script.Story, str]]:
    paths = [Path(name) for name in options["story_file"]]
    if not paths or options["story"]:
        paths += queries.story_paths(options["story"] or "kashgar")
    for path in paths:
        yield reading.load(path, demo.alliance()), path.read_text(encoding="utf-8")


def _play(story: script.Story, text: str, url: str) -> dict[str, Any]:
    """The stage is set by one door, the story is played through the others."""
    usher = Person(url, "")
    try:
        usher.get("/demo/")
        players = _set_stage(usher, story, text)
        return Play(story, players, url, SteppedTime(url)).run()
    except DoorError as fault:
        broken = {"name": "played_to_the_end", "expected": True, "actual": str(fault), "ok": False}
        return {"story": story.name, "assertions": [broken], "absent": []}
    finally:
        usher.close()


def _set_stage(usher: Person, story: script.Story, text: str) -> dict[str, demo.Player]:
    answer = usher.post("/demo/casts/", {"text": text, "file": story.path}, page=None)
    if not answer.ok:
        raise DoorError(f"the stage is not set: {answer.status} {answer.text[:500]}")
    said = json.loads(answer.text)["players"]
    return {code: demo.Player(**each) for code, each in said.items()}


def _not_written(story: script.Story) -> dict[str, Any]:
    """A story whose steps come with a later issue: everything in it is absent."""
    absent = ["all steps", *(each.name for each in story.asserts)]
    return {"story": story.name, "assertions": [], "absent": absent}


def _exit_code(results: list[dict[str, Any]], *, strict: bool) -> int:
    wrong = any(not each["ok"] for result in results for each in result["assertions"])
    absent = any(result["absent"] for result in results)
    return 1 if wrong or (strict and absent) else 0
