"""The shell: what every page needs and no page changes, under addresses that name their content.

`{% static %}` adds the hash of the file, so a kept copy is either the right one or never asked
for: a page of a new release never meets the script of the old one. The service worker starts
with the list of these addresses and so changes whenever one of them does.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from whitenoise.storage import CompressedStaticFilesStorage

PARTS = (
    "web/jieli.css",
    "dist/jieli.js",
    "django_htmx/htmx-2.min.js",
    "web/icons.svg",
    "web/mark.svg",
)
WORKER = "dist/sw.js"


class Storage(CompressedStaticFilesStorage):
    def url(self, name: str | None) -> str:
        address = super().url(name)
        version = _version(name) if name else ""
        return f"{address}?v={version}" if version else address


def _version(name: str) -> str:
    return _read_version(name) if settings.DEBUG else _kept_version(name)


def _read_version(name: str) -> str:
    found = finders.find(name)
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:10] if found else ""


_kept_version = cache(_read_version)


def worker() -> bytes:
    """The service worker's script, headed by what it keeps."""
    return _worker() if settings.DEBUG else _kept_worker()


def _worker() -> bytes:
    found = finders.find(WORKER)
    if not found:
        raise FileNotFoundError(f"{WORKER} is not built: python hatch_build.py")
    script = Path(found).read_bytes()
    shell = [Storage().url(name) for name in PARTS]
    version = hashlib.sha256(script + json.dumps(shell).encode()).hexdigest()[:12]
    languages = [code for code, _ in settings.LANGUAGES]
    head = {"version": version, "shell": shell, "languages": languages}
    return b"self.JIELI=" + json.dumps(head).encode() + b";\n" + script


_kept_worker = cache(_worker)
