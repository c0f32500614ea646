"""The pathways of the installation's content, read once a process."""

from functools import cache
from pathlib import Path

from django.conf import settings

from jieli.rules import pathways as rules


@cache
def pathways() -> rules.Content:
    """From `content/pathways.yaml`; a mistake in it is told at the start and not at night."""
    beside = Path(settings.CHECKOUT) / "content" / "pathways.yaml"
    place = beside if beside.exists() else Path(__file__).with_name("pathways.yaml")
    return rules.read(place.read_text(encoding="utf-8"))
