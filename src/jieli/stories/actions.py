"""What the demo page asks for: a person to be, a story to play, a time to show."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from jieli.rules.refusal import Refused
from jieli.stories import demo, player, reading, script, timing
from jieli.stories.models import PlayedStep, StoryRun

SPEEDS = (0.0, 1.0, 10.0, 60.0)  # 0: step by step


@transaction.atomic
def set_stage(text: str, file: str, *, real_now: datetime) -> dict[str, demo.Player]:
    """An installation to itself: the alliance, the story's people, its time standing still."""
    story = reading.parse(text, file, demo.alliance())
    starts = player.starts_at(story)
    demo.load_alliance(starts)
    players = demo.load_cast(story, starts)
    timing.set_time(starts, 0, real_now=real_now)
    return players


@transaction.atomic
def play_story(story: script.Story, *, speed: float, now: datetime) -> StoryRun:
    """Ask for a story to be played beside whatever is going on. One at a time."""
    if speed not in SPEEDS:
        raise Refused("Choose one of the speeds.")
    alive = StoryRun.objects.select_for_update().filter(
        state__in=[StoryRun.State.WAITING, StoryRun.State.PLAYING]
    )
    if alive.exists():
        raise Refused("A story is being played already. Stop it first.")
    return StoryRun.objects.create(story=story.name, title=story.title, speed=speed, asked_at=now)


def next_step(run: StoryRun) -> None:
    StoryRun.objects.filter(pk=run.pk).update(asked_steps=F("asked_steps") + 1)


def stop_story(run: StoryRun, *, now: datetime) -> None:
    StoryRun.objects.filter(
        pk=run.pk, state__in=[StoryRun.State.WAITING, StoryRun.State.PLAYING]
    ).update(state=StoryRun.State.STOPPED, ended_at=now)


@transaction.atomic
def begin_run(
    run: StoryRun, story: script.Story, players: dict[str, demo.Player]
) -> dict[str, PlayedStep]:
    """The steps as they will be, for everybody to see."""
    run.state = StoryRun.State.PLAYING
    run.save(update_fields=["state"])
    rows = []
    for position, step in enumerate(story.steps):
        who = players.get(step.by)
        rows.append(
            PlayedStep(
                run=run,
                position=position,
                number=step.n[:20],
                happens_at=story.instant(step.at),
                person=who.name if who else step.by,
                staff_number=who.number if who else "",
                verb=step.do,
                text=said_in(step)[:200],
            )
        )
    PlayedStep.objects.bulk_create(rows)
    return {row.number: row for row in PlayedStep.objects.filter(run=run)}


def said_in(step: script.Step) -> str:
    """The words of a step that a looker-on wants to read."""
    for name in ("problem", "text", "assessment", "recommendation", "note", "reason"):
        if value := step.fields.get(name):
            return str(value)
    return ""


def end_run(run: StoryRun, state: str, message: str, *, now: datetime) -> None:
    StoryRun.objects.filter(pk=run.pk).exclude(state=StoryRun.State.STOPPED).update(
        state=state, message=message[:300], ended_at=now
    )
