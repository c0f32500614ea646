"""The build: one catalogue out of many parts, and locks that name no registry."""

from __future__ import annotations

from pathlib import Path

import pytest

import hatch_build

ROOT = Path(__file__).resolve().parents[2]


def part(folder: Path, name: str, *pairs: tuple[str, str]) -> Path:
    path = folder / f"{name}.po"
    text = "\n\n".join(f'msgid "{english}"\nmsgstr "{chinese}"' for english, chinese in pairs)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def test_parts_become_one_catalogue(tmp_path: Path) -> None:
    merged = hatch_build.merge(
        [
            part(tmp_path, "cases", ("Accept", "接受"), ("Not yet", "")),
            part(tmp_path, "web", ("Accept", "接受"), ("Sign in", "登录")),
        ]
    )
    assert {entry.msgid: entry.msgstr for entry in merged} == {"Accept": "接受", "Sign in": "登录"}


def test_one_text_in_two_translations_stops_the_build(tmp_path: Path) -> None:
    parts = [part(tmp_path, "a", ("Accept", "接受")), part(tmp_path, "b", ("Accept", "接单"))]
    with pytest.raises(ValueError, match="two ways"):
        hatch_build.merge(parts)


def test_the_parts_of_this_product_agree() -> None:
    parts = sorted((ROOT / "src/jieli/web/locale/zh_Hans/parts").glob("*.po"))
    assert len(hatch_build.merge(parts)) > 0


@pytest.mark.parametrize(
    "lock", ["requirements.txt", "requirements-dev.txt", "frontend/package-lock.json"]
)
def test_locks_carry_hashes_and_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "sha256:" in text or '"integrity": "sha512-' in text
    assert "resolved" not in text
    assert "index-url" not in text
