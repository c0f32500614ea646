"""What the demo page shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Prefetch

from jieli.directory.models import Practitioner, Role
from jieli.stories import demo, reading, script
from jieli.stories.models import PlayedStep, StoryRun


@dataclass(frozen=True)
class Face:
    """Somebody to be, with one click."""

    number: str
    name: str
    title: str
    place: str
    try_this: str


def faces() -> list[Face]:
    """People of the demo alliance, those with something to try first."""
    notes = {person.number: person.note for person in demo.alliance().cast.values()}
    roles = Prefetch("roles", Role.objects.select_related("organisation").order_by("id"))
    people = Practitioner.objects.filter(number__in=notes).prefetch_related(roles).order_by("id")
    found = [
        Face(
            number=person.number,
            name=person.name,
            title=person.title,
            place=next((role.organisation.name for role in person.roles.all()), ""),
            try_this=notes[person.number],
        )
        for person in people
    ]
    return sorted(found, key=lambda face: not face.try_this)


def story_folder() -> Path:
    """Stories lie beside the program, or inside an installed one."""
    beside = Path(settings.CHECKOUT) / "content" / "stories"
    return beside if beside.exists() else Path(__file__).with_name("content")


def story_paths(name: str = "all") -> list[Path]:
    """The file of a story and those of its twins (`kashgar`, `kashgar-1a` …)."""
    everything = sorted(story_folder().glob("*.yaml"), key=lambda path: path.stem)
    if name == "all":
        return everything
    return [p for p in everything if p.stem == name or p.stem.startswith(f"{name}-")]


def playable() -> list[script.Story]:
    """Stories that have steps already."""
    loaded = (reading.load(path, demo.alliance()) for path in story_paths())
    return [story for story in loaded if story.steps]


def story_named(name: str) -> script.Story | None:
    return next((story for story in playable() if story.name == name), None)


def last_run() -> StoryRun | None:
    return StoryRun.objects.prefetch_related(
        Prefetch("steps", PlayedStep.objects.order_by("position"))
    ).first()
