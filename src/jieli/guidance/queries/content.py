"""The names of the pre-check and what is asked of the link: content/precheck.yaml."""

from functools import cache
from pathlib import Path

from django.conf import settings

from jieli.rules import guidance as rules
from jieli.rules.guidance import Precheck

NAME = "precheck.yaml"


@cache
def precheck() -> Precheck:
    """Raises BadContent with one sentence when the file cannot be read."""
    beside = Path(settings.CHECKOUT) / "content" / NAME
    installed = Path(__file__).parents[1] / "content" / NAME
    return rules.read((beside if beside.exists() else installed).read_text(encoding="utf-8"))
