"""Where a Chromium is on this machine; journeys and measurements look here."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Its path; empty when there is none."""
    named = os.environ.get("JIELI_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), "")
